"""By hand: `python -m tests.kits.winlab build | up NAME...`."""

import subprocess
import sys

from . import WinFleet, WinHostSpec, base, tools, why_not


def main(argv: list[str]) -> int:
    verb, *rest = argv or [""]
    reason = why_not()
    if verb not in ("build", "up") or reason:
        print(reason or __doc__, file=sys.stderr)  # noqa: T201 - this is a command
        return 2
    if verb == "build":
        print(base.build(), tools.build(), sep="\n")  # noqa: T201
    else:
        _shell_in([WinHostSpec(name) for name in rest] or [WinHostSpec("MYIA-PO-2024")])
    return 0


def _shell_in(specs: list[WinHostSpec]) -> None:
    with WinFleet(specs) as fleet:
        print(f"ssh -F {fleet.ssh_config} {specs[0].name} ver; exit ends the fleet", file=sys.stderr)  # noqa: T201
        subprocess.run(("bash", "--norc"), cwd=fleet.folder, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
