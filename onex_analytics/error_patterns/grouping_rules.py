"""A user's rules for what is one group of errors: joined where fingerprints part them, parted where they join them."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from onex_analytics.error_patterns.rule_files import rules_in

_PLACE = re.compile(r"\{([^{}]*)\}")


def possible_pattern(pattern: str) -> str:
    """The pattern, if it is a regular expression that Polars can search with.

    >>> possible_pattern("((")
    Traceback (most recent call last):
    ValueError: '((' is no regular expression: unclosed group
    """
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.PolarsError as error:
        said = (line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: "))
        reason = next(said, "it cannot be compiled")
        raise ValueError(f"{pattern!r} is no regular expression: {reason}") from None
    return pattern


class GroupingRule(BaseModel):
    """Errors that match are named by a text of your own: those with the same text are one group.

    >>> rule = GroupingRule(name="disk", match={"error_message": "(?i)no space|disk full"}, group="disk of {node}")
    >>> rule.columns
    ['error_message', 'node']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    match: dict[str, str] = Field(min_length=1, description="column → regular expression found in it; all must")
    group: str = Field(description="text with {column}, {template} and {default}, the text it would have, filled in")

    @field_validator("match")
    @classmethod
    def _possible(cls, match: dict[str, str]) -> dict[str, str]:
        for pattern in match.values():
            possible_pattern(pattern)
        return match

    @property
    def columns(self) -> list[str]:
        """The columns that the rule reads."""
        filled = [name for name in _PLACE.findall(self.group) if name not in ("default", "template")]
        return list(dict.fromkeys([*self.match, *filled]))

    def matches(self) -> pl.Expr:
        """True for the rows that the rule is about.

        >>> rule = GroupingRule(name="disk", match={"error_message": "disk full"}, group="disk of {node}")
        >>> pl.DataFrame({"error_message": ["disk full", None]}).select(rule.matches())["error_message"].to_list()
        [True, False]
        """
        found = [pl.col(column).cast(pl.String).str.contains(pattern) for column, pattern in self.match.items()]
        return reduce(lambda one, other: one & other, found).fill_null(False)

    def text(self, default: pl.Expr, template: pl.Expr) -> pl.Expr:
        """What a row's fingerprint is made of.

        >>> rule = GroupingRule(name="disk", match={"error_message": "disk full"}, group="disk of {node}")
        >>> pl.DataFrame({"node": ["stamper"]}).select(rule.text(pl.lit("default"), pl.lit("template"))).item()
        'disk of stamper'
        """
        known = {"default": default, "template": template}
        parts = []
        for place, part in enumerate(_PLACE.split(self.group)):
            value = pl.lit(part) if place % 2 == 0 else known.get(part, pl.col(part).cast(pl.String))
            parts.append(value.fill_null(""))
        return pl.concat_str(parts)


def load_grouping_rules(rules: str | Path) -> list[GroupingRule]:
    """Rules from a YAML file: a list of mappings with `name`, `match` and `group`.

    Raises:
        InvalidOption: a rule that is none, named by its place, with what is wrong.
        SourceError: the file cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "rules.yaml").write_text("- {name: disk, match: {error_code: SYS_901}, group: disk}")
    ...     load_grouping_rules(Path(folder) / "rules.yaml")
    [GroupingRule(name='disk', match={'error_code': 'SYS_901'}, group='disk')]
    """
    wanted = "a list of rules, each with name, match (column: regular expression) and group"
    return rules_in(rules, GroupingRule, "grouping rules", wanted)
