"""The hashes by which an update finds spans among those that are kept. A hash only chooses; texts decide."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.sources.hashing import xxh64_texts

INDEX = ("_work", "_exact", "_name", "_span", "_parent", "_parent_span", "_tree")
"""Hashes of what a span's events pair within, of an uncorrelated key, of the correlation id, of the span id, of the
parent's correlation id and of its span id, as they are named, and of the span id of its root."""

NO_HASH = 0
"""Stands where there is nothing to hash. (A text whose hash it is would not be found: one of 2^64.)"""

_WORK = ("node", "telemetry", "profile")
_SEPARATOR = "\x1f"


def keyed(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans with the hashes by which an update finds them, but for that of the root; and whether they are whole."""
    texts = spans.select(
        _work=work_text("_given_span_id"),
        _exact=pl.when(~correlated()).then(exact_text("_operation", "_input_hash")),
        _name="correlation_id",
        _span="span_id",
        _parent=pl.when(
            pl.col("_given_parent_span_id").is_null()
            & pl.col("_parent_correlation_id").ne_missing(pl.col("correlation_id"))
        ).then("_parent_correlation_id"),
        _parent_span="_given_parent_span_id",
    )
    return spans.with_columns(*(hashed_texts(text).alias(text.name) for text in texts), _whole=is_whole())


def rooted(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans that were linked, with the hash of their root's span id."""
    return spans.with_columns(hashed_texts(spans["_root_id"]).alias("_tree"))


def is_whole() -> pl.Expr:
    """True for a span that nothing later can change by pairing, where nothing else of its key is left over."""
    return pl.col("_complete") & (pl.col("_paired_state") == "closed") & (pl.col("family") != "profile")


def work_text(span_id: str) -> pl.Expr:
    """What events pair within, as text; `span_id` is the column of the id that was given."""
    whose = pl.when(pl.col("family").is_in(_WORK)).then(pl.col("node").fill_null("")).otherwise(
        pl.concat_str(pl.lit(_SEPARATOR), "family")
    )  # fmt: skip
    correlated = pl.concat_str(pl.coalesce("correlation_id", span_id), whose, separator=_SEPARATOR)
    pool = pl.concat_str(pl.lit("\x1e"), pl.col("node").fill_null(""), "family", separator=_SEPARATOR)
    return pl.coalesce(correlated, pool)


def correlated() -> pl.Expr:
    return correlation().is_not_null()


def correlation() -> pl.Expr:
    return pl.coalesce("correlation_id", "_given_span_id")


def correlations(events: pl.DataFrame) -> pl.Series:
    return events.select(pl.coalesce("correlation_id", "span_id")).to_series().drop_nulls().unique()


def exact_text(operation: str, input_hash: str) -> pl.Expr:
    """What uncorrelated events of one key have in common, as text."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in ("node", "family", operation, input_hash)]
    return pl.concat_str(parts, separator=_SEPARATOR)


def hashed_texts(texts: pl.Series) -> pl.Series:
    """xxh64 of each text; `NO_HASH` for null."""
    if texts.null_count() == len(texts):
        return pl.Series([NO_HASH]).new_from_index(0, len(texts))
    hashes = xxh64_texts(texts).view(np.int64)
    if texts.null_count():
        hashes[texts.is_null().to_numpy()] = NO_HASH
    return pl.Series(hashes)
