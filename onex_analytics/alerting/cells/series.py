"""Series: a rule and a label set, by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.label_sets import LabelSets
from onex_analytics.alerting.cells.runs import Int32, Int64

LABELS = pl.List(pl.Struct({"name": pl.String(), "value": pl.String()}))
"""A label set: its labels by name."""

UNKNOWN, LEFT_OUT = -1, -2


class SeriesTable:
    """Which rule and label set each number stands for. It grows; the numbers stay."""

    def __init__(self, sets: Sequence[LabelSets]) -> None:
        self._sets = sets  # of each rule
        self.rule = np.empty(0, np.int32)
        self.label_set = np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self.rule)

    def add(self, rule: int, label_sets: Int32) -> Int32:
        """Numbers for the label sets of a rule."""
        first = len(self)
        self.rule = np.append(self.rule, np.full(len(label_sets), rule, np.int32))
        self.label_set = np.append(self.label_set, label_sets.astype(np.int32))
        return np.arange(first, len(self), dtype=np.int32)

    def texts(self, series: int) -> dict[str, str]:
        """The labels of one series, by name."""
        sets = self._sets[self.rule[series]]
        return dict(sorted(zip(sets.by, sets.texts[self.label_set[series]], strict=True)))

    def labels(self, series: Int32) -> pl.Series:
        """The label set of each, as a list of (name, value) that is sorted by name."""
        parts, places = [pl.Series("labels", [], LABELS)], [np.empty(0, np.int64)]
        rules = self.rule[series]
        for rule in np.unique(rules):
            here = np.flatnonzero(rules == rule)
            parts.append(_lists(self._sets[rule], self.label_set[series[here]]))
            places.append(here)
        order = np.argsort(np.concatenate(places), kind="stable")
        return pl.concat(parts).gather(order)


def _lists(sets: LabelSets, numbers: Int32) -> pl.Series:
    if not sets.by:
        return pl.Series("labels", [[]] * len(numbers), LABELS)
    wanted, places = np.unique(numbers, return_inverse=True)
    columns = zip(*(sets.texts[number] for number in wanted), strict=True)
    texts = pl.DataFrame([pl.Series(name, values, pl.String) for name, values in zip(sets.by, columns, strict=True)])
    one = [pl.struct(pl.lit(name).alias("name"), pl.col(name).alias("value")) for name in sorted(sets.by)]
    return texts.select(pl.concat_list(one).cast(LABELS).alias("labels")).to_series().gather(places)


class Births:
    """The order in which label sets of a cell became series, which is the same for its rules: it is found once."""

    def __init__(self, first: Int64, bounds: Int64, texts: Sequence[tuple[str, ...]]) -> None:
        self._first, self._bounds, self._texts = first, bounds, texts
        self._ordered: dict[bytes, list[int]] = {}

    def ordered(self, new: Int64, label_sets: Int32) -> list[int]:
        """Places of new label sets, by their first tick and then by their labels."""
        key = new.tobytes()
        if key not in self._ordered:
            born = self._first[self._bounds[new]].tolist()
            at = zip(born, (self._texts[one] for one in label_sets[new]), new.tolist(), strict=True)
            self._ordered[key] = [place for _, _, place in sorted(at)]
        return self._ordered[key]
