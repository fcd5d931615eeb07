"""The gate: a block of lines becomes rows of `model.EVENTS` and rows of `model.REJECTED`, and every line is one of both.

Here a form is judged and named: spellings of types and ids, times, numbers as text, soft failures, violations.
Nothing is guessed; what was normalised keeps its original beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import family_and_outcome, normalise_event_type
from onex_analytics.model.nodes import normalise_node
from onex_analytics.model.rules import ALSO_SPELLED, NUMBERS
from onex_analytics.model.shapes import EVENTS, UTC_MICROSECONDS
from onex_analytics.sources.block import Block, Rejection, Rejections
from onex_analytics.sources.columns import (
    IS_NUMBER, IS_WRONG, NO_NUMBER, NO_TIME, PLAIN_TIME, WRONG_TIME, WRONG_TYPE, Spans, first_present, floats, intern,
    json_hashes, raw_json, text, times,
)
from onex_analytics.sources.envelopes import MAX_WRAPPINGS, unwrap, wrapped_rows
from onex_analytics.sources.errors import error_columns
from onex_analytics.sources.extras import wire_and_extra
from onex_analytics.sources.layout import Dimension, event_paths
from onex_analytics.sources.lifting import dimension_series
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import (
    ABSENT, BAD_UTF8, DUPLICATE_KEY, ESCAPED, FALSE, HAS_ESCAPED_KEY, HAS_SPACE, INVALID, NOT_AN_OBJECT, NULL, NUMBER,
    OK, STRING, TOO_DEEP, TRUE, TRUNCATED, Scan, scan,
)
from onex_analytics.sources.versions import version_columns
from onex_analytics.sources.violations import Number, violation_column

_STATUS_REASONS = {
    INVALID: "invalid_json", TRUNCATED: "invalid_json", BAD_UTF8: "invalid_utf8", TOO_DEEP: "too_deep",
    DUPLICATE_KEY: "duplicate_key", NOT_AN_OBJECT: "not_an_object",
}


class Batch(NamedTuple):
    """What became of a block: `read` lines are `events` rows and `rejected` rows together.

    `lines` is the number of the line of each event in its source.
    """

    events: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    lines: pl.Series


@dataclass(frozen=True)
class Gate:
    """How lines are read: dimensions to lift, strictness, the time of reading.

    Args:
        ingested_at: aware UTC time written to every row.
        dimensions: declared columns by name.
        strict: reject an event that breaks any rule instead of listing its violations.
    """

    ingested_at: datetime
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    strict: bool = False

    @cached_property
    def paths(self) -> PathTable:
        return event_paths(self.dimensions.values())

    def read(self, block: Block) -> Batch:
        """Judge every line of a block."""
        rejections = Rejections()
        frames = self._frames(block, rejections, 0)
        events = pl.concat(frames) if len(frames) > 1 else frames[0] if frames else self.no_events()
        if len(frames) > 1:
            events = events.sort("source_line", maintain_order=True)
        rejected = rejections.frame(self.ingested_at)
        return Batch(events.drop("source_line"), rejected, len(block), events["source_line"])

    def schema(self) -> dict[str, pl.DataType]:
        """Columns of the events: `model.EVENTS`, then the dimensions."""
        return {**EVENTS, **{d.name: d.dtype for d in self.dimensions.values()}}

    def no_events(self) -> pl.DataFrame:
        return pl.DataFrame(schema={**self.schema(), "source_line": pl.Int64()})

    def _frames(self, block: Block, rejections: Rejections, wrappings: int) -> list[pl.DataFrame]:
        if len(block) == 0:
            return []
        paths = self.paths
        found = scan(block.buffer, block.starts, block.ends, paths, (paths["metadata.input_state"], paths["metadata.output_state"]))
        frames = []
        inside = wrapped_rows(found, paths) if wrappings < MAX_WRAPPINGS else np.zeros(len(block), np.bool_)
        if inside.any():
            frames += self._frames(unwrap(block, found, np.flatnonzero(inside), paths), rejections, wrappings + 1)
        if not inside.all():
            reader = _Reader(self, paths, block, found, ~inside)
            frames.append(reader.events(rejections))
        return frames


class _Reader:
    """One block being read. Columns are made for all its lines; those that give no event are filtered out last."""

    def __init__(self, gate: Gate, paths: PathTable, block: Block, found: Scan, mine: NDArray[np.bool_]) -> None:
        self.gate, self.paths, self.block, self.found, self.mine = gate, paths, block, found, mine
        self.buffer = block.buffer
        self.context = block.context
        self.reasons = np.zeros(len(block), np.int32)
        self.reason_names: list[tuple[str, str]] = [("", "")]

    # ------------------------------------------------------------------ small words

    def slot(self, *names: str) -> Spans:
        return first_present(self.found, *(self.paths[name] for name in names))

    def text(self, name: str, *names: str) -> pl.Series:
        return text(name, self.buffer, self.slot(*(names or (name,))))

    def around(self, column: str, name: str) -> pl.Series:
        """A column, filled from the context where the event is silent."""
        series = self.text(column, name) if name else pl.Series(column, [None] * len(self.block), dtype=pl.String)
        if self.context is None:
            return series
        return pl.select(pl.coalesce(series, self.context[column]).alias(column)).to_series()

    def reject(self, rows: NDArray[np.bool_], reason: str, detail: str) -> None:
        """Note a reason for the rows that have none yet."""
        fresh = rows & self.mine & (self.reasons == 0)
        if fresh.any():
            self.reason_names.append((reason, detail))
            self.reasons[fresh] = len(self.reason_names) - 1

    # ------------------------------------------------------------------ the whole

    def events(self, rejections: Rejections) -> pl.DataFrame:
        lines = len(self.block)
        found, kind = self.found, self.found.kind
        self._reject_by_status()
        columns: dict[str, pl.Series | pl.Expr] = {}

        # ids and types
        columns["event_id"] = event_id = self.around("event_id", "event_id")
        self._reject_wrong_type("event_id", event_id, "missing_event_id")
        timestamp, timestamp_original = self._timestamps()
        columns["timestamp"] = timestamp
        types, event_types, event_type_raw = self._event_types()
        columns["event_type"] = event_types
        nodes, node_columns = self._nodes()
        columns |= node_columns
        correlation = self.slot("correlation_id", "metadata.correlation_id", "metadata.input_state.correlation_id")
        columns["correlation_id"] = self._id_column("correlation_id", correlation)
        columns["parent_correlation_id"] = self._id_column("parent_correlation_id", self.slot("parent_correlation_id", "metadata.parent_correlation_id"))
        columns["trace_id"] = self._id_column("trace_id", self.slot("trace_id", "metadata.trace_id"))
        for name in ("span_id", "parent_span_id", "causation_id"):
            columns[name] = self._id_column(name, self.slot(name))
        version, version_kept, version_reason, odd_version = version_columns(self.buffer, found, self.paths)
        columns["schema_version"] = version
        self.reject(version_reason, "newer_major", "a schema version of a newer major than 2")

        # what the metadata says
        columns["operation"] = self.text("operation", "metadata.operation", "metadata.performance_profile.operation")
        columns["function"] = self.text("function", "metadata.function", "metadata.performance_profile.function")
        numbers, number_states = self._numbers()
        columns |= numbers
        status_codes, statuses = intern(self.buffer, self.slot("metadata.output_state.status", "metadata.status"))
        lowered = statuses.str.to_lowercase()
        columns["result_status"] = _by_code(status_codes, lowered, "result_status")
        success = kind[self.paths["metadata.success"]]
        columns["success"] = _booleans("success", success)
        families, outcomes = self._outcomes(types, status_codes, lowered, success)
        columns["family"], columns["outcome"] = families, outcomes
        columns |= error_columns(self.buffer, self.slot, found, outcomes)
        columns["level"] = _upper(self.buffer, self.slot("metadata.log_entry.level", "metadata.log_level", "metadata.level"))
        replay = kind[self.paths["is_replay"]]
        columns["replay_id"] = self.text("replay_id")
        columns["is_replay"] = _booleans("is_replay", replay)
        spaced = (found.flags & HAS_SPACE) > 0
        states = self.slot("metadata.input_state")
        hashes = json_hashes(self.buffer, states, spaced)
        columns["input_hash"] = pl.Series(hashes, dtype=pl.UInt64)
        columns["metadata"] = raw_json("metadata", self.buffer, self.slot("metadata"))
        has_hash = states.kind > NULL

        # what is kept
        wire, extra = wire_and_extra(self.block, found, self.paths, version_kept)
        columns["wire_fields"], columns["extra"] = wire, extra
        columns["violations"], broken = violation_column(
            self.buffer, found, self.paths, types, number_states, odd_version,
        )
        columns["adjusted_count"] = self._adjusted_counts()
        columns["timestamp_original"] = timestamp_original
        columns["event_type_raw"] = event_type_raw
        columns["clock_offset_ms"] = pl.lit(None, dtype=pl.Int64)
        columns["ingested_at"] = pl.lit(self.gate.ingested_at, dtype=UTC_MICROSECONDS)
        self._places(columns, lines)
        if self.gate.strict:
            self._reject_strictly(columns, broken)
        for dimension in self.gate.dimensions.values():
            columns[dimension.name] = dimension_series(dimension, self.buffer, self.slot("metadata." + ".".join(dimension.path)))
        columns["source_line"] = pl.Series(self.block.lines)

        frame = pl.DataFrame({n: s for n, s in columns.items() if isinstance(s, pl.Series)})
        order = [*self.gate.schema(), "source_line"]
        frame = frame.with_columns(**{n: e for n, e in columns.items() if isinstance(e, pl.Expr)})
        frame = frame.with_columns(
            input_hash=pl.when(pl.Series(has_hash)).then(pl.col("input_hash")) if not has_hash.all() else pl.col("input_hash"),
        ).select(order)
        keep = self.mine & (self.reasons == 0)
        self._collect_rejections(rejections, event_id)
        return frame if keep.all() else frame.filter(pl.Series(keep))

    # ------------------------------------------------------------------ judging

    def _reject_by_status(self) -> None:
        status, flags = self.found.status, self.found.flags
        if self.block.ends_source and len(self.block) and status[-1] == TRUNCATED:
            last = np.zeros(len(self.block), np.bool_)
            last[-1] = True
            self.reject(last, "truncated", "the source ends in the middle of a value")
        if (status != OK).any():
            for code, reason in _STATUS_REASONS.items():
                self.reject(status == code, reason, "")
        escaped = ((flags & HAS_ESCAPED_KEY) > 0) & (status == OK)
        if escaped.any():
            self.reject(escaped, "duplicate_key", "a key that is looked up is written with an escape, so that two spellings of it may stand in one object")

    def _reject_wrong_type(self, name: str, series: pl.Series, missing: str) -> None:
        kinds = self.found.kind[self.paths[name]]
        if (kinds > NULL).any():
            self.reject((kinds > NULL) & (kinds != STRING) & (kinds != ESCAPED), "wrong_type", f"{name} is not text")
        absent = series.is_null()
        if absent.any():
            self.reject(absent.to_numpy(), missing, f"no {name}")
        empty = (kinds == STRING) & (self.found.length[self.paths[name]] == 0)
        if empty.any():
            self.reject(empty, missing, f"{name} is empty")

    def _reject_strictly(self, columns: dict[str, pl.Series | pl.Expr], broken: NDArray[np.bool_]) -> None:
        if not broken.any():
            return
        violations = columns["violations"]
        assert isinstance(violations, pl.Series)
        for row in np.flatnonzero(broken & self.mine & (self.reasons == 0)):
            self.reason_names.append(("strict", "; ".join(violations[int(row)])))
            self.reasons[row] = len(self.reason_names) - 1

    def _collect_rejections(self, rejections: Rejections, event_id: pl.Series) -> None:
        rows = np.flatnonzero(self.reasons)
        if rows.size == 0:
            return
        offsets = self.block.source_offsets()
        sources = self.context["source"] if self.context is not None else None
        for row in rows.tolist():
            reason, detail = self.reason_names[self.reasons[row]]
            if not detail:
                at = int(self.found.error_at[row] - self.block.starts[row])
                detail = f"at byte {at} of the line"
            source = (sources[row] if sources is not None else None) or self.block.source
            rejections.rows.append(Rejection(
                reason, detail, self.block.raw(row), source, int(offsets[row]), int(self.block.lines[row]), event_id[row],
            ))

    # ------------------------------------------------------------------ columns

    def _timestamps(self) -> tuple[pl.Series, pl.Series]:
        spans = self.slot("timestamp")
        micros, states = times(self.buffer, spans)
        if self.context is not None:
            given = self.context["timestamp"]
            fill = (states == NO_TIME) & given.is_not_null().to_numpy()
            micros = np.where(fill, given.fill_null(0).to_numpy(), micros)
            states = np.where(fill, np.uint8(PLAIN_TIME), states)
        if (states != PLAIN_TIME).any():
            self.reject(states == WRONG_TYPE, "wrong_type", "timestamp is neither text nor a number")
            self.reject(states == NO_TIME, "missing_timestamp", "no timestamp")
            self.reject(states == WRONG_TIME, "invalid_timestamp", "the timestamp is no time between 1970 and 2261")
            odd = Spans(np.where(states == PLAIN_TIME, np.uint8(ABSENT), spans.kind), spans.offset, spans.length)
            original = text("timestamp_original", self.buffer, Spans(np.where(odd.kind == NUMBER, np.uint8(STRING), odd.kind), odd.offset, odd.length))
        else:
            original = pl.Series("timestamp_original", [None], dtype=pl.String).new_from_index(0, len(micros))
        return pl.Series(micros).cast(UTC_MICROSECONDS), original

    def _event_types(self) -> tuple[tuple[NDArray[np.int32], list[str]], pl.Series, pl.Series]:
        """(codes and the types by code), the column, and the raw spellings where they were normalised."""
        codes, raw = intern(self.buffer, self.slot("event_type"))
        raw_texts = raw.to_list()
        if self.context is not None and (given := self.context["event_type"]).is_not_null().any():
            codes, raw_texts = codes.copy(), list(raw_texts)
            index = {t: i for i, t in enumerate(raw_texts)}
            fill = np.flatnonzero((codes < 0) & given.is_not_null().to_numpy())
            for row in fill.tolist():
                codes[row] = index.setdefault(given[row], len(index))
            raw_texts = list(index)
        kinds = self.found.kind[self.paths["event_type"]]
        self.reject((kinds > NULL) & (kinds != STRING) & (kinds != ESCAPED), "wrong_type", "event_type is not text")
        self.reject(codes < 0, "missing_event_type", "no event_type, and no topic that names one")
        types = [normalise_event_type(t) for t in raw_texts]
        self.reject(np.isin(codes, [i for i, t in enumerate(types) if not t]), "missing_event_type", "event_type is empty")
        column = _by_code(codes, pl.Series(types, dtype=pl.String), "event_type")
        changed = pl.Series([r if r != t else None for r, t in zip(raw_texts, types, strict=True)], dtype=pl.String)
        return (codes, types), column, _by_code(codes, changed, "event_type_raw")

    def _nodes(self) -> tuple[NDArray[np.int32], dict[str, pl.Series | pl.Expr]]:
        codes, raw = intern(self.buffer, self.slot("node_id"))
        texts = raw.to_list()
        if self.context is not None and (given := self.context["node_id"]).is_not_null().any():
            codes = codes.copy()
            index = {t: i for i, t in enumerate(texts)}
            for row in np.flatnonzero((codes < 0) & given.is_not_null().to_numpy()).tolist():
                codes[row] = index.setdefault(given[row], len(index))
            texts = list(index)
        kinds = self.found.kind[self.paths["node_id"]]
        self.reject((kinds > NULL) & (kinds != STRING) & (kinds != ESCAPED), "wrong_type", "node_id is not text")
        self.reject(codes < 0, "missing_node_id", "no node_id")
        self.reject(np.isin(codes, [i for i, t in enumerate(texts) if not t.strip()]), "missing_node_id", "node_id is empty")
        pairs = [normalise_node(t) for t in texts]
        versions = _by_code(codes, pl.Series([v for _, v in pairs], dtype=pl.String), "node_version")
        stated = self.text("node_version", "metadata.node_version")
        if not (stated.null_count() == len(stated)):
            versions = pl.select(pl.coalesce(stated, versions).alias("node_version")).to_series()
        columns: dict[str, pl.Series | pl.Expr] = {
            "node_id": _by_code(codes, pl.Series(texts, dtype=pl.String), "node_id"),
            "node": _by_code(codes, pl.Series([n for n, _ in pairs], dtype=pl.String), "node"),
            "node_version": versions,
        }
        return codes, columns

    def _id_column(self, name: str, spans: Spans) -> pl.Series:
        """An id as text; a number gives its text, and what else may stand there is left to `extra`."""
        if (spans.kind == NUMBER).any():
            spans = Spans(np.where(spans.kind == NUMBER, np.uint8(STRING), spans.kind), spans.offset, spans.length)
        series = text(name, self.buffer, spans)
        if self.context is None or name not in self.context.columns or self.context[name].null_count() == len(self.block):
            return series
        return pl.select(pl.coalesce(series, self.context[name]).alias(name)).to_series()

    def _numbers(self) -> tuple[dict[str, pl.Series | pl.Expr], list[Number]]:
        """The number columns, and how each number stood in the metadata itself."""
        columns: dict[str, pl.Series | pl.Expr] = {}
        said: list[Number] = []
        kind = self.found.kind
        for name in NUMBERS:
            spellings = (name, *ALSO_SPELLED.get(name, ()))
            spans = self.slot(*(f"metadata.{n}" for n in spellings), f"metadata.performance_profile.{name}")
            if not (spans.kind > NULL).any():
                columns[name] = pl.lit(None, dtype=EVENTS[name])
                continue
            values, states = floats(self.buffer, spans)
            free = np.ones(len(self.block), np.bool_)
            for spelling in spellings:
                mine = free & (kind[self.paths[f"metadata.{spelling}"]] > NULL)
                if mine.any():
                    said.append(Number(spelling, values, np.where(mine, states, np.uint8(NO_NUMBER))))
                    free &= ~mine
            series = pl.Series(name, values).fill_nan(None)
            columns[name] = series if EVENTS[name] == pl.Float64 else series.round(0).cast(pl.Int64, strict=False)
        return columns, said

    def _outcomes(
        self, types: tuple[NDArray[np.int32], list[str]], status_codes: NDArray[np.int32], statuses: pl.Series, success: NDArray[np.uint8],
    ) -> tuple[pl.Series, pl.Series]:
        codes, names = types
        families = pl.Series([family_and_outcome(t)[0] for t in names], dtype=pl.String)
        known = statuses.to_list()
        said = [None, True, False]
        table = [
            family_and_outcome(t, s, flag)[1] for t in names for s in [None, *known] for flag in said
        ]
        flag_codes = np.where(success == TRUE, 1, np.where(success == FALSE, 2, 0))
        combined = (codes.astype(np.int64) * (len(known) + 1) + (status_codes + 1)) * len(said) + flag_codes
        combined = np.where(codes < 0, -1, combined).astype(np.int32)
        return _by_code(codes, families, "family"), _by_code(combined, pl.Series(table, dtype=pl.String), "outcome")

    def _adjusted_counts(self) -> pl.Series | pl.Expr:
        spans, probability = self.slot("adjusted_count"), self.slot("sampling_probability")
        if not ((spans.kind > NULL) | (probability.kind > NULL)).any():
            return pl.lit(1.0)
        counts, states = floats(self.buffer, spans)
        share, share_states = floats(self.buffer, probability)
        usable = (share_states == IS_NUMBER) & (share > 0) & (share <= 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            counts = np.where((states == IS_NUMBER) & (counts >= 0), counts, np.where(usable, 1.0 / share, 1.0))
        return pl.Series("adjusted_count", counts)

    def _places(self, columns: dict[str, pl.Series | pl.Expr], lines: int) -> None:
        came = self.block.sizes if self.block.sizes is not None else self.block.ends - self.block.starts
        sizes = pl.Series("size_bytes", came).cast(pl.UInt32)
        offsets = pl.Series("source_offset", self.block.source_offsets())
        if self.context is None:
            columns["arrived_at"] = pl.lit(None, dtype=UTC_MICROSECONDS)
            columns["source"] = pl.lit(self.block.source)
            columns["size_bytes"], columns["source_offset"] = sizes, offsets
            return
        c = self.context
        columns["arrived_at"] = c["arrived_at"].cast(UTC_MICROSECONDS)
        columns["source"] = c["source"].fill_null(self.block.source)
        columns["size_bytes"] = pl.select(pl.coalesce(c["size_bytes"], sizes).cast(pl.UInt32).alias("size_bytes")).to_series()
        columns["source_offset"] = pl.select(pl.coalesce(c["source_offset"], offsets).alias("source_offset")).to_series()


def _by_code(codes: NDArray[np.int32], values: pl.Series, name: str) -> pl.Series:
    """The value of each code; null where the code is -1."""
    if len(values) == 0 or values.null_count() == len(values):
        return pl.Series(name, [None], dtype=values.dtype).new_from_index(0, len(codes))
    if codes.size and codes.min() < 0:
        return values.gather(pl.Series(codes).replace(-1, None)).alias(name)
    return values.gather(codes).alias(name)


def _booleans(name: str, kinds: NDArray[np.uint8]) -> pl.Series | pl.Expr:
    """True and false as they stand; null for anything else."""
    said = (kinds == TRUE) | (kinds == FALSE)
    if not said.any():
        return pl.lit(None, dtype=pl.Boolean)
    values = pl.Series(name, kinds == TRUE)
    return values if said.all() else pl.select(pl.when(pl.Series(said)).then(values).alias(name)).to_series()


def _upper(buffer: NDArray[np.uint8], spans: Spans) -> pl.Series:
    codes, values = intern(buffer, spans)
    return _by_code(codes, values.str.to_uppercase(), "level")

