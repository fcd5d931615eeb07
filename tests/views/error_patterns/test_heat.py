import polars as pl
import pytest

from onex_analytics.error_patterns import error_rates
from onex_analytics.exceptions import InvalidOption
from onex_analytics.views.error_patterns import template_heatmap
from onex_analytics.views.theme import description
from tests.views.error_patterns.results import cases, event, failure, log
from tests.views.profiling.results import is_blank


def three() -> pl.DataFrame:
    late = [failure(41.0 + i / 10, "x", operation="late") for i in range(10)]
    early = [failure(1.0, "x", operation="early"), failure(2.0, "x", operation="early", outcome="soft_failure")]
    return error_rates(
        log([*late, *early, event(3.0, operation="calm"), event(13.0, operation="calm")]), "10m", "operation"
    ).collect()


def titles(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def rows_of(figure) -> list[list[float]]:
    """The counts of each line, from the top; z is their logarithm, with a clear line between two."""
    return [[round(10**value) for value in row if value is not None] for row in figure.data[0].z[::2]]


def test_a_cell_is_the_errors_of_its_group_and_bucket_and_the_fullest_line_stands_on_top():
    figure = template_heatmap(three())
    assert titles(figure) == ["late · 10", "early · 2"]
    assert rows_of(figure) == [[10], [2]]
    assert all(value is None for row in figure.data[0].z[1::2] for value in row)


def test_a_cell_stands_at_its_time_and_hours_without_any_stay_clear():
    cells = template_heatmap(three()).data[0]
    late = cells.z[0]
    (place,) = [i for i, value in enumerate(late) if value is not None]
    assert (f"{cells.x[place]:%H:%M}", f"{cells.x[place + 1]:%H:%M}") == ("12:40", "12:50")


def test_lines_can_be_ordered_by_when_they_were_first_seen():
    assert titles(template_heatmap(three(), order="first_seen")) == ["early · 2", "late · 10"]


@pytest.mark.parametrize(("of", "counts"), [
    ("errors", ["late · 10", "early · 2"]), ("failures", ["late · 10", "early · 1"]),
    ("events", ["late · 10", "calm · 2", "early · 2"]),
])  # fmt: skip
def test_what_is_counted_can_be_chosen(of, counts):
    assert titles(template_heatmap(three(), of)) == counts


@pytest.mark.parametrize("most", [1, 30, 40])
def test_nothing_is_lost_in_other_nor_where_buckets_are_joined(most):
    rates = cases()["2,000 groups"].rates
    figure = template_heatmap(rates, most=most)
    assert sum(map(sum, rows_of(figure))) == sum(rates["failures"])
    assert titles(figure)[-1].startswith(f"<i>other: {2000 - most:,} groups</i>")


@pytest.mark.parametrize("options", [{"of": "rows"}, {"order": "name"}])
def test_another_option_is_refused(options):
    with pytest.raises(InvalidOption):
        template_heatmap(three(), **options)


def test_the_words_tell_the_fullest_line_and_cell():
    assert "the fullest line is late with 10; the fullest cell, of 10 min, has 10." in description(
        template_heatmap(three())
    )


def test_nothing_to_draw_is_said():
    assert is_blank(template_heatmap(cases()["no error"].rates))
    assert is_blank(template_heatmap(three().drop("start")))
