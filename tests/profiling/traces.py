"""Traces for tests: made by hand, drawn by Hypothesis, and slow oracles that say the specification's text as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import polars as pl
from hypothesis import strategies as st

from onex_analytics.model.shapes import UTC_MICROSECONDS

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHAPE = {
    "trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String, "kind": pl.String,
    "start": UTC_MICROSECONDS, "end": UTC_MICROSECONDS,
}  # fmt: skip


def at(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else NOON + timedelta(microseconds=microseconds)


class Span(NamedTuple):
    """A span as a test writes it; its name is its id unless said otherwise, times are microseconds after noon."""

    id: str | None
    parent: str | None
    start: int | None
    end: int | None
    name: str | None = None
    trace: str | None = "t"
    kind: str = "internal"


def frame(spans: list[Span], **more: list[Any]) -> pl.DataFrame:
    rows = [(s.trace, s.id, s.parent, s.name or s.id, s.kind, at(s.start), at(s.end)) for s in spans]
    return pl.DataFrame(rows, schema=SHAPE, orient="row").with_columns(**{k: pl.Series(v) for k, v in more.items()})


def microseconds(column: str) -> pl.Expr:
    return (pl.col(column) - NOON).dt.total_microseconds()


@st.composite
def tidy_traces(draw: st.DrawFn, most: int = 12, longest: int = 20) -> list[Span]:
    """One or two traces of closed spans with unique ids; children lie anywhere, also outside of their parents."""
    spans: list[Span] = []
    for trace in draw(st.sampled_from([("t",), ("t", "u")])):
        own: list[Span] = []
        for i in range(draw(st.integers(1, most))):
            parent = draw(st.sampled_from(own)).id if own and draw(st.integers(0, 9)) else None
            start, length = draw(st.integers(0, longest)), draw(st.integers(0, longest))
            kind = draw(st.sampled_from(["internal"] * 6 + ["producer", "consumer"]))
            own.append(Span(f"{trace}{i:02}", parent, start, start + length, draw(st.sampled_from("xyz")), trace, kind))
        spans += own
    return spans


@st.composite
def wild_traces(draw: st.DrawFn) -> list[Span]:
    """Anything: null ids, doubled ids, cycles, orphans, open spans, ends before starts."""
    ids = st.sampled_from([None, "a", "b", "c", "d", "e"])
    times = st.none() | st.integers(0, 12)
    kinds = st.sampled_from(["internal", "internal", "producer", "consumer"])
    traces = st.sampled_from(["t", "t", "u", None])
    span = st.builds(Span, ids, ids, times, times, st.sampled_from("xyz"), traces, kinds)
    return draw(st.lists(span, max_size=14))


def children_of(spans: list[Span], parent: Span) -> list[Span]:
    return [s for s in spans if s.trace == parent.trace and s.parent == parent.id and s is not parent]


def roots_of(spans: list[Span]) -> list[Span]:
    return [s for s in spans if s.parent is None]


def is_async(parent: Span, child: Span) -> bool:
    return parent.kind == "producer" and child.kind == "consumer"


def self_microseconds(spans: list[Span], span: Span) -> int:
    """Microsecond by microsecond: those of the span that lie in no child."""
    covered = {m for c in children_of(spans, span) for m in range(c.start, c.end)}
    return len(set(range(span.start, span.end)) - covered)


def sections_of(
    spans: list[Span], root: Span, touching: str = "inclusive", tolerance: Fraction = Fraction(0)
) -> list[tuple[str, int, int]]:
    """`cp(s, lo, hi)` as the specification says it, by recursion; by time."""

    def cp(s: Span, lo: int, hi: int) -> list[tuple[str, int, int]]:
        found, t = [], hi
        clipped = [(min(c.end, hi), max(c.start, lo), c) for c in children_of(spans, s) if not is_async(s, c)]
        # equal clipped times: by the times as they are, then by id
        clipped.sort(key=lambda e: (-e[0], -e[1], -e[2].end, -e[2].start, e[2].id))
        picked = False
        for end, start, child in clipped:
            if start >= end or start >= t:
                continue
            before = end < t or (end == t and (touching == "inclusive" or not picked))
            if before or end - t < tolerance * (s.end - s.start):
                cut = min(end, t)
                found += [(s.id, cut, t), *cp(child, start, cut)]
                t, picked = start, True
        return [*found, (s.id, lo, t)]

    tiled = [section for section in cp(root, root.start, root.end) if section[1] < section[2]]
    return tiled[::-1] or [(root.id, root.start, root.end)]


def length_of(spans: list[Span], root: Span, own=lambda span, time: time, whole=lambda span, time: time) -> Fraction:
    """How long the root takes if own work and whole spans take other times: by recursion, as `moves.py` tells it."""

    def length(s: Span, lo: int, hi: int) -> Fraction:
        clipped = [(max(c.start, lo), min(c.end, hi), c) for c in children_of(spans, s) if not is_async(s, c)]
        waited = sorted(((b, e, c) for b, e, c in clipped if b < e), key=lambda child: child[0])
        new_end: dict[str | None, Fraction] = {}
        for begin, end, child in waited:
            before = [(e, c) for _, e, c in waited if e <= begin]
            seen = max([lo] + [e for e, _ in before])
            moved = max([Fraction(0)] + [new_end[c.id] for _, c in before])
            new_end[child.id] = moved + own(s, Fraction(begin - seen)) + whole(child, length(child, begin, end))
        seen = max([lo] + [e for _, e, _ in waited])
        return max([Fraction(0), *new_end.values()]) + own(s, Fraction(hi - seen))

    return whole(root, length(root, root.start, root.end))
