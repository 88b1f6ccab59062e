"""`roosync-ops rollback`: the build that ran before takes over again."""

from .simple import command

app = command(
    "rollback",
    "Return machines to the build they ran before.\n\n"
    "It lies on the machine and starts itself, whatever the one that runs is worth; again, and it is the other one.",
    wanted=("online",),
    question="Return to the build before on",
)
