"""Wine's environment and the files by which a host's user and registry are set before it boots."""

from pathlib import Path

#: Wine 10's tools that Wine 8 has only as stubs or with fewer switches; they are loaded as native programs.
NEWER_TOOLS = ("cmd", "findstr", "tasklist", "where", "fc", "sort", "sc")
#: The login of every host, and the Windows user of a host without a profile of another name.
USER = "me"
_SYSTEM = "/usr/lib/wine:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(prefix: str, home: str) -> dict[str, str]:
    """Return the environment of Wine's programs. What is set for the person who runs the tests reaches no host."""
    native = ",".join(f"{name}.exe" for name in (*NEWER_TOOLS, "schtasks"))
    return {
        "PATH": _SYSTEM,
        "HOME": home,
        "WINEPREFIX": prefix,
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": f"mscoree=;mshtml=;winemenubuilder.exe=;{native}=n,b",
        # Wine converts names and arguments from this
        "LANG": "C.UTF-8",
    }


def passwd(user: str) -> str:
    """Return a passwd whose root, by id, is `user`: Wine names the profile after that. USER is the login."""
    names = dict.fromkeys((user, USER))
    own = "".join(f"{name}:*:0:0::/srv/home:/bin/sh\n" for name in names)
    return own + Path("/etc/passwd").read_text(encoding="utf-8")


def registry_section(key: str, values: dict[str, str]) -> str:
    """Return one key in the text form of Wine's registry files; `@` is the default value."""
    lines = [f"\n[{_escape(key)}]"]
    lines += [f"{name if name == '@' else _quote(name)}={_quote(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def renamed(registry: str, user: str) -> str:
    """Return a registry file's text with the profile of USER being that of `user`."""
    return registry.replace(_escape(rf"C:\users\{USER}"), _escape(rf"C:\users\{user}"))


def _quote(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    r"""Escape as Wine's dump_strW does: backslash and quote, and `\xNNNN` beyond ASCII."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(one if ord(one) < 128 else f"\\x{ord(one):04x}" for one in plain)
