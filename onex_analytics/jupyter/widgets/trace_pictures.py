"""One trace as a widget shows it: its waterfall, and all that its spans say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from onex_analytics.frames.spans import complete_spans
from onex_analytics.jupyter.widgets.event_logs import EventLog
from onex_analytics.jupyter.widgets.words import text_of
from onex_analytics.profiling import waterfall

MOST_LANES = 200
_LONGEST = 4_000
_CLOSE = timedelta(seconds=1)
"""How far from the span's own times its events are looked for: a node's clock and its measure may differ."""
_FINEST = 2_000
"""Parts of the trace's time that a screen can tell apart."""
_FIRST = ("name", "node", "operation", "start", "end", "duration_ms", "status", "state", "error_code", "error_type",
          "error_message")  # fmt: skip


@dataclass(frozen=True, eq=False)
class TracePicture:
    """The lines of a trace's waterfall, and the spans of those that are drawn."""

    trace_id: str
    lines: pl.DataFrame          # of `profiling.waterfall`; empty where there is no such trace
    spans: pl.DataFrame          # all columns, of the lines that are one span

    @classmethod
    def of(cls, spans: pl.LazyFrame, trace_id: str) -> TracePicture:
        """Draw a trace. Of one with more spans than lines, the short and ordinary ones are put together."""
        its = complete_spans(spans).filter(pl.col("trace_id") == trace_id).collect()
        lines = waterfall(its, trace_id=trace_id, max_lanes=MOST_LANES).collect()
        return cls(trace_id, lines, its.join(lines.drop_nulls("span_id"), on="span_id", how="semi"))

    def attributes(self, lane: int) -> dict[str, Any]:
        """What the span of a line says: its columns with a value. Empty where a line stands for several."""
        if not 0 <= lane < self.lines.height:
            return {}
        line = self.lines.row(lane, named=True)
        if line["folded"] or line["span_id"] is None:
            return {}
        same = self.spans.filter(
            pl.col("span_id") == line["span_id"], pl.col("start").eq_missing(line["start"]),
            pl.col("end").eq_missing(line["end"]),
        )  # fmt: skip
        found = same.row(0, named=True) if same.height else {}
        order = [name for name in _FIRST if name in found]
        order += [name for name in found if name not in _FIRST]
        return {name: found[name] for name in order if found[name] is not None}

    def picture(self) -> dict[str, Any]:
        """What the browser draws."""
        rows = self.lines.to_dicts()
        first: Mapping[str, Any] = rows[0] if rows else {"spans": 0, "left_out": 0}
        until = max((row["until_ms"] for row in rows), default=0.0)
        return {
            "trace": text_of(self.trace_id, 120), "spans": first["spans"], "left_out": first["left_out"],
            "folded": sum(row["folded"] for row in rows),
            "until": until,
            "lines": [
                {
                    "depth": row["depth"], "name": text_of(row["name"]), "node": text_of(row["node"]),
                    "from": row["offset_ms"], "to": row["until_ms"], "ms": row["duration_ms"],
                    "critical": _merged(row["critical"], until / _FINEST),
                    "critical_ms": row["critical_ms"], "folded": row["folded"], "errors": row["errors"],
                    "open": row["open"],
                }
                for row in rows
            ],
        }  # fmt: skip

    def details(self, lane: int, events: pl.DataFrame) -> list[tuple[str, str]]:
        """The attributes of a line, and the metadata of its events, as texts."""
        own = [(name, text_of(value, _LONGEST)) for name, value in self.attributes(lane).items()]
        rows = events.iter_rows(named=True)
        return own + [(name, text_of(value, _LONGEST)) for row in rows for name, value in _told_by(row)]


def events_of(log: EventLog, span: Mapping[str, Any]) -> pl.DataFrame:
    """The events that a span was made from, by time; none where it does not say which."""
    ids = [span[name] for name in ("start_event_id", "end_event_id") if span.get(name) is not None]
    times = [span[name] for name in ("start", "end") if span.get(name) is not None]
    if not ids or not times:
        return log.scan().head(0).collect()
    near = log.scan(min(times) - _CLOSE, max(times) + _CLOSE)
    return near.filter(pl.col("event_id").is_in(ids)).collect().sort("timestamp", "event_id")


def _told_by(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the metadata of an event says, by the event's type."""
    kind, text = text_of(event.get("event_type"), 60), event.get("metadata")
    try:
        said = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        yield kind, text
        return
    for name, value in said.items():
        plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{kind} · {text_of(name, 80)}", plain


def _merged(sections: Sequence[Mapping[str, float]], close: float) -> list[tuple[float, float]]:
    """Sections of a critical path, those put together that nobody could tell apart.

    >>> _merged([{"from_ms": 0, "to_ms": 5}, {"from_ms": 5.5, "to_ms": 7}, {"from_ms": 9, "to_ms": 10}], 1)
    [(0, 7), (9, 10)]
    """
    found: list[tuple[float, float]] = []
    for section in sections:
        if found and section["from_ms"] - found[-1][1] < close:
            found[-1] = (found[-1][0], max(found[-1][1], section["to_ms"]))
        else:
            found.append((section["from_ms"], section["to_ms"]))
    return found
