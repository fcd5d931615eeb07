"""Groups as small whole numbers: what a kernel needs in place of the texts that `by` names.

Polars keeps a text column as 16-byte views: a text of up to 12 bytes lies in its view, a longer one is pointed to,
and texts that come from one dictionary page of a Parquet file point to the same place. So two equal views are two
equal texts, and a small hash table of views numbers the rows of a batch without looking at a text; the same table
serves columns of numbers and times. Only the few distinct values of a batch are then looked at, and their combinations
looked up in a dictionary that all batches share. Where a batch has many, all of its rows are looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from os import cpu_count
from threading import Lock, get_ident
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import grouping_kernels as kernels
from onex_analytics.frames.grouping_kernels import Words

Codes = kernels.Codes

_FEW, _MANY = 256, 4096
_LARGEST_TABLE = 1 << 18
_FEW_WAYS = 1 << 10
_MOST_WAYS = 1 << 16
_BETWEEN = "\x1f"


class Grouping:
    """Numbers for the combinations of some columns, the same in every batch of rows and in every thread.

    Null is a value like others, and so is NaN. The numbers begin at 0 and are nearly dense.

    >>> grouping = Grouping(["node"])
    >>> [grouping.codes(pl.DataFrame({"node": nodes})).tolist() for nodes in (["a", "b", "a"], ["b", None])]
    [[0, 1, 0], [1, 2]]
    >>> grouping.rows()["node"].to_list()
    ['a', 'b', None]
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = list(keys)
        self._dictionary = pl.Categorical(pl.Categories.random())
        self._held = pl.Series([], dtype=self._dictionary)  # Polars forgets categories that no column has
        self._seen: list[pl.DataFrame] = []
        self._known: dict[tuple[object, ...], int] = {}  # only spares the look into the dictionary
        self._ways = _Ways(len(self.keys))  # and this the look at each combination
        self._rooms: dict[int, _Room] = {}

    def codes(self, frame: pl.DataFrame, *, lasting: bool = True) -> Codes:
        """The number of each row's combination, in an array that nobody else holds.

        Not `lasting`: it may be written over when the same thread asks again. What is used and forgotten need not be
        fresh memory each time, which the system has to clear first.
        """
        if not self.keys or frame.is_empty():
            return np.zeros(frame.height, np.int32)
        columns = [frame[key] for key in self.keys]
        room = self._rooms.setdefault(get_ident(), _Room())
        parts = _parts(columns, room)
        if parts is not None and (seen := self._seen_before(parts, None if lasting else room)) is not None:
            return seen
        if parts is None or (found := _numbered(parts)) is None:
            return self._looked_up(pl.DataFrame(columns))
        codes, firsts, values = found
        rows = list(zip(*values, strict=True))
        numbers = [self._known.get(row) for row in rows]
        if None in numbers:
            unseen = pl.DataFrame([column[firsts] for column in columns])  # a tenth of the time of `columns[firsts]`
            numbers = self._looked_up(unseen).tolist()
            self._known.update(zip(rows, numbers, strict=True))
        self._ways.keep(values, np.array(numbers, np.int32))
        kernels.translate(codes, np.array(numbers, np.int32))
        return codes

    def rows(self) -> pl.DataFrame:
        """What the numbers stand for: the columns of `keys`, and `_code`, in its order. No keys: one row."""
        if not self.keys:
            return pl.DataFrame({"_code": [0]}, schema={"_code": pl.Int32})
        return pl.concat(self._seen).unique("_code").sort("_code") if self._seen else pl.DataFrame({"_code": []})

    def _seen_before(self, parts: Sequence[_Part], room: _Room | None) -> Codes | None:
        """The numbers, where all combinations came in earlier batches and their values combine in few ways."""
        if prod(len(part.values) for part in parts) > _FEW_WAYS:
            return None
        if (ways := self._ways.among([part.values for part in parts])) is None:
            return None
        codes = parts[0].codes
        for part in parts[1:-1]:
            codes = codes * np.int32(len(part.values)) + part.codes
        last = parts[-1] if len(parts) > 1 else _Part(np.zeros(0, np.int32), parts[0].firsts, [None])
        found = np.empty(len(codes), np.int32) if room is None else room.codes(len(parts), len(codes))
        return found if kernels.told(codes, last.codes, len(last.values), ways, found) else None

    def _looked_up(self, rows: pl.DataFrame) -> Codes:
        texts = pl.concat_str([part for name, dtype in rows.schema.items() for part in _text(name, dtype)])
        coded = rows.with_columns(texts.cast(self._dictionary).to_physical().cast(pl.Int32).alias("_code"))
        self._seen.append(coded.unique("_code"))
        return coded["_code"].to_numpy(writable=True)


def streamed(frame: pl.LazyFrame, take: Callable[[pl.DataFrame], None]) -> None:
    """Run the rows of a query through `take`, batch by batch, in no order, on all cores.

    Batches are not empty. What `take` does not keep is forgotten. An error that it raises comes out as it is.
    """
    nothing = pl.Schema({"nothing": pl.Null()})

    def taken(part: pl.DataFrame) -> pl.DataFrame:
        if part.height:
            take(part)
        return pl.DataFrame(schema=nothing)

    frame.map_batches(taken, schema=nothing, streamable=True).collect(engine="streaming")


def in_threads(work: Callable[[int], object], count: int | None = None) -> None:
    """`work(0)`, `work(1)`, … side by side, one call a worker; kernels that let go of the GIL use all cores."""
    count = workers() if count is None else count
    if count < 2:
        for number in range(count):
            work(number)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def workers() -> int:
    """Threads worth starting."""
    return min(cpu_count() or 1, 8)


def distinct(column: pl.Series, codes: Codes | None = None) -> tuple[Codes, NDArray[np.int64]] | None:
    """The rows of a column as numbers, and the first row of each number; None where that takes a look at each text.

    The numbers are written into `codes` where it is given.
    """
    if (words := words_of(column)) is None:
        return None
    codes = np.empty(len(column), np.int32) if codes is None else codes
    width = 2 if column.dtype == pl.String else 1
    nulls = column.is_null().to_numpy() if column.null_count() else np.zeros(0, np.bool_)
    for most in (_FEW, _MANY):  # a table that fits the innermost cache serves nearly always
        firsts = np.empty(most + 1, np.int64)
        count = kernels.number(words, width, nulls, np.zeros((4 * most, 3), np.uint64), codes, firsts)
        if count <= most:
            break
    else:
        return None
    if len(nulls):
        codes[nulls] = count
        firsts[count] = nulls.argmax()
        count += 1
    return codes, firsts[:count]


def uniform(column: pl.Series) -> bool:
    """Whether there are rows and all say the same; False also where that would take a look at each text."""
    words = None if column.null_count() or column.is_empty() else words_of(column)
    return words is not None and kernels.alike(words, len(words) // len(column), len(column)) == len(column)


class _Part(NamedTuple):
    """A column of a batch: the number of each row's value, the first row of each number, and what it says."""

    codes: Codes
    firsts: NDArray[np.int64]
    values: list[object]


class _Room:
    """Arrays that one thread writes over again and again."""

    def __init__(self) -> None:
        self._held: dict[int, Codes] = {}

    def codes(self, number: int, size: int) -> Codes:
        if len(self._held.get(number, ())) < size:
            self._held[number] = np.empty(size, np.int32)
        return self._held[number][:size]


class _Ways:
    """The numbers of combinations in a table of all ways to combine the values, as long as that is not too large.

    Threads may ask and tell at the same time.
    """

    def __init__(self, columns: int) -> None:
        self._places: list[dict[object, int]] = [{} for _ in range(columns)]
        self._table = np.empty((0,) * columns, np.int32)
        self._lock = Lock()

    def among(self, values: Sequence[Sequence[object]]) -> Codes | None:
        """The number of each way to combine some values of each column, −1 where it is not known.

        None where one of the values is not known.
        """
        try:
            at = [[places[value] for value in told] for places, told in zip(self._places, values, strict=True)]
        except KeyError:
            return None
        return self._table[np.ix_(*at)].ravel()  # places are known only once the table has room for them

    def keep(self, values: Sequence[Sequence[object]], numbers: Codes) -> None:
        """Combinations, one value of each column, and their numbers; forgotten where the table would be too large."""
        with self._lock:
            unseen = [
                [value for value in dict.fromkeys(told) if value not in places]
                for places, told in zip(self._places, values, strict=True)
            ]
            if any(unseen):
                shape = [len(places) + len(more) for places, more in zip(self._places, unseen, strict=True)]
                if prod(shape) > _MOST_WAYS:
                    return
                table = np.full(shape, -1, np.int32)
                table[tuple(map(slice, self._table.shape))] = self._table
                self._table = table
                for places, more in zip(self._places, unseen, strict=True):
                    places.update(zip(more, range(len(places), len(places) + len(more)), strict=True))
            at = tuple([places[value] for value in told] for places, told in zip(self._places, values, strict=True))
            self._table[at] = numbers


def _parts(columns: Sequence[pl.Series], room: _Room) -> list[_Part] | None:
    """The columns as numbers, each value made into an object once; None where they are too many."""
    parts = []
    for number, column in enumerate(columns):
        if (found := distinct(column, room.codes(number, len(column)))) is None:
            return None
        parts.append(_Part(*found, _values(column[found[1]])))
    return parts


def _numbered(parts: Sequence[_Part]) -> tuple[Codes, NDArray[np.int64], list[list[object]]] | None:
    """The rows as numbers, the first row of each number, what it says in each column; None where they are too many."""
    codes, firsts, told = parts[0]
    codes, values = codes.copy(), [told]
    for further, _, told in parts[1:]:
        width = len(told)
        size = len(firsts) * width
        if size > _LARGEST_TABLE:
            return None
        table = np.full(size, np.int32(-1), np.int32)
        firsts = np.empty(min(size, len(codes)), np.int64)
        firsts = firsts[: kernels.combine(codes, further, width, table, firsts)]
        places = np.empty(len(firsts), np.int64)
        occupied = np.flatnonzero(table >= 0)
        places[table[occupied]] = occupied
        mine, theirs = (part.tolist() for part in np.divmod(places, width))
        values = [*([one[place] for place in mine] for one in values), [told[place] for place in theirs]]
    return codes, firsts, values


def _values(column: pl.Series) -> list[object]:
    """Objects that are equal where the values are: texts as they are, the words of all others, None for a null."""
    if column.dtype == pl.Categorical:
        column = column.cast(pl.String)  # its numbers are good as long as a column has them
    if column.dtype == pl.String or (words := words_of(column)) is None:
        return column.to_list()
    nulls = column.is_null().to_list()
    return [None if null else word for null, word in zip(nulls, words.tolist(), strict=True)]


def words_of(column: pl.Series) -> Words | None:
    """Each row as one 64-bit word, or two of a text; equal words are equal values."""
    if column.dtype == pl.String:
        views = column.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        return np.frombuffer(views.buffers()[1], np.uint64)[2 * views.offset : 2 * (views.offset + len(views))]
    number = column.to_physical()
    if number.dtype in (pl.Float32, pl.Float64):
        floats = number.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0  # so that −0 is 0
        floats[np.isnan(floats)] = np.nan
        return floats.view(np.uint64)
    if number.dtype == pl.Boolean or (number.dtype.is_integer() and number.dtype not in (pl.Int128, pl.UInt128)):
        wide = pl.UInt64 if number.dtype in (pl.UInt64, pl.Boolean) else pl.Int64
        return number.fill_null(False if number.dtype == pl.Boolean else 0).cast(wide).to_numpy().view(np.uint64)
    return None


def _text(name: str, dtype: pl.DataType) -> Sequence[pl.Expr]:
    """Parts that say a value so that no two values of a row read alike: its length, a mark, its text."""
    if dtype.is_nested() or dtype == pl.Object:
        raise InvalidOption("by", name, f"columns of plain values; {name} is a {dtype}")
    value = pl.col(name)
    if dtype == pl.Binary:
        text = value.bin.encode("hex")
    elif dtype.is_float():
        text = pl.when(value == 0).then(pl.lit(0.0)).otherwise(value).cast(pl.String)  # −0 is 0
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        text = value.cast(pl.String)
    else:
        text = value.to_physical().cast(pl.String)
    size = text.str.len_bytes().cast(pl.String)
    return size.fill_null(""), pl.lit(_BETWEEN), text.fill_null("")
