"""What a rule can ask of the events: the kinds of cells, and the condition that judges a cell's value.

A *cell* reckons one number at each evaluation and for each label set, from the events of a window (t − w, t]. A
condition (`When`) compares that number with a threshold. `Expr` reckons with the numbers of other cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from onex_analytics.alerting.durations import Length, duration_text
from onex_analytics.alerting.filters import Arithmetic, Filter
from onex_analytics.alerting.frozen import Frozen, FrozenMap, Number, Whole

Op = Literal[">", ">=", "<", "<=", "==", "!="]
NoData = Literal["ok", "keep", "alert"]
Columns = tuple[Annotated[str, Field(min_length=1)], ...]


class Cell(Frozen):
    """One number of the events in a window."""


class Count(Cell):
    """How many events there are in the window; 0 where there is none."""

    kind: Literal["count"] = Field(default="count", exclude=True, repr=False)
    of: Filter | None = Field(default=None, description="the events to count; all that the rule looks at by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Rate(Cell):
    """How many events there are in the window, per second (or another unit); 0 where there is none."""

    kind: Literal["rate"] = Field(default="rate", exclude=True, repr=False)
    of: Filter | None = Field(default=None, description="the events to count; all that the rule looks at by default")
    window: Length = Field(description="length of the window (t − window, t]")
    per: Length = Field(default=timedelta(seconds=1), description="the unit of time: events per so long")


class Ratio(Cell):
    """The share of events (0 to 1) among `over` that are also `of`; no data where `over` has none."""

    kind: Literal["ratio"] = Field(default="ratio", exclude=True, repr=False)
    of: Filter = Field(description="the events of the numerator; they count only where they are in `over` too")
    over: Filter | None = Field(default=None, description="the events of the denominator; all by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Aggregate(Cell):
    """Sum, average, least or greatest value of a column in the window; no data where there is none."""

    kind: Literal["aggregate"] = Field(default="aggregate", exclude=True, repr=False)
    function: Literal["sum", "avg", "min", "max"] = Field(description="what to make of the values")
    column: str = Field(min_length=1, description="a column of numbers; null, NaN and infinite values take no part")
    of: Filter | None = Field(default=None, description="the events that take part; all by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Quantile(Cell):
    """A quantile of a column in the window, by nearest rank ⌈q·n⌉; no data where there is no value."""

    kind: Literal["quantile"] = Field(default="quantile", exclude=True, repr=False)
    q: Number = Field(gt=0, le=1, description="which quantile: above 0, up to 1, such as 0.95")
    column: str = Field(min_length=1, description="a column of numbers; null, NaN and infinite values take no part")
    of: Filter | None = Field(default=None, description="the events that take part; all by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Distinct(Cell):
    """How many different values of a column there are in the window; null is none of them."""

    kind: Literal["distinct"] = Field(default="distinct", exclude=True, repr=False)
    column: str = Field(min_length=1, description="the column whose values are told apart")
    of: Filter | None = Field(default=None, description="the events that take part; all by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Absent(Cell):
    """1 while there is no event in the window, else 0.

    Label sets are those of `expect`, else those seen within `lookback`.
    """

    kind: Literal["absent"] = Field(default="absent", exclude=True, repr=False)
    of: Filter | None = Field(default=None, description="the events that are missed; all by default")
    window: Length = Field(description="how long there has to be none")
    expect: tuple[FrozenMap[str], ...] | None = Field(
        default=None, min_length=1, description="the label sets to watch, each with a value for every column of `by`"
    )
    lookback: Length = Field(
        default=timedelta(days=1), description="without `expect`: a label set is watched so long after its last event"
    )


class Spike(Cell):
    """The rate of the window as a multiple of a reference: 3.0 means three times as many events as usual.

    The reference is the window `reference` directly before, or the average of the same window in `seasons` earlier
    seasons. Where neither is named it is the same window one to four weeks ago once four weeks are there, before that
    six windows directly before.
    """

    kind: Literal["spike"] = Field(default="spike", exclude=True, repr=False)
    of: Filter | None = Field(default=None, description="the events to count; all by default")
    window: Length = Field(description="length of the window (t − window, t]")
    reference: Length | None = Field(default=None, description="length of the reference window, directly before")
    season: Length | None = Field(default=None, description="compare with the same window so long ago, such as 1w")
    seasons: Whole = Field(default=4, ge=1, le=52, description="how many earlier seasons are averaged")
    min_reference: Number = Field(
        default=1, gt=0, description="fewer events than that in the reference (per window) are no data"
    )

    @model_validator(mode="after")
    def _one_reference(self) -> Spike:
        if self.reference is not None and self.season is not None:
            raise ValueError("reference and season are both given; keep one of them")
        if self.season is None and "seasons" in self.model_fields_set:
            raise ValueError("seasons counts seasons, and no season is given; add one, such as season: 1w")
        return self


class NewValue(Cell):
    """How many values of a column appeared in the window that were not known before."""

    kind: Literal["new_value"] = Field(default="new_value", exclude=True, repr=False)
    column: str = Field(min_length=1, description="the column whose values are learnt")
    of: Filter | None = Field(default=None, description="the events that take part; all by default")
    window: Length | None = Field(default=None, description="how long a value counts as new; one interval by default")
    learn: Length = Field(default=timedelta(days=7), description="what is seen in the first so long is not new")
    forget_after: Length = Field(default=timedelta(days=30), description="a value not seen for so long is new again")


class Change(Cell):
    """How often a column's value changed from one event to the next in the window."""

    kind: Literal["change"] = Field(default="change", exclude=True, repr=False)
    column: str = Field(min_length=1, description="the column to watch; events without a value are passed over")
    of: Filter | None = Field(default=None, description="the events that take part; all by default")
    window: Length = Field(description="length of the window (t − window, t]")


class Sequence(Cell):
    """How many sequences of events were completed in the window."""

    kind: Literal["sequence"] = Field(default="sequence", exclude=True, repr=False)
    steps: tuple[Filter, ...] = Field(min_length=2, max_length=16, description="one filter a step")
    within: Length = Field(description="the longest time from the first step to the last")
    order: Literal["ordered", "any"] = Field(default="ordered", description="steps one after another, or in any order")
    by: Columns = Field(default=("correlation_id",), description="the columns whose values all steps share")
    not_: Filter | None = Field(default=None, alias="not", description="an event that breaks off a sequence begun")
    window: Length | None = Field(default=None, description="how long a completed one counts; one interval by default")


class BurnWindow(Frozen):
    """A pair of windows of a burn rate, written [long, short, factor] in a file."""

    long: Length = Field(description="the window that must have burnt")
    short: Length = Field(description="the window that must still burn")
    factor: Number = Field(gt=0, description="the burn rate that both must exceed")

    @model_validator(mode="after")
    def _long_is_longer(self) -> BurnWindow:
        if self.long <= self.short:
            raise ValueError(
                "the first window of a pair is not longer than the second; write [long, short, factor]: [1h, 5m, 14.4]"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, found: Any) -> Any:
        if isinstance(found, list | tuple):
            if len(found) != 3:
                raise ValueError(f"a burn window has {len(found)} parts; wanted [long, short, factor]: [1h, 5m, 14.4]")
            return dict(zip(("long", "short", "factor"), found, strict=True))
        if not isinstance(found, Mapping | BurnWindow):
            raise ValueError(f"a burn window is {found!r}; wanted [long, short, factor], in a list: [[1h, 5m, 14.4]]")
        return found

    @model_serializer
    def _to_list(self) -> list[Any]:
        return [duration_text(self.long), duration_text(self.short), self.factor]


class BurnRate(Cell):
    """How fast the error budget burns: the greatest over the pairs of min(long, short) / factor; above 1 fires.

    A window's burn rate is its share of bad events over the share that the objective allows.
    Source: the multiwindow, multi-burn-rate alerts of Google's SRE workbook, chapter 5.
    """

    kind: Literal["burn_rate"] = Field(default="burn_rate", exclude=True, repr=False)
    of: Filter = Field(description="the bad events; they count only where they are in `over` too")
    over: Filter | None = Field(default=None, description="all events that the objective speaks of; all by default")
    objective: Number = Field(gt=0, lt=1, description="the share of good events promised, such as 0.999")
    windows: tuple[BurnWindow, ...] = Field(
        min_length=1, max_length=16, description="pairs of windows with a factor: [[1h, 5m, 14.4], [6h, 30m, 6]]"
    )


class Unfinished(Cell):
    """How many operations began longer than `older_than` ago and have not ended."""

    kind: Literal["unfinished"] = Field(default="unfinished", exclude=True, repr=False)
    older_than: Length = Field(description="operations that run longer than that")
    of: Filter | None = Field(default=None, description="the events that take part, starts and ends; all by default")
    give_up_after: Length = Field(default=timedelta(days=1), description="older ones are forgotten")

    @model_validator(mode="after")
    def _gives_up_later(self) -> Unfinished:
        if self.give_up_after <= self.older_than:
            raise ValueError("give_up_after is not longer than older_than; write a longer one, such as 1d")
        return self


class Expr(Cell):
    """Arithmetic over named cells; no data where one of them has none, or where 0 divides."""

    kind: Literal["expr"] = Field(default="expr", exclude=True, repr=False)
    cells: FrozenMap[AnyCell] = Field(min_length=1, max_length=32, description="the cells by name")
    value: Arithmetic = Field(description='what to reckon with them, such as "errors / (calls + 1)"')

    @field_validator("cells", mode="before")
    @classmethod
    def _by_kind(cls, found: Any) -> Any:
        if not isinstance(found, Mapping):
            return found
        return {name: cell_of(cell, f"cell {name!r}") for name, cell in found.items()}

    @field_serializer("cells", mode="wrap")
    def _to_file(self, cells: Mapping[str, Cell], serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: {self.cells[name].kind: told} for name, told in serialize(cells).items()}

    @model_validator(mode="after")
    def _names_are_cells(self) -> Expr:
        for name, cell in self.cells.items():
            if not name.isidentifier():
                raise ValueError(f"cell {name!r} has no name that an expression can use; wanted letters, digits and _")
            if isinstance(cell, Expr):
                raise ValueError(f"cell {name!r} is an expr itself; write its cells into this one")
        if unknown := sorted(self.value.names - self.cells.keys()):
            raise ValueError(f"value reads {', '.join(unknown)}; the cells are {', '.join(self.cells)}")
        if unread := sorted(self.cells.keys() - self.value.names):
            raise ValueError(f"value does not read {', '.join(unread)}; leave the cell out or use it")
        return self


AnyCell = Annotated[
    Count | Rate | Ratio | Aggregate | Quantile | Distinct | Absent | Spike | NewValue | Change | Sequence
    | BurnRate | Unfinished | Expr,
    Field(discriminator="kind"),
]  # fmt: skip

KINDS: dict[str, type[Cell]] = {
    "count": Count, "rate": Rate, "ratio": Ratio, "aggregate": Aggregate, "quantile": Quantile, "distinct": Distinct,
    "absent": Absent, "spike": Spike, "new_value": NewValue, "change": Change, "sequence": Sequence,
    "burn_rate": BurnRate, "unfinished": Unfinished, "expr": Expr,
}  # fmt: skip
"""The kinds of cells by their word in a rule file."""

USUAL_JUDGEMENT: dict[str, tuple[Op, float]] = {
    "absent": ("==", 1), "new_value": (">", 0), "change": (">", 0), "sequence": (">", 0), "unfinished": (">", 0),
    "burn_rate": (">", 1),
}  # fmt: skip
"""Kinds whose comparison can be left out, and what it is then."""

BY_OPERATION = ("count", "rate", "ratio", "aggregate", "quantile", "spike", "burn_rate")
"""Kinds that can count each operation once (`unit: operation`)."""


def can_begin_anew(cell: Cell) -> bool:
    """Whether a cell is made of the sums of one window, which can begin anew after a match (`reset_after_match`)."""
    return isinstance(cell, Count | Rate | Ratio) or (isinstance(cell, Aggregate) and cell.function in ("sum", "avg"))


class When(Frozen):
    """A cell, and the comparison that makes its value a condition.

    In a file the cell stands under the word of its kind: `{ratio: {of: …, window: 10m}, op: ">", threshold: 0.05}`.

    >>> when = When.model_validate({"count": {"window": "5m"}, "op": ">=", "threshold": 3})
    >>> when.cell.kind, when.op, when.threshold
    ('count', '>=', 3.0)
    """

    cell: AnyCell = Field(description="what is reckoned")
    op: Op = Field(default=">", description="how the value is compared with the threshold")
    threshold: Number = Field(allow_inf_nan=False, description="what the value is compared with")
    min_count: Whole = Field(default=0, ge=0, description="with fewer events (unweighted) the condition is false")
    no_data: NoData = Field(
        default="ok", description="without a value: the condition is false, stays as it was, or is true"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, found: Any) -> Any:
        if not isinstance(found, Mapping) or "cell" in found:
            return found
        kinds = [key for key in found if key in KINDS]
        if not kinds:
            raise ValueError(f"no kind of condition; wanted one of {', '.join(KINDS)}")
        rest = {key: value for key, value in found.items() if key not in KINDS}
        usual = USUAL_JUDGEMENT.get(kinds[0])
        if usual is not None and "threshold" not in rest and "op" not in rest:
            rest["op"], rest["threshold"] = usual
        return {"cell": cell_of({kind: found[kind] for kind in kinds}, "when"), **rest}

    @model_serializer(mode="wrap")
    def _to_file(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told = serialize(self)
        return {self.cell.kind: told.pop("cell"), **told}


def cell_of(found: Any, place: str) -> Any:
    """A cell as a file writes it, `{count: {window: 5m}}`, with its kind inside."""
    if not isinstance(found, Mapping):
        return found
    if len(kinds := [key for key in found if key in KINDS]) > 1:
        raise ValueError(f"{place} has {len(kinds)} kinds ({', '.join(kinds)}); wanted one")
    if len(found) != 1 or not kinds:
        return found
    kind = kinds[0]
    if isinstance(found[kind], Mapping):
        return {"kind": kind, **found[kind]}
    raise ValueError(f"{kind} holds {found[kind]!r}; wanted its fields, such as {{{kind}: {{window: 5m}}}}")


Expr.model_rebuild()
