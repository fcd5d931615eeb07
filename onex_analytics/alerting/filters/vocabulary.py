"""Words that a column can hold: a filter on another one would never be true, and its alert would never fire."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from onex_analytics.alerting.filters.syntax import Column, Compared, Constant, Node, OneOf, atoms
from onex_analytics.exceptions import FilterError
from onex_analytics.model.event_types import FAMILIES, OUTCOMES

WORDS: dict[str, tuple[str, ...]] = {"outcome": OUTCOMES, "family": FAMILIES}
"""Columns whose every value comes from a list of ours."""


def check_words(node: Node, text: str) -> None:
    """Refuse a comparison with a word that the column never holds.

    Raises:
        FilterError: with the words that it does hold.
    """
    for column, constant in _equalities(node):
        known = WORDS.get(column)
        if known is not None and isinstance(constant.value, str) and constant.value not in known:
            near = difflib.get_close_matches(constant.value.lower(), known, n=1, cutoff=0.5)
            mend = f"write '{near[0]}'; {column} is one of {', '.join(known)}" if near else f"one of {', '.join(known)}"
            raise FilterError(text, constant.at, f"{column} is never {constant}", mend)


def _equalities(node: Node) -> Iterator[tuple[str, Constant]]:
    for atom in atoms(node):
        match atom:
            case Compared(Column(name), "==" | "!=", Constant() as constant):
                yield name, constant
            case OneOf(Column(name), values):
                yield from ((name, value) for value in values)
