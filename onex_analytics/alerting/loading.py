"""Rule files: read, checked against the events, and every mistake told with its file, line and mend."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import polars as pl

from onex_analytics.alerting.checking import mistakes_in_keys, mistakes_in_rules
from onex_analytics.alerting.mistakes import mistakes_of
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.exceptions import RuleError, SourceError
from onex_analytics.model.shapes import EVENTS
from onex_analytics.model.yaml_tree import read_yaml

DIMENSION_TYPES: dict[str, pl.DataType] = {
    "str": pl.String(), "i64": pl.Int64(), "f64": pl.Float64(), "bool": pl.Boolean(),
}  # fmt: skip
_TEXT = re.compile(r"\s*(?:$|[#\[{]|- |---|[A-Za-z_\"'][^\n]*:(?:\s|$))")


def load_rules(source: str | os.PathLike[str], *, dimensions: Mapping[str, str] | None = None) -> RuleSet:
    """Read a rule file.

    Args:
        source: a path, or the YAML itself: a text of several lines, or of one such as `groups: []`.
        dimensions: columns that the store lifts out of the metadata, with their types (`EventStore.dimensions`), beside
            those that the file declares itself.

    Raises:
        RuleError: on the first mistake, with `.file` and `.line`; `check_rules` gives them all.
        SourceError: where the file cannot be read.

    >>> rules = load_rules('''
    ... groups:
    ... - name: nodes
    ...   rules:
    ...   - alert: Failures
    ...     by: [node]
    ...     when: {count: {of: outcome == 'failure', window: 5m}, threshold: 10}
    ... ''')
    >>> rules.rule("Failures").when.threshold
    10.0
    """
    rules, mistakes = _read(source, dimensions)
    if mistakes:
        raise mistakes[0]
    assert rules is not None
    return rules


def check_rules(source: str | os.PathLike[str], *, dimensions: Mapping[str, str] | None = None) -> list[RuleError]:
    """All mistakes of a rule file, by line; empty where there is none. Arguments as for `load_rules`.

    Misspelt keys are told first, alone, as they hide what else there is.

    >>> [mistake.line for mistake in check_rules('''
    ... groups:
    ... - name: nodes
    ...   rools: []
    ... ''')]
    [4]
    """
    return _read(source, dimensions)[1]


def presets() -> RuleSet:
    """The rules that ship with the package: upstream's default alerts, each operation counted once.

    >>> [rule.alert for _, rule in presets().rules][:2]
    ['ErrorRateCritical', 'ErrorRateWarning']
    """
    return load_rules(presets_text())


def presets_text() -> str:
    """The presets as the file that they are, to copy and change."""
    return (files("onex_analytics.alerting") / "presets.yaml").read_text(encoding="utf-8")


def rule_schema(rules: RuleSet, dimensions: Mapping[str, str] | None = None) -> dict[str, pl.DataType]:
    """The columns that filters and labels of these rules may name, with their types."""
    declared = {**(dimensions or {}), **rules.dimensions}
    # a store writes where a dimension lies before its type: "$.input_state.tenant:str"
    words = {name: said.rpartition(":")[2] for name, said in declared.items()}
    return {**EVENTS, **{name: DIMENSION_TYPES.get(word, pl.String()) for name, word in words.items()}}


def _read(
    source: str | os.PathLike[str], dimensions: Mapping[str, str] | None
) -> tuple[RuleSet | None, list[RuleError]]:
    file, text = read_file(source)
    try:
        tree = read_yaml(text, file)
    except RuleError as error:
        return None, [error]
    found = mistakes_in_keys(tree)
    rules: RuleSet | None = None
    if not found:
        rules, found = mistakes_of(tree, RuleSet)
    if rules is not None:
        found = mistakes_in_rules(tree, rules, rule_schema(rules, dimensions))
    in_order = sorted(dict.fromkeys(found), key=lambda mistake: mistake[0])
    return rules, [RuleError(file, *mistake) for mistake in in_order]


def read_file(source: str | os.PathLike[str]) -> tuple[str, str]:
    """The name of a file and its text; a text is its own file."""
    if isinstance(source, str) and ("\n" in source or _TEXT.match(source)):
        return "<text>", source
    path = Path(source)
    try:
        return str(path), path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RuleError(str(path), line, "bytes that are no UTF-8", "save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else "no path"
        raise SourceError(str(path), problem, "name a rule file, such as rules.yaml") from None
