"""Call paths and what they weigh, of spans or of a frame of stacks; and the oldest format for them, folded stacks."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling.call_trees import call_tree

_WEIGHTS = ("own_ms", "self_ms", "samples")
_MEND = "Mend: give spans, or a frame with `path` (a list of names) and a weight, such as `stack_samples` makes."


@dataclass(frozen=True, slots=True)
class WeighedStacks:
    """Call paths and what they weigh.

    Args:
        rows: one row a call path, each once: `path`, `weight` (Float64, above 0; microseconds where `unit` says so)
            and `n` (spans or profiles, else null), in order of the paths.
        weight: the name of the weight, without its unit.
        unit: "microseconds" or "count".
        skipped: rows without a weight above 0.
    """

    rows: pl.DataFrame
    weight: str
    unit: str
    skipped: int


def weighed_stacks(profile: pl.LazyFrame | pl.DataFrame, weight: str | None, by: str) -> WeighedStacks:
    """The call paths of spans with their self times, or of a frame of stacks with the column `weight`."""
    lazy = profile.lazy()
    found = lazy.collect_schema()
    if "path" not in found:
        lazy, weight = call_tree(lazy, by=by), weight or "self_ms"
        found = lazy.collect_schema()
    if found["path"] != pl.List(pl.String):
        raise InvalidOption("column path", found["path"], "a list of names, from the outermost")
    chosen = weight or next((name for name in _WEIGHTS if name in found), None)
    if chosen is None or chosen not in found:
        raise MissingColumns([chosen or "a weight: " + ", ".join(_WEIGHTS)], found.names(), _MEND)
    if not found[chosen].is_numeric():
        raise InvalidOption(f"column {chosen}", found[chosen], "numbers")
    timed = chosen.endswith("_ms")
    value = pl.col(chosen).cast(pl.Float64)
    rows = lazy.select(
        path=pl.col("path").list.eval(pl.element().fill_null("(none)")),
        weight=(value * 1000).round() if timed else value,
        n=next((pl.col(name).cast(pl.Int64) for name in ("n", "profiles") if name in found), pl.lit(None, pl.Int64)),
    ).collect()
    kept = rows.filter((pl.col("weight") > 0) & pl.col("weight").is_finite() & (pl.col("path").list.len() > 0))
    merged = kept.group_by("path").agg(pl.col("weight").sum(), pl.col("n").sum()).sort("path")
    name = chosen.removesuffix("_ms") if timed else chosen
    return WeighedStacks(merged, name, "microseconds" if timed else "count", rows.height - kept.height)


def folded(
    profile: pl.LazyFrame | pl.DataFrame, *, weight: str | None = None, by: str = "name"
) -> str:
    """Folded stacks: a line a call path, `outer;inner 1500`, as flamegraph.pl, inferno and speedscope read them.

    Args:
        profile: one row a span, from anywhere; or a frame with `path` (list of names) and a weight, such as
            `flame_graph`, `call_tree` or `stack_samples` makes.
        weight: the column that weighs; by default the self time of spans, else the first of `own_ms`, `self_ms`,
            `samples`. Columns in `_ms` become whole microseconds.
        by: the column that names the calls of spans.

    Returns:
        The text, sorted by path; "" where nothing weighs anything. A path of no weight has no line. A semicolon within
        a name becomes a colon, and a line break a space. Open spans have no self time: `frames.trees.tree_states`
        counts what stands in no tree.

    Raises:
        MissingColumns: neither a frame of spans nor of stacks, or the weight is absent.
        InvalidOption: the weight is no number, or the path no list of names.

    Source: Gregg, FlameGraph (stackcollapse).

    >>> folded(pl.DataFrame({"path": [["page"], ["page", "query"]], "own_ms": [0.5, 1.5]}))
    'page 500\\npage;query 1500\\n'
    """
    stacks = weighed_stacks(profile, weight, by)
    name = pl.element().str.replace_all(";", ":", literal=True).str.replace_all(r"[\r\n]+", " ")
    lines = (
        stacks.rows.group_by(stack=pl.col("path").list.eval(name).list.join(";"))
        .agg(pl.col("weight").sum())
        .sort("stack")
        .select(pl.concat_str("stack", pl.lit(" "), _number(pl.col("weight")), pl.lit("\n")))
        .to_series()
    )
    return "".join(lines.to_list())


def _number(weight: pl.Expr) -> pl.Expr:
    """Whole where it is whole."""
    whole = (weight == weight.round()) & (weight < 2**53)
    return pl.when(whole).then(weight.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(weight.cast(pl.String))
