"""Why two errors are one: a fingerprint of each, with the text that it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import polars as pl

from onex_analytics.error_patterns.codes import extract_error_codes
from onex_analytics.error_patterns.grouping_rules import GroupingRule
from onex_analytics.error_patterns.templates import TemplateModel, mine_templates
from onex_analytics.error_patterns.tracebacks import parse_tracebacks
from onex_analytics.frames.columns import require
from onex_analytics.model.error_codes import ErrorCodeTaxonomy

FINGERPRINT = pl.Schema({
    "fingerprint": pl.String(),        # v1: and 16 hex digits of the SHA-256 of basis and text
    "fingerprint_basis": pl.String(),  # rule, code, stack, type+template, template, none
    "fingerprint_text": pl.String(),   # what was hashed: errors with the same text are one
    "template_id": pl.String(),
    "template": pl.String(),           # of the message, its codes taken out
    "code_resolved_by": pl.String(),   # of a code that several share, see `CODED`; null where its spelling has one
})  # fmt: skip
"""What `fingerprint` adds to each row."""

VERSION = "v1"
_TOP_FRAMES = 5
_NO_GROUP = "none"


def fingerprint(
    errors: pl.LazyFrame | pl.DataFrame,
    *,
    rules: Iterable[GroupingRule] = (),
    templates: TemplateModel | None = None,
    taxonomy: ErrorCodeTaxonomy | None = None,
    own: str | Iterable[str] = (),
) -> pl.LazyFrame:
    """The rows as they are, each with the fingerprint of the group that it belongs to.

    The first of these that a row has is what its fingerprint is made of:

    1. **rule**: the first of your rules that it matches (see `GroupingRule`).
    2. **code**: its error code, whichever way it is spelled. A spelling that several codes share is the one that
       `extract_error_codes` finds to be meant, and else itself.
    3. **stack**: the types of the exception and of its causes, and of each the five innermost frames that are yours, by
       module and function, without line numbers; calls that repeat count once. Where no frame is yours all are taken;
       but a single frame that is not yours says nothing, and is none.
    4. **type+template**, 5. **template**: the template of its message, with its `error_type` where there is one.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `error_message` and, where they are there,
            `error_code`, `error_type`, `stack_trace`, `metadata`, `node`, `correlation_id`, `code_resolved_by` and the
            columns that rules name.
        rules: in order; the first that matches wins.
        templates: a model to go by, so that fingerprints stay what they were; by default one is mined of these errors.
        taxonomy: the codes and their spellings; upstream's by default.
        own: modules that are yours although they are installed.

    Returns:
        All rows in their order with the columns of `FINGERPRINT`. Rows without code, traceback, message and type
        have the basis "none", and are one group.

    Raises:
        MissingColumns: there is no `error_message`, or a column that a rule names.

    >>> rows = pl.DataFrame({"error_message": ["[ONEX_SYS_901] 3 MB left", "lost 4 rows", "lost 9 rows", None]})
    >>> fingerprint(rows).select("fingerprint_basis", "fingerprint_text").collect().rows()
    [('code', 'ONEX_SYS_901_DISK_FULL'), ('template', 'lost <*> rows'), ('template', 'lost <*> rows'), ('none', '')]
    """
    told_rules = list(rules)
    rows = require(errors.lazy(), "error_message", *(column for rule in told_rules for column in rule.columns))
    found = rows.collect_schema().names()
    kept = [name for name in found if name not in FINGERPRINT]
    told_before = [name for name in found if name == "code_resolved_by"]
    coded = extract_error_codes(rows.select(*kept, *told_before), taxonomy).select(
        *kept, pl.coalesce("code", "code_text").alias("_code"), "code_resolved_by"
    )
    stacked = parse_tracebacks(coded, own=own).select(*kept, "_code", "code_resolved_by", _stack().alias("_stack"))
    model = mine_templates(rows.select("error_message")) if templates is None else templates
    general = model.table.lazy().select("template_id", _general="general")
    told = model.transform(stacked).join(general, on="template_id", how="left", maintain_order="left")
    template = pl.coalesce("_general", "template")
    error_type = pl.col("error_type").cast(pl.String) if "error_type" in found else pl.lit(None, pl.String)
    by_default = (
        pl.when(pl.col("_code").is_not_null()).then(_of("code", pl.col("_code")))
        .when(pl.col("_stack").is_not_null()).then(_of("stack", pl.col("_stack")))
        .when(error_type.is_not_null())
        .then(_of("type+template", pl.concat_str(error_type, pl.lit(": "), template.fill_null(""))))
        .when(template.is_not_null()).then(_of("template", template))
        .otherwise(_of(_NO_GROUP, pl.lit("")))
    )  # fmt: skip
    default = told.with_columns(by_default.alias("_group"))
    chosen = pl.col("_group")
    for rule in reversed(told_rules):
        text = rule.text(pl.col("_group").struct.field("text"), template)
        chosen = pl.when(rule.matches()).then(_of("rule", text)).otherwise(chosen)
    return default.with_columns(chosen.alias("_group")).select(
        *kept,
        pl.col("_group").map_batches(_hashed, pl.String).alias("fingerprint"),
        pl.col("_group").struct.field("basis").alias("fingerprint_basis"),
        pl.col("_group").struct.field("text").alias("fingerprint_text"),
        "template_id",
        "template",
        "code_resolved_by",
    )


def _of(basis: str, text: pl.Expr) -> pl.Expr:
    return pl.struct(pl.lit(basis).alias("basis"), text.alias("text"))


def _hashed(groups: pl.Series) -> pl.Series:
    distinct = groups.unique()
    named = [
        f"{VERSION}:{hashlib.sha256((one['basis'] + chr(10) + one['text']).encode()).hexdigest()[:16]}"
        for one in distinct
    ]
    codes = groups.to_frame("group").join(
        pl.DataFrame({"group": distinct, "name": pl.Series(named, dtype=pl.String)}), on="group", how="left",
        nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    return codes["name"]


def _stack() -> pl.Expr:
    """The text of a traceback that groups it, or null where it has nothing to go by."""
    cause = pl.col("causes").list.eval(
        pl.concat_str(
            pl.element().struct.field("relation").fill_null("before"), pl.lit(" "),
            pl.element().struct.field("exception_type").fill_null("?"), pl.lit("\n"),
            _calls(pl.element().struct.field("frames")),
        )
    )  # fmt: skip
    calls = _calls(pl.col("frames"))
    says = pl.col("traceback_is_cut").is_not_null() & (calls != "")
    raised = pl.concat_str(pl.coalesce("exception_type", pl.lit("?")), pl.lit("\n"), calls)
    return pl.when(says).then(pl.concat_str(raised, cause.list.join("\n"), separator="\n").str.strip_chars_end())


def _calls(frames: pl.Expr) -> pl.Expr:
    """The frames that count, one a line, innermost last; empty where they say nothing."""
    call = pl.concat_str(
        pl.element().struct.field("module"), pl.lit(" "), pl.element().struct.field("function").fill_null("")
    )
    own = frames.list.eval(call.filter(pl.element().struct.field("is_own")))
    all_of_them = frames.list.eval(call)
    foreign = pl.when(all_of_them.list.len() > 1).then(all_of_them).otherwise(pl.lit([], pl.List(pl.String)))
    chosen = pl.when(own.list.len() > 0).then(own).otherwise(foreign)
    once = chosen.list.eval(pl.element().filter(pl.element().ne_missing(pl.element().shift(1))))
    return once.list.tail(_TOP_FRAMES).list.join("\n").fill_null("")
