"""Make the README's pictures anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from roosync_ops.lab.fleet import LabFleet
from tests.kits.browser import browser, screenshot

from . import lab as made

FOLDER: Final = Path(__file__).parents[2] / ".github" / "pictures"
#: What the pictures of the dashboard say: a picture cannot be read back.
WORDS: Final = FOLDER / "dashboard.txt"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with LabFleet() as lab, browser() as chrome:
        made.play(lab)
        page, at_ms = made.dashboard(lab)
        for name in made.TERMINALS:
            (FOLDER / f"{name}.svg").write_text(made.terminal(lab, name), encoding="utf-8")
        for name, dark in made.PAGES.items():
            screenshot(chrome, page.as_uri(), FOLDER / f"{name}.png", dark=dark, now_ms=at_ms, whole=False)
        WORDS.write_text("\n".join([*made.words(chrome, page, at_ms), ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
