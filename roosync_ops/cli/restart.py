"""`roosync-ops restart`: the agent ends and another takes over; its record goes on counting."""

from .simple import command

app = command(
    "restart",
    "Restart the agent on machines.\n\n"
    "The record is not marked as left in between, so nobody who reads the fleet sees a gap.",
    wanted=("online",),
)
