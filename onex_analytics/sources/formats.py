"""Which format a source has, told by its first bytes; and its units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from onex_analytics.exceptions import InputError, SourceError, UnknownFormat
from onex_analytics.sources.streams import Stream, open_stream
from onex_analytics.sources.units import Unit, element_units, line_units

FORMATS = ("jsonl", "json", "parquet", "arrow", "csv")
"""jsonl: one object a line (events, envelopes or captures). json: an array (a recording), or objects one behind the
other. parquet, arrow, csv: an export, one row an event."""

_SNIFFED = 1 << 16
ADDRESSES = ("postgresql://", "postgres://")
_FOREIGN = {
    b"BZh": ("bzip2", "bunzip2"), b"\xfd7zXZ": ("xz", "unxz"), b"PK\x03\x04": ("zip", "unzip"),
    b"\x04\x22\x4d\x18": ("LZ4", "unlz4"), b"7z\xbc\xaf": ("7-Zip", "7z x"),
}  # fmt: skip
"""Compression that we do not read, by its first bytes, and what takes it off."""
_CSV_HEADER = re.compile(rb'^"?[A-Za-z_][\w.]*"?(?:[,;\t]"?[A-Za-z_][\w.]*"?)+\s*$')


def detect_format(stream: Stream) -> str:
    """The format of a source, by what it begins with. An empty source is "jsonl".

    Raises:
        SourceError: it is compressed in a way that we do not read.
    """
    head = stream.peek(_SNIFFED)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"ARROW1" or head[:4] == b"\xff\xff\xff\xff":
        return "arrow"
    for magic, (name, tool) in _FOREIGN.items():
        if head.startswith(magic):
            mend = f"decompress it first ({tool}), or compress it with gzip or zstd"
            raise SourceError(stream.name, f"is compressed with {name}", mend)
    text = head.lstrip(b" \t\r\n")
    first, newline, rest = text.partition(b"\n")
    first = first.strip()
    if first[:1] == b"[":
        lines_follow = newline and rest.strip()
        return "jsonl" if first[-1:] == b"]" and len(first) > 1 and lines_follow else "json"
    if first[:1] == b"{":
        # the first line of an indented object is open: it ends where a member or a container begins
        goes_on = first[-1:] in (b"{", b",", b"[", b":") and rest[:1] in (b" ", b"\t", b'"', b"}")
        return "json" if goes_on else "jsonl"
    if _CSV_HEADER.match(first) and (b"event" in first.lower() or _is_named_delimited(stream.name)):
        return "csv"
    return "jsonl"


def _is_named_delimited(name: str) -> bool:
    """Whether a file is named .csv or .tsv, compressed or not: what its columns lack is then worth an error."""
    return bool(re.search(r"\.[ct]sv(?:\.gz|\.zst)?$", name, re.I))


def source_units(path: str | Path, *, format: str | None = None) -> tuple[Stream | None, Iterator[Unit]]:
    """The units of a source, and the stream they are read from (None for a database, which is read by rows).

    Args:
        path: a file, "-" for standard input, or the address of a PostgreSQL server such as
            `postgresql://user@host/database?table=event_ledger` (see `postgres.postgres_units`).
        format: one of `FORMATS`; found out where it is None.

    Raises:
        UnknownFormat: `format` is none of them.
        MissingColumns: the columns of a CSV file can hold no event.
        SourceError: the file is missing, or may not be read.
        MissingExtra: the address of a server, without the extra `postgres`.
    """
    if format is not None and format not in FORMATS:
        raise UnknownFormat(str(path), f"asked for {format!r}", FORMATS)
    if isinstance(path, str) and path.startswith(ADDRESSES):
        from onex_analytics.sources.postgres import postgres_units

        return None, postgres_units(path)
    stream = open_stream(path)
    try:
        found = format or detect_format(stream)
    except SourceError:
        stream.close()
        raise
    if found == "jsonl":
        return stream, line_units(stream)
    if found == "json":
        return stream, element_units(stream)
    from onex_analytics.sources.tables import table_units

    try:
        return stream, table_units(stream, path, found)
    except (SourceError, InputError):
        stream.close()
        raise
