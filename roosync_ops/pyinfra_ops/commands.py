"""pyinfra commands: one round trip that changes a machine and answers in JSON, and one that refuses to go on."""

from collections.abc import Iterable
from typing import Any, Final

import gevent
from pyinfra import logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.connectors.util import CommandOutput, OutputLine

from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.bundle import Bundle
from roosync_ops.remote_script.facts_model import ProbeReport, Reply
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport.link import Failure, LinkError

from . import plan
from .connector import Ask
from .ledger import ledger

#: Beyond what the verbs themselves may take: to log in, to upload and to start Python.
_MARGIN_S: Final = 30
#: pyinfra's own timeout covers the output and not the exit status; this much later the command is given up for good.
_GRACE_S: Final = 5
#: How long a verb may take beside its touches of the share: `start` waits for a first beat, `install` for systemd.
VERB_S: Final = 45
#: A verb that touches the share may do so a few times.
_TOUCHES: Final = 4


class AgentCommand(Ask):
    """Does `steps` on the machine in one round trip, and notes in the host's ledger what became of them."""

    def __init__(
        self,
        machine: Machine,
        steps: list[dict[str, Any]],
        local_dir: str | None,
        upload: bytes | None = None,
        agent: str | None = None,
    ) -> None:
        limit = _MARGIN_S + round(sum(step.get("limit", 0) for step in steps))
        removes = steps[-1]["do"] == "remove"
        request = {"do": "apply", "localDir": local_dir, "steps": steps, "look": not removes, "agent": agent}
        super().__init__(request, machine.python)
        self.connector_arguments["_timeout"] = limit
        self.question.upload = upload
        self.question.is_last = removes
        self.machine = machine
        self.limit_s = limit
        self.first_step: str = steps[0]["step"]

    def execute(self, state: State, host: Host, connector_arguments: Any) -> Any:
        """Return (whether it worked, what to show). What pyinfra takes for a failed host passes through."""
        book = ledger(host)
        book.round_trips += 1
        try:
            with gevent.Timeout(self.limit_s + _GRACE_S, TimeoutError):
                _, output = super().execute(state, host, connector_arguments)
            reply = Reply.read(output.stdout_lines)
        except SilenceError as error:
            said = " ".join(output.stderr_lines)[-200:]
            return self._silent(host, error.code, f"{error.reason} {said}".strip())
        except TimeoutError:
            self._silent(host, "TIMEOUT", f"no answer within {self.limit_s} s")
            raise
        except OSError as error:
            # To a POSIX machine it is one command: where the login failed nothing was done.
            if isinstance(error, LinkError) and not error.reached and self.machine.system != "windows":
                book.fail(checks.unreachable(self.machine, error.code, error.reason, error.hint))
            self._silent(host, "CONNECTION_LOST", f"the connection was lost: {error}")
            raise
        book.take(reply)
        if (found := reply.failed) is not None:
            return _failed(host, checks.failed(self.machine, found.step, found.code, found.message, found.path))
        return reply.ok, CommandOutput([])

    def _silent(self, host: Host, code: str, reason: str) -> tuple[bool, CommandOutput]:
        return _failed(host, Failure(self.first_step, code, reason, checks.in_detail(self.machine.machine_id)))


def _failed(host: Host, failure: Failure) -> tuple[bool, CommandOutput]:
    return False, CommandOutput([OutputLine("stderr", ledger(host).fail(failure).sentence())])


def refusal(failure: Failure) -> FunctionCommand:
    """Return the command that fails the host with a reason instead of a traceback."""
    return FunctionCommand(refuse, (failure,), {})


def refuse(state: State, host: Host, failure: Failure) -> bool:  # noqa: ARG001 - pyinfra's signature
    """Note why this host alone goes no further, and say so."""
    ledger(host).fail(failure)
    host.log_styled(failure.sentence(), fg="red", log_func=logger.error)
    return False


def do(
    machine: Machine, steps: Iterable[str], report: ProbeReport, bundle: Bundle, follow_s: float = 0
) -> AgentCommand:
    """Return the one command that does `steps` (plan.ROLLOUT or plan.REMOVAL) on `machine`.

    It registers once another machine's record is there, for which it waits `follow_s`.
    """
    requests = [_request(machine, step, report, bundle) for step in steps]
    for request in requests if follow_s else ():
        if request["step"] == plan.REGISTER:
            request["argv"] += ["--follow", str(follow_s)]
            request["limit"] += follow_s
    pushes = any(request["do"] == "push" for request in requests)
    agent = None if requests[0]["step"] in plan.REMOVAL else bundle.file_name
    return AgentCommand(machine, requests, report.local_dir, bundle.data if pushes else None, agent)


def restart(machine: Machine, do: str = "verb") -> AgentCommand:
    """Return the command that stops the loop, unseen by the fleet, and starts it, or (`back`) the build before."""
    return AgentCommand(machine, [{**verb(machine, plan.START, "restart"), "do": do}], machine.local_dir)


def _request(machine: Machine, step: str, report: ProbeReport, bundle: Bundle) -> dict[str, Any]:
    if step == plan.PUSH:
        return {"step": step, "do": "push", "sha256": bundle.sha256, "agent": bundle.file_name}
    if step == plan.CONFIGURE:
        return {"step": step, "do": "configure", "config": plan.wanted_config(machine, report)}
    if step == plan.LOOK:
        return {**verb(machine, step, step), "do": "look", "shareDeadline": checks.look_s(machine)}
    if step == plan.REMOVE:
        return {"step": step, "do": "remove"}
    if step == plan.START:
        return {**verb(machine, step, "restart"), "do": "start", "over": report.agent_sha256}
    return verb(machine, step, step)


def verb(machine: Machine, step: str, *argv: str) -> dict[str, Any]:
    """Return the request for one of the agent's verbs, which must end within its `limit`, in s."""
    verbs = 3 if argv[0] == "restart" else 1  # what ends, what begins, and what goes back
    limit = verbs * (VERB_S + max(_TOUCHES * machine.share_deadline, checks.look_s(machine)))
    return {"step": step, "do": "verb", "argv": list(argv), "limit": limit}
