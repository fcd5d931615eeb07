"""Events inside other things: bus captures, envelopes, CloudEvents, omnibase_core.

Each is rewritten to a plain event line with a row of context; what stood around it is kept in `extra.envelope`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import load8
from onex_analytics.model.event_types import event_type_of_topic
from onex_analytics.model.wire_json import WIRE_DATA, WIRE_WRAPPED
from onex_analytics.sources.block import CONTEXT, Block, block_of_rewritten
from onex_analytics.sources.grammar import OK
from onex_analytics.sources.layout import CLOUD_FIELDS, PAYLOAD_FIELDS
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ABSENT, NULL, NUMBER, OBJECT, Scan
from onex_analytics.sources.spans import Spans, slot_spans
from onex_analytics.sources.texts import json_places, raw_json, text
from onex_analytics.sources.times import OTHER_TIME, PLAIN_TIME, times

MAX_WRAPPINGS = 6
"""Envelopes inside envelopes; what is still wrapped then is taken for an event, and found to be none."""

_TOPIC_KINDS = ("evt", "cmd", "intent", "snapshot", "dlq")
_FROM_OUTSIDE = ("arrived_at", "source", "source_offset", "size_bytes")
"""Arrival and place are those of the outermost wrapping; for all else the nearest word wins."""

Mask = NDArray[np.bool_]


def wrapped_rows(found: Scan, paths: PathTable) -> Mask:
    """The lines that hold an event inside something else. An `event_id` of its own makes a line a plain event."""
    if not any(found.used[paths[name]] for name in ("payload", "envelope", "specversion", "data")):
        return np.zeros(found.status.size, np.bool_)
    return _forms(found, paths) > _PLAIN


_PLAIN, _CLOUD, _CAPTURE, _ENVELOPE, _CORE = range(5)


def _forms(found: Scan, paths: PathTable) -> NDArray[np.uint8]:
    """What each line is: an event, or which kind of wrapping around one."""

    def kind(name: str) -> NDArray[np.uint8]:
        kinds: NDArray[np.uint8] = found.kind[paths[name]]
        return kinds

    usable = found.status == OK
    no_id = (kind("event_id") <= NULL) & usable
    named = (kind("envelope_id") > NULL) | (kind("message_id") > NULL)
    holds = (kind("payload") == OBJECT) | (named & (kind("payload") != ABSENT))
    renamed = (kind("data") == OBJECT) & (kind("metadata") == ABSENT) & (kind("specversion") == ABSENT)
    forms = np.zeros(usable.size, np.uint8)
    forms[renamed & usable] = _CORE
    forms[holds & no_id] = _ENVELOPE
    forms[(kind("envelope") == OBJECT) & (kind("event_type") <= NULL) & no_id] = _CAPTURE
    forms[(kind("specversion") > NULL) & no_id] = _CLOUD
    return forms


def unwrap(block: Block, found: Scan, rows: NDArray[np.intp], paths: PathTable) -> Block:
    """One line a wrapped line, in any order: the event inside, with what stood around it as context."""
    forms = _forms(found, paths)[rows]
    opened = {_CLOUD: _cloud_events, _CAPTURE: _captured, _ENVELOPE: _enveloped, _CORE: _renamed}
    parts, texts, contexts = [], [], []
    for form, opens in opened.items():
        mine = rows[forms == form]
        if mine.size:
            lines, inner = opens(wrapped := _Wrapped(block, found, paths, mine))
            parts.append(mine)
            texts.append(lines.rename(""))
            contexts.append(wrapped.nested(inner))
    return block_of_rewritten(pl.concat(texts), block, np.concatenate(parts), pl.concat(contexts))


class _Wrapped:
    """Some wrapped lines of a block: their fields as columns."""

    def __init__(self, block: Block, found: Scan, paths: PathTable, rows: NDArray[np.intp]) -> None:
        self.block, self.found, self.paths, self.rows = block, found, paths, rows

    def __len__(self) -> int:
        return int(self.rows.size)

    def spans(self, path: str) -> Spans:
        return slot_spans(self.found, self.paths[path]).take(self.rows)

    def text(self, path: str) -> pl.Series:
        """Text, or the text of a number; null for what is empty or anything else."""
        series = text(path, self.block.buffer, self.spans(path).read_as_text(NUMBER))
        return series.replace("", None)

    def whole(self, path: str) -> pl.Series:
        return self.text(path).cast(pl.Int64, strict=False)

    def micros(self, path: str) -> pl.Series:
        """Microseconds since 1970, null where there is no time."""
        micros, states = times(self.block.buffer, self.spans(path))
        usable = pl.Series((states == PLAIN_TIME) | (states == OTHER_TIME))
        return pl.select(pl.when(usable).then(pl.Series(micros))).to_series()

    def raw(self, path: str) -> pl.Series:
        """JSON text, null where nothing or null stands."""
        return raw_json(path, self.block.buffer, self.spans(path))

    def lines(self) -> pl.Series:
        return self._cut(self.block.starts[self.rows], self.block.ends[self.rows])

    def around(self, *paths: str) -> pl.Series:
        """The line with null in the place of the first of these values that is there."""
        begins, ends = self.block.ends[self.rows].copy(), self.block.ends[self.rows].copy()
        cut = np.zeros(len(self), np.bool_)
        for path in paths:
            spans = self.spans(path)
            places = json_places(spans)
            mine = ~cut & (spans.kind != ABSENT)
            begins[mine], ends[mine] = places.offset[mine], (places.offset + places.length)[mine]
            cut |= mine
        hole = pl.when(pl.Series(cut)).then(pl.lit("null")).otherwise(pl.lit(""))
        before = self._cut(self.block.starts[self.rows], begins)
        behind = self._cut(ends, self.block.ends[self.rows])
        return pl.select(pl.concat_str(before, hole, behind)).to_series()

    def _cut(self, begins: NDArray[np.int32], ends: NDArray[np.int32]) -> pl.Series:
        kinds = np.full(len(self), OBJECT, np.uint8)
        return raw_json("", self.block.buffer, Spans(kinds, begins, ends - begins))

    def nested(self, inner: pl.DataFrame) -> pl.DataFrame:
        """Context of the inner events: their wrapping's word, and that of the wrappings around it."""
        lengths = pl.Series(self.block.ends[self.rows] - self.block.starts[self.rows])
        context = inner.with_columns(size_bytes=lengths)
        missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in CONTEXT.items() if name not in context]
        context = context.with_columns(missing).select(
            pl.col(name).cast(dtype) for name, dtype in CONTEXT.items()
        )
        if self.block.context is None:
            return context
        outer = self.block.context[self.rows].select(pl.all().name.prefix("outer_"))
        both = pl.concat([context, outer], how="horizontal")
        merged = [
            pl.coalesce(f"outer_{name}", name).alias(name)
            if name in _FROM_OUTSIDE
            else pl.coalesce(name, f"outer_{name}")
            for name in CONTEXT
            if name not in ("envelope", "wire")
        ]
        nested = pl.concat_str(pl.lit("["), "outer_envelope", pl.lit(","), "envelope", pl.lit("]"))
        return both.select(
            *merged,
            envelope=pl.coalesce(nested, "envelope", "outer_envelope"),
            wire=pl.col("wire").fill_null(0) | pl.col("outer_wire").fill_null(0),
        ).select(CONTEXT.names())


def _captured(wrapped: _Wrapped) -> tuple[pl.Series, pl.DataFrame]:
    """`{topic, partition, offset, envelope}`, as it is taken from the bus."""
    topic, partition = wrapped.text("topic"), wrapped.text("partition")
    context = pl.select(
        event_type=_per_topic(topic, event_type_of_topic),
        node_id=_per_topic(topic, _producer),
        source=pl.coalesce(pl.concat_str(topic, pl.lit("/"), partition), topic),
        source_offset=pl.coalesce(wrapped.whole("offset"), wrapped.whole("kafka_offset")),
        arrived_at=wrapped.micros("timestamp"),
        envelope=wrapped.around("envelope"),
        wire=pl.lit(WIRE_WRAPPED, dtype=pl.UInt32),
    )
    return wrapped.raw("envelope"), context


def _enveloped(wrapped: _Wrapped) -> tuple[pl.Series, pl.DataFrame]:
    """`ModelEventEnvelope` and `ModelEnvelope`; the payload is an event, or no more than the data of one."""
    topic, stamped = wrapped.text("topic"), wrapped.micros("envelope_timestamp")
    context = pl.select(
        event_id=pl.coalesce(wrapped.text("envelope_id"), wrapped.text("message_id")),
        timestamp=pl.coalesce(stamped, wrapped.micros("timestamp")),
        node_id=pl.coalesce(wrapped.text("source_tool"), wrapped.text("node_id"), _per_topic(topic, _producer)),
        event_type=pl.coalesce(wrapped.text("event_type"), _per_topic(topic, event_type_of_topic)),
        arrived_at=stamped,
        envelope=wrapped.around("payload"),
        wire=pl.lit(WIRE_WRAPPED, dtype=pl.UInt32),
    ).with_columns(
        wrapped.text(name) for name in ("correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id")
    )
    kind = {name: wrapped.spans(f"payload.{name}").kind for name in PAYLOAD_FIELDS}
    holds_one = (kind["payload"] == OBJECT) | (kind["envelope"] == OBJECT) | (kind["specversion"] > NULL)
    named = (kind["node_id"] > NULL) | (kind["event_id"] > NULL)
    is_one = (kind["event_type"] > NULL) & named | (kind["event_id"] > NULL) & (kind["timestamp"] > NULL)
    payload = wrapped.raw("payload").fill_null("null")
    bare = pl.concat_str(pl.lit('{"metadata":'), payload, pl.lit("}"))
    return pl.select(pl.when(pl.Series(holds_one | is_one)).then(payload).otherwise(bare)).to_series(), context


def _cloud_events(wrapped: _Wrapped) -> tuple[pl.Series, pl.DataFrame]:
    """CloudEvents 1.0, with upstream's `com.onex.` types and `onex/` sources."""
    members = {
        "event_id": wrapped.raw("id"),
        "timestamp": wrapped.raw("time"),
        "node_id": wrapped.raw("source").str.replace(r'^"onex\\?/', '"'),
        "event_type": wrapped.raw("type"),
        **{name: wrapped.raw(f"data.{name}") for name in CLOUD_FIELDS},
    }
    inside, data = wrapped.spans("data.metadata").kind, wrapped.raw("data")
    metadata = pl.when(pl.Series(inside != ABSENT)).then(wrapped.raw("data.metadata")).otherwise(data)
    written = [pl.concat_str(pl.lit(f'"{name}":'), raw, pl.lit(",")).fill_null("") for name, raw in members.items()]
    lines = pl.select(
        pl.concat_str(pl.lit("{"), *written, pl.lit('"metadata":'), metadata.fill_null("null"), pl.lit("}"))
    ).to_series()
    context = pl.select(
        envelope=wrapped.around("data.metadata", "data"), wire=pl.repeat(WIRE_WRAPPED, len(wrapped), dtype=pl.UInt32)
    )
    return lines, context


def _renamed(wrapped: _Wrapped) -> tuple[pl.Series, pl.DataFrame]:
    """The form of omnibase_core: an event, but for the name of its metadata."""
    starts, ends = wrapped.block.starts[wrapped.rows], wrapped.block.ends[wrapped.rows]
    key_starts, key_ends = np.empty(len(wrapped), np.int32), np.empty(len(wrapped), np.int32)
    _keys_before(wrapped.block.buffer, wrapped.spans("data").offset, key_starts, key_ends)
    before, behind = wrapped._cut(starts, key_starts), wrapped._cut(key_ends, ends)
    lines = pl.select(pl.concat_str(before, pl.lit('"metadata"'), behind)).to_series()
    return lines, pl.select(wire=pl.repeat(WIRE_DATA, len(wrapped), dtype=pl.UInt32))


@njit(nogil=True, cache=True)
def _keys_before(buffer, offset, key_starts, key_ends):  # type: ignore[no-untyped-def]
    """Where the key of each value stands, with its quotes; it may be written with escapes, but holds no quote."""
    for i in range(offset.size):
        p = np.intp(offset[i]) - 1
        while load8(buffer, p) != 34:
            p -= 1
        key_ends[i] = p + 1
        p -= 1
        while load8(buffer, p) != 34:
            p -= 1
        key_starts[i] = p


def _per_topic(topics: pl.Series, word: Callable[[str], str | None]) -> pl.Series:
    """A word of each topic, reckoned once for each that occurs."""
    distinct = topics.drop_nulls().unique().to_list()
    words = {topic: word(topic) for topic in distinct}
    return topics.replace_strict(words, default=None, return_dtype=pl.String)


def _producer(topic: str) -> str | None:
    """The producer that a topic names, `onex.<kind>.<producer>.<event>.v<N>`; None where it names none."""
    segments = topic.split(".")
    if "onex" not in segments[:2]:
        return None
    rest = segments[segments.index("onex") + 1 :]
    if len(rest) < 2 or rest[0] not in _TOPIC_KINDS:
        return None
    rest = rest[1:-1] if rest[-1][:1] == "v" and rest[-1][1:].isdigit() else rest[1:]
    return rest[0] if len(rest) > 1 and rest[0] else None
