"""The worker's half of `verify_via` and `tend_via`: machines have their own shares measured or tidied, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import Timeout
from pyinfra.api.facts import FactBase

from roosync_ops.remote_script.facts_model import Measured, SilenceError, Tended, parse_measured, parse_tended

from . import looking
from .ask import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyinfra.api.host import Host

    from roosync_ops.fleet import Machine


class MeasuredFacts(FactBase[Measured | Tended | SilenceError]):
    """How the share of a machine's agent behaves, measured there, as a `Measured`; or what was done in it, a `Tended`.

    A `SilenceError` (returned, not raised) where it gave no answer that can be used. The request's `do` is `verify`,
    `tidy`, which removes what a verification with the same `token` left behind, or `tend` (see on_verify).
    """

    def command(self, request: dict[str, Any], python: str | None = None) -> Ask:
        self._parse = parse_tended if request["do"] == "tend" else parse_measured
        return Ask(request, python, forgiving=True)

    def process(self, output: list[str]) -> Measured | Tended | SilenceError:
        try:
            return self._parse(output)
        except SilenceError as silence:
            return silence


def answer(request: dict[str, Any], connect: looking.Connect, say: looking.Tell) -> None:
    """Have each machine of `request` measure its share, and say what came of it as soon as it is known."""
    looking.each(request, connect, say, _measured)


def _measured(host: Host, machine: Machine, request: dict[str, Any], left_s: float) -> Iterator[tuple[str, Any]]:
    found: Measured | Tended | SilenceError | None = None
    with Timeout(left_s, False):  # False: end the block in silence
        ask = {**request["verify"], "localDir": machine.local_dir, "shared": machine.shared}
        timeout_s = round(left_s + 1)
        found = host.get_fact(MeasuredFacts, ask, machine.python, _timeout=timeout_s, _ignore_errors=True)
    found = found or SilenceError("TIMEOUT", f"it gave no answer within {left_s:.0f} s")
    if isinstance(found, SilenceError):
        yield "failure", looking.silent(machine, found)._asdict()
    else:
        yield "measured", found.model_dump(mode="json", by_alias=True)
