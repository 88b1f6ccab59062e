"""What was measured of shares, and of the ways between them: as a table, and as JSON."""

from typing import Any, Final

from roosync_ops.judge.shares import Share, Shares

from .columns import Column, lay_out
from .document import keyed
from .text import safe, wrapped

HERE: Final = "this computer"
_SIGNS: Final = {"good": "✓", "bad": "✗", "unknown": "?"}


def shares_document(found: Shares) -> dict[str, Any]:
    """Return the one document of --json: `shared` and `traits` are this computer's own."""
    own = next((one for one in found.shares if one.machine_id is None), Share(None, None))
    return {
        "ok": found.ok,
        "shared": own.shared,
        "traits": _traits(own),
        "machines": [_machine(one) for one in found.shares if one.machine_id is not None],
        "propagation": [
            keyed(
                way,
                "source observer",
                beats=len(way.lags_s),
                p50S=round(way.p50_s, 3),
                p99S=round(way.p99_s, 3),
                errorS=round(way.error_s, 3),
            )
            for way in found.ways
        ],
    }


def _traits(share: Share) -> list[dict[str, Any]]:
    return [keyed(one, "name verdict detail", **one.figures) for one in share.traits]


def _machine(share: Share) -> dict[str, Any]:
    code, reason, hint = share.problem or (None, None, None)
    return keyed(share, "machineId shared ok", traits=_traits(share), code=code, reason=reason, hint=hint)


def shares_table(found: Shares, width: int | None = None, *, color: bool = False) -> str:
    """Return a part for each share, the ways between them, and the verdict as the last line."""
    alone = len(found.shares) == 1 and found.shares[0].machine_id is None
    lines: list[str] = []
    for share in found.shares:
        if not alone:
            lines += [f"{share.machine_id or HERE}  {safe(share.shared or '')}".rstrip()]
        for one in share.traits:
            lines += wrapped(f"{_SIGNS[one.verdict]} {one.name:<12} {safe(one.detail)}", width, 15)
        if share.problem is not None:
            _, reason, hint = share.problem
            lines += [*wrapped(f"✗ {safe(reason)}", width, 2), f"  next: {safe(hint)}"]
        lines += [""]
    if found.ways:
        columns = [
            Column("From", [way.source for way in found.ways], 6),
            Column("To", [way.observer or HERE for way in found.ways], 5),
            Column("Beats", [str(len(way.lags_s)) for way in found.ways], 1, right=True),
            Column("p50", [f"{way.p50_s:.1f} s" for way in found.ways], 3, right=True),
            Column("p99", [f"{way.p99_s:.1f} s" for way in found.ways], 4, right=True),
            Column("±", [f"{way.error_s:.1f} s" for way in found.ways], 2, right=True),
        ]
        lines += [*lay_out(columns, width, color=color), ""]
    return "\n".join([*lines, "fit for heartbeats" if found.ok else "not fit for heartbeats as it is"])
