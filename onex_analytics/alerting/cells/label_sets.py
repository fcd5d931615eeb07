"""Label sets by number: the values of `by` as text, each combination once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.few_texts import few_texts
from onex_analytics.alerting.cells.key_kernels import identify, place_again, recognise
from onex_analytics.alerting.cells.runs import Int32

_NONE = np.iinfo(np.int64).min
_MANY = 2**18


class LabelSets:
    """The combinations of `by` seen so far, numbered as they come; the numbers stay.

    Which number a label set has depends on the order of arrival: they are for arrays only, and never told.
    """

    def __init__(self, by: Sequence[str]) -> None:
        self.by = tuple(by)
        self._begin()

    def _begin(self) -> None:
        self.texts: list[tuple[str, ...]] = []
        self._strange = 0  # rows that may have brought codes of texts which no label set has
        self._kinds = [pl.Categorical(pl.Categories.random()) for _ in self.by]
        self._held = [pl.Series([""], dtype=kind) for kind in self._kinds]  # codes live as long as a series has them
        self._slots, self._used = [np.full(1024, _NONE) for _ in self.by], [0 for _ in self.by]
        self._numbers = [np.zeros(1024, np.int32) for _ in self.by]
        if not self.by:
            self.texts.append(())

    def __len__(self) -> int:
        return len(self.texts)

    def of_few(self, events: pl.DataFrame) -> Int32 | None:
        """As `of`, where the texts are few; None where they are not."""
        if len(self.by) == 1:  # what a text is called is found once for all of its rows
            if (parts := few_texts(events[self.by[0]])) is None:
                return None
            numbers = [self._of([_coded(part.texts.fill_null(""), self._kinds[0])])[part.place] for part in parts]
            return numbers[0] if len(numbers) == 1 else np.concatenate(numbers)
        found = [_codes_of_few(events[column], kind) for column, kind in zip(self.by, self._kinds, strict=True)]
        coded = [one for one in found if one is not None]
        return self._of(coded) if coded and len(coded) == len(found) else None

    def of(self, events: pl.DataFrame) -> Int32:
        """The number of each row's label set."""
        if not self.by:
            return np.zeros(events.height, np.int32)
        texts = (_texts(events[column]) for column in self.by)
        return self._of([_coded(column, kind) for column, kind in zip(texts, self._kinds, strict=True)])

    def known(self, events: pl.DataFrame) -> Int32:
        """The number of each row's label set, -1 where it has none; none is given one."""
        if not self.by:
            return np.zeros(events.height, np.int32)
        found = np.zeros(events.height, np.int32)
        for place, (column, kind) in enumerate(zip(self.by, self._kinds, strict=True)):
            codes, before = _coded(_texts(events[column]), kind).codes, found
            found = np.empty(events.height, np.int32)
            recognise(before, codes, self._slots[place], self._numbers[place], found)
        self._strange += int(np.count_nonzero(found < 0))
        if self._strange > len(self.texts) + _MANY:
            self._begin_anew()
        return found

    def _begin_anew(self) -> None:
        """Forget the codes of texts that no label set has; the label sets keep their numbers."""
        texts = self.texts
        self._begin()
        self.add(dict(zip(self.by, row, strict=True)) for row in texts)

    def add(self, labels: Iterable[Mapping[str, str]]) -> Int32:
        """The numbers of label sets given by name, such as those of `expect`."""
        rows = [tuple(found[column] for column in self.by) for found in labels]
        if not self.by:
            return np.zeros(min(len(rows), 1), np.int32)
        columns = zip(*rows, strict=True) if rows else [()] * len(self.by)
        texts = [pl.Series(column, values, pl.String) for column, values in zip(self.by, columns, strict=True)]
        return self._of([_coded(column, kind) for column, kind in zip(texts, self._kinds, strict=True)])

    def _of(self, coded: list[Coded]) -> Int32:
        """Column by column: the number so far and the next column's code are the key to the next number."""
        found = np.zeros(len(coded[0].codes), np.int32)
        new = np.empty(0, np.int64)
        for place, column in enumerate(coded):
            found, new = self._combined(place, found, column.codes)
        if len(new):
            texts = [column.texts[new].fill_null("").to_list() for column in coded]
            self.texts.extend(zip(*texts, strict=True))
        return found

    def _combined(self, place: int, before: Int32, codes: NDArray[np.uint32]) -> tuple[Int32, NDArray[np.int64]]:
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


def _texts(values: pl.Series) -> pl.Series:
    """Labels as text: null is empty, whole numbers have no point."""
    text = values.cast(pl.String)
    if values.dtype.is_float():
        text = text.str.strip_suffix(".0")
    return text.fill_null("") if text.null_count() else text


class Coded(NamedTuple):
    """Texts, and a number for each that is equal where they are, in this and in every other batch."""

    texts: pl.Series
    codes: NDArray[np.uint32]


def _coded(texts: pl.Series, kind: pl.Categorical) -> Coded:
    return _codes_of_few(texts, kind) or Coded(texts, texts.cast(kind).to_physical().to_numpy())


def _codes_of_few(texts: pl.Series, kind: pl.Categorical) -> Coded | None:
    if (parts := few_texts(texts)) is None:
        return None
    codes = [part.texts.fill_null("").cast(kind).to_physical().to_numpy()[part.place] for part in parts]
    return Coded(texts, codes[0] if len(codes) == 1 else np.concatenate(codes))
