"""`roosync-ops dashboard`: the page, its Markdown twin and the badge."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from roosync_ops import errors
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.dashboard import dashboard as look_at
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.source import Source
from roosync_ops.judge.reports import Dashboard, fresh_ms
from roosync_ops.publish.dashboard import refresh
from roosync_ops.publish.live import Live, serving
from roosync_ops.show import json_text

from . import failures, options, output

app = typer.Typer()

#: Between two looks of --serve, in s: at the folder alone, and at every machine; less where machines beat faster.
_FOLDER_S: Final = 5.0
_PROBE_S: Final = 20.0
_PORT: Final = 8460
#: Windows hands Ctrl-C over between two waits alone, in s.
_CTRL_C_S: Final = 0.5


@app.command()
@options.grouped
def dashboard(  # noqa: PLR0913 - one argument an option
    *,
    at: options.Here,
    output_dir: Annotated[str | None, options.opt("--output -o DIR")] = None,
    baseline: Annotated[str | None, options.opt("--baseline MACHINE", autocompletion=options.machine_names)] = None,
    asked: options.Asked,
    every: Annotated[int | None, options.opt("--every MINUTES", "dashboard", min=1)] = None,
    presence: Annotated[bool, options.opt("--presence")] = False,
    serve: Annotated[bool, options.opt("--serve")] = False,
    port: Annotated[int, options.opt("--port N", "dashboard", min=0, max=65_535)] = _PORT,
    shown: options.Shown,
    memory: options.Memory = None,
) -> int:
    """Write the dashboard: a page that needs no network, its Markdown twin, and a status badge.

    They go into dashboards/ of the shared state, each computer's under its own name, so that no two write one file. A
    page that is opened later says how old it is. With --serve nothing is written: the same page is shown live, with
    /metrics for a Prometheus and /healthz (503 where it is not current) beside it.
    """
    fleet = load_inventory(at.inventory)
    limits = asked.limits(at.deadline)
    look = partial(look_at, fleet, at.shared, limits, baseline=baseline, probe=asked.probe, memory=memory)
    if serve:
        source = Source(at.shared, None, at.deadline) if at.shared or asked.probe is Probe.never else None
        every_s = min(_PROBE_S if asked.probe is Probe.always else _FOLDER_S, fresh_ms(fleet) / 4000)
        return _serve(partial(look, source=source), port, every_s, shown.lang, as_json=shown.as_json)
    with output.Progress() as progress:
        look = partial(look, tell=progress.show)
        result = refresh(look, at.shared, output_dir, at.deadline, lang=shown.lang, presence=presence, every_min=every)
    twin = Path(str(result["dashboardPath"]))
    paths = [str(twin.with_suffix(suffix)) for suffix in (".html", ".md", ".svg")]
    output.write(json_text(result) if shown.as_json else "\n".join(paths))
    return errors.OK


def _serve(look: Callable[[], Dashboard], port: int, every_s: float, lang: str, *, as_json: bool) -> int:
    """Serve until Ctrl-C. The first look is made before anything is served: what cannot be seen is an error then."""
    live = Live(look, lambda error: failures.describe(error).reason, lang, every_s)
    try:
        with serving(live, port, every_s) as address:
            output.write(json_text({"ok": True, "url": address}) if as_json else address)
            output.note("Ctrl-C ends it.")
            never = threading.Event()
            while not never.wait(_CTRL_C_S):
                pass
    except OSError as error:
        raise errors.usage(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}", "roosync-ops dashboard --serve --port 0"
        ) from None
    return errors.OK
