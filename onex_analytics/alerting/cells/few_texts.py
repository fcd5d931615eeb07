"""Columns of few texts: what holds of a text is found once, not once a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.key_kernels import tell_apart

_MANY = 2_000
_SLOTS = (1_024, 16_384)  # a table that lies in the nearest cache, and one for more texts


class Few(NamedTuple):
    """The different texts of some rows (a null among them), and which one each row has."""

    texts: pl.Series
    place: NDArray[np.int32]


def few_texts(column: pl.Series) -> list[Few] | None:
    """The texts of a column, a part of its rows at a time; None where they are not few, or no texts.

    Texts are told apart by the words that refer to them: a short text lies in them, and longer ones that come out of a
    file's dictionary refer to one place. Two of the different texts may therefore be equal.
    """
    if column.dtype != pl.String or column.len() < _MANY:
        return None
    found = []
    for chunk in column.get_chunks():
        held = chunk.to_arrow(compat_level=pl.CompatLevel.newest())
        views = np.frombuffer(held.buffers()[1], np.int64).reshape(-1, 2)[held.offset :][: len(held)]
        nulls = chunk.is_null().to_numpy() if chunk.null_count() else None
        if nulls is not None:
            views = np.where(nulls[:, None], -1, views)  # no text is so long
        place = np.empty(len(held), np.int32)
        for slots in _SLOTS:
            firsts, numbers = np.empty(slots // 4, np.int64), np.full(slots, -1, np.int32)
            many = tell_apart(views, np.empty((slots, 2), np.int64), numbers, firsts, place)
            if many >= 0:
                break
        else:
            return None
        found.append(Few(chunk[firsts[:many]], place))
    return found
