"""A rare pattern that a frequent one covers belongs to it."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns import mine_templates

ERRORS = [f"{kind}Error" for kind in ("Key", "Value", "Type", "Index", "Name", "Lookup")]
OFTEN = [f"task stopped because of {error}: refused" for error in ERRORS] * 9


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_a_value_of_several_words_in_one_line_is_the_value_of_one_word_in_many():
    rare = "task stopped because of the last IndexError in there: refused"
    assert texts(*OFTEN, rare) == {"task stopped because of <*>: refused"}


def test_new_words_there_have_the_template_too():
    model = mine_templates(pl.Series([*OFTEN, "task stopped because of two errors: refused"]))
    found = model.transform(pl.Series(["task stopped because of three things: refused"]))
    assert found.select("template", "template_is_new").rows() == [("task stopped because of <*>: refused", False)]


def test_words_with_a_value_beside_them_are_text():
    lines = [f"no password given for {name} at home" for name in ("ada", "bob", "eva", "jun")] * 9
    more = [f"no password given for unknown user {name} at home" for name in ("kim", "lee", "max", "ned")]
    assert texts(*lines, *more) == {
        "no password given for <*> at home", "no password given for unknown user <*> at home",
    }  # fmt: skip


def test_but_not_where_they_stand_at_two_values_alike():
    sets = ["full 0x1a", "node-1 0x2b", "node-D2 0x3c", "gige4 0x4d"]
    both = [f"inconsistent sets {a} <ok> {b} <ok>" for a in sets for b in sets]
    assert texts(*both * 20) == {"inconsistent sets <*> <ok> <*> <ok>"}


def test_an_error_code_is_never_within_a_value():
    coded = "task stopped because of the SC001 Error: refused"
    assert len(texts(*OFTEN, coded)) == 2


def test_two_words_of_text_are_the_least():
    assert len(texts(*(f"because: {error}" for error in ERRORS), "because: of much rain")) == 2
