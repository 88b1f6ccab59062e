"""One notification, in a process of its own: `python -m roosync_ops.watch.notifier`, told what to send on stdin.

Standard input is one JSON document: {"url": …, "flip": {…, "text": …}} sends, {"check": [url, …]} only looks whether
apprise understands each. Exit code 0 is sent (or all understood), 1 not; what is printed then never holds the URL.
"""

import json
import logging
import sys
from typing import Any, Final

#: apprise's own limit for the whole call, in s: less than the watcher's, so that the reason is known.
_TIMEOUT_S: Final = 20.0
_NOT_UNDERSTOOD: Final = "apprise does not understand this URL"
_PLAIN: Final = {"offline": "failure", "online": "success", "left": "info"}


def main() -> int:
    """Do what standard input asks; see the module's docstring."""
    request = json.load(sys.stdin)
    try:
        import apprise  # noqa: PLC0415 - an extra
    except ImportError:
        from roosync_ops import extras  # noqa: PLC0415 - for this sentence alone

        return _say(f"apprise is not installed: {extras.install('notify')}")
    # Its warnings quote URLs, and with them secrets.
    logging.getLogger(apprise.LOGGER_NAME).addHandler(logging.NullHandler())
    logging.getLogger(apprise.LOGGER_NAME).propagate = False
    if "check" in request:
        bad = [at + 1 for at, url in enumerate(request["check"]) if apprise.Apprise.instantiate(url) is None]
        return _say(" ".join(map(str, bad))) if bad else 0
    return _send(apprise, request["url"], request["flip"])


def _send(apprise: Any, url: str, flip: dict[str, Any]) -> int:
    service = apprise.Apprise()
    if not service.add(url):
        return _say(_NOT_UNDERSTOOD)
    result = service.notify(
        body=flip.get("text") or json.dumps(flip),
        title=f"{flip['machineId'] or 'shared state'}: {flip['to']}",
        notify_type=_PLAIN.get(flip["to"], "warning"),
        body_format="text",
        interpret_escapes=False,
        timeout=_TIMEOUT_S,
    )
    status = str(getattr(getattr(result, "status", None), "name", "failure")).lower()
    return 0 if result else _say(f"the service did not take it ({status})")


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 1


if __name__ == "__main__":
    # A thread of a service that never answers would keep the interpreter from ending.
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    import os

    os._exit(code)
