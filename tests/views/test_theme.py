import pytest

from onex_analytics.views.theme import PALETTE, blank, colours, label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('<a href="x">', '&lt;a href="x"&gt;'),
        ("two\nlines", "two lines"),
        (None, "–"),
        ("", ""),
    ],
)
def test_text_of_users_is_escaped_for_a_figure(text, shown):
    assert label(text) == shown


def test_a_long_name_keeps_both_ends():
    assert label("a" * 60 + "z" * 60, 11) == "aaaaa…zzzzz"


def test_each_name_has_a_colour_of_its_own_while_there_are_enough():
    of = colours([f"TYPE_{i}" for i in range(len(PALETTE))])
    assert len(set(of.values())) == len(PALETTE)


def test_a_frequent_type_keeps_its_colour_in_any_company():
    assert colours(["x", "NODE_FAILURE"])["NODE_FAILURE"] == colours(["NODE_FAILURE"])["NODE_FAILURE"]
    assert colours(["NODE_FAILURE", "x"])["x"] != colours(["NODE_FAILURE"])["NODE_FAILURE"]


def test_more_names_than_colours_begin_again():
    assert len(colours([str(i) for i in range(40)])) == 40


def test_a_blank_figure_says_why():
    assert "no events" in blank("no events").to_json()
