"""Which format a source has, told by its first bytes; and its units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from onex_analytics.exceptions import UnknownFormat
from onex_analytics.sources.streams import Stream, open_stream
from onex_analytics.sources.units import Unit, element_units, line_units

FORMATS = ("jsonl", "json", "parquet", "arrow", "csv")
"""jsonl: one object a line (events, envelopes or captures). json: an array (a recording), or objects one behind the
other. parquet, arrow, csv: an export, one row an event."""

_SNIFFED = 1 << 16
_CSV_HEADER = re.compile(rb'^"?[A-Za-z_][\w.]*"?(?:[,;\t]"?[A-Za-z_][\w.]*"?)+\s*$')


def detect_format(stream: Stream) -> str:
    """The format of a source, by what it begins with.

    Raises:
        UnknownFormat: it begins like none of `FORMATS`. An empty source is "jsonl".
    """
    head = stream.peek(_SNIFFED)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"ARROW1" or head[:4] == b"\xff\xff\xff\xff":
        return "arrow"
    text = head.lstrip(b" \t\r\n")
    first, newline, rest = text.partition(b"\n")
    first = first.strip()
    if not first:
        return "jsonl"
    if first[:1] == b"[":
        lines_follow = newline and rest.strip()
        return "jsonl" if first[-1:] == b"]" and lines_follow else "json"
    if first == b"{":
        return "json"
    if first[:1] != b"{" and _CSV_HEADER.match(first) and b"event" in first.lower():
        return "csv"
    return "jsonl"


def source_units(path: str | Path, *, format: str | None = None) -> tuple[Stream | None, Iterator[Unit]]:
    """The units of a source, and the stream they are read from (None for tables, which are read by rows).

    Args:
        path: a file, or "-" for standard input.
        format: one of `FORMATS`; found out where it is None.

    Raises:
        UnknownFormat: `format` is none of them.
        SourceError: the file is missing, or may not be read.
    """
    if format is not None and format not in FORMATS:
        raise UnknownFormat(str(path), f"asked for {format!r}", FORMATS)
    stream = open_stream(path)
    found = format or detect_format(stream)
    if found == "jsonl":
        return stream, line_units(stream)
    if found == "json":
        return stream, element_units(stream)
    from onex_analytics.sources.tables import table_units

    return stream, table_units(stream, path, found)
