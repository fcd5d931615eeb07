"""Columns of spans from columns of events: of several events that may tell, the first that does."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

Places = NDArray[np.int32]

_SPARSE = 0.9
"""Share of nulls from which on the few values are put in their places, one by one."""


@njit(nogil=True, cache=True)
def first_telling(tells: NDArray[np.bool_], sources: Places, silent: int) -> NDArray[np.uint32]:
    """For each span the first of its events that tells something; `silent` where none does. -1 is no event.

    >>> import numpy as np
    >>> sources = np.array([[0, -1], [2, 1]], np.int32)  # the first witness of two spans, then the second
    >>> first_telling(np.array([False, True, True]), sources, 0).tolist()
    [2, 1]
    """
    out = np.empty(sources.shape[1], np.uint32)
    for span in range(sources.shape[1]):
        found = silent
        for source in range(sources.shape[0]):
            event = sources[source, span]
            if event >= 0 and tells[event]:
                found = event
                break
        out[span] = found
    return out


def gathered(column: pl.Series, sources: Places) -> pl.Series:
    """The column of each span: the first value that one of its events gives, in the order of `sources`."""
    nulls = column.null_count()
    if nulls == len(column):
        return pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, sources.shape[1])
    if nulls == 0:
        tells, silent = np.ones(len(column), np.bool_), 0
        missing = bool((sources.max(axis=0) < 0).any()) if sources.size else False
    else:
        tells = column.is_not_null().to_numpy()
        silent, missing = int(np.argmin(tells)), False
        if nulls > _SPARSE * len(column):
            return _gathered_from_few(column, tells, sources, silent)
    place = first_telling(tells, sources, silent)
    found = column.gather(pl.Series(place))
    if missing:
        none = pl.Series(sources.max(axis=0) < 0)
        found = pl.select(pl.when(~none).then(found).alias(column.name)).to_series()
    return found


def _gathered_from_few(column: pl.Series, tells: NDArray[np.bool_], sources: Places, silent: int) -> pl.Series:
    """The same, where hardly any event tells anything."""
    place = first_telling(tells, sources, silent)
    told = np.flatnonzero(place != silent)
    found = pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, sources.shape[1])
    if told.size == 0:
        return found
    values = column.gather(pl.Series(place[told]))
    return found.scatter(pl.Series(told, dtype=pl.UInt32), values)
