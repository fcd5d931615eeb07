"""One scanned block as rows of `model.EVENTS`: spellings, times, numbers and ids judged and named."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import SOFT_FAILURE_STATUSES, family_and_outcome, normalise_event_type
from onex_analytics.model.nodes import normalise_node
from onex_analytics.model.rules import ALSO_SPELLED, NUMBERS
from onex_analytics.model.shapes import EVENTS, UTC_MICROSECONDS
from onex_analytics.sources.block import Block, Rejections
from onex_analytics.sources.errors import error_columns
from onex_analytics.sources.extras import wire_and_extra
from onex_analytics.sources.grammar import (
    BAD_UTF8,
    DUPLICATE_KEY,
    INVALID,
    NOT_AN_OBJECT,
    OK,
    TOO_DEEP,
    TRUNCATED,
)  # fmt: skip
from onex_analytics.sources.hashing import json_hashes
from onex_analytics.sources.layout import Dimension
from onex_analytics.sources.lifting import dimension_series
from onex_analytics.sources.numbers import IS_NUMBER, NO_NUMBER, floats
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ABSENT, ESCAPED, FALSE, HAS_SPACE, NULL, NUMBER, STRING, Scan
from onex_analytics.sources.spans import Spans, first_present
from onex_analytics.sources.texts import Codes, booleans, by_code, intern, raw_json, text
from onex_analytics.sources.times import NO_TIME, PLAIN_TIME, WRONG_TIME, WRONG_TYPE, times
from onex_analytics.sources.versions import version_columns
from onex_analytics.sources.violations import Number, violation_column

if TYPE_CHECKING:
    from collections.abc import Iterable

Mask = NDArray[np.bool_]
Column = pl.Series | pl.Expr | None
"""A column that no line says anything for is None, or one value for all lines."""

_STATUS_REASONS = {
    INVALID: "invalid_json", TRUNCATED: "invalid_json", BAD_UTF8: "invalid_utf8", TOO_DEEP: "too_deep",
    DUPLICATE_KEY: "duplicate_key", NOT_AN_OBJECT: "not_an_object",
}  # fmt: skip
_EXACT = 10**15
"""Whole numbers below this are exact as floats and are written back as they came."""


class EventRows:
    """One block being read. Columns are made for all its lines; those that give no event are filtered out last.

    Args:
        found: the scan of the block.
        mine: the lines that are to be judged; the others are left out without a word.
    """

    def __init__(self, paths: PathTable, block: Block, found: Scan, mine: Mask) -> None:
        self.paths, self.block, self.found, self.mine = paths, block, found, mine
        self.buffer = block.buffer
        self.context = block.context
        self.reasons = np.zeros(len(block), np.int32)
        self.reason_names: list[tuple[str, str]] = [("", "")]

    def slot(self, *names: str, skip_empty: bool = False) -> Spans:
        return first_present(self.found, *(self.paths[name] for name in names), skip_empty=skip_empty)

    def text(self, name: str, *names: str) -> Column:
        """A column of text; one that no line has costs nothing."""
        spans = self.slot(*(names or (name,)))
        return text(name, self.buffer, spans) if spans.any() else None

    def reject(self, rows: Mask, reason: str, detail: str) -> None:
        """Note a reason for the rows that have none yet."""
        fresh = rows & self.mine & (self.reasons == 0)
        if fresh.any():
            self.reason_names.append((reason, detail))
            self.reasons[fresh] = len(self.reason_names) - 1

    def frame(
        self, ingested_at: datetime, dimensions: Iterable[Dimension], *, strict: bool, rejections: Rejections
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Rows of `model.EVENTS` and of the dimensions, and their lines; the other lines go to `rejections`."""
        found, kind, buffer = self.found, self.found.kind, self.buffer
        self._reject_by_status()
        columns: dict[str, Column] = {}

        # ids and types
        columns["event_id"] = event_id = self._event_ids()
        columns["timestamp"], columns["timestamp_original"] = self._timestamps()
        types, columns["event_type"], columns["event_type_raw"] = self._event_types()
        columns |= self._nodes()
        for name, *inside in (
            ("correlation_id", "metadata.correlation_id", "metadata.input_state.correlation_id"),
            ("parent_correlation_id", "metadata.parent_correlation_id"), ("trace_id", "metadata.trace_id"),
            ("span_id",), ("parent_span_id",), ("causation_id",),
        ):  # fmt: skip
            columns[name] = self._id_column(name, self.slot(name, *inside, skip_empty=True))
        columns["schema_version"], kept_version, newer, odd_version = version_columns(buffer, found, self.paths)
        self.reject(newer, "newer_major", "a schema version of a newer major than 2")

        # what the metadata says
        for name in ("operation", "function"):
            columns[name] = self.text(name, f"metadata.{name}", f"metadata.performance_profile.{name}")
        numbers, said = self._numbers()
        columns |= numbers
        statuses, columns["result_status"] = self._statuses()
        success = kind[self.paths["metadata.success"]]
        columns["success"] = booleans("success", success)
        columns["family"], columns["outcome"], failed = self._outcomes(types, statuses, success)
        columns |= error_columns(buffer, self.slot, failed)
        columns["level"] = self._levels()
        columns["replay_id"] = self.text("replay_id")
        columns["is_replay"] = booleans("is_replay", kind[self.paths["is_replay"]])
        spaced = (found.flags & HAS_SPACE) > 0
        columns["input_hash"] = json_hashes("input_hash", buffer, self.slot("metadata.input_state"), spaced)
        columns["metadata"] = raw_json("metadata", buffer, self.slot("metadata"))

        # what is kept
        columns["adjusted_count"], kept_count = self._adjusted_counts()
        kept = {"schema_version": kept_version, "adjusted_count": kept_count}
        columns["wire_fields"], columns["extra"] = wire_and_extra(self.block, found, self.paths, kept)
        violations = violation_column(buffer, found, self.paths, types, said, odd_version)
        columns["violations"] = violations.column
        columns["clock_offset_ms"] = None
        columns["ingested_at"] = pl.lit(ingested_at, dtype=UTC_MICROSECONDS)
        columns |= self._places()
        if strict:
            for i, words in enumerate(violations.lists):
                if words:
                    self.reject(violations.codes == i, "strict", "; ".join(words))
        names = list(EVENTS)
        for dimension in dimensions:
            spans = self.slot("metadata." + ".".join(dimension.path))
            column = dimension_series(dimension, buffer, spans)
            columns[dimension.name] = column.alias(dimension.name)
            names.append(dimension.name)
        made = pl.DataFrame([s.alias(n) for n, s in columns.items() if isinstance(s, pl.Series)])
        frame = made.select(_expression(name, columns[name]) for name in names)
        keep = self.mine & (self.reasons == 0)
        self._collect_rejections(rejections, event_id)
        if keep.all():
            return frame, self.block.lines
        return frame.filter(pl.Series(keep)), self.block.lines[keep]

    # ------------------------------------------------------------------ judging

    def _reject_by_status(self) -> None:
        status = self.found.status
        if self.block.ends_source and len(self.block) and status[-1] == TRUNCATED:
            last = np.arange(len(self.block)) == len(self.block) - 1
            self.reject(last, "truncated", "the source ends in the middle of a value")
        if (status != OK).any():
            for code, reason in _STATUS_REASONS.items():
                self.reject(status == code, reason, "")

    def _reject_kinds(self, name: str) -> None:
        """Refuse what is there and is no text."""
        kinds = self.found.kind[self.paths[name]]
        wrong = (kinds > NULL) & (kinds != STRING) & (kinds != ESCAPED)
        if wrong.any():
            self.reject(wrong, "wrong_type", f"{name} is not text")

    def _collect_rejections(self, rejections: Rejections, event_id: pl.Series) -> None:
        rows = np.flatnonzero(self.reasons)
        if rows.size == 0:
            return
        for row in rows.tolist():
            reason, detail = self.reason_names[self.reasons[row]]
            if not detail:
                at = int(self.found.error_at[row] - self.block.starts[row])
                detail = f"at byte {at} of the line"
            rejections.rows.append(self.block.rejection(row, reason, detail, event_id[row]))

    # ------------------------------------------------------------------ columns

    def _around(self, column: Column, name: str) -> Column:
        """A column, filled from the context where the event is silent."""
        if self.context is None or (given := self.context[name]).null_count() == len(self.block):
            return column
        return pl.select(pl.coalesce(column, given).alias(name)).to_series() if isinstance(column, pl.Series) else given

    def _event_ids(self) -> pl.Series:
        self._reject_kinds("event_id")
        column = self._around(text("event_id", self.buffer, self.slot("event_id")), "event_id")
        assert isinstance(column, pl.Series)
        if column.null_count():
            self.reject(column.is_null().to_numpy(), "missing_event_id", "no event_id")
        spans = self.slot("event_id")
        empty = (spans.kind == STRING) & (spans.length == 0)
        if empty.any():
            self.reject(empty, "missing_event_id", "event_id is empty")
        return column

    def _timestamps(self) -> tuple[pl.Series, Column]:
        spans = self.slot("timestamp")
        micros, states = times(self.buffer, spans)
        if self.context is not None:
            given = self.context["timestamp"]
            fill = (states == NO_TIME) & given.is_not_null().to_numpy()
            micros = np.where(fill, given.fill_null(0).to_numpy(), micros)
            states = np.where(fill, np.uint8(PLAIN_TIME), states)
        original: Column = None
        odd = states != PLAIN_TIME
        if odd.any():
            self.reject(states == WRONG_TYPE, "wrong_type", "timestamp is neither text nor a number")
            self.reject(states == NO_TIME, "missing_timestamp", "no timestamp")
            self.reject(states == WRONG_TIME, "invalid_timestamp", "the timestamp is no time between 1970 and 2261")
            kinds = np.where(odd, spans.kind, np.uint8(ABSENT))
            original = text(
                "timestamp_original", self.buffer, Spans(kinds, spans.offset, spans.length).read_as_text(NUMBER)
            )
        return pl.Series(micros).cast(UTC_MICROSECONDS), original

    def _interned(self, name: str) -> tuple[Codes, list[str]]:
        """A code a line (-1 where nothing is said) and the distinct texts, also of the context."""
        codes, values = intern(self.buffer, self.slot(name))
        texts = values.to_list()
        index = {t: i for i, t in enumerate(dict.fromkeys(texts))}
        if len(index) < len(texts):
            codes = np.append(np.array([index[t] for t in texts], np.int32), np.int32(-1))[codes]
        if self.context is not None:
            given = self.context[name]
            silent = (codes < 0) & given.is_not_null().to_numpy()
            for word in given.filter(pl.Series(silent)).unique().to_list():
                mine = silent & (given == word).fill_null(False).to_numpy()
                codes = np.where(mine, np.int32(index.setdefault(word, len(index))), codes)
        self._reject_kinds(name)
        return codes, list(index)

    def _event_types(self) -> tuple[tuple[Codes, list[str]], Column, Column]:
        """(codes and the types by code), the column, and the raw spellings where they were normalised."""
        codes, raw = self._interned("event_type")
        self.reject(codes < 0, "missing_event_type", "no event_type, and no topic that names one")
        types = [normalise_event_type(t) for t in raw]
        self.reject(_of_codes(codes, [not t for t in types]), "missing_event_type", "event_type is empty")
        changed = [r if r != t else None for r, t in zip(raw, types, strict=True)]
        return (codes, types), by_code(codes, types, "event_type"), _said_by_code(codes, changed, "event_type_raw")

    def _nodes(self) -> dict[str, Column]:
        codes, raw = self._interned("node_id")
        self.reject(codes < 0, "missing_node_id", "no node_id")
        self.reject(_of_codes(codes, [not t.strip() for t in raw]), "missing_node_id", "node_id is empty")
        pairs = [normalise_node(t) for t in raw]
        versions = _said_by_code(codes, [version for _, version in pairs], "node_version")
        stated = self.text("node_version", "metadata.node_version")
        if isinstance(stated, pl.Series) and isinstance(versions, pl.Series):
            versions = pl.select(pl.coalesce(stated, versions).alias("node_version")).to_series()
        elif isinstance(stated, pl.Series):
            versions = stated
        return {
            "node_id": by_code(codes, raw, "node_id"),
            "node": by_code(codes, [node for node, _ in pairs], "node"),
            "node_version": versions,
        }

    def _id_column(self, name: str, spans: Spans) -> Column:
        """An id as text; a number gives its text, and what else may stand there is left to `extra`."""
        column: Column = None
        if spans.any():
            spans = spans.read_as_text(NUMBER) if (spans.kind == NUMBER).any() else spans
            column = text(name, self.buffer, spans)
        return self._around(column, name) if name in ("correlation_id", *_LINKS) else column

    def _numbers(self) -> tuple[dict[str, Column], list[Number]]:
        """The number columns, and how each number stood in the metadata itself."""
        columns: dict[str, Column] = {}
        said: list[Number] = []
        kind, used = self.found.kind, self.found.used
        for name in NUMBERS:
            spellings = (name, *ALSO_SPELLED.get(name, ()))
            inside = [f"metadata.{n}" for n in spellings]
            spans = self.slot(*inside, f"metadata.performance_profile.{name}")
            if not spans.any():
                columns[name] = None
                continue
            values, states = floats(self.buffer, spans)
            free = np.ones(len(self.block), np.bool_)
            for spelling, path in zip(spellings, inside, strict=True):
                if used[self.paths[path]] and (mine := free & (kind[self.paths[path]] > NULL)).any():
                    said.append(Number(spelling, values, np.where(mine, states, np.uint8(NO_NUMBER))))
                    free &= ~mine
            series = pl.Series(name, values, nan_to_null=True)
            columns[name] = series if EVENTS[name] == pl.Float64 else series.round(0).cast(pl.Int64, strict=False)
        return columns, said

    def _statuses(self) -> tuple[tuple[Codes, list[str]], Column]:
        spans = self.slot("metadata.output_state.status", "metadata.status")
        if not spans.any():
            return (np.full(len(self.block), -1, np.int32), []), None
        codes, texts = intern(self.buffer, spans)
        lowered = [t.lower() for t in texts.to_list()]
        return (codes, lowered), by_code(codes, lowered, "result_status")

    def _outcomes(
        self, types: tuple[Codes, list[str]], statuses: tuple[Codes, list[str]], success: NDArray[np.uint8]
    ) -> tuple[Column, Column, Mask]:
        """Family, outcome, and the rows that failed, softly or not."""
        codes, names = types
        families = [family_and_outcome(t)[0] for t in names]
        outcomes = [family_and_outcome(t, success=flag)[1] for t in names for flag in (True, False)]
        soft = _of_codes(statuses[0], [s in SOFT_FAILURE_STATUSES for s in statuses[1]]) | (success == FALSE)
        both = np.where(codes < 0, -1, codes * 2 + soft).astype(np.int32)
        failed = _of_codes(both, [o in ("failure", "soft_failure") for o in outcomes])
        return by_code(codes, families, "family"), by_code(both, outcomes, "outcome"), failed

    def _levels(self) -> Column:
        spans = self.slot("metadata.log_entry.level", "metadata.log_level", "metadata.level")
        if not spans.any():
            return None
        codes, values = intern(self.buffer, spans)
        return by_code(codes, [t.upper() for t in values.to_list()], "level")

    def _adjusted_counts(self) -> tuple[Column, Mask]:
        """The column, and the rows where it does not say just what came."""
        spans, probability = self.slot("adjusted_count"), self.slot("sampling_probability")
        if not (spans.any() or probability.any()):
            return pl.lit(1.0), np.zeros(len(self.block), np.bool_)
        counts, states = floats(self.buffer, spans)
        share, share_states = floats(self.buffer, probability)
        given = (states == IS_NUMBER) & (counts >= 0)
        usable = (share_states == IS_NUMBER) & (share > 0) & (share <= 1)
        with np.errstate(all="ignore"):
            reached = 1.0 / share
            column = np.where(given, counts, np.where(usable & np.isfinite(reached), reached, 1.0))
        return pl.Series("adjusted_count", column), ~(given & (counts < _EXACT))

    def _places(self) -> dict[str, Column]:
        block, around = self.block, self.context
        came = block.sizes if block.sizes is not None else block.ends - block.starts
        sizes = pl.Series("size_bytes", came).cast(pl.UInt32)
        offsets = pl.Series("source_offset", block.source_offsets())
        if around is None:
            source = pl.lit(block.source)
            return {"arrived_at": None, "source": source, "size_bytes": sizes, "source_offset": offsets}
        made = around.select(
            arrived_at=pl.col("arrived_at").cast(UTC_MICROSECONDS),
            source=pl.col("source").fill_null(block.source),
            size_bytes=pl.coalesce("size_bytes", sizes).cast(pl.UInt32),
            source_offset=pl.coalesce("source_offset", offsets),
        )
        return dict(made.to_dict())


_LINKS = ("trace_id", "span_id", "parent_span_id", "causation_id")
"""Ids that an envelope may say beside the correlation id."""


def _of_codes(codes: Codes, flags: list[bool]) -> Mask:
    """The flag of each code; false where the code is -1."""
    return np.array([*flags, False], np.bool_).take(codes, mode="wrap")


def _said_by_code(codes: Codes, texts: list[str | None], name: str) -> Column:
    """The text of each code; None where no code has one."""
    return by_code(codes, texts, name) if any(t is not None for t in texts) else None


def _expression(name: str, column: Column) -> pl.Expr:
    if column is None:
        return _NOTHING[name]
    return column.alias(name) if isinstance(column, pl.Expr) else pl.col(name)


_NOTHING = {name: pl.lit(None, dtype=dtype).alias(name) for name, dtype in EVENTS.items()}
