"""The code of every error, where it can be known: by what it says, by a rule, or by messages like it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from onex_analytics.error_patterns.codes import CODED, extract_error_codes
from onex_analytics.error_patterns.grouping_rules import possible_pattern
from onex_analytics.error_patterns.rule_files import rules_in
from onex_analytics.error_patterns.templates import mine_templates
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.error_codes import ErrorCodeTaxonomy

CLASSIFIED = pl.Schema({
    "code": pl.String(),        # the long form where it is known; null where nothing is said and nothing is sure
    "category": pl.String(),    # by the range of the code
    "method": pl.String(),      # explicit (its field), text, node (see `extract_error_codes`), rule, template, none
    "confidence": pl.Float64(), # 0 to 1: 1 where it is said; else the share of like messages that bear this code
    "support": pl.Int64(),      # messages with a code that are like it, itself left out; null where it is said
})  # fmt: skip
"""What `classify_errors` adds to each row."""


class CodeRule(BaseModel):
    """Messages that match have this code, unless they say another.

    >>> CodeRule(match="(?i)no space left", code="ONEX_SYS_901_DISK_FULL").code
    'ONEX_SYS_901_DISK_FULL'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str = Field(min_length=1, description="regular expression that is found in `error_message`")
    code: str = Field(min_length=1)

    @field_validator("match")
    @classmethod
    def _possible(cls, pattern: str) -> str:
        return possible_pattern(pattern)

    def given(self) -> pl.Expr:
        """The code where the message matches, else null.

        >>> rule = CodeRule(match="(?i)no space left", code="ONEX_SYS_901_DISK_FULL")
        >>> pl.DataFrame({"error_message": ["No space left", "lost"]}).select(rule.given().alias("code")).rows()
        [('ONEX_SYS_901_DISK_FULL',), (None,)]
        """
        return pl.when(pl.col("error_message").cast(pl.String).str.contains(self.match)).then(pl.lit(self.code))


def load_code_rules(rules: str | Path) -> list[CodeRule]:
    """Rules from a YAML file: a list of mappings with `match` and `code`.

    Raises:
        InvalidOption: a rule that is none, named by its place, with what is wrong.
        SourceError: the file cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "rules.yaml").write_text("- {match: no space left, code: ONEX_SYS_901_DISK_FULL}")
    ...     load_code_rules(Path(folder) / "rules.yaml")
    [CodeRule(match='no space left', code='ONEX_SYS_901_DISK_FULL')]
    """
    return rules_in(rules, CodeRule, "code rules", "a list of rules, each with match (a regular expression) and code")


def classify_errors(
    errors: pl.LazyFrame | pl.DataFrame,
    *,
    rules: Iterable[CodeRule] = (),
    taxonomy: ErrorCodeTaxonomy | None = None,
    min_confidence: float = 0.7,
    min_support: int = 2,
) -> pl.DataFrame:
    """Each error with its code: said, given by a rule, or borne by the messages that are like it; else it abstains.

    Messages are alike that have one template, once codes are taken out of them, and one `error_type`. Where at least
    `min_support` of these bear a code, and at least `min_confidence` of those that do bear one and the same, the others
    have it too. A spelling that several codes share is what `extract_error_codes` finds it to be, and else is decided
    in the same way, among those codes only. Soft failures and log entries are classes of their own (`kind`): they get a
    code where they say one or a rule does, never by likeness, and lend none.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `error_message` and, where they are there,
            `error_code`, `error_type` and `kind`.
        rules: in order; the first that matches a message without a code of its own.
        taxonomy: the codes and their spellings; upstream's by default.
        min_confidence: above 0.5, at most 1.
        min_support: 1 or more.

    Returns:
        All rows in their order with the columns of `CLASSIFIED`. Each row is counted once, whatever its `method`.

    Raises:
        InvalidOption: an option out of its range.
        MissingColumns: there is no `error_message`.

    >>> texts = ["[ONEX_SYS_901_DISK_FULL] 3 MB left", "[ONEX_SYS_901_DISK_FULL] 9 MB left", "1 MB left", "who knows"]
    >>> classify_errors(pl.DataFrame({"error_message": texts})).select("code", "method", "confidence").rows()[1:]
    [('ONEX_SYS_901_DISK_FULL', 'text', 1.0), ('ONEX_SYS_901_DISK_FULL', 'template', 1.0), (None, 'none', 0.0)]
    """
    if not 0.5 < min_confidence <= 1:
        raise InvalidOption("min_confidence", min_confidence, "above 0.5, at most 1")
    if min_support < 1:
        raise InvalidOption("min_support", min_support, "1 or more")
    rows = _read(extract_error_codes(errors, taxonomy).collect())
    given = list(rules)
    by_rule = pl.coalesce(*(rule.given() for rule in given)) if given else pl.lit(None, pl.String)
    by_likeness = _by_likeness(rows, min_confidence, min_support)
    told = rows.join(by_likeness, on="_row", how="left", maintain_order="left").with_columns(by_rule.alias("_by_rule"))
    method = (
        pl.when(pl.col("_said") & (pl.col("code_resolved_by") == "node")).then(pl.lit("node"))
        .when("_said").then(pl.col("code_found_in").replace({"error_code": "explicit", "prefix": "text"}))
        .when(pl.col("_by_rule").is_not_null()).then(pl.lit("rule"))
        .when(pl.col("_alike").is_not_null()).then(pl.lit("template"))
        .otherwise(pl.lit("none"))
    )  # fmt: skip
    code = pl.when("_said").then("code").otherwise(pl.coalesce("_by_rule", "_alike"))
    sure = pl.when(method == "template").then("_confidence").otherwise((method != "none").cast(pl.Float64))
    found = told.with_columns(method.alias("method"), code.alias("code"), sure.alias("confidence"))
    names = found.select(error_message=pl.lit(None, pl.String), error_code="code").unique()
    categories = extract_error_codes(names, taxonomy).select("category", code="error_code").drop_nulls().collect()
    whole = found.drop("category").join(categories, on="code", how="left", maintain_order="left")
    support = pl.when(method == "template").then("_support").alias("support")
    kept = [name for name in rows.columns if name not in CODED and name not in CLASSIFIED and name[0] != "_"]
    return whole.with_columns(support).select(*kept, *CLASSIFIED).cast(dict(CLASSIFIED))  # type: ignore[arg-type]


def _read(coded: pl.DataFrame) -> pl.DataFrame:
    """With `_row`, `_said` (whether the row says its code), `_kind`, `_type`, and the `_template` of its message once
    codes are taken out of it."""
    given = {
        "_kind": pl.col("kind") if "kind" in coded.columns else pl.lit("failure"),
        "_type": pl.col("error_type").cast(pl.String) if "error_type" in coded.columns else pl.lit(None, pl.String),
        "_said": pl.col("code").is_not_null() & (pl.col("code_shape") != "unknown"),
    }
    mentioned = pl.concat_list("code_text", "code_others").explode(empty_as_null=False)
    written = coded.select(mentioned.drop_nulls().unique()).to_series()
    longest_first = [code for code in sorted(written, key=lambda code: (-len(code), code)) if _is_no_word(code)]
    message = pl.col("error_message").cast(pl.String)
    bare = message.str.replace_many(longest_first, [""], leftmost=True) if longest_first else message
    texts = coded.select(bare.str.strip_chars("[] :").alias("error_message")).to_series()
    rows = coded.with_columns(**given)
    templates = mine_templates(texts).transform(texts)["template_id"].alias("_template")
    return rows.with_columns(templates).with_row_index("_row")


def _is_no_word(code: str) -> bool:
    return "_" in code or code[-1:].isdigit()


def _by_likeness(rows: pl.DataFrame, min_confidence: float, min_support: int) -> pl.DataFrame:
    """`_row`, `_alike` (the code of the messages that are like it), `_confidence` and `_support`."""
    like = ["_template", "_type"]
    failures = rows.filter((pl.col("_kind") == "failure") & pl.col("_template").is_not_null())
    counts = failures.filter("_said").group_by(*like, "code").agg(pl.len().alias("_n"))
    asked = failures.filter(~pl.col("_said")).select("_row", *like, "code_candidates")
    pairs = asked.join(counts, on=like, nulls_equal=True).filter(
        (pl.col("code_candidates").list.len() == 0) | pl.col("code").is_in(pl.col("code_candidates"))
    )
    best = pairs.group_by("_row").agg(
        pl.col("code").sort_by(-pl.col("_n").cast(pl.Int64), "code").first().alias("_alike"),
        (pl.col("_n").max() / pl.col("_n").sum()).alias("_confidence"),
        pl.col("_n").sum().cast(pl.Int64).alias("_support"),
    )
    return best.filter((pl.col("_confidence") >= min_confidence) & (pl.col("_support") >= min_support))
