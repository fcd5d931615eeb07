"""Columns of spans from columns of events: of several events that may tell, the first that does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.spans.taking import NOBODY, taken
from onex_analytics.machine import lean

Places = NDArray[np.int32]

_SPARSE = 0.97
"""Share of nulls from which on the few values are put in their places, one by one."""

@njit(nogil=True, cache=True)
def first_telling(tells: NDArray[np.bool_], sources: Places, order: NDArray[np.intp]) -> NDArray[np.uint32]:
    """For each span the first of its events that tells something, 2^32 - 1 where none does. -1 is no event.

    >>> import numpy as np
    >>> sources = np.array([[0, -1], [2, 1]], np.int32)  # one row a witness, one column a span
    >>> tells = np.array([False, True, True])
    >>> first_telling(tells, sources, np.array([0, 1])).tolist()
    [2, 1]
    """
    out = np.empty(sources.shape[1], np.uint32)
    _first_telling(tells, sources, order, out)
    return out


@lean
def _first_telling(tells, sources, order, out):  # type: ignore[no-untyped-def]
    for span in range(sources.shape[1]):
        found = NOBODY
        for source in order:
            event = sources[source, span]
            if event >= 0 and tells[event]:
                found = event
                break
        out[span] = found


@lean
def _first(sources, order, out):  # type: ignore[no-untyped-def]
    """The first event of each span."""
    for span in range(sources.shape[1]):
        found = NOBODY
        for source in order:
            if sources[source, span] >= 0:
                found = sources[source, span]
                break
        out[span] = found


@lean
def _tell_owners(sources, owner):  # type: ignore[no-untyped-def]
    for source in range(sources.shape[0]):
        for span in range(sources.shape[1]):
            if sources[source, span] >= 0:
                owner[sources[source, span]] = span


class Witnesses:
    """Which events tell of each span, and in which order they are asked.

    Args:
        sources: places of events, -1 for none: one column a span.
        order: the rows of `sources` that are asked, the first one first.
        owner: the span of each event, where that is known.
    """

    def __init__(self, sources: Places, order: Sequence[int], owner: Places | None = None) -> None:
        self.sources, self.owner = sources, owner
        self.order = np.array(order, np.intp)
        self._firsts: NDArray[np.uint32] | None = None
        self._told: list[tuple[pl.Series, NDArray[np.uint32]]] = []

    def gathered(self, column: pl.Series) -> pl.Series:
        """The column of each span: the first value that one of its events gives."""
        nulls = column.null_count()
        if nulls == len(column):
            return _nulls(column, self.sources.shape[1])
        if nulls > _SPARSE * len(column):
            return self._gathered_from_few(column)
        return taken([column], self._first_telling(column) if nulls else self.firsts())

    def firsts(self) -> NDArray[np.uint32]:
        """The place of the first event of each span."""
        if self._firsts is None:
            place = np.empty(self.sources.shape[1], np.uint32)
            _first(self.sources, self.order, place)
            self._firsts = place
        return self._firsts

    def _first_telling(self, column: pl.Series) -> NDArray[np.uint32]:
        """The place of the first event of each span that gives a value; columns often come together, null or not."""
        tells = column.is_not_null()
        for known, place in self._told:
            if (known == tells).all():
                return place
        place = first_telling(tells.to_numpy(), self.sources, self.order)
        self._told.append((tells, place))
        return place

    def _gathered_from_few(self, column: pl.Series) -> pl.Series:
        """The same, where hardly any event tells anything: only the spans of those are looked at."""
        tells = column.is_not_null().to_numpy()
        spans: NDArray[np.integer]
        if self.owner is None:
            spans = np.arange(self.sources.shape[1])
        else:
            spans = self.owner[np.flatnonzero(tells)]
            spans = spans[spans >= 0]
        place = first_telling(tells, np.ascontiguousarray(self.sources[:, spans]), self.order)
        told = place != NOBODY
        if not told.any():
            return _nulls(column, self.sources.shape[1])
        which = np.full(self.sources.shape[1], NOBODY, np.uint32)
        which[spans[told]] = place[told]
        return taken([column], which)


@lean
def _choose(tells, rows, offset, out):  # type: ignore[no-untyped-def]
    """Let rows that tell nothing yet be told by this column, where it tells."""
    for at in range(rows.size):
        if out[at] == NOBODY and tells[rows[at]]:
            out[at] = offset + rows[at]


def first_of(columns: Sequence[pl.Series], rows: NDArray[np.integer] | None = None) -> pl.Series:
    """The first of some columns that is not null, row by row; of some rows, in their order, where those are given.

    >>> first_of([pl.Series(["a", None, None]), pl.Series(["b", "c", None])]).to_list()
    ['a', 'c', None]
    >>> first_of([pl.Series(["a", None]), pl.Series(["b", "c"])], np.array([1, 1])).to_list()
    ['c', 'c']
    """
    telling = [column for column in columns if column.null_count() < len(column)] or list(columns[-1:])
    whole = next((place for place, column in enumerate(telling) if column.null_count() == 0), len(telling) - 1)
    telling = telling[: whole + 1]
    if len(telling) == 1:
        return telling[0] if rows is None else telling[0].gather(pl.Series(rows, dtype=pl.UInt32))
    n = len(telling[0])
    chosen = np.arange(n, dtype=np.uint32) if rows is None else rows.astype(np.uint32)
    out = np.full(chosen.size, NOBODY, np.uint32)
    for place, column in enumerate(telling):
        _choose(column.is_not_null().to_numpy(), chosen, place * n, out)
    return taken(telling, out)


def owners(events: int, sources: Places) -> Places:
    """The span of each event, -1 where it tells of none."""
    owner = np.full(events, -1, np.int32)
    _tell_owners(sources, owner)
    return owner


def gathered(column: pl.Series, sources: Places) -> pl.Series:
    """One column of each span, from the events that `sources` tells of it."""
    return Witnesses(sources, range(len(sources))).gathered(column)


def _nulls(column: pl.Series, n: int) -> pl.Series:
    return pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, n)
