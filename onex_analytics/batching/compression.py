"""What compression leaves of batches, measured: batches of several sizes are really compressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.wire_json import WIRE_READ, wire_texts

Codec = Literal["zstd", "gzip"]
_USUAL_LEVEL: dict[Codec, int] = {"zstd": 3, "gzip": 6}
_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_SAMPLED_BYTES = 4_000_000
_MOST_SAMPLES = 64


class CompressionCurve(BaseModel):
    """The share of a batch's bytes that compression leaves, by how many bytes it has.

    Between what was measured it follows straight lines over the logarithm of the bytes; beyond, the nearest holds.

    >>> curve = CompressionCurve(codec="zstd", level=3, batch_bytes=(1000, 100_000), shares=(0.5, 0.1))
    >>> curve.compressed([1000, 10_000, 10**9])
    [500, 3000, 100000000]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: Codec
    level: int
    batch_bytes: tuple[float, ...] = Field(min_length=1, description="sizes of batches that were compressed, ascending")
    shares: tuple[float, ...] = Field(description="what was left of each, above 0")

    @model_validator(mode="after")
    def _check(self) -> CompressionCurve:
        rising = all(a < b for a, b in zip((0, *self.batch_bytes), self.batch_bytes, strict=False))
        if len(self.shares) != len(self.batch_bytes) or not rising or not all(0 < share < 100 for share in self.shares):
            found = (self.batch_bytes, self.shares)
            raise InvalidOption("batch_bytes and shares", found, "ascending sizes above 0, and a share for each")
        return self

    def knots(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The logarithms of the sizes to base 2, and the shares."""
        return np.log2(np.array(self.batch_bytes, np.float64)), np.array(self.shares, np.float64)

    def compressed(self, batch_bytes: Iterable[float]) -> list[int]:
        """Bytes that are left of batches, rounded up as the simulation does."""
        sizes = np.array(list(batch_bytes), np.float64)
        share = np.interp(np.log2(np.maximum(sizes, 1)), *self.knots())
        return [int(size) for size in np.ceil(np.round(sizes * share, 6))]


def calibrate_compression(
    events: pl.LazyFrame | pl.Series | Iterable[str], *, codec: Codec = "zstd", level: int | None = None,
) -> CompressionCurve:  # fmt: skip
    """Compress batches of 1 to 5,000 neighbouring events, and note what is left.

    Batches are taken at even distances over all events, up to 4 MB of each size, and written one event a line. Nothing
    is drawn by chance.

    Args:
        events: one row an event, of which the lines are made (reads `model.wire_json.WIRE_READ`), or the lines, in the
            order in which they are sent. A part of the log that is like the rest will do.
        codec: zstd or gzip.
        level: of the codec; its usual one (3, and 6) where not given.

    Returns:
        A curve for `simulate_batching`. Where there are fewer events than a size needs, it ends before.

    Raises:
        MissingColumns: the frame lacks a column.
        InvalidOption: there is no event, or no such codec.

    >>> curve = calibrate_compression([f'{{"event_id":"{n:032x}","event_type":"NODE_START"}}' for n in range(200)])
    >>> curve.shares[0] > 2 * curve.shares[-1]
    True
    """
    if codec not in _USUAL_LEVEL:
        raise InvalidOption("codec", codec, " or ".join(_USUAL_LEVEL))
    chosen = _USUAL_LEVEL[codec] if level is None else level
    lines = _lines(events)
    if not any(lines):
        raise InvalidOption("events", "none, or empty ones", "at least one event to compress")
    compress = _compressor(codec, chosen)
    sizes: list[float] = []
    shares: list[float] = []
    for count in _COUNTS:
        if count > len(lines) and sizes:
            break
        raw = packed = taken = 0
        for begin in _evenly(len(lines), count):
            batch = "\n".join(lines[begin : begin + count]).encode("utf-8", "surrogatepass")
            raw += len(batch)
            packed += len(compress(batch))
            taken += 1
            if raw >= _SAMPLED_BYTES:
                break
        if raw and (not sizes or raw / taken > sizes[-1]):
            sizes.append(raw / taken)
            shares.append(packed / raw)
    return CompressionCurve(codec=codec, level=chosen, batch_bytes=tuple(sizes), shares=tuple(shares))


def _lines(events: pl.LazyFrame | pl.Series | Iterable[str]) -> list[str]:
    if isinstance(events, pl.LazyFrame):
        require(events, *WIRE_READ)
        events = wire_texts(events.select(WIRE_READ).collect())
    return [line for line in events if line is not None]


def _evenly(total: int, count: int) -> list[int]:
    """Where batches of so many events begin: at even distances, from the first to the last that is whole."""
    most = max(total // count, 1)
    samples = min(most, _MOST_SAMPLES)
    return [(total - count) * i // max(samples - 1, 1) for i in range(samples)] if total > count else [0]


def _compressor(codec: Codec, level: int) -> Callable[[bytes], bytes]:
    try:
        if codec == "zstd":
            import zstandard

            return zstandard.ZstdCompressor(level=level).compress
        zlib.compressobj(level)
    except (ValueError, zlib.error) as error:
        raise InvalidOption("level", level, "a level that the codec has") from error
    return lambda batch: zlib.compress(batch, level, wbits=31)
