"""The values of a message where its template has none, and of what kind they are."""

from __future__ import annotations

import re
from functools import reduce

import polars as pl

from onex_analytics.error_patterns.masking import ANY, FORMS, LONGEST

_EXAMPLES = 16
_SLICE = 1 << 17
_MOST_TEMPLATES = 5000
"""Templates that are looked at for kinds of values, the most frequent ones; more are a log that has no templates."""


def kind(value: pl.Expr) -> pl.Expr:
    """The kind of a value, such as NUMBER, or null where its form is none of those known.

    >>> pl.DataFrame({"v": ["17", "10.0.0.8:80", "/a/b", "ada"]}).select(kind(pl.col("v")))["v"].to_list()
    ['NUMBER', 'IP', 'PATH', None]
    """
    return reduce(
        lambda rest, name: pl.when(value.str.contains(f"^(?:{FORMS[name]})$")).then(pl.lit(name)).otherwise(rest),
        reversed(FORMS), pl.lit(None, pl.String),
    ).alias(value.meta.output_name())  # fmt: skip


def slot_pattern(general: str) -> str:
    """A regular expression with a group for each value of a template."""
    constants = [r"\s+".join(re.escape(word) for word in part.split(" ")) for part in general.split(ANY)]
    return r"(?s)^\s*" + "(.*?)".join(constants) + r"\s*$"


def values_of(messages: pl.Series, general: str) -> pl.DataFrame:
    """A column a value of messages of one template, null where a message cannot be parted."""
    read = messages.str.head(LONGEST)
    return read.to_frame("m").select(pl.col("m").str.extract_groups(slot_pattern(general))).unnest("m")


def with_kinds(templates: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Templates (`template_id`, `general`, `count`) with `template`: kinds where all examples have values of that kind.

    `lines` has the `template_id` and an `example` of each distinct line; the first few by text are looked at.
    """
    asked = templates.filter(pl.col("general").str.contains(ANY, literal=True))
    asked = asked.sort("count", "template_id", descending=[True, False]).head(_MOST_TEMPLATES)
    asked = asked.select("template_id", "general").join(_examples(asked, lines), on="template_id")
    texts = [
        _text(general, values_of(pl.Series(seen, dtype=pl.String), general))
        for general, seen in asked.select("general", "example").iter_rows()
    ]
    named = asked.select("template_id", pl.Series("template", texts, pl.String))
    shown = templates.join(named, on="template_id", how="left")
    return shown.with_columns(pl.col("template").fill_null(pl.col("general")))


def _examples(asked: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The first few examples by text of each template; slice by slice, for all lines together would be copied."""
    few = pl.col("example").bottom_k(_EXAMPLES)
    lines = lines.select("template_id", "example")
    first = [
        part.join(asked, on="template_id", how="semi").group_by("template_id").agg(few).explode("example")
        for part in (lines.clear(), *lines.iter_slices(_SLICE))
    ]
    return pl.concat(first).group_by("template_id").agg(few.sort())


def _text(general: str, values: pl.DataFrame) -> str:
    kinds = values.select(kind(pl.col(name)) for name in values.columns)
    shown = [f"<{seen[0]}>" if seen.n_unique() == 1 and seen[0] is not None else ANY for seen in kinds]
    parts = general.split(ANY)
    return "".join(part for pair in zip(parts, [*shown, ""], strict=True) for part in pair)
