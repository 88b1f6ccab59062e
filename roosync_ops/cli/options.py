"""The options that several commands share, said once."""

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import typer

from roosync_ops import errors, typed
from roosync_ops.gather import limits
from roosync_ops.gather.limits import Limits

from . import output, settings

DEFAULT_INVENTORY: Final = Path("inventory.py")
#: What `--help` says of each option; where a command means its own by it, under `COMMAND: OPTION`.
_TEXTS: Final[dict[str, str]] = json.loads(Path(__file__).with_name("options.json").read_text("utf-8"))


def machine_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the machines and groups that a shell may complete a word to: the last of a,b, and after a `!`."""
    from roosync_ops.fleet import FleetError, load_inventory  # noqa: PLC0415 - 200 ms that --help does not need

    try:
        fleet = load_inventory(Path(ctx.params.get("inventory") or settings.inventory()))
    except FleetError:
        return []
    before = incomplete[: max(incomplete.rfind(","), incomplete.rfind("!")) + 1]
    names = dict.fromkeys([*(machine.machine_id for machine in fleet), *fleet.groups, "all"])
    return [before + name for name in names if (before + name).startswith(incomplete)]


_FLEET, _OUTPUT, _TIME = "Which fleet", "Output", "Time and patience"
#: Parameter to the group of options that `--help` shows it in.
PANEL_OF: Final = {
    **dict.fromkeys(("inventory", "shared", "via", "limit"), _FLEET),
    **dict.fromkeys(("report", "as_json", "lang", "verbose", "quiet", "_schema", "utc"), _OUTPUT),
    **dict.fromkeys(("wait", "deadline", "timeout", "connect_timeout", "patience", "memory", "parallel"), _TIME),
}


def _print_schema(ctx: typer.Context, wanted: bool) -> None:
    """Print what a command's --json is made of."""
    if wanted:
        from roosync_ops.show import schemas  # noqa: PLC0415 - 30 ms that only this flag needs

        output.write(json.dumps(schemas.of(str(ctx.info_name)).json_schema(), indent=2))
        raise typer.Exit


def opt(spelled: str, of: str = "", **more: Any) -> Any:
    """Return an option as its help spells it, `--output -o FILE`; what that says of it is in options.json."""
    words = spelled.split()
    flags = [word for word in words if word.startswith("-")]
    return typer.Option(*flags, metavar=" ".join(words[len(flags) :]) or None, help=text_of(spelled, of), **more)


def arg(metavar: str, of: str = "", **more: Any) -> Any:
    """Return an argument, likewise."""
    return typer.Argument(metavar=metavar, help=text_of(metavar, of), **more)


def text_of(spelled: str, of: str = "") -> str:
    """Return what `--help` says of an option, or of a command that has no docstring."""
    return _TEXTS[f"{of}: {spelled}" if of else spelled]


Inventory = Annotated[Path, opt("--inventory -i FILE", envvar="ROOSYNC_INVENTORY")]
Shared = Annotated[str | None, opt("--shared DIR", envvar="ROOSYNC_SHARED_PATH")]
Via = Annotated[str | None, opt("--via MACHINE", autocompletion=machine_names)]
Limit = Annotated[list[str] | None, opt("--limit -l NAME", autocompletion=machine_names)]
Machines = Annotated[list[str] | None, arg("MACHINE", autocompletion=machine_names)]
Json = Annotated[bool, opt("--json")]
#: What forms there are is each command's own: Annotated[Literal[...], options.FORMAT].
FORMAT: Final = opt("--format -f")
Schema = Annotated[bool, opt("--schema", callback=_print_schema, is_eager=True)]
Language = Annotated[Literal["en", "fr"], opt("--lang")]
Deadline = Annotated[float | None, opt("--deadline SECONDS", min=0.1)]
ProbeTimeout = Annotated[float, opt("--timeout SECONDS", min=0.5)]
ProbeConnectTimeout = Annotated[float, opt("--connect-timeout SECONDS", min=0.1)]
Probe = Annotated[limits.Probe, opt("--probe auto|always|never")]
Patience = Annotated[str | None, opt("--patience SECONDS|auto")]
Memory = Annotated[Path | None, opt("--memory DIR")]


@dataclass(frozen=True, kw_only=True)
class Here:
    """Which fleet, and where this computer reads its shared state."""

    inventory: Inventory = DEFAULT_INVENTORY
    shared: Shared = None
    deadline: Deadline = None


@dataclass(frozen=True, kw_only=True)
class HereOrVia(Here):
    """The same, or over SSH as a machine sees it."""

    via: Via = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which machines are asked themselves, and how long that may take."""

    probe: Probe = limits.Probe.auto
    timeout: Annotated[float | None, opt("--timeout SECONDS", "ask", min=0.5)] = None
    connect_timeout: ProbeConnectTimeout = limits.PROBE_CONNECT_S

    def limits(self, deadline: float | None) -> Limits:
        """Return how long it may take: in all where those in doubt are asked, each machine where all are."""
        usual = limits.PROBE_TIMEOUT_S if self.probe is limits.Probe.always else limits.SECOND_TIMEOUT_S
        return Limits(usual if self.timeout is None else self.timeout, self.connect_timeout, deadline)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How the answer is written."""

    as_json: Json = False
    lang: Language = "en"


def grouped(command: Callable[..., int]) -> Callable[..., int]:
    """Have typer see the fields of each group of options that `command` takes as options of its own."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    options: list[inspect.Parameter] = []
    for one in inspect.signature(command).parameters.values():
        kind, own = groups.get(one.name), get_type_hints(groups.get(one.name, object), include_extras=True)
        options += [one.replace(annotation=hints[one.name])] if kind is None else []
        options += [one.replace(name=name, annotation=own[name], default=getattr(kind, name)) for name in own]

    @wraps(command)
    def ungrouped(**given: Any) -> int:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        return command(**given)

    ungrouped.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined] # what typer reads
    ungrouped.__annotations__ = {one.name: one.annotation for one in options}
    return ungrouped


def spelled(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which `--probe` has its value: a bare one is `always`, and `--no-probe` is `never`."""
    found: list[str] = []
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    for word in words[:end]:
        if found and found[-1] == "--probe":
            found[-1:] = [f"--probe={word}"] if word in list(limits.Probe) else ["--probe=always", word]
        else:
            found.append("--probe=never" if word == "--no-probe" else word)
    if found and found[-1] == "--probe":
        found[-1] = "--probe=always"
    return found + words[end:]


def names_of(limit: list[str] | None) -> list[str]:
    """Return the names in `--limit a,b --limit c`. Raises CommandError where it names none: that is not all."""
    names = [name.strip() for part in limit or [] for name in part.split(",") if name.strip()]
    if limit and not names:
        raise errors.usage("--limit names no machine and no group", typed.ours("machines", "list"))
    return names
