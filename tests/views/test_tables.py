from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.views.tables import Column, html_facts, html_table, plain, shown


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "text", "–"), (None, "whom", "all nodes"), (True, "flag", "yes"), (1234567, "count", "1,234,567"),
        (0.5, "share", "50.0 %"), (0.0042, "share", "0.42 %"), (0, "share", "0 %"), (12.345, "ms", "12.3"),
        (0.01234, "ms", "0.012"), (90.0, "seconds", "90.0 s"), (7200, "seconds", "2.00 h"),
        ([], "list", "–"), (["a", "b"], "list", "a, b"), ([-18_000_000], "hours", "-5 h"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "time", "2026-01-02 03:04"),
    ],
)  # fmt: skip
def test_values_are_written_as_people_write_them(value, form, text):
    assert plain(value, form) == text


@pytest.mark.parametrize("form", ["text", "code", "list", "whom"])
def test_text_of_users_cannot_become_markup(form):
    assert "<" not in shown("<script>alert(1)</script>", form).replace("<code>", "").replace("</code>", "")


def test_a_table_has_a_caption_and_scoped_headers():
    made = html_table(
        pl.DataFrame({"node": ["<b>"], "n": [1200]}),
        [Column("node", "node"), Column("n", "events", "count")], caption='by "node"', empty="-",
    )  # fmt: skip
    assert "<caption>by &quot;node&quot;</caption>" in made
    assert made.count('<th scope="col"') == 2
    assert "&lt;b&gt;" in made
    assert '<td class="number">1,200</td>' in made


def test_an_empty_table_is_a_sentence():
    empty = html_table(pl.DataFrame({"n": []}), [Column("n", "n")], caption="c", empty="Nothing <here>.")
    assert empty == '<p class="empty">Nothing &lt;here&gt;.</p>'


def test_facts_are_escaped_too():
    assert "<i>" not in html_facts({"<i>": ("<i>", "text")})
