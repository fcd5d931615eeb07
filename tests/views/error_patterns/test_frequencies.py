import pytest

from onex_analytics.views.error_patterns import pareto
from onex_analytics.views.theme import description
from tests.views.error_patterns.results import cases
from tests.views.profiling.results import is_blank


def titles(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def test_a_bar_is_the_errors_of_a_group_and_the_line_what_those_down_to_it_make():
    bars, line = pareto(cases()["a few"].groups).data
    assert list(bars.x) == [40, 20, 12, 3, 1]
    assert list(line.x) == pytest.approx([40 / 76, 60 / 76, 72 / 76, 75 / 76, 1])


def test_bars_and_line_have_one_scale():
    layout = pareto(cases()["a few"].groups).layout
    assert layout.xaxis.range[1] / 76 == pytest.approx(layout.xaxis2.range[1])


@pytest.mark.parametrize("most", [1, 4, 20])
def test_nothing_is_lost_in_other(most):
    groups = cases()["2,000 groups"].groups
    bars, line = pareto(groups, most).data
    assert sum(bars.x) == sum(groups["errors"])
    assert line.x[-1] == 1
    assert len(bars.x) == most + 1


def test_other_says_how_many_groups_and_errors_it_holds():
    figure = pareto(cases()["a few"].groups, most=2)
    assert titles(figure)[-1] == "<i>other: 3 groups</i> · 16"
    assert "3 groups beyond the first 2 share one bar: 16 errors." in description(figure)


def test_the_words_tell_which_few_make_most():
    text = description(pareto(cases()["a few"].groups))
    assert text.startswith(
        "76 errors by group, of 5 groups: the most frequent is ONEX_SYS_901_DISK_FULL with 40 (53%)."
    )
    assert "The first 3 groups make 95% of them." in text


def test_the_pointer_tells_why_they_are_one_and_whom_they_touch():
    hover = pareto(cases()["a few"].groups).data[0].customdata[0]
    for told in ("one group by its code: ONEX_SYS_901_DISK_FULL", "40 errors, 52.63% of all (40 failed)", "40 traces",
                 "1 node: writer", "1 version: 1.1.0",
                 "first seen 02 Nov 2026 13:10, last 02 Nov 2026 13:13"):  # fmt: skip
        assert told in hover


def test_groups_that_say_nothing_have_a_name_all_the_same():
    assert titles(pareto(cases()["nulls"].groups))[0].startswith("no code, type or message · ")


def test_no_error_is_said():
    assert is_blank(pareto(cases()["no error"].groups))
