"""The product, or any library of the Python that runs the tests, put on a host whose CPython is of the same version."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement

import roosync_ops

from .base import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .host import Host

#: The suite whose CPython is the one these tests run on, None where no Debian here runs it: compiled parts are copied.
SUITE: Final = next((suite for suite, version in SUITES.items() if version == "{}.{}".format(*sys.version_info)), None)


def install(host: Host, *names: str) -> None:
    """Copy the product, the distributions of `names` and all that these need into a host's own Python.

    What was compiled of them goes with them, and their times: for a user of the host each start would compile it all.
    """
    to = host.disk.root / "usr/local/lib" / f"python{SUITES[host.suite]}" / "dist-packages"
    source = Path(roosync_ops.__file__).parent
    shutil.copytree(source, to / "roosync_ops", ignore=shutil.ignore_patterns("*.pyc.*"))
    for found in _closure(names):
        for file in found.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                _copy(Path(str(found.locate_file(file))), to / file)


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to)
    if file.suffix == ".py" and (compiled := Path(cache_from_source(file))).is_file():
        (to.parent / "__pycache__").mkdir(exist_ok=True)
        shutil.copy2(compiled, to.parent / "__pycache__")


def _closure(names: Iterable[str]) -> Iterable[Distribution]:
    """Return the distributions and everything they require here, extras aside."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name not in found:
            found[name] = distribution(name)
            needs = map(Requirement, found[name].requires or ())
            left += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found.values()
