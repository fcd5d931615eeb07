"""Values of several words."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.error_patterns import gaps, mine_templates

REASONS = ["timeout", "no route to host", "connection refused", "broken pipe in the wall", "disk quota exceeded"]


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_reasons_of_any_length_after_a_colon_are_one_value():
    assert texts(*(f"cannot reach peer: {reason}" for reason in REASONS * 9)) == {"cannot reach peer: <*>"}


def test_so_they_are_between_other_words():
    lines = [f"cannot reach peer: {reason} after three attempts" for reason in REASONS * 9]
    assert texts(*lines) == {"cannot reach peer: <*> after three attempts"}


def test_without_a_mark_it_takes_more_words_around():
    assert texts(*(f"the peer is gone for {reason}" for reason in REASONS * 9)) == {"the peer is gone for <*>"}
    assert len(texts(*(f"the peer {reason}" for reason in REASONS * 9))) == len(REASONS)


def test_three_are_enough_in_few_lines_only():
    few = [f"cannot reach peer: {reason}" for reason in REASONS[1:4]]
    assert texts(*few) == {"cannot reach peer: <*>"}
    assert len(texts(*few * 30)) == 3


def test_beside_a_value_of_one_word_one_of_two_is_enough():
    known = [f"read of disk {name} is done" for name in ("ada", "bob", "eva", "jun")]
    assert texts(*known * 9, *["read of disk big one is done"] * 9) == {"read of disk <*> is done"}


def test_text_with_a_value_in_it_is_another_template():
    known = [f"failed password for {name} from the net" for name in ("ada", "bob", "eva", "jun")]
    other = [f"failed password for invalid user {name} from the net" for name in ("ada", "bob", "eva", "jun")]
    assert len(texts(*known, *other)) == 2


def test_words_that_more_than_spaces_part_are_no_one_value():
    lines = [f"cannot reach peer {a}: {b} at last" for a, b in ((1, "up"), (2, "down"), (3, "left"), (4, "right"))]
    assert texts(*lines) == {"cannot reach peer <*>: <*> at last"}


def test_the_most_frequent_patterns_are_looked_at_where_there_are_too_many(monkeypatch):
    lines = [*(f"cannot reach peer: {reason}" for reason in REASONS * 9), *(f"no {word} left" for word in ("a b", "c"))]
    monkeypatch.setattr(gaps, "_MOST_TOKENS", 30)
    assert "cannot reach peer: <*>" in texts(*lines)
    monkeypatch.setattr(gaps, "_MOST_TOKENS", 3)
    assert "cannot reach peer: timeout" in texts(*lines)


@pytest.mark.parametrize("messages", [[], [""], ["one"], ["one two"], ["a b", "a c d e f g h i j k"]])
def test_few_or_short_messages_have_none(messages):
    assert texts(*messages) == set(messages)


def test_two_values_that_are_known_from_elsewhere_are_enough():
    known = [f"the peer is gone now: {reason}" for reason in REASONS]
    assert "closed, why: <*>" in texts(*known, *(f"closed, why: {reason}" for reason in REASONS[:2]))


def test_what_stands_in_quotes_may_have_any_marks_within():
    asked = ["select a from b", "up == zero", "put (c, d) in e", "x: y; z", "left=right"]
    assert texts(*(f'could not run "{text}" at all' for text in asked)) == {'could not run "<*>" at all'}
