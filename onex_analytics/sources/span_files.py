"""Files of spans that another system wrote as one JSON text: how they are opened, what is kept, what is refused.

Such a file is parsed as a whole: up to `LIMIT_BYTES` of JSON, which take about ten times as much memory meanwhile.
Numbers with a fraction are read as decimals, so that a time keeps every digit that stands in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from onex_analytics.exceptions import SourceError
from onex_analytics.model.shapes import SPANS
from onex_analytics.sources.streams import open_stream

LIMIT_BYTES: Final = 512 << 20
"""Largest JSON text, decompressed, that is parsed as a whole."""

REJECTED_SPANS: Final = pl.Schema({
    "reason": pl.String(),                   # a word of `SPAN_REJECT_REASONS`
    "detail": pl.String(),                   # what was found
    "raw": pl.Binary(),                      # its JSON text (written anew), or the bytes from where reading ended
    "position": pl.Int64(),                  # 0-based number of the span, event or trace in the file
})
"""One row an element that gave no span and is none of the known other kinds."""

SPAN_REJECT_REASONS: Final = {
    "invalid_json": "from here on the text is not JSON",
    "truncated": "the text ends in the middle of a value",
    "too_deep": "nested deeper than the parser goes",
    "corrupt_compression": "the compressed stream ends early or is damaged from here on",
    "not_an_object": "an element that is no JSON object",
    "not_a_trace": "JSON without what holds spans in this format",
    "missing_id": "no trace id or no span id",
    "missing_time": "no time",
    "invalid_time": "a time or duration that is no number, or outside the years 1 to 9999",
    "wrong_type": "a field that we read holds a value of another type",
    "unknown_phase": "an event of a kind that the format does not know",
}
"""Why an element gave no span, word by word."""

EARLIEST_US, LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_CHUNK = 8 << 20


class Refused(Exception):
    """An element cannot be read; says the reason and what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


NOT_CLOSED = "the array is not closed"
Broken = tuple[Refused, str]
"""Why reading ended, and the text from there on."""


@dataclass(frozen=True)
class SpanFile:
    """What a file gave: `read` = rows of `spans` + rows of `rejected` + all of `others`.

    Args:
        spans: one row a span, in the order of the file: the columns of `model.SPANS` that the format has, and
            `attributes` and further columns of JSON text. `frames.complete_spans` fills in the rest.
        rejected: one row an element that could not be read; the columns of `REJECTED_SPANS`.
        others: elements that are no spans, counted by kind.
        read: elements (spans, events, traces that hold no spans) in the file.
        about: what the file says beside its elements, such as the errors of the query that made it.
    """

    spans: pl.DataFrame
    rejected: pl.DataFrame
    others: Mapping[str, int]
    read: int
    about: Mapping[str, Any] = field(default_factory=dict)


class Rejections:
    """Rejected elements, as they are met."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, bytes, int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, reason: str, detail: str, raw: object, position: int) -> None:
        """Take an element: a JSON value, or bytes as they came."""
        try:
            kept = raw if isinstance(raw, bytes) else json_text(raw).encode()
        except Refused:
            kept = b""
        self._rows.append((reason, plain_text(detail), kept, position))

    def add_end(self, text: Text, broken: Broken | None, position: int) -> int:
        """Take all that stands behind the place where reading ended, as one, and what the file's damage cost; returns
        the position behind them."""
        if broken is not None:
            problem, rest = broken
            self.add(problem.reason, problem.detail, rest.encode("utf-8", "surrogateescape"), position)
            position += 1
        if text.damage is not None:
            self.add("corrupt_compression", text.damage, b"", position)
            position += 1
        return position

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, schema=REJECTED_SPANS, orient="row")


@dataclass(frozen=True)
class Text:
    """The decompressed text of a file, and what ended it early."""

    name: str
    content: bytes
    damage: str | None

    @property
    def decoded(self) -> str:
        """As text; bytes that are not UTF-8 are kept apart as lone surrogates, and written `\\udcXX` in the end."""
        return self.content.decode("utf-8", "surrogateescape")


def read_text(path: str | Path, limit_bytes: int) -> Text:
    """All of a file, plain, gzip or Zstandard.

    Raises:
        SourceError: it is missing, may not be read, is longer than the limit, or begins like no JSON text.
    """
    parts, total = [], 0
    with open_stream(path) as stream:
        while True:
            target = np.empty(_CHUNK, np.uint8)
            count = stream.read_into(target)
            parts.append(target[:count].tobytes())
            total += count
            if total > limit_bytes:
                mend = "cut it into several files (fewer traces a query), or raise `limit_bytes` if memory allows"
                raise SourceError(stream.name, f"holds more than {limit_bytes >> 20} MB of JSON", mend)
            if count < _CHUNK:
                break
    content = b"".join(parts)
    begin = content[:4096].lstrip()[:8]
    if begin and begin[:1] not in b"{[":
        mend = "export it as JSON; gzip and zstd are read as they are, other compression must be taken off first"
        raise SourceError(stream.name, f"is no JSON object or array (it begins with {begin!r})", mend)
    return Text(stream.name, content, stream.damage)




def _decimal(text: str) -> Decimal | str:
    """A fraction, every digit of it; one with an exponent beyond all reason stays the text that it is."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_constant=str)
_SPACE = " \t\r\n"


def parsed(text: str) -> Any:
    """A JSON text as Python values; fractions as decimals, NaN and infinities as their names.

    Raises:
        Refused: it is no JSON, ends early, or is nested too deep.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as problem:
        raise _refusal(problem, text) from None


def salvaged(text: str, begin: int) -> tuple[list[Any], Refused | None, str]:
    """The elements of the array whose bracket stands at `begin`, as far as they can be parsed.

    Returns:
        The elements; why no more could be read (None where the array is closed); and the text behind them. A text that
        ends between two elements leaves nothing behind.
    """
    found: list[Any] = []
    at = begin + 1
    while True:
        next_at = _skip(text, at, _SPACE + ",")
        if next_at >= len(text):
            return found, Refused("truncated", NOT_CLOSED), ""
        if text[next_at] == "]":
            return found, None, text[next_at + 1 :]
        try:
            value, at = _DECODER.raw_decode(text, next_at)
        except (ValueError, RecursionError) as problem:
            return found, _refusal(problem, text), text[next_at:]
        found.append(value)


def whole_or_salvaged(text: Text, key: str) -> tuple[Any, Broken | None]:
    """What a file holds, and where it breaks off: its JSON; else as many elements as can be parsed of the array that is
    the text itself, or stands under a key; None where there is nothing."""
    decoded = text.decoded
    if not decoded.strip():
        return None, None
    try:
        return parsed(decoded), None
    except Refused as problem:
        begin = max(array_begin(decoded, None), array_begin(decoded, key))
        if begin < 0:
            return None, (problem, decoded)
        found, first, rest = salvaged(decoded, begin)
        return found, (first or problem, rest)


def array_begin(text: str, key: str | None) -> int:
    """Where the array stands that is the text itself (`key` None) or the value of a key; -1 where there is none."""
    if key is None:
        at = _skip(text, 0, _SPACE)
        return at if text[at : at + 1] == "[" else -1
    at = text.find(f'"{key}"')
    if at < 0:
        return -1
    at = _skip(text, at + len(key) + 2, _SPACE + ":")
    return at if text[at : at + 1] == "[" else -1


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _refusal(problem: ValueError | RecursionError, text: str) -> Refused:
    """Why a value cannot be parsed: it is cut off, nested too deep, or no JSON."""
    if isinstance(problem, RecursionError):
        return Refused("too_deep", "nested deeper than the parser goes")
    if not isinstance(problem, json.JSONDecodeError):  # an integer of more digits than Python turns into a number
        return Refused("invalid_json", str(problem))
    cut = _skip(text, problem.pos, _SPACE) >= len(text) or problem.msg.startswith("Unterminated string")
    return Refused("truncated" if cut else "invalid_json", f"{problem.msg} at character {problem.pos}")


def plain_text(text: str) -> str:
    """Text that UTF-8 can express: a lone surrogate is written as its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def json_text(value: object) -> str:
    """A parsed value as JSON text.

    Raises:
        Refused: nested so deep that it could just be parsed and cannot be written.
    """
    try:
        return plain_text(_ENCODER.encode(value))
    except RecursionError:
        raise Refused("too_deep", "nested deeper than can be written") from None


def _number(value: object) -> object:
    number = float(value) if isinstance(value, Decimal) else float("nan")
    return number if isfinite(number) else str(value)


def whole_us(value: object, field_name: str, *, scale: int = 1) -> int:
    """A number of microseconds × `scale` as an integer, rounded half to even, within the years 1 to 9999.

    Raises:
        Refused: it is no number or lies outside.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused("invalid_time", f"{field_name} is {value!r:.60}, not a number")
    if not EARLIEST_US <= value <= LATEST_US:
        raise Refused("invalid_time", f"{field_name} is {value!s:.40}, outside the years 1 to 9999")
    return value * scale if isinstance(value, int) else int((value * scale).to_integral_value())


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_number, allow_nan=False)


def span_frame(columns: Mapping[str, list[Any]], more: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Columns of values as a frame: those of `model.SPANS` in their types (times as microseconds), then `more`."""
    dtypes = {**SPANS, **more}
    made = []
    for name, values in columns.items():
        dtype = dtypes[name]
        series = pl.Series(name, values, pl.Int64() if isinstance(dtype, pl.Datetime) else dtype)
        made.append(series.cast(dtype))
    return pl.DataFrame(made).select([name for name in dtypes if name in columns])
