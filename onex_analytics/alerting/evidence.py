"""The events behind a transition: those in its window that its value was reckoned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import conditions as kinds
from onex_analytics.alerting.cells.order_kernels import find_ends
from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.rules import Rule, RuleSet
from onex_analytics.alerting.shapes import EVIDENCE

_NOTHING = timedelta()
_OPERATION = ("correlation_id", "node", "family", "operation")
_ENDS = ("success", "soft_failure", "failure")


@dataclass(frozen=True)
class _Part:
    """Events that match all of the filters, in (t − width − lag, t − lag]."""

    filters: tuple[Filter, ...]
    width: timedelta
    lag: timedelta = _NOTHING
    unfinished: bool = False


def evidence(rules: RuleSet, transitions: pl.DataFrame, events: pl.LazyFrame) -> pl.DataFrame:
    """The events behind transitions.

    Of a ratio or a burn rate these are the events of the numerator; of `spike` those of the window and not of the
    reference; of `sequence` all that match one of its steps within reach; of `unfinished` the starts of operations with
    fewer ends than starts until then; of `expr` those of all its cells.

    Args:
        rules: the rules that the transitions are of.
        transitions: rows of `TRANSITIONS`.
        events: the log.

    Returns:
        `EVIDENCE`: one row a transition and an event, in the order of the transitions and of time.
    """
    numbered = transitions.with_row_index("_row")
    found = [pl.DataFrame(schema={"_row": numbered.schema["_row"], "event_id": pl.String(),
                                  "timestamp": EVIDENCE["timestamp"]})]  # fmt: skip
    for group, rule in rules.rules:
        its = numbered.filter((pl.col("group") == group.name) & (pl.col("rule") == rule.alert))
        interval = timedelta(microseconds=1) if rule.mode == "event" else group.interval
        if its.height:
            found += [_behind(rule, part, its, events) for part in _parts(rule, rule.when.cell, interval)]
    rows = pl.concat(found).unique().sort("_row", "timestamp", "event_id")
    return rows.join(numbered, on="_row", how="left", maintain_order="left").select(*EVIDENCE)


def _parts(rule: Rule, cell: kinds.Cell, interval: timedelta) -> Iterator[_Part]:
    where = () if rule.where is None else (rule.where,)

    def plus(*more: Filter | None) -> tuple[Filter, ...]:
        return (*where, *(one for one in more if one is not None))

    match cell:
        case kinds.Expr():
            for inner in cell.cells.values():
                yield from _parts(rule, inner, interval)
        case kinds.Ratio():
            yield _Part(plus(cell.of, cell.over), cell.window)
        case kinds.BurnRate():
            yield _Part(plus(cell.of, cell.over), max(pair.long for pair in cell.windows))
        case kinds.Sequence():
            for step in cell.steps:
                yield _Part(plus(step), (cell.window or interval) + cell.within)
        case kinds.Unfinished():
            width = cell.give_up_after - cell.older_than
            yield _Part(plus(cell.of), width, cell.older_than, unfinished=True)
        case kinds.NewValue() | kinds.Change():
            yield _Part(plus(cell.of), cell.window or interval)
        case _:
            yield _Part(plus(getattr(cell, "of", None)), getattr(cell, "window", _NOTHING))


def _behind(rule: Rule, part: _Part, transitions: pl.DataFrame, events: pl.LazyFrame) -> pl.DataFrame:
    schema = events.collect_schema()
    lag, width = microseconds(part.lag), microseconds(part.width)
    at = transitions["at"].dt.epoch("us")
    first, last = transitions["at"].min(), transitions["at"].max()
    matching = pl.lit(True)
    for one in part.filters:
        matching = matching & one.expression(schema)
    takes_part = matching
    if part.unfinished:
        matching = matching & (pl.col("outcome") == "start") & pl.col("correlation_id").is_not_null()
    texts = [_label_text(column, schema[column]) for column in sorted(rule.by)]
    key = pl.concat_str(texts or [pl.lit("")], separator="\x00")
    operation = [name for name in _OPERATION if part.unfinished]
    held = (
        events.filter((pl.col("timestamp") > pl.lit(first) - (part.lag + part.width)) & (pl.col("timestamp") <= last))
        .filter(matching)
        .select(key.alias("_key"), "event_id", "timestamp", *operation)
        .sort("_key", "timestamp", "event_id")
        .collect()
    )
    keys = transitions["labels"].list.eval(pl.element().struct.field("value")).list.join("\x00")
    row, place = _pairs(held, keys, at.to_numpy() - lag - width, at.to_numpy() - lag)
    found = pl.DataFrame({"_row": transitions["_row"].gather(row), "_at": transitions["at"].gather(row)}).hstack(
        held[place].drop("_key")
    )
    if part.unfinished:
        found = _still_open(found, events.filter(takes_part), lag + width)
    return found.select("_row", "event_id", "timestamp")


def _pairs(
    held: pl.DataFrame, keys: pl.Series, after: NDArray[np.int64], upto: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each label set of a transition the rows of `held` (by key and time) in (after, upto]: which, and where."""
    bounds = held.with_row_index("_place").group_by("_key", maintain_order=True).agg(
        pl.col("_place").min().alias("low"), pl.len().alias("n")
    )  # fmt: skip
    lows = {key: (low, low + n) for key, low, n in bounds.iter_rows()}
    times = held["timestamp"].dt.epoch("us").to_numpy()
    rows, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for row, key in enumerate(keys):
        low, high = lows.get(key, (0, 0))
        begin = low + int(np.searchsorted(times[low:high], after[row], "right"))
        end = low + int(np.searchsorted(times[low:high], upto[row], "right"))
        places.append(np.arange(begin, end))
        rows.append(np.full(max(end - begin, 0), row))
    return np.concatenate(rows), np.concatenate(places)


def _still_open(found: pl.DataFrame, events: pl.LazyFrame, give_up_us: int) -> pl.DataFrame:
    """The starts whose operation had not ended by then; the first of the open ones is the one that ends."""
    operations = found.select(_OPERATION).unique()
    told = (
        events.filter(pl.col("correlation_id").is_in(operations["correlation_id"].unique().to_list()))
        .filter(pl.col("outcome").is_in(["start", *_ENDS]))
        .select(*_OPERATION, "timestamp", "event_id", begins=pl.col("outcome") == "start")
        .sort(*_OPERATION, "timestamp", "event_id")
        .collect()
        .with_columns(pl.struct(_OPERATION).rle_id().cast(pl.Int64).alias("_one"))
    )
    ended = np.full(told.height, np.iinfo(np.int64).max)
    times = told["timestamp"].to_physical().to_numpy()
    find_ends(told["_one"].to_numpy(), times, told["begins"].to_numpy(), give_up_us, ended)
    ends = told.select("event_id").with_columns(pl.Series("_ended", ended))
    return found.join(ends, on="event_id", how="left", maintain_order="left").filter(
        pl.col("_ended") > pl.col("_at").dt.epoch("us")
    )


def _label_text(column: str, kind: pl.DataType) -> pl.Expr:
    """A label as cells write it: null is empty, whole numbers have no point."""
    text = pl.col(column).cast(pl.String)
    return (text.str.strip_suffix(".0") if kind.is_float() else text).fill_null("")
