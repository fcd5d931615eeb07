"""Columns of spans from columns of events: of several events that may tell, the first that does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.compiling import lean

Places = NDArray[np.int32]

_SPARSE = 0.97
"""Share of nulls from which on the few values are put in their places, one by one."""

_NOBODY = np.iinfo(np.uint32).max


@njit(nogil=True, cache=True)
def first_telling(tells: NDArray[np.bool_], sources: Places, silent: int) -> NDArray[np.uint32]:
    """For each span the first of its events that tells something; `silent` where none does. -1 is no event.

    >>> import numpy as np
    >>> sources = np.array([[0, -1], [2, 1]], np.int32)  # the first witness of two spans, then the second
    >>> first_telling(np.array([False, True, True]), sources, 0).tolist()
    [2, 1]
    """
    out = np.empty(sources.shape[1], np.uint32)
    _first_telling(tells, sources, silent, out)
    return out


@lean
def _first_telling(tells, sources, silent, out):  # type: ignore[no-untyped-def]
    for span in range(sources.shape[1]):
        found = silent
        for source in range(sources.shape[0]):
            event = sources[source, span]
            if event >= 0 and tells[event]:
                found = event
                break
        out[span] = found


@lean
def _first(sources, out):  # type: ignore[no-untyped-def]
    """The first event of each span, and how many have none."""
    without = 0
    for span in range(sources.shape[1]):
        found = _NOBODY
        for source in range(sources.shape[0]):
            if sources[source, span] >= 0:
                found = sources[source, span]
                break
        out[span] = found
        without += found == _NOBODY
    return without


@lean
def _tell_owners(sources, owner):  # type: ignore[no-untyped-def]
    for source in range(sources.shape[0]):
        for span in range(sources.shape[1]):
            if sources[source, span] >= 0:
                owner[sources[source, span]] = span


class Witnesses:
    """Which events tell of each span, and in which order they are asked: one row an event, one column a span."""

    def __init__(self, sources: Places, owner: Places | None = None) -> None:
        self.sources, self.owner = sources, owner
        self._firsts: pl.Series | None = None

    def gathered(self, column: pl.Series) -> pl.Series:
        """The column of each span: the first value that one of its events gives.

        A column in many chunks is made one first: to look up the chunk of each place takes longer.
        """
        nulls = column.null_count()
        if nulls == len(column):
            return _nulls(column, self.sources.shape[1])
        if nulls == 0:
            return column.rechunk().gather(self.firsts())
        if nulls > _SPARSE * len(column):
            return self._gathered_from_few(column)
        tells = column.is_not_null().to_numpy()
        silent = int(np.argmin(tells))
        return column.rechunk().gather(pl.Series(first_telling(tells, self.sources, silent)))

    def firsts(self) -> pl.Series:
        """The place of the first event of each span."""
        if self._firsts is None:
            place = np.empty(self.sources.shape[1], np.uint32)
            without = _first(self.sources, place)
            firsts = pl.Series("firsts", place)
            if without:
                firsts = firsts.to_frame().select(pl.when(pl.col("firsts") != _NOBODY).then("firsts")).to_series()
            self._firsts = firsts
        return self._firsts

    def _gathered_from_few(self, column: pl.Series) -> pl.Series:
        """The same, where hardly any event tells anything: only the spans of those are looked at."""
        telling = column.is_not_null().arg_true().to_numpy()
        tells = np.zeros(len(column), np.bool_)  # memory that is zero and hardly touched costs nothing
        tells[telling] = True
        silent = int(np.argmin(tells))
        spans: NDArray[np.integer]
        if self.owner is None:
            spans = np.arange(self.sources.shape[1])
        else:
            spans = self.owner[telling]
            spans = spans[spans >= 0]
        place = first_telling(tells, np.ascontiguousarray(self.sources[:, spans]), silent)
        told = place != silent
        found = _nulls(column, self.sources.shape[1])
        if not told.any():
            return found
        return found.scatter(pl.Series(spans[told], dtype=pl.UInt32), column.gather(pl.Series(place[told])))


@lean
def _choose(tells, rows, offset, out):  # type: ignore[no-untyped-def]
    """Let rows that tell nothing yet be told by this column, where it tells."""
    for at in range(rows.size):
        if out[at] == _NOBODY and tells[rows[at]]:
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
    out = np.full(chosen.size, _NOBODY, np.uint32)
    for place, column in enumerate(telling):
        _choose(column.is_not_null().to_numpy(), chosen, place * n, out)
    silent = out == _NOBODY
    if silent.any():
        nothing = int(np.argmin(telling[-1].is_not_null().to_numpy()))
        out[silent] = (len(telling) - 1) * n + nothing
    return pl.concat(telling, rechunk=True).gather(pl.Series(out))


def owners(events: int, sources: Places) -> Places:
    """The span of each event, -1 where it tells of none."""
    owner = np.full(events, -1, np.int32)
    _tell_owners(sources, owner)
    return owner


def gathered(column: pl.Series, sources: Places) -> pl.Series:
    """One column of each span, from the events that `sources` tells of it."""
    return Witnesses(sources).gathered(column)


def _nulls(column: pl.Series, n: int) -> pl.Series:
    return pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, n)
