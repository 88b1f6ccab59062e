"""Every cause a diagnosis can end in: a word, how grave it is, the one command that mends it, and what --fix may do.

The room `show` has the sentence for each word, in both languages.
"""

from dataclasses import dataclass
from typing import Final

#: It keeps the machine from being seen as it is.
GRAVE: Final = 0
#: It does not yet, and will.
MILD: Final = 1
#: Worth a word, and nothing is lost by it.
NOTE: Final = 2
#: All is as it is expected to be.
NONE: Final = 3

# What --fix may do, and nothing else.
RESTART: Final = "restart"
REBUILD_VIEW: Final = "rebuild-view"
SWEEP: Final = "sweep"


@dataclass(frozen=True, slots=True)
class Cause:
    """`command` is the words of what is typed next (`windows` where they differ there); facts are filled into them.

    A fact stays within its word. LOGIN before them: they are run on the machine, over the login that this computer
    has; SSH_COPY_ID: with that login's options. HINT is what the look itself said to type.
    """

    word: str
    rank: int
    command: tuple[str, ...]
    windows: tuple[str, ...] | None = None
    fix: str | None = None


#: What a restart of the sync product mends, where the machine has something that restarts it.
OF_DRIVE: Final = ("drive-not-mounted", "share-hung", "uploads-stalled", "downloads-stalled")
#: A task, because only one reaches the user's session from SSH.
DRIVE_TASK: Final = "roosync-restart-drive"
LOGIN: Final = "{login}"
SSH_COPY_ID: Final = "ssh-copy-id"
HINT: Final = ("{hint}",)
_ROLLOUT: Final = ("roosync-ops", "rollout", "{machine}")
_RESTART: Final = ("roosync-ops", "restart", "{machine}")
_DIAGNOSE: Final = ("roosync-ops", "diagnose", "{machine}")
_MACHINES: Final = ("roosync-ops", "machines", "list")
_STATUS: Final = ("roosync-ops", "status")
_MATRIX: Final = ("roosync-ops", "matrix")
_FIX: Final = ("roosync-ops", "diagnose", "--fix")
_HOSTNAME: Final = (LOGIN, "hostname")
_LS: Final = (LOGIN, "ls", "-ld", "--", "{path}")
_DIR: Final = (LOGIN, "dir", "{path}")
_BOOTSTRAP: Final = ("roosync-ops", "bootstrap", "windows")

_ALL: Final = (
    # on the way there
    Cause("inventory-wrong", GRAVE, ("roosync-ops", "machines", "check")),
    Cause("name-not-resolved", GRAVE, _MACHINES),
    Cause("machine-off", GRAVE, _DIAGNOSE),
    Cause("network-unreachable", GRAVE, _DIAGNOSE),
    Cause("nobody-listens", GRAVE, _DIAGNOSE, _BOOTSTRAP),
    Cause("ssh-silent", GRAVE, _DIAGNOSE),
    Cause("host-key-unknown", GRAVE, _HOSTNAME),
    Cause("host-key-changed", GRAVE, ("ssh-keygen", "-f", "{known_hosts}", "-R", "{known_as}")),
    Cause("login-refused", GRAVE, (SSH_COPY_ID,), _BOOTSTRAP),
    Cause("wrong-system", GRAVE, HINT),
    Cause("not-reached", GRAVE, HINT),
    Cause("ask-failed", GRAVE, HINT),
    Cause("no-answer-in-time", GRAVE, (*_DIAGNOSE, "--timeout", "60")),
    # who it is, and what can run there
    Cause("no-machine-id", GRAVE, _HOSTNAME),
    Cause("wrong-name", GRAVE, _HOSTNAME),
    Cause("no-python", GRAVE, (LOGIN, "sudo", "apt-get", "install", "-y", "python3"), _ROLLOUT),
    # the agent
    Cause("not-enrolled", GRAVE, _ROLLOUT),
    Cause("old-service-only", GRAVE, _ROLLOUT),
    Cause("beats-from-elsewhere", GRAVE, (LOGIN, "ps", "-ef"), (LOGIN, "tasklist", "/v")),
    Cause("agent-broken", GRAVE, _ROLLOUT),
    Cause("agent-outdated", MILD, _ROLLOUT),
    Cause("loop-outdated", MILD, _RESTART),
    Cause("config-differs", MILD, _ROLLOUT),
    Cause("not-permanent", MILD, _ROLLOUT),
    Cause("permanence-disabled", GRAVE, _ROLLOUT),
    Cause("never-started", GRAVE, _RESTART, fix=RESTART),
    Cause("stopped-on-purpose", GRAVE, _RESTART),
    Cause("agent-dead", GRAVE, _RESTART, fix=RESTART),
    Cause("zombie", GRAVE, _RESTART, fix=RESTART),
    Cause("beat-not-written", GRAVE, _RESTART),
    # the share, as the machine's own agent sees it
    Cause("no-shared-path", GRAVE, _ROLLOUT),
    Cause("no-logon-session", GRAVE, _DIAGNOSE),
    Cause("drive-not-mounted", GRAVE, _RESTART),
    Cause("share-missing", GRAVE, _LS, _DIR),
    Cause("share-not-a-folder", GRAVE, _LS, _DIR),
    Cause("share-hung", GRAVE, _DIAGNOSE),
    Cause("share-read-only", GRAVE, (LOGIN, "findmnt", "-T", "{path}"), (LOGIN, "attrib", "{path}")),
    Cause("share-refused", GRAVE, (LOGIN, "ls", "-ld", "--", "{path}/heartbeats"), (LOGIN, "icacls", "{path}")),
    Cause("share-full", GRAVE, (LOGIN, "df", "-h", "--", "{path}"), _DIR),
    Cause("share-problem", GRAVE, HINT),
    # the replicas
    Cause("uploads-stalled", GRAVE, _MATRIX),
    Cause("downloads-stalled", MILD, _MATRIX),
    Cause("record-unreadable", GRAVE, _RESTART),
    Cause(
        "clock-wrong", GRAVE, (LOGIN, "sudo", "timedatectl", "set-ntp", "true"), (LOGIN, "w32tm", "/resync", "/force")
    ),
    Cause("twin-identity", GRAVE, _MATRIX),
    Cause("same-name-twice", GRAVE, _MACHINES),
    Cause("case-double", NOTE, _STATUS),
    Cause("conflict-copies", NOTE, _STATUS),
    Cause("old-writer-erases-view", MILD, _STATUS),
    Cause("old-writer-rewrites-record", NOTE, _STATUS),
    # what is not as the inventory says
    Cause("beats-though-expected-offline", GRAVE, ("roosync-ops", "stop", "{machine}")),
    Cause("not-in-inventory", NOTE, _STATUS),
    # this computer, and the share as a whole
    Cause("own-replica-unavailable", GRAVE, _MATRIX),
    Cause("own-clock-wrong", GRAVE, _MATRIX),
    Cause("own-replica-stale", GRAVE, ("roosync-ops", "validate", "--via", "{via}")),
    Cause("view-missing", MILD, _FIX, fix=REBUILD_VIEW),
    Cause("view-unreadable", MILD, _FIX, fix=REBUILD_VIEW),
    Cause("view-incomplete", MILD, _FIX, fix=REBUILD_VIEW),
    Cause("orphan-temporary-files", NOTE, _FIX, fix=SWEEP),
    # nothing
    Cause("expected-off", NONE, ()),
    Cause("well", NONE, ()),
)
CAUSES: Final = {cause.word: cause for cause in _ALL}
