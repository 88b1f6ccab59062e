"""The agent's command: one verb in, one answer out."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .errors import AgentError

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one verb on stdout; the exit code is 0, 1 failure, 2 usage or identity, 3 share, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32" and arguments is None:
        from .windows_main import answer_and_end  # noqa: PLC0415 - each platform loads its own

        answer_and_end(words, lambda: _answer(words))
    if words[:1] == ["supervise"]:
        # Before anything heavy: this process does nothing but wait for its child, for months. The code of each life is
        # at hand from the start: the file it came from may be gone by then.
        from .permanence.supervisor import supervise  # noqa: PLC0415 - as above
        from .slim_loop import compiled  # noqa: PLC0415 - only a supervisor needs it

        codes = [compiled()]
        return supervise(words[1], lambda: _run_slim(words[2:], codes))
    if arguments is None and "run" in words:
        from .slim_loop import compiled, isolate  # noqa: PLC0415 - only `run` needs it

        isolate(words)
        return _run_slim(words, [compiled()])
    return _answer(words)


def _run_slim(words: list[str], codes: list[bytes]) -> int:
    """Answer `run` in a process of its own, with as little in it as can be."""
    from .slim_loop import preload  # noqa: PLC0415 - as above

    preload(codes)
    return _answer(words)


def _answer(words: list[str]) -> int:
    from .answer import give, give_error  # noqa: PLC0415 - after the supervisor's branch, see above

    as_json = "--json" in words
    try:
        value, human = _do(words)
        value = {"success": True, **value}
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets one document
        failure = _failure(words, error)
        if not _to_another_session(words, failure.exit_code, failure.as_dict(), []):
            give_error(failure, as_json=as_json)
        return failure.exit_code
    if not _to_another_session(words, 0, value, human):
        give(value, human, as_json=as_json)
    return 0


def _to_another_session(words: list[str], code: int, value: dict[str, Any], human: list[str]) -> bool:
    if "--answer" not in words[:-1]:
        return False
    from .interactive_session import give_to_file  # noqa: PLC0415 - only then

    give_to_file(words[words.index("--answer") + 1], code, value, human)
    return True


def _do(words: list[str]) -> tuple[dict[str, Any], list[str]]:
    from .flags import USAGE, parse  # noqa: PLC0415 - after preload: the loop is to find it compiled

    if not words or words[0] in ("-h", "--help", "help"):
        return {"usage": USAGE}, [USAGE]
    flags = parse(words)
    if flags.help:
        return {"usage": USAGE}, [USAGE]
    # Each verb is a module, loaded only when asked for: the loop must not carry the others' imports.
    module = __import__(f"{__package__}.verbs.{flags.verb}", fromlist=["answer"])
    result: tuple[dict[str, Any], list[str]] = module.answer(flags)
    return result


def _failure(words: list[str], error: Exception) -> AgentError:
    from .errors import AgentError, LocalError, ProblemError, answer_to  # noqa: PLC0415 - as above
    from .flags import VERBS  # noqa: PLC0415 - as above

    if isinstance(error, AgentError):
        return error
    if not isinstance(error, ProblemError):
        error = LocalError(f"{type(error).__name__}: {error}")
    return answer_to(next((word for word in words if word in VERBS), "?"), error)
