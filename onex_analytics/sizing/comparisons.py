"""Codecs held against each other on a part of the log that no dictionary was trained on."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import polars as pl
import zstandard

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sizing.codecs import compressor_of, zstd_compressor
from onex_analytics.sizing.dictionaries import DICTIONARY_BYTES, trained
from onex_analytics.sizing.payloads import Payloads, payloads_of
from onex_analytics.sizing.policies import SizePolicy
from onex_analytics.sizing.samples import last_events
from onex_analytics.sizing.simulation import simulate_encoding

COMPRESSION = pl.Schema({
    "way": pl.String(),             # event (each by itself), batch, parquet, policy
    "name": pl.String(),            # what it is called
    "codec": pl.String(),           # zstd, gzip
    "level": pl.Int64(),
    "dictionary_bytes": pl.Int64(), # null where there is none
    "batch_events": pl.Int64(),     # events that are compressed together; null where each is by itself
    "trained_events": pl.Int64(),   # what the dictionary was trained on, all of them earlier
    "events": pl.Int64(),           # what is measured
    "refused_events": pl.Int64(),   # of them too large for a policy: they are in no bytes
    "plain_bytes": pl.Int64(),
    "stored_bytes": pl.Int64(),
    "ratio": pl.Float64(),          # plain / stored; null without events
})  # fmt: skip
"""What `compression_report` gives."""

_LEVEL: Final = 3
_BATCHES: Final = (10, 100, 1000)


def compression_report(
    events: pl.LazyFrame | pl.DataFrame, policies: Iterable[SizePolicy] = (), *,
    batch_events: Iterable[int] = _BATCHES, dictionary_bytes: int | Iterable[int] = DICTIONARY_BYTES,
    held_out: float = 0.5, most_events: int = 50_000,
) -> pl.LazyFrame:  # fmt: skip
    """How small the latest events of a log get: each by itself, with a dictionary, in batches, as Parquet, by policies.

    The latest `most_events` are parted in time: on the earlier ones a dictionary is trained, the later ones are
    measured, whichever the way, as a dictionary will be used on events that come after it was made. Batches are JSON
    lines of events as they follow each other in time. Parquet has the columns from which the events can be written just
    as they came (`model.wire_json`) and no others; a store has more, which were lifted out of them.

    Args:
        events: one row an event; reads the columns of `model.EVENTS` by which it can be written.
        policies: also tell what these make of the events, from `simulate_encoding`.
        batch_events: sizes of batches.
        dictionary_bytes: size of the dictionary that is trained, or sizes of several; () trains none.
        held_out: the share that is measured, above 0 and below 1.
        most_events: how many events are looked at, at most.

    Returns:
        One row a way, see `COMPRESSION`: gzip and zstd by themselves first, the dictionary, batches, Parquet, policies.
        Each event by itself is compressed however small it is; only a policy leaves small ones as they are. Without an
        event there is no ratio.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: a share, number or size out of reach, or too few events for the dictionary.

    >>> from onex_analytics.model import EVENTS
    >>> rows = [{"event_id": f"e{n}", "metadata": '{"text":"the same each time"}'} for n in range(200)]
    >>> found = compression_report(pl.LazyFrame(rows, schema=EVENTS), batch_events=[100], dictionary_bytes=())
    >>> found.select("name", "events", pl.col("ratio") > 10).collect().rows()
    [('gzip', 100, False), ('zstd', 100, False), ('zstd, batches of 100', 100, True), ('Parquet, zstd', 100, False)]
    """
    if not 0 < held_out < 1:
        raise InvalidOption("held_out", held_out, "a share above 0 and below 1, such as 0.5")
    sizes = list(batch_events)
    if wrong := [size for size in sizes if size < 1]:
        raise InvalidOption("batch_events", wrong, "numbers of events, at least 1")
    chosen = list(policies)
    dictionaries = [dictionary_bytes] if isinstance(dictionary_bytes, int) else list(dictionary_bytes)

    def collected() -> pl.DataFrame:
        rows = last_events(events, most_events)
        first = rows.height - max(round(rows.height * held_out), min(rows.height, 1))
        earlier, later = payloads_of(rows[:first]), rows[first:]
        payloads = payloads_of(later)
        found = [_gzip(payloads), _told("event", "zstd", _zstd(payloads, None))]
        for size in dictionaries if later.height else ():
            dictionary = trained(earlier, size)
            name = f"zstd, dictionary of {size / 1024:.3g} KiB"
            told: dict[str, Any] = {"dictionary_bytes": len(dictionary), "trained_events": first}
            found.append(_told("event", name, _zstd(payloads, dictionary), **told))
        found += [_batches(payloads, size) for size in sizes]
        found.append(_parquet(later))
        plain = {"events": later.height, "plain_bytes": int(payloads.ends[-1]), "refused_events": 0}
        return pl.DataFrame(
            [plain | row for row in [*found, *(_policy(policy, later) for policy in chosen)]], schema=COMPRESSION
        ).with_columns(ratio=pl.when(pl.col("events") > 0).then(pl.col("plain_bytes") / pl.col("stored_bytes")))

    return pl.defer(collected, schema=COMPRESSION)


def _told(
    way: str, name: str, stored_bytes: int, *, codec: str = "zstd", level: int = _LEVEL, **more: Any
) -> dict[str, Any]:
    return {"way": way, "name": name, "codec": codec, "level": level, "stored_bytes": stored_bytes, **more}


def _gzip(payloads: Payloads) -> dict[str, Any]:
    policy = SizePolicy(codec="gzip")
    compress = compressor_of(policy)
    stored = sum(len(compress(payloads[row])) for row in range(len(payloads)))
    return _told("event", "gzip", stored, codec="gzip", level=policy.level_used)


def _zstd(payloads: Payloads, dictionary: bytes | None) -> int:
    """The bytes of all payloads, each compressed by itself."""
    places = np.column_stack([payloads.ends[:-1], np.diff(payloads.ends)]).astype(np.uint64)
    if not places.size:
        return 0
    held = zstandard.BufferWithSegments(payloads.text.tobytes(), places.tobytes())
    return zstd_compressor(_LEVEL, dictionary).multi_compress_to_buffer(held).size()


def _batches(payloads: Payloads, size: int) -> dict[str, Any]:
    lines = payloads.texts().to_frame().with_columns(batch=pl.int_range(pl.len()) // size)
    batches = lines.group_by("batch", maintain_order=True).agg(pl.col("payload").str.join("\n"))["payload"]
    compress = zstd_compressor(_LEVEL, None).compress
    stored = sum(len(compress(one)) for one in batches.cast(pl.Binary))
    return _told("batch", f"zstd, batches of {size:,}", stored, batch_events=size)


def _parquet(rows: pl.DataFrame) -> dict[str, Any]:
    file = io.BytesIO()
    rows.write_parquet(file, compression="zstd", compression_level=_LEVEL)
    return _told("parquet", "Parquet, zstd", len(file.getvalue()) if rows.height else 0, batch_events=rows.height)


def _policy(policy: SizePolicy, rows: pl.DataFrame) -> dict[str, Any]:
    sent = simulate_encoding(policy, rows).filter(pl.col("stored_bytes").is_not_null()).collect()
    held = None if policy.dictionary is None else len(policy.dictionary)
    return _told(
        "policy", policy.name, int(sent["stored_bytes"].sum()), codec=policy.codec, level=policy.level_used,
        dictionary_bytes=held, plain_bytes=int(sent["plain_bytes"].sum()), refused_events=rows.height - sent.height,
    )  # fmt: skip
