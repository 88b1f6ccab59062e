"""How long an SSH server may take to greet us and agree on keys: a limit of its own, beside those of TCP and of login.

pyinfra has one limit for the TCP connection and for this, and paramiko takes its end for a session that never was. A
machine that is off never takes the connection, so that limit is short; one that is on and busy starts a process first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from paramiko import SSHException, Transport

if TYPE_CHECKING:
    from threading import Event

    from roosync_ops.fleet.machine import Entry

_KWARGS: Final = "ssh_paramiko_connect_kwargs"


class Greeting(Transport):
    """A transport whose server has `greeting_s` to send its banner and to agree on keys, whatever TCP was given."""

    def __init__(self, *arguments: Any, greeting_s: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._greeting_s = greeting_s
        # paramiko's own thread waits for the banner a little longer, so that the words are ours.
        self.banner_timeout = greeting_s + 1

    def start_client(self, event: Event | None = None, timeout: float | None = None) -> None:  # noqa: ARG002 - TCP's
        """Negotiate the session. Raises SSHException, which says what did not come in time."""
        super().start_client(event, self._greeting_s)
        if event is None and not self.initial_kex_done:
            missing = "keys" if self.remote_version else "greeting"
            self.close()
            raise SSHException(f"no SSH {missing} within {self._greeting_s:g} s")


def patient(entry: Entry, greeting_s: float) -> Entry:
    """Return a pyinfra host whose SSH server has `greeting_s` to greet; what its own data says of paramiko stands."""
    name, data = entry
    kwargs = {"transport_factory": partial(Greeting, greeting_s=greeting_s), **(data.get(_KWARGS) or {})}
    return name, {**data, _KWARGS: kwargs}
