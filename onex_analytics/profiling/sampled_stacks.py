"""What the sampled stacks of many performance profiles say together."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require

_READ = ("event_type", "metadata")
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_ENTRY = rf'"((?:[^"\\]|\\.)*)":({_NUMBER})'
_ENTRIES = rf'^\{{(?:{_ENTRY}(?:,{_ENTRY})*)?\}}$'
_HOLDERS = {"PERFORMANCE_PROFILE": "$.samples", "TELEMETRY_OPERATION_SUCCESS": "$.performance_profile.samples"}
UNREADABLE = "(unreadable)"
"""The path of the row that counts profiles whose samples are no folded stacks."""


def stack_samples(events: pl.LazyFrame | pl.DataFrame, *, by: str | Iterable[str] = ()) -> pl.LazyFrame:
    """The folded stacks of PERFORMANCE_PROFILE events, merged: the rows of a flame graph of running code.

    Args:
        events: one row an event; reads `event_type`, `metadata` and the columns of `by`. Samples stand in the metadata
            as `{"a;b;c": n}` under `samples`, or, in a TELEMETRY_OPERATION_SUCCESS, under `performance_profile`.
        by: columns to merge within, such as ("node", "operation", "node_version").

    Returns:
        One row a distinct stack, heaviest first within the columns of `by`: those columns, `path` (names from the
        outermost frame), `samples` (how often it was seen, above 0), `profiles` (events that saw it, at least 1) and
        `share` (of all samples of the group, 0 to 1). Samples that are no folded stacks with numbers from 0 up are one
        more row, with the path ["(unreadable)"], null samples and share, and the number of such events. `export.folded`
        and its neighbours take the result as it is.

    Raises:
        MissingColumns: a column that is read is absent.
        InvalidOption: `by` names a column of the result.

    Source: folded stacks as in Gregg, FlameGraph (stackcollapse), added up.

    >>> events = pl.DataFrame({"event_type": ["PERFORMANCE_PROFILE"] * 2, "node": ["a", "a"], "metadata": [
    ...     '{"operation": "stamp", "samples": {"main;read": 3, "main": 1}}', '{"samples": {"main;read": 4}}']})
    >>> stack_samples(events, by="node").collect().rows()
    [('a', ['main', 'read'], 7.0, 2, 0.875), ('a', ['main'], 1.0, 1, 0.125)]
    """
    keys = names(by)
    if taken := [key for key in keys if key in ("path", "samples", "profiles", "share")]:
        raise InvalidOption("by", taken, "columns of the events that the result does not have itself")
    found = require(events.lazy(), *_READ, *keys)
    # cheap first: most metadata hold no samples
    told = found.filter(
        pl.col("event_type").is_in(list(_HOLDERS)), pl.col("metadata").str.contains('"samples"', literal=True)
    )
    text = pl.coalesce(
        pl.when(event_type=event_type).then(pl.col("metadata").str.json_path_match(path))
        for event_type, path in _HOLDERS.items()
    )
    held = told.select(*keys, _text=text).filter(pl.col("_text").is_not_null())
    entries = (
        held.with_columns(_entry=_entries())
        .explode("_entry", empty_as_null=False, keep_nulls=True)
        .select(
            *keys,
            path=pl.coalesce(_key().str.split(";"), pl.lit([UNREADABLE], dtype=pl.List(pl.String))),
            samples=pl.col("_entry").str.extract(rf":({_NUMBER})$", 1).cast(pl.Float64),
        )
        .filter((pl.col("samples") > 0) | pl.col("samples").is_null())
    )
    merged = entries.group_by(*keys, "path").agg(
        pl.when(pl.col("samples").count() > 0).then(pl.col("samples").sum()).alias("samples"),
        pl.len().cast(pl.Int64).alias("profiles"),
    )
    whole = pl.col("samples").sum()
    return merged.with_columns(share=pl.col("samples") / (whole.over(keys) if keys else whole)).sort(
        *keys, "samples", "path", descending=[False] * len(keys) + [True, False], nulls_last=True
    )


def _entries() -> pl.Expr:
    """The texts `"stack":n` of an object of nothing else; null where it is something else, or a number is below 0."""
    text = pl.col("_text")
    return pl.when(text.str.contains(_ENTRIES)).then(text.str.extract_all(_ENTRY))


def _key() -> pl.Expr:
    """The key of such a text, its escapes resolved."""
    key = pl.col("_entry").str.replace(rf":{_NUMBER}$", "")
    return pl.when(key.str.contains("\\", literal=True)).then(key.str.json_decode(pl.String)).otherwise(
        key.str.slice(1, key.str.len_chars() - 2)
    )
