"""Traces in Chrome's Trace Event Format: a JSON array of events, or an object with them under `traceEvents`.

Work on a thread (X; B and E) and asynchronous work (b and e; S and F) becomes spans; every other kind of event is
counted. The format knows no traces: each outermost slice of a track is the root of a trace of its own, unless the
event's `args` name `trace_id` and `span_id`, as those of `profiling.export.chrome_trace` do. In a file that says that
it is of that function, `args` tell the span whole: what they lack is null, be it an id or the duration.
Source: Trace Event Format, Google, 2016 (the document that Chrome's own importer, catapult, follows).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Final

import polars as pl
import xxhash

from onex_analytics.model.shapes import SPANS
from onex_analytics.sources.slices import Mark, Slice, nested, paired
from onex_analytics.sources.span_files import (
    LIMIT_BYTES,
    NOT_CLOSED,
    Broken,
    Refused,
    Rejections,
    SpanFile,
    Text,
    array_begin,
    json_text,
    plain_text,
    read_text,
    span_frame,
    whole_or_salvaged,
    whole_us,
)

OTHER_KINDS: Final = {
    "M": "metadata", "i": "instant", "I": "instant", "C": "counter", "P": "sample", "R": "mark",
    "s": "flow_begin", "t": "flow_step", "f": "flow_end", "n": "async_instant", "T": "async_step", "p": "async_step",
    "N": "object_created", "O": "object_snapshot", "D": "object_destroyed", "V": "memory_dump", "v": "memory_dump",
    "c": "clock_sync", "(": "context_begin", ")": "context_end", "=": "linked_id", "a": "async_mark",
}  # fmt: skip
"""Kinds of events that are no spans, by phase; `end` counts the E, e and F that ended a span told by its begin."""

_BEGINS, _ENDS = frozenset("BbS"), frozenset("EeF")
_EXPRESSED = frozenset({"name", "ph", "ts", "dur", "tdur", "args"})
_CORE = ("trace_id", "span_id", "parent_span_id", "name", "kind", "start", "end", "duration_ms", "status", "node")
_TEXTS: Final = dict.fromkeys(("thread", "attributes", "extra"), pl.String())
_GIVEN: Final = {
    name: dtype for name, dtype in SPANS.items() if name not in {*_CORE[:4], "start", "end"} and dtype != pl.List
}
"""Columns that an event with ids of its own may give in its `args`."""
_IDS, _OURS = _CORE[:3], "onex_analytics:"
"""The ids, and how the exporter's name begins in files of `profiling.export.chrome_trace`."""

Key = tuple[str, ...]

_LARGEST = 1 << 63


def read_spans(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> SpanFile:
    """The spans of a Chrome trace. An array that is not closed is read as Chrome reads it.

    Args:
        path: a file, plain, gzip or Zstandard, or "-" for standard input.
        limit_bytes: largest JSON text, decompressed, that is parsed; about ten times as much memory is used.

    Returns:
        `spans`, in the order in which the file tells of them: `trace_id`, `span_id`, `parent_span_id` (given in
        `args`, else made: the slice around it on its thread is the parent), `name`, `kind`, `start` and `end`
        (microseconds since 1970, or since whatever instant the trace counts from; fractions rounded half to even, so
        that nesting stays; no end where none was seen), `duration_ms` (with its fraction), `status`, `node` (the
        process's name), `cpu_time_ms` (from `tdur`), `thread` (its name, else its id), as JSON text `attributes` (the
        `args`) and `extra` (pid, tid, cat and all other fields); and columns of `model.SPANS` that `args` give
        beside their own ids. `others` counts events by the words of `OTHER_KINDS`.

    Raises:
        SourceError: the file is missing, may not be read, is no JSON, or is longer than the limit.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     _ = file.write('[{"name": "a", "ph": "X", "ts": 0, "dur": 10.5, "pid": 1, "tid": 1},'
    ...                    '{"name": "b", "ph": "B", "ts": 2, "pid": 1, "tid": 1},'
    ...                    '{"ph": "E", "ts": 5, "pid": 1, "tid": 1}'); file.flush()
    ...     read = read_spans(file.name)
    >>> read.spans.select("name", "duration_ms", parent=pl.col("parent_span_id").str.tail(2)).rows()
    [('a', 0.0105, None), ('b', 0.003, '01')]
    >>> read.read, dict(read.others)
    (3, {'end': 1})
    """
    text = read_text(path, limit_bytes)
    rejections, others = Rejections(), Counter[str]()
    events, about, broken = _events(text)
    tracks, names = _tracks(events, rejections, others)
    slices: list[tuple[Slice, Key]] = []
    for key, (whole, marks) in tracks.items():
        on_track = whole + paired(marks)
        nested(on_track)
        slices += [(piece, key) for piece in on_track]
    others["end"] += sum(piece.more is not None for piece, _ in slices)
    position = rejections.add_end(text, broken, len(events))
    spans = _spans(slices, names, xxhash.xxh64_hexdigest(text.content), _is_ours(about), rejections)
    rejected = rejections.frame().sort("position", maintain_order=True)
    return SpanFile(spans, rejected, {kind: n for kind, n in others.items() if n}, position, about)


def _events(text: Text) -> tuple[list[Any], dict[str, Any], Broken | None]:
    """The events; what the file says beside; and what stands behind the place where it breaks off."""
    whole, broken = whole_or_salvaged(text, "traceEvents")
    if broken is not None:
        return whole or [], {}, None if _only_not_closed(text, *broken) else broken
    if isinstance(whole, list) or not text.decoded.strip():
        return whole or [], {}, None
    found = whole.get("traceEvents")
    if not isinstance(found, list):
        return [], {}, (Refused("not_a_trace", "an object without a list `traceEvents`"), text.decoded)
    return found, {key: value for key, value in whole.items() if key != "traceEvents"}, None


def _only_not_closed(text: Text, problem: Refused, rest: str) -> bool:
    """An array of events as Chrome leaves it behind when it is stopped."""
    return problem.detail == NOT_CLOSED and not rest and array_begin(text.decoded, None) >= 0


def _tracks(
    events: list[Any], rejections: Rejections, others: Counter[str]
) -> tuple[dict[Key, tuple[list[Slice], list[Mark]]], dict[Key, str]]:
    """Whole slices and marks of each track; and the names of processes and threads."""
    tracks: dict[Key, tuple[list[Slice], list[Mark]]] = defaultdict(lambda: ([], []))
    names: dict[Key, str] = {}
    for position, event in enumerate(events):
        try:
            if not isinstance(event, dict):
                raise Refused("not_an_object", f"{event!r:.60}")
            phase = event.get("ph")
            if not isinstance(phase, str):
                raise Refused("unknown_phase", f"ph is {phase!r:.60}")
            if phase == "X":
                tracks[_track(event)][0].append(_whole_slice(event, position))
            elif phase in _BEGINS or phase in _ENDS:
                name = event.get("name")
                mark = Mark(event, position, _ns(event, "ts"), phase in _BEGINS, name if _is_name(name) else None)
                tracks[_track(event)][1].append(mark)
            elif phase in OTHER_KINDS:
                others[OTHER_KINDS[phase]] += 1
                if phase == "M":
                    _take_name(event, names)
            else:
                raise Refused("unknown_phase", f"ph is {phase!r:.60}")
        except Refused as problem:
            rejections.add(problem.reason, problem.detail, event, position)
    return tracks, names


def _is_name(name: Any) -> bool:
    if name is not None and not isinstance(name, str):
        raise Refused("wrong_type", f"name is {name!r:.60}, not text")
    return bool(name)


def _ns(event: dict[str, Any], key: str) -> int:
    """A time of an event in nanoseconds; the format has microseconds with a fraction."""
    if event.get(key) is None:
        raise Refused("missing_time", f"no {key}")
    return whole_us(event[key], key, scale=1000)


def _whole_slice(event: dict[str, Any], position: int) -> Slice:
    _is_name(event.get("name"))
    start = _ns(event, "ts")
    if event.get("dur") is None:
        return Slice(event, position, start, None, float("inf"))
    end = start + _ns(event, "dur")
    whole_us(end // 1000, "ts + dur")
    return Slice(event, position, start, end, max(start, end))


def _track(event: dict[str, Any]) -> Key:
    """Where an event's work nests: on its thread, or under its asynchronous id."""
    pid, phase = str(event.get("pid", "")), event["ph"]
    if phase in ("X", "B", "E"):
        return ("thread", pid, str(event.get("tid", "")))
    category, scope = str(event.get("cat", "")), str(event.get("scope", ""))
    named = (str(event.get("name", "")),) if phase in ("S", "F") else ()
    held = event.get("id2")
    if isinstance(held, dict) and "local" in held:
        return ("async", category, scope, "local", pid, str(held["local"]), *named)
    found = held.get("global") if isinstance(held, dict) else event.get("id", "")
    return ("async", category, scope, "global", str(found), *named)


def _take_name(event: dict[str, Any], names: dict[Key, str]) -> None:
    args = event.get("args")
    name = args.get("name") if isinstance(args, dict) else None
    if isinstance(name, str) and name:
        if event.get("name") == "process_name":
            names["process", str(event.get("pid", ""))] = plain_text(name)
        elif event.get("name") == "thread_name":
            names["thread", str(event.get("pid", "")), str(event.get("tid", ""))] = plain_text(name)


def _is_ours(about: dict[str, Any]) -> bool:
    other = about.get("otherData")
    return isinstance(other, dict) and str(other.get("exporter", "")).startswith(_OURS)


def _spans(
    slices: list[tuple[Slice, Key]], names: dict[Key, str], file_hash: str, ours: bool, rejections: Rejections
) -> pl.DataFrame:
    """One row a slice, in order of the file; ids that are not given are made of the file's hash and the position."""
    rows: dict[int, dict[str, Any]] = {}
    # outer slices first, so that a trace id comes down from the root
    slices.sort(key=lambda pair: (_begin(pair[0]), -pair[0].within_ns, pair[0].position))
    for piece, _ in slices:
        outer = rows.get(id(piece.parent)) if piece.parent is not None else None
        made = f"{piece.position + 1:016x}"
        ids = {
            "trace_id": outer["trace_id"] if outer else file_hash + made, "span_id": made,
            "parent_span_id": outer["span_id"] if outer else None,
        }  # fmt: skip
        try:
            rows[id(piece)] = _row(piece, ids, names, ours)
        except Refused as problem:
            rejections.add(problem.reason, problem.detail, piece.event, piece.position)
    ordered = [rows[id(piece)] for piece, _ in sorted(slices, key=lambda pair: pair[0].position) if id(piece) in rows]
    more = {*_GIVEN} - {*_CORE}
    present = {name for row in ordered for name in row} & more
    columns = {name: [row.get(name) for row in ordered] for name in (*_CORE, *present, *_TEXTS)}
    return span_frame(columns, _TEXTS)


def _begin(piece: Slice) -> int:
    return piece.start_ns if piece.start_ns is not None else piece.end_ns or 0


def _row(piece: Slice, ids: dict[str, Any], names: dict[Key, str], ours: bool) -> dict[str, Any]:
    event, start, end = piece.event, piece.start_ns, piece.end_ns
    args = _args(event, piece.more)
    pid, tid = str(event.get("pid", "")), str(event.get("tid", ""))
    name = event.get("name")
    tdur = event.get("tdur")
    row = {
        **ids, "name": plain_text(name) if name is not None else None, "kind": "internal",
        "start": _us(start), "end": _us(end), "status": "unset", "node": names.get(("process", pid)),
        "duration_ms": None if start is None or end is None else (end - start) / 1e6,
        "thread": names.get(("thread", pid, tid), plain_text(tid) or None),
    }  # fmt: skip
    if tdur is not None:
        row["cpu_time_ms"] = whole_us(tdur, "tdur", scale=1000) / 1e6
    whole = ours and all(key in args and isinstance(args[key], str | None) for key in _IDS)
    if whole or all(isinstance(args.get(key), str) and args[key] for key in _IDS[:2]):
        for key in _IDS:
            found = args.pop(key, None)
            row[key] = plain_text(found) if isinstance(found, str) and (found or whole) else None
        if whole:
            row |= dict.fromkeys(_GIVEN)
            if args.get("name", "") is None:  # the viewers show a name, if only an empty one
                row["name"] = args.pop("name")
        fitting = {key: _fitting(args[key], dtype) for key, dtype in _GIVEN.items() if key in args}
        expressed = {key: value for key, value in fitting.items() if value is not None}
        row |= expressed
        args = {key: value for key, value in args.items() if key not in expressed}
    row["attributes"] = json_text(args)
    row["extra"] = json_text({key: value for key, value in event.items() if key not in _EXPRESSED})
    return row


def _args(begin: dict[str, Any], end: dict[str, Any] | None) -> dict[str, Any]:
    """What the begin says, and then the end; something that is no object stands under the key `args`."""
    found: dict[str, Any] = {}
    for event in (begin, end or {}):
        args = event.get("args")
        if args is not None:
            found.update(args if isinstance(args, dict) else {"args": args})
    return found


def _fitting(value: Any, dtype: pl.DataType) -> Any:
    """The value where a column of this type can hold it, else None."""
    if dtype == pl.String:
        return plain_text(value) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if not dtype.is_integer():
        number = float(Decimal(value))
        return number if isfinite(number) else None
    low, high = (0, 256) if dtype == pl.UInt8 else (-_LARGEST, _LARGEST)
    return int(value) if low <= value < high and value == int(value) else None


def _us(time_ns: int | None) -> int | None:
    """Nanoseconds as microseconds, half to even: the order of two times is never turned around."""
    if time_ns is None:
        return None
    whole, rest = divmod(time_ns, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1))
