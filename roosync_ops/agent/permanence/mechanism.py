"""What every mechanism of permanence is to the verbs, and what holds for most of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from roosync_ops.agent.errors import ProblemError


class Mechanism:
    """One mechanism, for one local folder; `kind` is the word of `status`.

    `install` and `uninstall` tell whether they changed anything; these, `start` and `stop` raise LocalError, the others
    are questions and change nothing. `words` are those of a `run`: launch.run_words.
    """

    kind = ""

    def unavailable(self) -> str | None:
        """Return the reason why this machine has not got it."""
        return None

    def installed(self) -> bool:
        raise NotImplementedError

    def enabled(self) -> bool:
        return self.installed()

    def survives_reboot(self) -> bool:
        return self.enabled()

    def active(self) -> bool:
        """Return True if it runs the loop, or is about to."""
        return self.enabled()

    def install(self, words: list[str]) -> bool:
        raise NotImplementedError

    def uninstall(self) -> bool:
        raise NotImplementedError

    def start(self, words: list[str] | None) -> None:
        """Start the loop with `words`; without, what was installed."""
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def failed(self, ask_session: Callable[[], object], *, last: bool) -> ProblemError | None:  # noqa: ARG002 - most know nothing early
        """Return why what was started will not come up, None while it may; asked while there is no loop.

        `last` where nothing more is waited for; `ask_session` asks the user's logon session, and raises what it meets.
        """
        return None

    def run_beside(self, line: list[str]) -> bool:  # noqa: ARG002 - systemd alone can
        """Run a program that outlives login and loop, and return True; False where this is no mechanism for it."""
        return False

    def last_words(self) -> str | None:
        """Return what the loop said before it ended."""
        return None
