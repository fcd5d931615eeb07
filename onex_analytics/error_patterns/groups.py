"""Groups of errors: how often, since when, whom they touch, and why they are one."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.error_patterns.fingerprints import FINGERPRINT, fingerprint
from onex_analytics.error_patterns.grouping_rules import GroupingRule
from onex_analytics.error_patterns.templates import TemplateModel
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require, require_times
from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from onex_analytics.model.shapes import UTC_MICROSECONDS

GROUPS = pl.Schema({
    "fingerprint": pl.String(),
    "title": pl.String(),                  # its code, else its type and template
    "fingerprint_basis": pl.String(),      # why it is one: rule, code, stack, type+template, template, none
    "fingerprint_text": pl.String(),       # the text that was hashed
    "errors": pl.Int64(),                  # they add up to the rows that came in
    "share": pl.Float64(),                 # of all errors, 0 to 1
    "failures": pl.Int64(),                # of them; null where the rows do not tell kinds
    "soft_failures": pl.Int64(),
    "log_entries": pl.Int64(),
    "resolved_codes": pl.Int64(),          # of them with a spelling that several codes share, and evidence for this one
    "ambiguous_codes": pl.Int64(),         # of them with such a spelling, and no evidence
    "weight": pl.Float64(),                # errors that they stand for, where they were sampled
    "first_seen": UTC_MICROSECONDS,
    "last_seen": UTC_MICROSECONDS,
    "traces": pl.Int64(),                  # that it touched; null where the rows do not say
    "nodes": pl.List(pl.String()),
    "node_versions": pl.List(pl.String()),
    "templates": pl.Int64(),               # different templates of its messages
    "example": pl.String(),                # a message: the longest of the newest
    "example_id": pl.String(),             # the error it is of
    "sparkline": pl.List(pl.Int64()),      # errors in equal parts of the time from the first to the last of all errors
})  # fmt: skip
"""One row a group."""


def group_errors(
    errors: pl.LazyFrame | pl.DataFrame,
    *,
    rules: Iterable[GroupingRule] = (),
    templates: TemplateModel | None = None,
    taxonomy: ErrorCodeTaxonomy | None = None,
    own: str | Iterable[str] = (),
    parts: int = 24,
) -> pl.DataFrame:
    """Errors by fingerprint, the most frequent group first. Counts add up to the rows that came in.

    Args:
        errors: one row an error, such as `errors_of` gives, or any rows with `error_message`; reads also what
            `fingerprint` reads, and `timestamp`, `kind`, `trace_id`, `node`, `node_version`, `adjusted_count` and
            `error_id` where they are there. Rows that `fingerprint` has named already, that is those with all columns
            of `FINGERPRINT`, are taken by these names.
        rules, templates, taxonomy, own: as `fingerprint` takes them. Where one is given, rows are named anew.
        parts: of the sparkline.

    Returns:
        One row a group, as `GROUPS`, ordered by `errors` (most first), then by fingerprint.

    Raises:
        InvalidOption: fewer than one part, or times that are none.
        MissingColumns: there is no `error_message`, or a column that a rule names.

    >>> rows = pl.DataFrame({"error_message": ["lost 4 rows", "lost 9 rows", "[ONEX_SYS_901] 3 MB left"]})
    >>> group_errors(rows).select("title", "errors", "fingerprint_basis").rows()
    [('lost <NUMBER> rows', 2, 'template'), ('ONEX_SYS_901_DISK_FULL', 1, 'code')]
    """
    if parts < 1:
        raise InvalidOption("parts", parts, "1 or more")
    given, mine = list(rules), names(own)
    named = require(errors.lazy(), "error_message")
    require_times(named, *({"timestamp"} & set(named.collect_schema())))
    is_named = set(FINGERPRINT) <= set(named.collect_schema())
    if not is_named or given or mine or templates is not None or taxonomy is not None:
        named = fingerprint(named, rules=given, templates=templates, taxonomy=taxonomy, own=mine)
    rows = _completed(named.collect())
    since = pl.col("timestamp") - pl.col("timestamp").min()
    place = (since / pl.max_horizontal(since.max(), pl.duration(microseconds=1)) * parts).floor()
    newest = pl.struct("timestamp", pl.col("error_message").str.len_bytes(), "error_id")
    groups = (
        rows.with_columns(place.clip(0, parts - 1).cast(pl.Int64).alias("_part"))
        .group_by("fingerprint")
        .agg(
            pl.col("fingerprint_basis", "fingerprint_text").first(),
            pl.col("template", "error_type").mode().sort().first(),
            pl.len().cast(pl.Int64).alias("errors"),
            *(_counted(word).alias(name) for word, name in _KINDS.items()),
            pl.col("code_resolved_by").is_in(["text", "failure", "node"]).sum().cast(pl.Int64).alias("resolved_codes"),
            (pl.col("code_resolved_by") == "nothing").sum().cast(pl.Int64).alias("ambiguous_codes"),
            pl.col("adjusted_count").sum().alias("weight"),
            pl.col("timestamp").min().alias("first_seen"),
            pl.col("timestamp").max().alias("last_seen"),
            pl.when(pl.col("trace_id").is_not_null().any())
            .then(pl.col("trace_id").drop_nulls().n_unique())
            .alias("traces"),
            pl.col("node").drop_nulls().unique().sort().alias("nodes"),
            pl.col("node_version").drop_nulls().unique().sort().alias("node_versions"),
            pl.col("template_id").drop_nulls().n_unique().cast(pl.Int64).alias("templates"),
            pl.col("error_message", "error_id").sort_by(newest).last().name.prefix("_"),
            *((pl.col("_part") == part).sum().cast(pl.Int64).alias(f"_part_{part}") for part in range(parts)),
        )
    )
    title = (
        pl.when(pl.col("fingerprint_basis").is_in(["code", "rule"])).then("fingerprint_text")
        .when(pl.col("error_type").is_not_null())
        .then(pl.concat_str("error_type", pl.col("template").fill_null(""), separator=": ").str.strip_chars_end(": "))
        .otherwise(pl.coalesce("template", pl.col("fingerprint_text").str.split("\\n").list.first()))
    )  # fmt: skip
    told = groups.with_columns(
        title.alias("title"),
        (pl.col("errors") / max(rows.height, 1)).alias("share"),
        pl.concat_list(f"_part_{part}" for part in range(parts)).alias("sparkline"),
        pl.col("_error_message").alias("example"),
        pl.col("_error_id").alias("example_id"),
    )
    return told.select(*GROUPS).cast(dict(GROUPS)).sort(-pl.col("errors"), "fingerprint")  # type: ignore[arg-type]


_KINDS = {"failure": "failures", "soft_failure": "soft_failures", "log": "log_entries"}
_TOLD = {
    "timestamp": UTC_MICROSECONDS, "kind": pl.String(), "trace_id": pl.String(), "node": pl.String(),
    "node_version": pl.String(), "error_type": pl.String(), "error_id": pl.String(), "error_message": pl.String(),
}  # fmt: skip


def _completed(rows: pl.DataFrame) -> pl.DataFrame:
    """With every column that groups are told by: null where the rows do not have it."""
    given = [pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in _TOLD]
    weight = pl.col("adjusted_count") if "adjusted_count" in rows.columns else pl.lit(1.0)
    return rows.with_columns(
        *(column.cast(kind) for column, kind in zip(given, _TOLD.values(), strict=True)),
        weight.cast(pl.Float64).fill_null(1.0).alias("adjusted_count"),
    )


def _counted(word: str) -> pl.Expr:
    return pl.when(pl.col("kind").is_not_null().any()).then((pl.col("kind") == word).sum())
