"""schtasks' command line: the few forms that the stand-in knows, as Microsoft's pages give them; all else is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: verb: {option: takes a value}. `/XML` of /Query takes one only if one follows.
_OPTIONS: Mapping[str, Mapping[str, bool]] = {
    "/CREATE": {"/TN": True, "/XML": True, "/F": False},
    "/RUN": {"/TN": True},
    "/END": {"/TN": True},
    "/CHANGE": {"/TN": True, "/ENABLE": False, "/DISABLE": False},
    "/DELETE": {"/TN": True, "/F": False},
    "/QUERY": {"/TN": True, "/XML": True, "/FO": True, "/V": False, "/NH": False},
}
_MANDATORY = {"/CREATE": ("/TN", "/XML"), "/RUN": ("/TN",), "/END": ("/TN",), "/CHANGE": ("/TN",), "/DELETE": ("/TN",)}
#: In a task's name; `\\` parts folders.
_FORBIDDEN = '<>:"/|?*'


class UsageError(ValueError):
    """A command line that schtasks refuses: `key` and `word` name its sentence, `verb` the usage it points to."""

    def __init__(self, key: str, word: str, verb: str = "") -> None:
        super().__init__(f"{key}: {word}")
        self.key, self.word, self.verb = key, word, verb


@dataclass(frozen=True)
class Command:
    """A verb in capitals and its options, by capitals; an option without value is there with the empty string."""

    verb: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The task's name as it was given."""
        return self.options.get("/TN", "")


def parse(argv: Sequence[str]) -> Command:
    """The command in the words after `schtasks`; no words are a query. Raises UsageError."""
    if not argv:
        return Command("/QUERY")
    verb, rest = argv[0].upper(), list(argv[1:])
    if verb not in _OPTIONS:
        raise UsageError("bad-option", argv[0])
    options: dict[str, str] = {}
    while rest:
        _option(verb, rest, options)
    _check(verb, options)
    return Command(verb, options)


def _option(verb: str, rest: list[str], options: dict[str, str]) -> None:
    word = rest.pop(0)
    option = word.upper()
    if option not in _OPTIONS[verb]:
        raise UsageError("bad-option", word, verb)
    if option in options:
        raise UsageError("twice", option.lower(), verb)
    options[option] = ""
    if not _OPTIONS[verb][option]:
        return
    if rest and not rest[0].startswith("/"):
        options[option] = rest.pop(0)
    elif (verb, option) != ("/QUERY", "/XML"):
        raise UsageError("no-value", option.lower(), verb)


def _check(verb: str, options: Mapping[str, str]) -> None:
    for option in _MANDATORY.get(verb, ()):
        if option not in options:
            raise UsageError("mandatory", option.lower(), verb)
    if verb == "/CHANGE" and ("/ENABLE" in options) == ("/DISABLE" in options):
        raise UsageError("bad-option", "/DISABLE" if "/ENABLE" in options else "/ENABLE", verb)
    if verb == "/QUERY":
        _check_query(options)


def _check_query(options: Mapping[str, str]) -> None:
    if options.get("/FO", "TABLE").upper() not in ("TABLE", "LIST", "CSV"):
        raise UsageError("bad-value", "/FO", "/QUERY")
    if options.get("/XML", "").upper() not in ("", "ONE"):
        raise UsageError("bad-value", "/XML", "/QUERY")
    if "/XML" in options and {"/FO", "/V", "/NH"} & options.keys():
        raise UsageError("bad-option", "/XML", "/QUERY")
    if "/NH" in options and options.get("/FO", "TABLE").upper() == "LIST":
        raise UsageError("bad-option", "/NH", "/QUERY")


def full_path(name: str) -> str | None:
    """The task's path, with the leading backslash that may be left out; None for what cannot be one."""
    path = name if name.startswith("\\") else f"\\{name}"
    parts = path[1:].split("\\")
    good = all(part and not part.startswith(" ") and not set(part) & set(_FORBIDDEN) for part in parts)
    return path if good and len(path) <= 238 else None
