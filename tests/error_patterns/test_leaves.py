"""Rare patterns that differ in values only become one."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns import mine_templates

NAMES = ["ada", "bob", "eva", "jun"]


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_a_word_that_is_a_value_elsewhere_is_one_in_a_rare_template():
    known = [f"user {name} has left the room" for name in NAMES]
    rare = [f"settings were saved by {name}" for name in NAMES[:3]]
    assert texts(*known, *rare) == {"user <*> has left the room", "settings were saved by <*>"}


def test_words_of_which_nothing_is_known_part_templates():
    assert len(texts("the door was opened", "the door was closed", "the door was locked")) == 3


def test_three_words_in_quotes_are_values_in_few_lines_and_a_choice_in_many():
    rare = [f"plugin '{name}' is disabled" for name in NAMES[:3]]
    assert texts(*rare) == {"plugin '<*>' is disabled"}
    assert len(texts(*rare * 30)) == 3
