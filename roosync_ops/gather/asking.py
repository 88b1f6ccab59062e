"""Machines asked directly, all at once, each by a thread of its own: no pyinfra, and nothing written.

However a machine or the network fails, each machine has an answer, and none delays another.
"""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from roosync_ops import process
from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.question import Question, SilenceError
from roosync_ops.transport import output, windows_link
from roosync_ops.transport.link import Failure, Link, LinkError, Patience
from roosync_ops.transport.ssh import OpenSsh, link_to, program
from roosync_ops.transport.ssh_files import no_session_of_the_users

LOOK: Final = "look"
#: A server that took the connection greets within this or this part of a machine's whole time, whichever is more, and
#: has let us in within the other, in s: one that hangs there is no slow agent.
GREETING: Final = (3.0, 0.2)
LOGIN: Final = (6.0, 0.4)
#: A login keeps a core here busy for 0.13 s: so many at once leave each the time to greet and to agree on keys.
_AT_ONCE: Final = 32

T = TypeVar("T")
#: How long one line may take, in s: a drive that hangs there keeps no other line from its answer. And to log in.
LINE_S: Final = 30.0
_LOGIN_S: Final = 20.0
#: What one line's answer may be, in characters.
_MAX_ANSWER: Final = 8_000


def patience(timeout_s: float, connect_timeout_s: float) -> Patience:
    """Return how long the parts of a login may take where a machine has `timeout_s` to say everything."""
    greeting_s, login_s = (min(timeout_s, max(least_s, part * timeout_s)) for least_s, part in (GREETING, LOGIN))
    return Patience(min(timeout_s, connect_timeout_s), greeting_s, login_s)


def each(
    machines: Sequence[Machine],
    work: Callable[[Machine], T],
    hear: Callable[[Machine, T], None] = lambda *_: None,
    most: int = _AT_ONCE,
) -> dict[str, T]:
    """Do `work` for every machine at once, `most` at a time, and return what came of it, in their order.

    `hear` of each as it comes. KeyboardInterrupt passes through, and nothing that was begun goes on.
    """
    if not machines:
        return {}
    for name in {program(machine) for machine in machines if machine.transport == "ssh"}:
        no_session_of_the_users(name)  # or each thread would ask for itself
    with ThreadPoolExecutor(min(most, _AT_ONCE, len(machines))) as pool:
        futures = {pool.submit(work, machine): machine for machine in machines}
        try:
            for future in as_completed(futures):
                hear(futures[future], future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            process.end_all()
            raise
    return {machine.machine_id: future.result() for future, machine in futures.items()}


def answer(  # noqa: PLR0911 - one for each way to have no answer
    machine: Machine, link: Link, request: dict[str, Any], timeout_s: float, parse: Callable[[list[str], int, int], T]
) -> T | Failure:
    """Ask one machine one question within `timeout_s`, and return its answer as `parse` reads it, or why there is none.

    `parse` takes the lines, and when the question was sent and answered, in ms since the epoch.
    """
    question = Question(request, machine.python)
    try:
        done = question.ask(link, timeout_s)
        failure = checks.system(machine, link.banner)
        if failure is not None:
            return failure._replace(step=LOOK)
        return parse(output.lines(done.out), question.sent_ms, time.time_ns() // 1_000_000)
    except LinkError as error:
        link.failed = error
        return unreached(machine, error)
    except SilenceError as silence:
        return _silent(machine, silence.code, silence.reason)
    except TimeoutError:
        return _silent(machine, "TIMEOUT", f"it took the login, and gave no answer within {timeout_s:.1f} s")
    except OSError as error:
        return _silent(machine, "CONNECTION_LOST", str(error))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong on one machine is that machine's failure
        said = f"{type(error).__name__}: {error}"
        return Failure(LOOK, "INTERNAL", said, checks.in_detail(machine.machine_id))


def put(
    machine: Machine, request: dict[str, Any], timeout_s: float, connect_s: float, parse: Callable[[list[str]], T]
) -> T | Failure:
    """As `answer`, over the way to a machine; `parse` takes the lines alone."""
    with way_to(machine, patience(timeout_s, connect_s)) as link:
        return answer(machine, link, request, timeout_s, lambda lines, _, __: parse(lines))


def about_share(
    machine: Machine, what: dict[str, Any], timeout_s: float, connect_s: float, parse: Callable[[list[str]], T]
) -> T | Failure:
    """Have a machine do `what` with the share of its own agent (see on_verify)."""
    request = {**what, "localDir": machine.local_dir, "shared": machine.shared}
    return put(machine, request, timeout_s, connect_s, parse)


#: The ways to machines that were asked before: who asks again logs in once for all that follows.
_ways: dict[str, OpenSsh] = {}


@contextmanager
def way_to(machine: Machine, limits: Patience, through: Machine | None = None) -> Iterator[Link]:
    """Give the way to a machine; `through` another that was reached before."""
    key = machine.model_dump_json()
    if through is not None:
        hop = _ways.get(through.model_dump_json()) or OpenSsh(through, limits)
        yield link_to(machine, limits, through=hop)
        return
    known = _ways.pop(key, None)
    link = link_to(machine, limits, keep=True) if known is None else known
    if isinstance(link, OpenSsh):
        link.patience = limits
    yield link
    if isinstance(link, OpenSsh):
        _ways[key] = link
    else:
        link.close()


def given_up(machine: Machine) -> OpenSsh | None:
    """Give the way to a machine to who goes on with it alone."""
    return _ways.pop(machine.model_dump_json(), None)


def unreached(machine: Machine, error: LinkError) -> Failure:
    """Word a machine that was not reached, or that was lost after it was."""
    if error.reached:
        return _silent(machine, error.code, error.reason)
    return checks.unreachable(machine, error.code, error.reason, error.hint)


def _silent(machine: Machine, code: str, reason: str) -> Failure:
    """Word a machine that was reached and did not answer what it was asked."""
    return checks.silence(machine, SilenceError(code, reason))._replace(step=LOOK)


def powershell(
    machine: Machine, scripts: Sequence[str], connect_timeout_s: float
) -> tuple[list[str | None], Failure | None]:
    """Have `machine` run each script in a PowerShell of its own; return what each printed, and why no more did.

    None for one that gave no answer in time, or could not be put.
    """
    answers: list[str | None] = []
    with way_to(machine, patience(_LOGIN_S + LINE_S, connect_timeout_s)) as link:
        for script in scripts:
            try:
                answers.append(_asked(link, script))
            except (OSError, ValueError) as error:
                if isinstance(error, LinkError) and not error.reached:
                    return answers, unreached(machine, error)
                answers.append(None)
    return answers, None


def _asked(link: Link, script: str) -> str:
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    flags = ("-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand")
    done = link.execute(windows_link.line("powershell", *flags, encoded), timeout_s=LINE_S)
    said = output.text(done.out).strip() or output.text(done.err).strip()
    return said.replace("\r\n", "\n")[:_MAX_ANSWER]
