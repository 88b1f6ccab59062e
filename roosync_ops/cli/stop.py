"""`roosync-ops stop`: the agent ends, and its record says that it left."""

from .simple import command

app = command(
    "stop",
    "Stop the agent on machines; their state becomes left.\n\n"
    "It stays installed: a rollout or a restart starts it again, and so does a reboot where systemd keeps it.",
    wanted=("left", "unknown"),
    question="Stop the agent on",
)
