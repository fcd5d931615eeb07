"""Label sets by number: the values of `by` as text, each combination once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.key_kernels import identify, place_again
from onex_analytics.alerting.cells.runs import Int32

_NONE = np.iinfo(np.int64).min


def label_text(column: str, kind: pl.DataType) -> pl.Expr:
    """A label's value as text: null is empty, whole numbers have no point."""
    text = pl.col(column).cast(pl.String)
    return (text.str.strip_suffix(".0") if kind.is_float() else text).fill_null("")


class LabelSets:
    """The combinations of `by` seen so far, numbered as they come; the numbers stay.

    Which number a label set has depends on the order of arrival: they are for arrays only, and never told.
    """

    def __init__(self, by: Sequence[str], schema: Mapping[str, pl.DataType]) -> None:
        self.by = tuple(by)
        self.texts: list[tuple[str, ...]] = []
        self._expressions = [label_text(column, schema[column]).alias(column) for column in self.by]
        self._kinds = [pl.Categorical(pl.Categories.random()) for _ in self.by]
        self._held = [pl.Series([""], dtype=kind) for kind in self._kinds]  # codes live as long as a series has them
        self._slots, self._used = [np.full(1024, _NONE) for _ in self.by], [0 for _ in self.by]
        self._numbers = [np.zeros(1024, np.int32) for _ in self.by]
        if not self.by:
            self.texts.append(())

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, events: pl.DataFrame) -> Int32:
        """The number of each row's label set."""
        if not self.by:
            return np.zeros(events.height, np.int32)
        coded = events.select(
            expression.cast(kind) for expression, kind in zip(self._expressions, self._kinds, strict=True)
        )
        return self._of(coded)

    def add(self, labels: Iterable[Mapping[str, str]]) -> Int32:
        """The numbers of label sets given by name, such as those of `expect`."""
        rows = [tuple(found[column] for column in self.by) for found in labels]
        if not self.by:
            return np.zeros(min(len(rows), 1), np.int32)
        columns = zip(*rows, strict=True) if rows else [()] * len(self.by)
        coded = pl.DataFrame([
            pl.Series(column, values, pl.String).cast(kind)
            for column, kind, values in zip(self.by, self._kinds, columns, strict=True)
        ])  # fmt: skip
        return self._of(coded)

    def _of(self, coded: pl.DataFrame) -> Int32:
        """Column by column: the number so far and the next column's code are the key to the next number."""
        found = np.zeros(coded.height, np.int32)
        new = np.empty(0, np.int64)
        for place, column in enumerate(coded):
            codes = column.to_physical().to_numpy()
            found, new = self._combined(place, found, codes)
        if len(new):
            texts = [column.gather(new).cast(pl.String).to_list() for column in coded]
            self.texts.extend(zip(*texts, strict=True))
        return found

    def _combined(self, place: int, before: Int32, codes: np.ndarray) -> tuple[Int32, np.ndarray]:
        numbers, new = np.empty(len(codes), np.int32), np.empty(len(codes), np.int64)
        done = 0
        found = 0
        while True:
            done, added = identify(
                before, codes, self._slots[place], self._numbers[place], self._used[place], done, numbers, new[found:]
            )
            found += added
            self._used[place] += added
            if done == len(codes):
                return numbers, new[:found]
            self._grow(place)

    def _grow(self, place: int) -> None:
        slots, numbers = self._slots[place], self._numbers[place]
        held = slots != _NONE
        keys, values = slots[held], numbers[held]
        self._slots[place] = np.full(4 * len(slots), _NONE)
        self._numbers[place] = np.zeros(4 * len(slots), np.int32)
        place_again(keys, values, self._slots[place], self._numbers[place])
