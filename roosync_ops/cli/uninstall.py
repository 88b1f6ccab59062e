"""`roosync-ops uninstall`: nothing of ours stays on a machine but its heartbeat record in the share."""

from .simple import command

app = command(
    "uninstall",
    "Take the agent off machines: stop it, undo its permanence, remove its files.\n\n"
    "The heartbeat record in the shared state stays, as left.",
    wanted=("left", "offline", "unknown"),
    question="Take the agent off",
)
