"""The error code of each error: from its field, the prefix of its message, or anywhere in the text."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import polars as pl

from onex_analytics.error_patterns.ambiguity import settled
from onex_analytics.frames.columns import require
from onex_analytics.model.error_codes import ErrorCode, ErrorCodeTaxonomy
from onex_analytics.model.error_spellings import CODE_PATTERN, FAMILY_PATTERN, PREFIX_PATTERN, category_of

CODED = pl.Schema({
    "code": pl.String(),                     # the long form, or SC001; null where there is none or several share it
    "code_text": pl.String(),                # as it is written, without brackets; null where there is none
    "code_found_in": pl.String(),            # error_code, prefix, text; null where there is none
    "code_shape": pl.String(),               # long, short, name, family, unknown; null where there is none
    "code_is_known": pl.Boolean(),           # whether the taxonomy has it
    "code_candidates": pl.List(pl.String()), # the codes that share the spelling, where several do; else empty
    "code_resolved_by": pl.String(),         # what told which of several: text, failure, node, nothing; else null
    "code_others": pl.List(pl.String()),     # other codes that the text mentions, as written, in order
    "component": pl.String(),                # of the code, or of all candidates; null where they differ
    "category": pl.String(),                 # as component
    "code_severity": pl.String(),            # as component: CRITICAL ERROR WARNING INFO; null where unknown
    "code_recoverable": pl.String(),         # as component: no, yes, retry; null where unknown
})  # fmt: skip
"""What `extract_error_codes` adds to each row."""

_IN_TEXT = (
    r"(?-u:\b)(?:ONEX_[A-Z]+(?:_[A-Z]+)*_\d{3}(?:_[A-Z0-9]+)*|(?:SC|FS)\d{3}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?-u:\b)"
)
"""Whatever may be a code in a text: both ONEX forms, the second family, and words like NODE_NOT_FOUND."""

_MESSAGE = pl.col("error_message").cast(pl.String)
_ONE = {
    "component": "component", "category": "category", "severity": "code_severity", "recoverable": "code_recoverable",
}  # fmt: skip
_SPELLINGS = {
    "_text": pl.String(), "_shape": pl.String(), "_code": pl.String(), "_candidates": pl.List(pl.String()),
    **{f"_{what}": pl.String() for what in _ONE},
}  # fmt: skip


def extract_error_codes(errors: pl.LazyFrame | pl.DataFrame, taxonomy: ErrorCodeTaxonomy | None = None) -> pl.LazyFrame:
    """The rows as they are, each with the error code that it bears, whichever of the four shapes it is written in.

    A code is looked for in `error_code`, then as the bracketed prefix of `error_message`, then anywhere in it. What is
    found in the field and looks like no code gives way to a code in the text. A bare name in a text counts only where
    the taxonomy knows it and it has an underscore: TIMEOUT may be any word.

    A short form or a bare name that several codes share (RESOURCE_EXHAUSTED, four REGISTRY numbers of upstream) gives
    all of them as candidates. Which one it is, is told by the first of these that says one of them in full, and no
    other: the text of the error itself; a row of the same `node` and `correlation_id`, which tells of the same failure;
    two rows of the same `node` or more. Where none does there is no `code`.

    Args:
        errors: any rows; reads `error_message` and, where they are there, `error_code`, `node`, `correlation_id` and
            `code_resolved_by`, as it was told before.
        taxonomy: the codes; upstream's by default, `ErrorCodeTaxonomy.default().extended("ours.yaml")` for more.

    Returns:
        All rows in their order with the columns of `CODED`. A code that the taxonomy does not have but that is a long
        form, a short form or whatever the field holds is given as it is written, upper case where it is a code, with
        `code_is_known` false; its category is that of its range.

    Raises:
        MissingColumns: there is no `error_message`.

    >>> rows = pl.DataFrame({"error_code": [None, "TOOL_NOT_FOUND", "ONEX_REGISTRY_001"],
    ...                      "error_message": ["[ONEX_CORE_021_FILE_NOT_FOUND] a.yaml", None, "gone"]})
    >>> for row in extract_error_codes(rows).select("code", "code_found_in", "code_shape").collect().rows(): print(row)
    ('ONEX_CORE_021_FILE_NOT_FOUND', 'prefix', 'long')
    ('ONEX_REGISTRY_001_TOOL_NOT_FOUND', 'error_code', 'name')
    (None, 'error_code', 'short')
    >>> texts = ["[ONEX_SYS_904_RESOURCE_EXHAUSTED] 3 MB", "[ONEX_SYS_904] 5 MB", "[RESOURCE_EXHAUSTED] 7 MB"]
    >>> rows = pl.DataFrame({"error_message": [*texts, texts[2]], "node": ["a", "a", "a", "b"]})
    >>> extract_error_codes(rows).select("code", "code_resolved_by").collect().rows()[2:]
    [('ONEX_SYS_904_RESOURCE_EXHAUSTED', 'node'), (None, 'nothing')]
    """
    rows = require(errors.lazy(), "error_message")
    given = rows.collect_schema().names()
    rows = rows.rename({"code_resolved_by": "_before"}, strict=False)
    spellings = _default_spellings() if taxonomy is None else _spellings(taxonomy)
    has_field = "error_code" in given
    bare = spellings.filter(_shape="name")["_text"]
    looked = rows.with_columns(
        (_unbracketed("error_code") if has_field else pl.lit(None, pl.String)).alias("_field"),
        _prefix(bare).alias("_prefix"),
        _mentions(bare).alias("_mentions"),
    )
    field, prefix, first = pl.col("_field"), pl.col("_prefix"), pl.col("_mentions").list.first()
    sure = _is_code(field) | field.str.to_uppercase().is_in(bare.implode())
    found_in = (
        pl.when(sure).then(pl.lit("error_code"))
        .when(prefix.is_not_null()).then(pl.lit("prefix"))
        .when(first.is_not_null()).then(pl.lit("text"))
        .when(field.is_not_null()).then(pl.lit("error_code"))
    )  # fmt: skip
    written = pl.when(sure).then(field).otherwise(pl.coalesce(prefix, first, field))
    chosen = looked.with_columns(written.alias("code_text"), found_in.alias("code_found_in"))
    known = chosen.with_columns(pl.col("code_text").str.to_uppercase().alias("_text")).join(
        spellings.lazy(), on="_text", how="left", maintain_order="left"
    )
    kept = [name for name in given if name not in CODED]
    before = pl.col("_before") if "code_resolved_by" in given else pl.lit(None, pl.String)
    told = known.with_columns(*_told(), pl.lit(None, pl.String).alias("code_resolved_by"))
    whole = told.select(*kept, *CODED, before.alias("_before"))
    own = pl.col("_code").alias("code"), *(pl.col(f"_{what}").alias(name) for what, name in _ONE.items())
    full = spellings.filter(pl.col("_code").is_not_null()).select(pl.col("_text").alias("text"), *own)
    found = whole.map_batches(
        lambda coded: settled(coded, full), schema=whole.collect_schema(),
        predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False,
    )  # fmt: skip
    return found.with_columns(pl.coalesce("code_resolved_by", "_before")).drop("_before")


def _unbracketed(column: str) -> pl.Expr:
    inner = pl.col(column).cast(pl.String).str.strip_chars().str.strip_prefix("[").str.strip_suffix("]")
    text = inner.str.strip_chars()
    return pl.when(text != "").then(text)


def _prefix(bare: pl.Series) -> pl.Expr:
    word = _MESSAGE.str.extract(r"^\s*\[([A-Z][A-Z0-9_]*)\]")
    return pl.coalesce(_MESSAGE.str.extract(PREFIX_PATTERN), pl.when(word.is_in(bare.implode())).then(word))


def _mentions(bare: pl.Series) -> pl.Expr:
    """The codes that a text mentions, each once, in order: of bare words only those that are a code's name."""
    found = _MESSAGE.str.extract_all(_IN_TEXT)
    is_code = _is_code(pl.element()) | pl.element().is_in(bare.implode())
    return found.list.eval(pl.element().filter(is_code).unique(maintain_order=True))


def _is_code(text: pl.Expr) -> pl.Expr:
    upper = text.str.to_uppercase()
    return upper.str.contains(CODE_PATTERN) | upper.str.contains(FAMILY_PATTERN)


def _told() -> list[pl.Expr]:
    """The columns of `CODED`, from what was found (`code_text`) and what the taxonomy says of it."""
    text, is_known, looks_so = pl.col("_text"), pl.col("_shape").is_not_null(), _is_code(pl.col("code_text"))
    parts = text.str.extract_groups(CODE_PATTERN)
    component, number, name = (parts.struct.field(place) for place in ("1", "2", "3"))
    shape = (
        pl.when(name.is_not_null()).then(pl.lit("long"))
        .when(component.is_not_null()).then(pl.lit("short"))
        .when(looks_so).then(pl.lit("family"))
        .when(text.is_not_null()).then(pl.lit("unknown"))
    )  # fmt: skip
    family = text.str.extract_groups(FAMILY_PATTERN)
    range_of = pl.concat_str(
        pl.coalesce(component, family.struct.field("1")), pl.coalesce(number, family.struct.field("2")), separator=" "
    )
    others = pl.col("_mentions").list.eval(pl.element().str.to_uppercase()).list.set_difference(pl.concat_list("_text"))
    return [
        pl.when(is_known).then("_code").when(looks_so).then(text).otherwise("code_text").alias("code"),
        pl.coalesce("_shape", shape).alias("code_shape"),
        is_known.alias("code_is_known"),
        pl.col("_candidates").fill_null([]).alias("code_candidates"),
        others.fill_null([]).alias("code_others"),
        pl.when(is_known).then("_component").otherwise(range_of.str.split(" ").list.first()).alias("component"),
        pl.when(is_known).then("_category").otherwise(range_of.map_batches(_categories, pl.String)).alias("category"),
        pl.col("_severity").alias("code_severity"),
        pl.col("_recoverable").alias("code_recoverable"),
    ]


def _categories(ranges: pl.Series) -> pl.Series:
    """The category of each `COMPONENT number`."""
    distinct = ranges.unique().drop_nulls()
    parts = [each.split(" ") for each in distinct]
    known = pl.Series([category_of(component, int(number)) for component, number in parts], dtype=pl.String)
    return ranges.replace_strict(distinct, known, default=None, return_dtype=pl.String)


@cache
def _default_spellings() -> pl.DataFrame:
    return _spellings(ErrorCodeTaxonomy.default())


def _spellings(taxonomy: ErrorCodeTaxonomy) -> pl.DataFrame:
    """Every spelling of every code, upper case, with what all the codes that share it have in common."""
    sharing: defaultdict[str, list[ErrorCode]] = defaultdict(list)
    shape_of: dict[str, str] = {}
    for code in taxonomy.codes:
        # a code of the second family has one spelling only
        shapes = {code.name: "name", code.short: "short", code.code: "long"} if code.name else {code.code: "family"}
        shape_of |= shapes
        for text in shapes:
            sharing[text].append(code)
    rows = [
        {"_text": text, "_shape": shape_of[text], "_code": codes[0].code if len(codes) == 1 else None,
         "_candidates": [code.code for code in codes] if len(codes) > 1 else [],
         **{f"_{what}": _shared(codes, what) for what in _ONE}}
        for text, codes in sharing.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=_SPELLINGS)


def _shared(codes: list[ErrorCode], what: str) -> str | None:
    said = {getattr(code, what) for code in codes}
    return said.pop() if len(said) == 1 else None
