"""The waterfall of one trace as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onex_analytics.cli.output import shown

if TYPE_CHECKING:
    import polars as pl

CRITICAL, AWAITED_BY_NOBODY, OPEN, MOMENT = "█", "░", "▸", "│"
LEGEND = f"{CRITICAL} the root waited for this   {AWAITED_BY_NOBODY} beside that   {OPEN} no end in the log"
_NAME = 44


def waterfall_lines(rows: pl.DataFrame, *, width: int = 120) -> list[str]:
    """A heading and a line a row of `profiling.waterfall`.

    Args:
        rows: collected, of one trace, with at least one row.
        width: columns of the terminal.
    """
    lanes = rows.to_dicts()
    whole = max(lane["until_ms"] for lane in lanes)
    starts = [lane["start"] for lane in lanes if lane["start"] is not None]
    spans = lanes[0]["spans"]
    facts = [f"trace {lanes[0]['trace_id']}", f"{spans:,} span{'s' * (spans != 1)}", f"{length(whole)}"]
    facts += [f"{starts and min(starts):%Y-%m-%d %H:%M:%S} UTC"] if starts else []
    facts += [
        f"{count:,} {word}"
        for word, count in (
            ("failed", sum(lane["errors"] for lane in lanes)), ("open", sum(lane["open"] for lane in lanes)),
            ("without any time, not shown", lanes[0]["left_out"]),
        )
        if count
    ]  # fmt: skip
    names = [_name(lane) for lane in lanes]
    nodes = [lane["node"] or "" for lane in lanes]
    wide = min(max(map(len, names)), _NAME)
    of_node = min(max(map(len, nodes)), 28)
    bar = max(width - wide - of_node - 26, 20)
    lines = [" · ".join(facts), LEGEND, ""]
    for lane, name, node in zip(lanes, names, nodes, strict=True):
        what = f"{_cut(name, wide)}  {_cut(node, of_node)}  {length(lane['length_ms']):>9}"
        lines.append(f"{what}  {_bar(lane, whole, bar)}{_note(lane)}".rstrip())
    return lines


def length(ms: float) -> str:
    """A duration as people say it.

    >>> length(0.25), length(1234.0), length(90_000.0), length(7_200_000.0), length(400_000_000.0)
    ('0.25 ms', '1.23 s', '90 s', '120 min', '4.63 d')
    """
    for unit, size, least in (("d", 86_400_000, 2), ("h", 3_600_000, 3), ("min", 60_000, 2), ("s", 1000, 1)):
        if ms >= size * least:
            return f"{ms / size:.3g} {unit}"
    return f"{shown(ms)} ms"


def _name(lane: dict[str, Any]) -> str:
    folded = f" ({lane['folded']:,})" if lane["folded"] else ""
    return f"{'  ' * lane['depth']}{lane['name'] or '(no name)'}{folded}"


def _cut(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _bar(lane: dict[str, Any], whole: float, width: int) -> str:
    """What is drawn from the first sign of life of the trace to its last."""

    def place(ms: float) -> int:
        return min(int(ms / whole * width), width - 1) if whole > 0 else 0

    first, last = place(lane["offset_ms"]), place(lane["until_ms"])
    plain = OPEN if lane["state"] == "open" else AWAITED_BY_NOBODY if lane["length_ms"] > 0 else MOMENT
    cells = [" "] * first + [plain] * (last - first + 1)
    for section in lane["critical"]:
        for cell in range(place(section["from_ms"]), place(section["to_ms"]) + 1):
            cells[cell] = CRITICAL
    return "".join(cells).ljust(width)


def _note(lane: dict[str, Any]) -> str:
    notes = []
    if lane["folded"]:
        notes += [f"{lane['errors']:,} failed"] if lane["errors"] else []
        notes += [f"{lane['open']:,} open"] if lane["open"] else []
    elif lane["status"] == "error":
        notes.append("failed" + (f" {lane['error_code']}" if lane["error_code"] else ""))
    if lane["state"] not in (None, "closed"):
        notes.append(lane["state"].replace("_", " "))
    return f"  {', '.join(notes)}" if notes else ""
