"""Who may do what with tasks: a caller's token against a task's security descriptor, and what only elevation may ask.

Sources: [MS-TSCH] 3.2.5.4 (E_ACCESSDENIED without write, read or execute access), [MS-DTYP] 2.5.1 (SDDL), Microsoft's
"Security Contexts for Tasks", public reports (highest privileges, a logon trigger of any user, a boot trigger: refused
to a process that is not elevated).
"""

import re
from dataclasses import dataclass

from .definition import Task

_ACE = re.compile(r"\((\w*);(\w*);(\w*);(\w*);(\w*);([\w-]+)\)")
#: Generic, file and standard rights as SDDL writes them, and what of them a task knows: read, write, execute.
_RIGHTS = {"FA": "rwx", "GA": "rwx", "FR": "r", "GR": "r", "FW": "w", "GW": "w", "FX": "x", "GX": "x"}
_ALIASES = {"S-1-5-18": "SY", "S-1-5-32-544": "BA", "S-1-1-0": "WD", "S-1-5-11": "AU", "S-1-5-32-545": "BU"}


@dataclass(frozen=True)
class Caller:
    """A user's process: with the ordinary token the group of administrators is there to deny alone."""

    sid: str
    elevated: bool

    @property
    def identities(self) -> frozenset[str]:
        return frozenset({self.sid, "WD", "AU", "BU", *(["BA"] if self.elevated else [])})

    def may(self, right: str, sddl: str) -> bool:
        """Tell whether the descriptor gives a right, `r`, `w` or `x`: the first entry that speaks of it decides."""
        for kind, flags, rights, _, _, who in _ACE.findall(sddl):
            if "IO" in flags or _ALIASES.get(who, who) not in self.identities:
                continue
            words = {word for start in range(0, len(rights), 2) for word in _RIGHTS.get(rights[start : start + 2], "")}
            if right in words:
                return bool(kind == "A")
        return False

    def default_descriptor(self) -> str:
        """What a task gets that brings none: whoever is not elevated has what is his own, else he may read and run."""
        return f"D:(A;;FA;;;BA)(A;;FA;;;SY)(A;;{'FRFX' if self.elevated else 'FA'};;;{self.sid})"

    def may_register(self, task: Task) -> bool:
        """Tell whether this caller may register such a task at all; `task`'s users are SIDs by now."""
        if self.elevated:
            return True
        everybodys = any(
            trigger.kind == "BootTrigger" or (trigger.kind == "LogonTrigger" and trigger.user != self.sid)
            for trigger in task.triggers
        )
        return task.run_level == "LeastPrivilege" and task.user in (None, self.sid) and not everybodys
