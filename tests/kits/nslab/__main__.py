"""By hand: `python -m tests.kits.nslab build [SUITE...] | up NAME[:SUITE]... | sweep`."""

import subprocess
import sys

from . import SUITES, Fleet, HostSpec, build_all, why_not
from .slot import sweep_left_overs


def main(argv: list[str]) -> int:
    verb, *rest = argv or [""]
    reason = why_not()
    if verb not in ("build", "up", "sweep") or reason:
        print(reason or __doc__, file=sys.stderr)  # noqa: T201 - this is a command
        return 2
    if verb == "build":
        build_all(rest or SUITES)
    elif verb == "sweep":
        sweep_left_overs()
    else:
        _shell_in([_spec(name) for name in rest] or [HostSpec("myia-web1")])
    return 0


def _spec(text: str) -> HostSpec:
    name, _, suite = text.partition(":")
    return HostSpec(name, suite or "bookworm")


def _shell_in(specs: list[HostSpec]) -> None:
    with Fleet(specs) as fleet:
        print(f"ssh -F {fleet.ssh_config} root@{specs[0].name}; exit ends the fleet", file=sys.stderr)  # noqa: T201
        subprocess.run(("bash", "--norc"), cwd=fleet.folder, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
