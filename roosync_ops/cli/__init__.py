"""The command line: thin. Each command parses, calls the rooms below, and shows what they said. README.md: one more.

Exit codes: 0 as expected; 1 some machine is not; 2 usage or inventory; 3 shared state unavailable; 4 what was found
could not be delivered, or not be written to stdout; 130 interrupted; 70 internal error, so that a crash never reads
as a verdict.
"""

import copy
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import typer.main
from typer._coercion import build_runtime_param
from typer.core import TyperCommand, TyperGroup

from roosync_ops import __version__, typed

from . import failures, options, output, settings

PROGRAM: Final = "roosync-ops"
#: Options that may stand before a command and behind it.
_EVERYWHERE: Final = ("quiet", "utc")

#: Command to the line `--help` shows for it, by what it is for; its module is `roosync_ops.cli.<command>`, `_` for `-`.
PANELS: Final[dict[str, dict[str, str]]] = json.loads(Path(__file__).with_name("commands.json").read_text("utf-8"))
#: Several commands of one module.
_MODULES: Final = {
    **dict.fromkeys(("restart", "rollback", "stop", "uninstall"), "simple"),
    **dict.fromkeys(("validate", "matrix", "status"), "tables"),
    **dict.fromkeys(("bootstrap", "doctor"), "windows"),
    **dict.fromkeys(("agent", "deploys"), "build"),
    **dict.fromkeys(("logs", "ssh"), "logs"),
}
COMMANDS: Final = {name: text for commands in PANELS.values() for name, text in commands.items()}


class LazyCommand(TyperCommand):
    """A command's name and short help, standing in for a module that is not imported yet."""

    def load(self) -> Any:
        """Import the command's module and return the real command."""
        name = str(self.name)
        module = import_module(f"{__name__}.{_MODULES.get(name, name.replace('-', '_'))}")
        command: Any = typer.main.get_command(module.app)
        command = command.commands[name] if name in _MODULES else command
        command.name = name
        # Completion is installed for the program, not for one command of it.
        command.params = [option for option in command.params if "completion" not in option.name]
        below = getattr(command, "commands", {})  # of a group
        for path, each in {name: command, **{f"{name} {sub}": one for sub, one in below.items()}}.items():
            # A line a paragraph: it is wrapped to the terminal, not to the source.
            each.help = "\n\n".join(" ".join(part.split()) for part in (each.help or "").split("\n\n"))
            each.format_help = partial(_help, each, path)
        return command


def _help(command: Any, path: str, context: Any, formatter: Any) -> None:
    """Show a command's help as typer does, and below it its examples: prose is wrapped, a command is there to paste."""
    import tomllib  # noqa: PLC0415 - 5 ms that only `--help` needs

    type(command).format_help(command, context, formatter)
    examples = tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8"))
    parts = examples.get(path, examples["simple"] if _MODULES.get(path) == "simple" else ())
    lines = [" ", *(["Examples:"] if parts else [])]
    for part in (text.replace("{name}", path) for text in parts):
        is_prose = part[1:2].islower() and part[:1].isupper()
        lines += textwrap.wrap(part, output.width() or 80) if is_prose else [part]
    typer.echo("\n".join(lines))


class _Coercion:
    """An option's coercion, made by pydantic only for a value that is not of its type yet: no default is."""

    def __init__(self, option: Any) -> None:
        self._option = option
        self._default = option.default

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        kind = self._option.type_descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if value is self._default or (isinstance(kind, type) and isinstance(value, kind)):
            return value
        return build_runtime_param(self._option.type_descriptor).coerce(value, param=param, ctx=ctx)


def _settled(command: Any, context: Any, known: Mapping[str, Any]) -> Any:
    """Return a command whose options are what the settings say where they are not typed."""
    everywhere = [copy.copy(option) for option in context.command.params if option.name in _EVERYWHERE]
    for option in everywhere:
        option.expose_value, option.default = False, context.params.get(option.name, False)
    for each in (command, *getattr(command, "commands", {}).values()):
        each.params += everywhere
        for option in (*each.params, each.get_help_option(context)):
            _improve(option, known)
    return command


def _improve(option: Any, known: Mapping[str, Any]) -> None:
    """Have an option be what the settings say, and its help be free of Python's words."""
    option._runtime_param = _Coercion(option)  # noqa: SLF001 - typer makes it there, for every option at once
    if option.name in known and not getattr(option, "multiple", False):
        option.default = known[option.name]
    if option.param_type_name == "argument":
        option.display_type_rich = lambda ctx: None  # noqa: ARG005 - as typer calls it
    else:
        option.metavar = "" if option.is_flag else option.metavar


class LazyGroup(TyperGroup):
    """Knows every command by name; loads the one that is resolved."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for panel, commands in PANELS.items():
            for name, text in commands.items():
                self.commands[name] = LazyCommand(name, help=text, rich_help_panel=panel)

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)
        for option in params:
            _improve(option, {})
        return params

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        known = settings.defaults(typed.flags_of(args), args)
        output.speak(settings.language(args, known))
        name, command, rest = super().resolve_command(ctx, args)
        return name, _settled(command.load(), ctx, known) if isinstance(command, LazyCommand) else command, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Roll a permanent heartbeat agent out over SSH, and see, believably, which machines are online.",
    epilog="Begin with: roosync-ops init\n\nTry it without any machine: roosync-ops lab",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, options.opt("--version", callback=_print_version, is_eager=True)] = False,
    quiet: Annotated[bool, options.opt("--quiet -q", callback=output.hush)] = False,
    utc: Annotated[bool, options.opt("--utc", callback=output.in_utc)] = False,
) -> None:
    """Hold the options that stand before a command; some may stand behind it as well."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code; never raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    output.prepare()
    output.speak(settings.language(arguments))
    with typed.about(typed.flags_of(arguments)):
        try:
            program = typer.main.get_command(app)
            code = program.main(options.spelled(arguments), prog_name=PROGRAM, standalone_mode=False)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes a sentence and an exit code
            code = failures.report(error, arguments)
        return failures.delivered(code if isinstance(code, int) else 0)
