"""The admin computer's own programs: `gh`, and what runs a command again and again (systemd, cron, Task Scheduler).

Each is run as words, never through a shell, and bounded in time. Nothing here judges, and nothing reaches a machine.
"""
