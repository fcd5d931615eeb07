"""What a policy would have sent of a log: `decided` for each of its events, as the live `encode` does."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames.columns import names, require
from onex_analytics.model.shapes import WIRE_FIELDS
from onex_analytics.model.wire_json import WIRE_READ
from onex_analytics.sizing.deciding import decided
from onex_analytics.sizing.payload_sizes import payload_sizes
from onex_analytics.sizing.payloads import payloads_of
from onex_analytics.sizing.policies import SizePolicy

ENCODING = pl.Schema({
    "plain_bytes": pl.Int64(),    # of the event's JSON
    "packed_bytes": pl.Int64(),   # of it compressed, where that is due and makes it smaller
    "stored_bytes": pl.Int64(),   # of what is sent; null where it is refused
    "encoding": pl.String(),      # plain, zstd, gzip
    "action": pl.String(),        # send, reject, truncate_field, claim_check
    "oversized": pl.Boolean(),    # whether it was too large before anything was done about it
    "warned": pl.Boolean(),       # whether what is sent has more than `warn_bytes`
})  # fmt: skip
"""What `simulate_encoding` adds to each event."""


def simulate_encoding(policy: SizePolicy, events: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """The events with what would have been sent of each: exactly what the live `encode` does.

    Numbers are taken as they were written, where the live `encode` writes them as Python does (1.50 as 1.5).

    Args:
        policy: how large an event may be, and what becomes of it otherwise.
        events: one row an event; reads the columns of `model.EVENTS` by which it can be written (`model.wire_json`).

    Returns:
        The same rows and columns with those of `ENCODING`, in place of such that are there already.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: the metadata of an event is no JSON.

    >>> from onex_analytics.model import EVENTS
    >>> from onex_analytics.sizing import SizePolicy
    >>> rows = [{"event_id": "e1", "metadata": '{"body":"' + "x" * n + '"}'} for n in (10, 20_000)]
    >>> found = simulate_encoding(SizePolicy(), pl.LazyFrame(rows, schema=EVENTS))
    >>> found.select("plain_bytes", "stored_bytes", "encoding", "action").collect().rows()
    [(50, 50, 'plain', 'send'), (20040, 64, 'zstd', 'send')]
    """
    lazy = require(events.lazy(), *WIRE_READ)
    found = pl.struct(WIRE_READ).map_batches(
        lambda rows: _of_rows(policy, rows), pl.Struct(ENCODING), is_elementwise=True
    )
    return lazy.with_columns(found.alias("_encoding")).with_columns(
        pl.col("_encoding").struct.field(name) for name in ENCODING
    ).drop("_encoding")  # fmt: skip


def encoding_outcomes(simulated: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = ()) -> pl.LazyFrame:
    """What became of events, counted.

    Args:
        simulated: of `simulate_encoding`; reads the columns of `ENCODING` and those of `by`.
        by: columns to tell apart; null is a group like others.

    Returns:
        One row a group, the most bytes first: the columns of `by`, `action`, `encoding`, `events`, `warned_events`,
        `plain_bytes`, `stored_bytes` (of what is sent: null where all are refused), `saved_bytes` (plain − stored; null
        likewise). Events and plain bytes add up to those of the log.

    Raises:
        MissingColumns: the frame lacks a column that is read.

    >>> from onex_analytics.model import EVENTS
    >>> from onex_analytics.sizing import SizePolicy
    >>> rows = [{"event_id": "e1", "metadata": '{"body":"' + "x" * n + '"}'} for n in (10, 20_000, 30)]
    >>> found = simulate_encoding(SizePolicy(), pl.LazyFrame(rows, schema=EVENTS))
    >>> encoding_outcomes(found).select("action", "encoding", "events", "stored_bytes").collect().rows()
    [('send', 'zstd', 1, 64), ('send', 'plain', 2, 120)]
    """
    keys = [*names(by), "action", "encoding"]
    lazy = require(simulated.lazy(), *keys, *ENCODING)
    stored = pl.col("stored_bytes")
    table = lazy.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("events"), pl.col("warned").sum().cast(pl.Int64).alias("warned_events"),
        pl.col("plain_bytes").sum(), pl.when(stored.count() > 0).then(stored.sum()).alias("stored_bytes"),
    )  # fmt: skip
    saved = (pl.col("plain_bytes") - pl.col("stored_bytes")).alias("saved_bytes")
    return table.with_columns(saved).sort(-pl.col("plain_bytes"), *keys, nulls_last=True)


def _is_unknown() -> pl.Expr:
    """Whether an event has no known field: its payload may begin as that of a claim, and is then sent otherwise."""
    columns = pl.all_horizontal(pl.col(WIRE_FIELDS).is_null())
    return pl.coalesce(pl.col("wire_fields") % 4 ** len(WIRE_FIELDS) == 0, columns)


def _of_rows(policy: SizePolicy, rows: pl.Series) -> pl.Series:
    frame = rows.struct.unnest()
    sizes = pl.Series(payload_sizes(frame))
    warned = sizes > policy.warn_bytes if policy.warn_bytes is not None else pl.repeat(False, len(sizes), eager=True)
    found = pl.DataFrame({
        "plain_bytes": sizes, "packed_bytes": sizes, "stored_bytes": sizes, "encoding": "plain", "action": "send",
        "oversized": False, "warned": warned,
    }, schema=ENCODING)  # fmt: skip
    careful = ((sizes > policy.untouched_bytes) | frame.select(_is_unknown()).to_series()).arg_true()
    if not len(careful):
        return found.to_struct(rows.name)
    payloads = payloads_of(frame[careful])
    decisions = [decided(policy, payloads[row]) for row in range(len(careful))]
    told = pl.DataFrame(
        [[getattr(one, name) for name in ENCODING] for one in decisions], schema=ENCODING, orient="row"
    )
    return pl.DataFrame([found[name].scatter(careful, told[name]) for name in ENCODING]).to_struct(rows.name)
