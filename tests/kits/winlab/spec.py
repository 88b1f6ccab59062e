"""What is asked of a host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from . import wine

#: The usual path of the share on the drive, and that of a machine that has the share as a shortcut and no drive.
ON_DRIVE = "Mon Drive/Synchronisation/RooSync/.shared-state"
ON_DISK = ".shortcut-targets-by-id/1aBcDeFgHiJkLmNoPqRsTuVwXyZ/.shared-state"


@dataclass(frozen=True)
class WinHostSpec:
    """A host: its name (COMPUTERNAME), its drive, its user, and the Python that its user has.

    `drive`: whether the share lies on G:, else in C:\\Drive. `drive_in_ssh`: whether SSH sessions see G: too; "hangs":
    what touches its folders there never comes back.
    `user_profile`: the name of the user's folder in C:\\users, which is the Windows user's name.
    `python`: the folder of the user's Windows Python 3.11, on PATH only where it is the default; None for none.
    `py`: whether the py launcher is there. `environment`: the user's own variables (HKEY_CURRENT_USER\\Environment).
    """

    name: str
    drive: bool = True
    drive_in_ssh: bool | Literal["hangs"] = True
    user_profile: str | None = None
    python: str | None = r"C:\Python311"
    py: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def user(self) -> str:
        """The Windows user's name."""
        return self.user_profile or wine.USER

    @property
    def shared(self) -> str:
        """The share's path as the host sees it."""
        return f"G:/{ON_DRIVE}" if self.drive else f"C:/Drive/{ON_DISK}"
