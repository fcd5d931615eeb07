"""CSV cut into rows and fields, so that every row that cannot be cut keeps its own bytes, line and reason.

RFC 4180 with the usual liberties: any of `,;|` and tab between fields, any end of line, and a quote inside an unquoted
field stands for itself. A quoted field that is never closed, or goes on behind its closing quote, breaks only its
first line: what follows is read afresh.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.exceptions import SourceError
from onex_analytics.machine import load8
from onex_analytics.sources.block import Rejection
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.scan import ABSENT, STRING
from onex_analytics.sources.spans import Spans
from onex_analytics.sources.streams import Stream
from onex_analytics.sources.texts import text

CHUNK_BYTES = 8 << 20
LONGEST_ROW = 1 << 28
_WHOLE, _BROKEN_QUOTE, _OPEN_QUOTE, _WRONG_WIDTH, _NOT_UTF8 = range(5)

Bytes = NDArray[np.uint8]


class Rows(NamedTuple):
    """Some rows of a CSV file: text in every column, the place of each row, and those that could not be cut."""

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    rejected: list[Rejection]


@njit(nogil=True, cache=True)
def _line_end(buffer, p, end):  # type: ignore[no-untyped-def]
    while p < end and load8(buffer, p) != 10:
        p += 1
    return p


@njit(nogil=True, cache=True)
def _cut(buffer, end, last, give_up, delimiter, width, spans, places, doubled):  # type: ignore[no-untyped-def]
    """Cut rows off `buffer[:end]`; returns (rows, place up to which all is cut, lines so far). A row that does not
    end waits for more, unless this is the `last` part, or it fills the whole part and we `give_up`."""
    p, line, found = 0, 0, 0
    while p < end and found < places.shape[0]:
        start, count, status = p, 0, _WHOLE
        more = True
        while more:
            quoted, twice = p < end and load8(buffer, p) == 34, False
            if quoted:
                p += 1
                first = p
                while p < end:
                    if load8(buffer, p) != 34:
                        p += 1
                    elif p + 1 < end and load8(buffer, p + 1) == 34:
                        twice = True
                        p += 2
                    else:
                        break
                field_end = p
                if p >= end:
                    status = _OPEN_QUOTE
                    break
                p += 1
                if p < end and load8(buffer, p) == 13 and (p + 1 >= end or load8(buffer, p + 1) == 10):
                    p += 1
                if p < end and load8(buffer, p) != delimiter and load8(buffer, p) != 10:
                    status = _BROKEN_QUOTE
                    break
            else:
                first = p
                while p < end and load8(buffer, p) != delimiter and load8(buffer, p) != 10:
                    p += 1
                field_end = p
                at_end = p >= end or load8(buffer, p) == 10
                if at_end and field_end > first and load8(buffer, field_end - 1) == 13:
                    field_end -= 1
            if count < width:
                spans[found, count, 0], spans[found, count, 1] = first, field_end
                doubled[found, count] = twice
            count += 1
            more = p < end and load8(buffer, p) == delimiter
            if more:
                p += 1
        if p >= end and not last and (start > 0 or not give_up):
            return found, start, line
        if status in (_BROKEN_QUOTE, _OPEN_QUOTE):
            p = _line_end(buffer, start, end)
            if p >= end and not last and (start > 0 or not give_up):
                return found, start, line
        row_end = p
        if row_end > start and load8(buffer, row_end - 1) == 13:
            row_end -= 1
        if status == _WHOLE and count != width:
            status = _WRONG_WIDTH
        if row_end > start:
            places[found, 0], places[found, 1], places[found, 2] = start, row_end, line
            places[found, 3], places[found, 4] = status, count
            found += 1
        for i in range(start, p):
            line += load8(buffer, i) == 10
        if p < end:
            p += 1
            line += 1
    return found, p, line


def csv_rows(stream: Stream) -> tuple[list[str], Iterator[Rows]]:
    """The names in the first row of a CSV file, and the rows behind it in parts of some 8 MB.

    Raises:
        SourceError: the first row names no column, or one twice.
    """
    head = stream.peek(1 << 16)
    first = head.split(b"\n", 1)[0]
    size = min(len(first) + 1, len(head))
    try:
        header = first.decode().rstrip("\r")
    except UnicodeDecodeError as problem:
        mend = f"convert it: iconv -f LATIN1 -t UTF-8 {stream.name} > converted.csv"
        raise SourceError(stream.name, f"its first row is not UTF-8 ({problem})", mend) from problem
    if not header.strip():
        return [], iter(())
    delimiter = max(",;\t|", key=header.count)
    names = next(csv.reader([header], delimiter=delimiter))
    if not all(names) or len(set(names)) < len(names):
        raise SourceError(stream.name, f"its first row does not name each column once ({names})", "name each once")
    stream.read_into(np.empty(size, np.uint8))
    return names, _rows(stream, names, ord(delimiter), stream.begin + size)


def _rows(stream: Stream, names: list[str], delimiter: int, offset: int) -> Iterator[Rows]:
    line = 2
    carried: Bytes = np.empty(0, np.uint8)
    wanted, ended = CHUNK_BYTES, False
    while not ended or carried.size:
        buffer = np.zeros(max(wanted, carried.size) + PADDING, np.uint8)
        buffer[: carried.size] = carried
        filled = carried.size + stream.read_into(buffer[carried.size : -PADDING])
        ended = filled < buffer.size - PADDING
        buffer[filled:] = 0
        end = filled
        if ended and stream.damage is not None:
            newlines = np.flatnonzero(buffer[:filled] == 10)
            end = int(newlines[-1]) + 1 if newlines.size else 0
        room = end // max(2 * len(names) - 1, 2) + 16
        spans = np.zeros((room, len(names), 2), np.int64)
        places, doubled = np.zeros((room, 5), np.int64), np.zeros((room, len(names)), np.bool_)
        give_up = filled >= LONGEST_ROW
        found, done, lines = _cut(buffer, end, ended, give_up, delimiter, len(names), spans, places, doubled)
        if not done and not ended:
            carried, wanted = buffer[:filled].copy(), wanted * 2
            continue
        rows = _read(buffer, names, spans[:found], places[:found], doubled[:found], stream.name, offset, line)
        if ended and end == done and stream.damage is not None:
            detail = f"the stream breaks off here ({stream.damage}); what came before was read"
            raw = buffer[end:filled].tobytes()
            rows.rejected.append(Rejection("corrupt_compression", detail, raw, stream.name, offset + end, line + lines))
            done = filled
        yield rows
        offset, line = offset + done, line + lines
        carried, wanted = buffer[done:filled].copy(), CHUNK_BYTES


def _read(
    buffer: Bytes, names: list[str], spans: NDArray[np.int64], places: NDArray[np.int64], doubled: NDArray[np.bool_],
    source: str, offset: int, line: int,
) -> Rows:  # fmt: skip
    """The columns of rows that were cut, and rejections of those that were not."""
    status = places[:, 3]
    _mark_foreign_bytes(buffer, places)
    rejected = []
    for start, end, number, state, count in places[status != _WHOLE].tolist():
        raw = buffer[start:end].tobytes()
        reason, detail = _reason(state, count, len(names))
        rejected.append(Rejection(reason, detail, raw, source, offset + start, line + number))
    whole = status == _WHOLE
    spans, doubled, places = spans[whole], doubled[whole], places[whole]
    columns = []
    for i, name in enumerate(names):
        begins, sizes = spans[:, i, 0].astype(np.int32), (spans[:, i, 1] - spans[:, i, 0]).astype(np.int32)
        kind = np.where(sizes > 0, np.uint8(STRING), np.uint8(ABSENT))
        column = text(name, buffer, Spans(kind, begins, sizes))
        if doubled[:, i].any():
            once = pl.col(name).str.replace_all('""', '"', literal=True)
            twice = pl.Series(doubled[:, i])
            column = column.to_frame().select(pl.when(twice).then(once).otherwise(name).alias(name)).to_series()
        columns.append(column)
    sizes_in_all = places[:, 1] - places[:, 0]
    return Rows(pl.DataFrame(columns), line + places[:, 2], offset + places[:, 0], sizes_in_all, rejected)


def _mark_foreign_bytes(buffer: Bytes, places: NDArray[np.int64]) -> None:
    """Mark the rows that are not UTF-8."""
    if not len(places):
        return
    try:
        buffer[places[0, 0] : places[-1, 1]].tobytes().decode()
    except UnicodeDecodeError:
        for place in places:
            try:
                buffer[place[0] : place[1]].tobytes().decode()
            except UnicodeDecodeError as problem:
                place[3], place[4] = _NOT_UTF8, problem.start


def _reason(status: int, count: int, width: int) -> tuple[str, str]:
    if status == _NOT_UTF8:
        return "invalid_utf8", f"at byte {count} of the row"
    if status == _WRONG_WIDTH:
        return "broken_row", f"{count} fields where the first row names {width} columns"
    if status == _OPEN_QUOTE:
        return "broken_row", "a quoted field is never closed"
    return "broken_row", "something stands between the closing quote of a field and the next delimiter"
