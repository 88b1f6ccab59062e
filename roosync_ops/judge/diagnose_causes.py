"""Every cause a diagnosis can end in: a word, how grave it is, the one command that mends it, and what --fix may do.

The room `show` has the sentence for each word, in both languages. PROCEDURE and FIELD_NOTES say which cause each
troubleshooting entry and each field note leads to; tests walk both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

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
    """`command` mends it (`windows` where that differs there); `{machine}`, `{login}` and the like are filled in.

    `login` is the line that logs in, such as `ssh -p 22 me@host`.
    """

    word: str
    rank: int
    command: str
    windows: str | None = None
    fix: str | None = None

    def command_for(self, system: str, facts: Container[str]) -> str:
        """Return the command for a machine of that system, and of which so much is known."""
        if self.word in _OF_DRIVE:
            for fact, text in _RESTART_DRIVE.items():
                if fact in facts:
                    return text
        return self.windows if system == "windows" and self.windows is not None else self.command


#: What a restart of the sync product mends; and how Google Drive is restarted, by what a machine has for that. A task,
#: because only one reaches the user's session from here; schtasks takes the quotes within for double ones.
_OF_DRIVE: Final = ("drive-not-mounted", "share-hung", "uploads-stalled", "downloads-stalled")
_RESTART_DRIVE: Final = {
    "drive_watchdog": r"""{login} schtasks /run /tn "\"{drive_watchdog}\""   # the watchdog there restarts Drive""",
    "drive_launcher": (
        r"""{login} schtasks /create /f /it /sc once /st 00:00 /tn roosync-restart-drive /tr """
        r""""\"cmd /c taskkill /f /im GoogleDriveFS.exe & '{drive_launcher}'\"" && """
        r"""{login} schtasks /run /tn roosync-restart-drive"""
    ),
}

_ROLLOUT: Final = "roosync-ops rollout {machine}"
_RESTART: Final = "roosync-ops restart {machine}"

_ALL: Final = (
    # on the way there
    Cause("inventory-wrong", GRAVE, "roosync-ops machines check"),
    Cause("name-not-resolved", GRAVE, "machine({machine!r}, host='ADDRESS') in the inventory, instead of {host}"),
    Cause("machine-off", GRAVE, "switch {machine} on, then: roosync-ops diagnose {machine}"),
    Cause("network-unreachable", GRAVE, "join the network of {host}, then: roosync-ops diagnose {machine}"),
    Cause(
        "nobody-listens",
        GRAVE,
        "sudo systemctl enable --now ssh   (on {machine} itself)",
        "roosync-ops bootstrap windows > bootstrap.ps1   (then run it on {machine} as administrator)",
    ),
    Cause("ssh-silent", GRAVE, "restart {machine} (its SSH server takes connections and says nothing)"),
    Cause("host-key-unknown", GRAVE, "{login} true   (compare the fingerprint, then say yes)", "{login} hostname"),
    Cause("host-key-changed", GRAVE, "ssh-keygen {file_flag}-R '{known_as}'   (after making sure it is that machine)"),
    Cause(
        "login-refused",
        GRAVE,
        "ssh-copy-id {port_flag}{target}",
        "roosync-ops bootstrap windows --key KEY.pub > bootstrap.ps1   (then run it on {machine} as administrator)",
    ),
    Cause("wrong-system", GRAVE, "{hint}"),
    Cause("not-reached", GRAVE, "{hint}"),
    Cause("ask-failed", GRAVE, "{hint}"),
    Cause("no-answer-in-time", GRAVE, "roosync-ops diagnose {machine} --timeout 60"),
    # who it is, and what can run there
    Cause("no-machine-id", GRAVE, "{login} hostname", "{login} hostname"),
    Cause("wrong-name", GRAVE, "machine({answers_as!r}, host={host!r}, ...) in the inventory, for {machine!r}"),
    Cause(
        "no-python",
        GRAVE,
        "{login} 'sudo apt-get install -y python3'",
        "machine({machine!r}, bootstrap_python=True, ...) in the inventory, then: roosync-ops rollout {machine}",
    ),
    # the agent
    Cause("not-enrolled", GRAVE, _ROLLOUT),
    Cause("old-service-only", GRAVE, _ROLLOUT),
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
    Cause("no-shared-path", GRAVE, "machine({machine!r}, shared='PATH', ...) in the inventory, then: " + _ROLLOUT),
    Cause("no-logon-session", GRAVE, "log {user} on to {machine}, then: roosync-ops diagnose {machine}"),
    Cause("drive-not-mounted", GRAVE, "start the sync product on {machine} (it shows no {path}), then: " + _RESTART),
    Cause(
        "share-missing",
        GRAVE,
        "{login} \"ls -ld '{path}'\"   (start the sync product, or mount it)",
        "{login} \"dir '{path}'\"   (start the sync product)",
    ),
    Cause("share-not-a-folder", GRAVE, "{login} \"ls -ld '{path}'\"", "{login} \"dir '{path}'\""),
    Cause("share-hung", GRAVE, "restart the sync product on {machine}, then: roosync-ops diagnose {machine}"),
    Cause(
        "share-read-only",
        GRAVE,
        "{login} \"mount -o remount,rw '{path}'\"",
        "take the write protection off {path} on {machine}",
    ),
    Cause(
        "share-refused",
        GRAVE,
        "{login} \"ls -ld '{path}/heartbeats'\"   (let {user} write there)",
        '{login} icacls "{path}"   (let {user} write there)',
    ),
    Cause("share-full", GRAVE, "free some space in {path} on {machine}"),
    Cause("share-problem", GRAVE, "{hint}"),
    # the replicas
    Cause("uploads-stalled", GRAVE, "restart the sync product on {machine} (its beats stay there)"),
    Cause("downloads-stalled", MILD, "restart the sync product on {machine} (nobody's beats arrive there)"),
    Cause("record-unreadable", GRAVE, _RESTART),
    Cause("clock-wrong", GRAVE, "{login} 'sudo timedatectl set-ntp true'", "{login} w32tm /resync /force"),
    Cause("twin-identity", GRAVE, "stop the agent on the other computer that calls itself {machine}"),
    Cause("same-name-twice", GRAVE, "machine({machine!r}, host=...) in the inventory: another host answers there"),
    Cause("case-double", NOTE, "remove the spelling that nobody writes: {files}"),
    Cause("conflict-copies", NOTE, "remove them in the share, once: {files}"),
    Cause("old-writer-erases-view", MILD, "stop the old heartbeat service on {machine} (the one in its editor)"),
    Cause("old-writer-rewrites-record", NOTE, "stop the old heartbeat services (generation 3.1) of the fleet"),
    # what is not as the inventory says
    Cause("beats-though-expected-offline", GRAVE, "roosync-ops stop {machine}   (or expected='online')"),
    Cause("not-in-inventory", NOTE, "machine({machine!r}, ...) in the inventory, or remove {files}"),
    # this computer, and the share as a whole
    Cause("own-replica-unavailable", GRAVE, "{hint}"),
    Cause(
        "own-replica-stale",
        GRAVE,
        "restart the sync product on this computer; until then: roosync-ops validate --via {via}",
    ),
    Cause("view-missing", MILD, "roosync-ops diagnose --fix", fix=REBUILD_VIEW),
    Cause("view-unreadable", MILD, "roosync-ops diagnose --fix", fix=REBUILD_VIEW),
    Cause("view-incomplete", MILD, "roosync-ops diagnose --fix", fix=REBUILD_VIEW),
    Cause("orphan-temporary-files", NOTE, "roosync-ops diagnose --fix", fix=SWEEP),
    # nothing
    Cause("expected-off", NONE, ""),
    Cause("well", NONE, ""),
)
CAUSES: Final = {cause.word: cause for cause in _ALL}

#: Each troubleshooting entry of the procedure, by its heading, and the causes it leads to.
PROCEDURE: Final = {
    'Erreur : "machineId est requis pour l\'action register"': ("no-machine-id",),
    'Erreur : "Heartbeat service déjà démarré"': ("zombie",),
    "Heartbeat enregistré mais machine pas online": ("never-started",),
    "Machine redevient offline après quelques minutes": ("old-service-only", "not-permanent"),
}

#: Each field note of what went wrong, by its number, and the causes it leads to.
FIELD_NOTES: Final = {
    1: ("old-service-only", "agent-dead"),
    2: ("wrong-name", "case-double", "same-name-twice"),
    3: ("old-writer-erases-view", "view-incomplete"),
    4: ("zombie", "old-writer-rewrites-record"),
    5: ("downloads-stalled",),
    6: ("record-unreadable", "view-unreadable", "orphan-temporary-files"),
    7: ("beat-not-written", "share-read-only", "share-missing", "share-refused"),
    8: ("own-replica-stale", "uploads-stalled"),
    9: ("twin-identity",),
    10: ("machine-off", "not-in-inventory"),
    11: ("view-missing", "drive-not-mounted", "not-permanent", "not-enrolled"),
    12: ("zombie", "permanence-disabled", "no-shared-path"),
    13: ("no-logon-session", "agent-dead"),
    14: ("not-enrolled", "machine-off"),
}
