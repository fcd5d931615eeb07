"""Patterns that differ in one word become one where the word seems to be a value."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns import mine_templates

NAMES = ["ada", "bob", "eva", "jun"]


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_two_words_that_are_values_elsewhere_are_values():
    known = [f"user {name} has left the room" for name in NAMES]
    assert "settings saved by <*> today" in texts(*known, *(f"settings saved by {name} today" for name in NAMES[:2]))


def test_even_the_first_word_is_a_value_if_it_is_one_elsewhere():
    known = [f"user {name} has left the room" for name in NAMES]
    assert "<*> is asleep" in texts(*known, "ada is asleep", "bob is asleep")


def test_many_lines_of_two_such_words_are_two_templates():
    known = [f"user {name} has left the room" for name in NAMES]
    assert len(texts(*known, *["settings saved by ada today", "settings saved by bob today"] * 30)) == 3


def test_two_words_in_quotes_are_values_in_few_lines():
    rare = ["plugin 'ada' is disabled", "plugin 'bob' is disabled"]
    assert texts(*rare) == {"plugin '<*>' is disabled"}
    assert len(texts(*rare * 30)) == 2


def test_two_identifiers_are_values_in_few_lines_but_not_at_the_beginning():
    assert texts("calling readFile of the store", "calling writeFile of the store") == {"calling <*> of the store"}
    assert len(texts("readFile of the store", "writeFile of the store")) == 2


def test_two_words_of_which_nothing_is_known_part_templates():
    assert len(texts("port three entered blocking state", "port three entered forwarding state")) == 2


def test_three_words_in_very_few_lines_with_enough_text_are_values():
    lines = [f"the {state} disk of the rack was found" for state in ("first", "second", "last")]
    assert texts(*lines) == {"the <*> disk of the rack was found"}
    assert len(texts(*lines * 9)) == 3


def test_what_follows_a_label_is_a_value_however_often_it_comes():
    lines = ["interface up, power device detected: rigid", "interface up, power device detected: soft"]
    assert texts(*lines * 90) == {"interface up, power device detected: <*>"}


def test_a_colon_after_the_name_of_a_program_is_no_label():
    assert len(texts(*["systemd: started the unit", "systemd: stopped the unit"] * 9)) == 2
