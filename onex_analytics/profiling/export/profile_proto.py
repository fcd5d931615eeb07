"""pprof's profile.proto, written by hand: ten messages of whole numbers and one table of texts need no library.

Source: google/pprof, proto/profile.proto; Protocol Buffers encoding (varints, length-delimited fields, packed lists).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable

import polars as pl

from onex_analytics.profiling.export.weighed_stacks import weighed_stacks

# field numbers of Profile, Sample, Location, Line, Function and ValueType
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRINGS, _COMMENT, _DEFAULT_TYPE = 1, 2, 4, 5, 6, 13, 14
_LENGTH_DELIMITED = 2


def pprof(profile: pl.LazyFrame | pl.DataFrame, *, weight: str | None = None, by: str = "name") -> bytes:
    """A gzipped profile that `go tool pprof`, Grafana Pyroscope, Parca and speedscope open.

    Args:
        profile, weight, by: as `folded` takes them.

    Returns:
        The bytes, the same for the same profile. Each call path is a sample with two values: how many spans (or
        profiles) it is of, and its weight, in nanoseconds for a time. Paths of no weight are left out; a comment in
        the profile counts them.

    Raises:
        MissingColumns: neither a frame of spans nor of stacks, or the weight is absent.
        InvalidOption: the weight is no number, or the path no list of names.

    Source: google/pprof, proto/profile.proto.

    >>> stacks = pl.DataFrame({"path": [["page"], ["page", "query"]], "own_ms": [0.5, 1.5]})
    >>> gzip.decompress(pprof(stacks))[:4].hex()
    '0a040801'
    """
    stacks = weighed_stacks(profile, weight, by)
    timed = stacks.unit == "microseconds"
    values = (stacks.rows["weight"] * (1000 if timed else 1)).round().cast(pl.Int64)
    names = stacks.rows["path"].explode(empty_as_null=False, keep_nulls=True).unique().sort().to_list()
    counted = "spans" if "path" not in profile.lazy().collect_schema() else "profiles"
    comment = f"{stacks.skipped} call paths without a weight are left out"
    units = ("count", "nanoseconds") if timed else ("count",)
    texts = dict.fromkeys(["", counted, stacks.weight, *units, comment, *names])
    place = {text: number for number, text in enumerate(texts)}
    function = {name: number for number, name in enumerate(names, 1)}
    out = bytearray()
    for kind, unit in ((counted, "count"), (stacks.weight, units[-1])):
        out += _message(_SAMPLE_TYPE, _number(1, place[kind]) + _number(2, place[unit]))
    # a call path, not a span, is a turn of this loop
    for path, n, value in zip(stacks.rows["path"].to_list(), stacks.rows["n"].to_list(), values.to_list(), strict=True):
        leaf_first = (function[name] for name in reversed(path))
        out += _message(_SAMPLE, _packed(1, leaf_first) + _packed(2, (n or 0, value)))
    for name, number in function.items():
        line = _message(4, _number(1, number))
        out += _message(_LOCATION, _number(1, number) + line)
        out += _message(_FUNCTION, _number(1, number) + _number(2, place[name]) + _number(3, place[name]))
    for text in texts:
        out += _message(_STRINGS, text.encode())
    if stacks.skipped:
        out += _number(_COMMENT, place[comment])
    out += _number(_DEFAULT_TYPE, place[stacks.weight])
    return gzip.compress(bytes(out), mtime=0)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _packed(field: int, numbers: Iterable[int]) -> bytes:
    return _message(field, b"".join(map(_varint, numbers)))
