"""The admin computer's own programs: `gh`, and what runs a command again and again (systemd, cron, Task Scheduler)."""
