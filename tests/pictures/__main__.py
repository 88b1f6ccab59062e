"""Make the README's pictures anew."""

from __future__ import annotations

from pathlib import Path

from roosync_ops.lab.fleet import LabFleet

from . import lab as made

FOLDER = Path(__file__).parents[2] / ".github" / "pictures"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with LabFleet() as lab:
        made.play(lab)
        for name in made.TERMINALS:
            (FOLDER / f"{name}.svg").write_text(made.terminal(lab, name), encoding="utf-8")


if __name__ == "__main__":
    main()
