"""Events on their way into cells: whose they are, and what they match."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.few_texts import few_texts
from onex_analytics.alerting.cells.fixed_point import MOST
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64
from onex_analytics.alerting.filters import Filter

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Present:
    """The column has a value."""

    column: str


@dataclass(frozen=True)
class Number:
    """The column has a number that can be added up."""

    column: str


_HANDFUL = 50

Condition: TypeAlias = Filter | Present | Number
Match = frozenset[Condition]
"""Everything that an event must be to take part; nothing: any event."""


def match(*conditions: Condition | None) -> Match:
    """All conditions together, without those that are not there."""
    return frozenset(condition for condition in conditions if condition is not None)


def columns_of(matches: Iterable[Match]) -> frozenset[str]:
    """The columns that are read to judge them."""
    return frozenset(
        column
        for conditions in matches
        for condition in conditions
        for column in (condition.columns if isinstance(condition, Filter) else (condition.column,))
    )


def number(column: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A column as a float; text that is no number is none."""
    return pl.col(column).cast(pl.Float64, strict=False)


class Conditions:
    """Conditions over the events of one schema, each judged once whoever asks for it."""

    def __init__(self, conditions: Iterable[Condition], schema: Mapping[str, pl.DataType]) -> None:
        self._expressions: dict[Condition, pl.Expr] = {}
        self._of_text: dict[str, list[Condition]] = {}  # conditions on a single column of texts
        self._others: list[Condition] = []
        self._predicates: dict[Condition, Callable[[Mapping[str, Any]], bool]] = {}
        for condition in dict.fromkeys(conditions):
            self._expressions[condition] = _expression(condition, schema).alias(f"c{len(self._expressions)}")
            read = condition.columns if isinstance(condition, Filter) else frozenset((condition.column,))
            column = next(iter(read), "")
            if isinstance(condition, Filter):
                self._predicates[condition] = condition.predicate()
            if len(read) == 1 and schema.get(column) == pl.String:
                self._of_text.setdefault(column, []).append(condition)
            else:
                self._others.append(condition)

    def judge(self, events: pl.DataFrame) -> Judged:
        """Every condition of every event; those on one column of few texts are judged text by text."""
        held: dict[Condition, Bools] = {}
        others = list(self._others)
        for column, conditions in self._of_text.items():
            if (parts := few_texts(events[column])) is None:
                others += conditions
                continue
            found = [(self._of_texts(part.texts, column, conditions), part.place) for part in parts]
            for place, condition in enumerate(conditions):
                flags = [of_texts[place][of_row] for of_texts, of_row in found]
                held[condition] = flags[0] if len(flags) == 1 else np.concatenate(flags)
        if others:
            frame = events.select(self._expressions[condition] for condition in others)
            held |= {condition: frame.to_series(place).to_numpy() for place, condition in enumerate(others)}
        return Judged(events.height, held)

    def _of_texts(self, texts: pl.Series, column: str, conditions: list[Condition]) -> list[Bools]:
        """Each condition of each text; a query of Polars costs more than judging a handful by hand."""
        if texts.len() > _HANDFUL or not all(isinstance(condition, Filter) for condition in conditions):
            frame = texts.to_frame(column).select(self._expressions[condition] for condition in conditions)
            return [flags.to_numpy() for flags in frame]
        events = [{column: text} for text in texts.to_list()]
        predicates = [self._predicates[condition] for condition in conditions]
        return [np.array([holds(event) for event in events], np.bool_) for holds in predicates]


@dataclass
class Judged:
    """What events match."""

    height: int
    conditions: Mapping[Condition, Bools]
    _flags: dict[Match, Bools] = field(default_factory=dict)

    def flags(self, wanted: Match) -> Bools:
        """Which events match."""
        if wanted not in self._flags:
            held = [self.conditions[condition] for condition in wanted]
            self._flags[wanted] = np.logical_and.reduce(held) if len(held) != 1 else held[0]
            if not held:
                self._flags[wanted] = np.ones(self.height, np.bool_)
        return self._flags[wanted]


@dataclass
class Batch:
    """Events of one `by`: each with the number of its label set, its time and its weight."""

    events: pl.DataFrame
    keys: Int32
    times: Int64
    weights: Float64 | None  # None: each event stands for itself alone
    judged: Judged
    many: int  # how many label sets there are
    rows: Int64 | None = None  # which of the judged events these are; None: all
    _numbers: dict[str, Float64] = field(default_factory=dict)

    def flags(self, wanted: Match) -> Bools:
        """Which events match."""
        found = self.judged.flags(wanted)
        return found if self.rows is None else found[self.rows]

    def numbers(self, column: str) -> Float64:
        """The numbers of a column, 0 where there is none."""
        if column not in self._numbers:
            taken = self.events.select(number(column, self.events.schema).fill_null(0).fill_nan(0))
            found = taken.to_series().to_numpy()
            self._numbers[column] = np.where(np.abs(found) < MOST, found, 0.0)
        return self._numbers[column]


def _expression(condition: Condition, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A condition as truth values, never null."""
    if isinstance(condition, Filter):
        return condition.expression(schema)
    if isinstance(condition, Present):
        return pl.col(condition.column).is_not_null()
    return (number(condition.column, schema).abs() < MOST).fill_null(False)
