"""What stands in quotation marks or brackets is one word."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.error_patterns import mine_templates
from onex_analytics.error_patterns.masking import JOIN, MASK
from onex_analytics.error_patterns.phrases import folded, shows_value


def told(text: str) -> str:
    return folded(pl.Series([text]))[0].replace(JOIN, "_")


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ('failed with "no such file" here', 'failed with "no_such_file" here'),
        ("failed (no route to host)", "failed (no_route_to_host)"),
        ("see [a b c] and 'd e'", "see [a_b_c] and 'd_e'"),
        ('"a b" c "d e"', '"a_b" c "d_e"'),
        ("a (b (c d) e)", "a (b (c_d) e)"),
        ("(one) 'two' [] ()", "(one) 'two' [] ()"),
        ("it isn't so", "it isn't so"),
        ("never closed (a b", "never closed (a b"),
        ("", ""),
        ("(1 2 3 4 5 6 7 8)", "(1_2_3_4_5_6_7_8)"),
        ("(1 2 3 4 5 6 7 8 9 10 11 12)", "(1_2_3_4_5_6_7_8_9_10_11_12)"),
        ("(1 2 3 4 5 6 7 8 9 10 11 12 13)", "(1 2 3 4 5 6 7 8 9 10 11 12 13)"),
        ("`a b` c", "`a_b` c"),
    ],
)
def test_the_spaces_within_are_joined(text, one):
    assert told(text) == one


@pytest.mark.parametrize(
    ("token", "is_value"),
    [
        (f"{MASK} ", True),
        (f"id{MASK}", True),
        (f"{MASK}{JOIN}{MASK})", True),
        (f"GET{JOIN}{MASK} ", False),
        ("a", False),
    ],
)
def test_a_phrase_with_a_word_of_its_own_is_no_value(token, is_value):
    assert pl.DataFrame({"t": [token]}).select(shows_value(pl.col("t"))).item() is is_value


def test_templates_show_the_spaces():
    model = mine_templates(pl.Series(['no answer "to be or not" given', 'no answer "to be or not" given']))
    assert model.table["template"].to_list() == ['no answer "to be or not" given']


def test_quoted_texts_of_any_length_are_one_value():
    reasons = ["timeout", "no route to host", "connection refused", "broken pipe", "too many open files"]
    model = mine_templates(
        pl.Series([f'attempt {n} of 5 failed, reason="{reason}" again' for n, reason in enumerate(reasons)])
    )
    assert model.table["general"].to_list() == ['attempt <*> of <*> failed, reason="<*>" again']


def test_a_list_in_brackets_is_one_value_however_long_it_is():
    lists = ["basil", "basil, cedar", "ember,fjord,kelp", "'kelp', 'lotus', 'a-b.c'"]
    model = mine_templates(pl.Series([f"tags [{words}] are held" for words in lists]))
    assert model.table.select("general", "count").rows() == [("tags [<*>] are held", 4)]


def test_what_parts_words_does_so_within_a_phrase():
    assert told("denied (using password: no)") == "denied (using_password: no)"
