"""Dictionaries: what events have in common, known to both sides before the first of them is sent."""

from __future__ import annotations

import polars as pl
import zstandard

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sizing.payloads import Payloads, payloads_of
from onex_analytics.sizing.samples import spread_events

DICTIONARY_BYTES = 16 * 1024
_SMALLEST = 256


def train_dictionary(
    events: pl.LazyFrame | pl.DataFrame, size_bytes: int = DICTIONARY_BYTES, *, most_events: int = 50_000
) -> bytes:
    """A Zstandard dictionary of what the payloads of events have in common; for `SizePolicy.dictionary`.

    Small events say mostly the same words in the same order, which a codec that sees one of them at a time has to be
    told each time anew. Who reads what was compressed needs the same dictionary, so keep it as long as that: a payload
    names it by its number, and is refused where another one is given.

    Args:
        events: one row an event; reads the columns of `model.EVENTS` by which it can be written (`model.wire_json`).
        size_bytes: the most that the dictionary may have, at least 256.
        most_events: it is trained on at most so many, evenly spread over the log. Some thousands will do.

    Returns:
        The dictionary. The same events give the same one.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: a size too small, or too few events to learn from.

    >>> from onex_analytics.model import EVENTS
    >>> from onex_analytics.sizing import SizePolicy, encode
    >>> rows = [{"event_id": f"e{n * 7919 % 10007}", "node_id": "stamper_node", "metadata": '{"a":1}'}
    ...         for n in range(2000)]
    >>> dictionary = train_dictionary(pl.LazyFrame(rows, schema=EVENTS), 512)
    >>> event = {"event_id": "e1", "node_id": "stamper_node", "metadata": {"a": 1}}
    >>> sent = encode(event, SizePolicy(compress_over=0, dictionary=dictionary))
    >>> sent.plain_bytes, len(sent.payload) < sent.plain_bytes
    (61, True)

    Source: Zstandard's COVER algorithm (Liao, Petri, Moffat, Wirth 2016, "Effective construction of relative
    Lempel-Ziv dictionaries"), as libzstd has it.
    """
    return trained(payloads_of(spread_events(events, most_events)), size_bytes)


def trained(payloads: Payloads, size_bytes: int) -> bytes:
    """A dictionary of these payloads."""
    if size_bytes < _SMALLEST:
        raise InvalidOption("size_bytes", size_bytes, f"at least {_SMALLEST}, such as {DICTIONARY_BYTES}")
    count = len(payloads)
    try:
        return zstandard.train_dictionary(size_bytes, payloads.texts().cast(pl.Binary).to_list()).as_bytes()
    except zstandard.ZstdError as problem:
        found = f"{count:,} events with {int(payloads.ends[-1]):,} bytes ({problem})"
        wanted = (
            f"more of them, a smaller dictionary than {size_bytes:,} bytes, or none: a hundred times its size is good"
        )
        raise InvalidOption("events", found, wanted) from problem
