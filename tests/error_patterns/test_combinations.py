"""Patterns that differ in two words become one where the words combine freely, or are very rare."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns import mine_templates


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_states_that_follow_each_other_in_any_order_are_values():
    steps = [("up", "down"), ("down", "up"), ("up", "up")]
    assert texts(*(f"link went from {a} to {b}" for a, b in steps for _ in range(20))) == {"link went from <*> to <*>"}


def test_states_of_which_each_has_one_that_follows_are_steps_of_the_code():
    steps = [("new", "ready"), ("ready", "busy"), ("busy", "done")]
    assert len(texts(*(f"link went from {a} to {b}" for a, b in steps for _ in range(20)))) == 3


def test_words_of_which_none_stands_at_both_places_part_templates():
    steps = [("opened", "ada"), ("closed", "ada"), ("opened", "bob")]
    assert len(texts(*(f"the door was {a} by {b}" for a, b in steps for _ in range(20)))) > 1


def test_two_lines_that_differ_in_two_words_and_agree_in_four_are_one():
    lines = ["pattern anchor was found at noon today", "pattern timber was found at midnight today"]
    assert texts(*lines) == {"pattern <*> was found at <*> today"}
    assert len(texts(*lines * 3)) == 2
    assert len(texts("anchor was found noon", "timber was found midnight")) == 2


def test_two_error_codes_are_two_templates():
    assert len(texts("the SC001 was found at noon today", "the SC002 was found at midnight today")) == 2
