"""What an event says to the conditions of a tail policy: of one event, and of all events of a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling.tail_policies import (
    STATUS_OF,
    BooleanAttribute,
    Condition,
    NumericAttribute,
    StatusCode,
    StringAttribute,
)

Bits = NDArray[np.uint64]


class Questions:
    """The conditions that single events answer, each by the bit of its place.

    >>> asked = Questions((StatusCode(), NumericAttribute(key="memory_mb", min_value=64)))
    >>> asked.answers({"outcome": "failure", "memory_mb": 64.0}), asked.answers({"outcome": "success"})
    (3, 0)
    """

    def __init__(self, conditions: tuple[Condition, ...]) -> None:
        self._texts: dict[str, Callable[[str | None], int]] = {}
        self._numbers: list[tuple[int, NumericAttribute]] = []
        self._truths: list[tuple[int, BooleanAttribute]] = []
        told: dict[str, list[tuple[int, StatusCode | StringAttribute]]] = {}
        for place, condition in enumerate(conditions):
            match condition:
                case StatusCode():
                    told.setdefault("outcome", []).append((1 << place, condition))
                case StringAttribute():
                    told.setdefault(condition.key, []).append((1 << place, condition))
                case NumericAttribute():
                    self._numbers.append((1 << place, condition))
                case BooleanAttribute():
                    self._truths.append((1 << place, condition))
        for key, asked in told.items():
            self._texts[key] = lru_cache(maxsize=4096)(_of_text(asked))

    def answers(self, row: Mapping[str, Any]) -> int:
        """The conditions that an event meets, as bits."""
        met = 0
        for key, says in self._texts.items():
            value = row.get(key)
            met |= says(value if isinstance(value, str) else None)
        for bit, number in self._numbers:
            value = row.get(number.key)
            if isinstance(value, int | float):
                low = -np.inf if number.min_value is None else number.min_value
                high = np.inf if number.max_value is None else number.max_value
                met |= bit if low <= float(value) <= high else 0
        for bit, truth in self._truths:
            met |= bit if row.get(truth.key) is truth.value else 0
        return met

    def answers_of(self, rows: pl.DataFrame) -> Bits:
        """The conditions that each event meets, as bits; of columns that `require_kinds` let pass."""
        met = np.zeros(rows.height, np.uint64)
        for key, says in self._texts.items():
            texts = pl.DataFrame({"text": rows[key].cast(pl.String)})
            distinct = texts["text"].unique()
            said = pl.DataFrame({"text": distinct, "bits": pl.Series(map(says, distinct), dtype=pl.UInt64)})
            met |= texts.join(said, on="text", how="left", nulls_equal=True, maintain_order="left")["bits"].to_numpy()
        for bit, number in self._numbers:
            values = rows[number.key].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            low = -np.inf if number.min_value is None else number.min_value
            high = np.inf if number.max_value is None else number.max_value
            met[(values >= low) & (values <= high)] |= np.uint64(bit)
        for bit, truth in self._truths:
            met[(rows[truth.key].cast(pl.Boolean) == truth.value).fill_null(False).to_numpy()] |= np.uint64(bit)
        return met


def _of_text(asked: list[tuple[int, StatusCode | StringAttribute]]) -> Callable[[str | None], int]:
    def says(value: str | None) -> int:
        met = 0
        for bit, condition in asked:
            if isinstance(condition, StatusCode):
                met |= bit if STATUS_OF.get(value or "", "UNSET") in condition.status_codes else 0
            elif value is not None:
                met |= bit if condition.matches(value) else 0
        return met

    return says


def require_kinds(conditions: tuple[Condition, ...], schema: Mapping[str, pl.DataType]) -> None:
    """Refuse columns that hold what a condition is not about.

    Raises:
        InvalidOption: with the column, what it holds and what is wanted.
    """
    for condition in conditions:
        match condition:
            case StringAttribute(key=key):
                wanted, fits = "texts", schema[key] in (pl.String, pl.Categorical, pl.Enum, pl.Null)
            case NumericAttribute(key=key):
                wanted, fits = "numbers", schema[key].is_numeric() or schema[key] in (pl.Boolean, pl.Null)
            case BooleanAttribute(key=key):
                wanted, fits = "true and false", schema[key] in (pl.Boolean, pl.Null)
            case _:
                continue
        if not fits:
            raise InvalidOption(f"column {key!r}, of a {condition.kind}", str(schema[key]), f"a column of {wanted}")
