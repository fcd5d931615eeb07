from datetime import timedelta

import polars as pl
import pytest

from onex_analytics.error_patterns import compare_periods
from onex_analytics.views.error_patterns import first_seen_timeline
from onex_analytics.views.theme import description
from tests.views.error_patterns.results import cases, minutes
from tests.views.profiling.results import is_blank, named

FEW = cases()["a few"]


def titles(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations if note.xref == "paper"]


def lifelines(figure) -> set[tuple]:
    lines = [trace for trace in figure.data if trace.mode == "lines" and not trace.fill and trace.x[0] is not None]
    return {(line.x[i], line.x[i + 1]) for line in lines for i in range(0, len(line.x), 3)}


def test_a_line_reaches_from_when_a_group_was_first_seen_to_when_it_was_last_seen():
    assert lifelines(first_seen_timeline(FEW.groups)) == set(FEW.groups.select("first_seen", "last_seen").rows())


def test_the_group_that_was_seen_first_stands_on_top():
    assert titles(first_seen_timeline(FEW.groups)) == [
        "lost &lt;NUMBER&gt; rows · 12", "TimeoutError: no answer from peer · 3", "odd result · 1",
        "ONEX_SYS_901_DISK_FULL · 40", "rolled back · 20",
    ]  # fmt: skip


def test_what_became_of_a_group_is_told_in_words():
    figure = first_seen_timeline(FEW.groups, FEW.changes, FEW.moment)
    assert titles(figure)[1].startswith("regressed: Timeout")
    assert titles(figure)[3] == "new: ONEX_SYS_901_DISK_FULL · 40"
    assert "2 new, 1 regressed, 1 ongoing, 1 insufficient." in description(figure)
    assert "New: ONEX_SYS_901_DISK_FULL, rolled back." in description(figure)
    assert len(named(figure, "new").x) == 2


@pytest.mark.parametrize("moment", [minutes(60), minutes(60).replace(tzinfo=None)])
def test_the_moment_is_a_line_and_naive_means_utc(moment):
    (line,) = first_seen_timeline(FEW.groups, moment=moment).layout.shapes
    assert line.x0 == line.x1 == minutes(60)


def test_a_comparison_can_be_drawn_by_itself():
    changes = compare_periods(FEW.errors, FEW.moment, ["node", "operation"])
    figure = first_seen_timeline(changes)
    assert lifelines(figure) == set(changes.select("first_seen", "last_seen").rows())
    assert "new: writer · load · 40" in titles(figure)


def test_what_is_new_has_a_line_of_its_own_before_what_is_frequent():
    some = first_seen_timeline(FEW.groups, FEW.changes, most=3)
    assert titles(some) == [
        "regressed: Timeout…no answer from peer · 3", "new: ONEX_SYS_901_DISK_FULL · 40", "new: rolled back · 20",
        "<i>other: 2 groups</i> · 13",
    ]  # fmt: skip


def test_all_others_are_marked_on_one_line():
    figure = first_seen_timeline(cases()["2,000 groups"].groups)
    assert len(named(figure, "other: first seen").x) == 1970
    assert titles(figure)[-1].startswith("<i>other: 1,970 groups</i>")
    assert "1,970 groups beyond the first 30 share one line" in description(figure)


def test_a_sparkline_stands_where_its_errors_were_as_high_as_the_fullest_part():
    figure = first_seen_timeline(FEW.groups)
    (shape,) = [trace for trace in figure.data if trace.fill == "toself"]
    # "lost … rows": the first line; twelve errors over 110 of 118 minutes, 24 parts
    end = next(i for i, y in enumerate(shape.y) if y is None)
    assert min(shape.x[:end]) == minutes(0)
    assert (min(shape.y[:end]), max(shape.y[:end])) == pytest.approx((0.06, 0.42))


def test_a_sparkline_that_does_not_fit_the_times_is_not_drawn():
    disk = FEW.groups.head(1)  # its parts are of the time of all errors, which it does not tell
    assert not [trace for trace in first_seen_timeline(disk).data if trace.fill == "toself"]


def test_a_group_without_a_time_is_counted_and_not_drawn():
    untimed = FEW.groups.with_columns(
        pl.when(pl.col("errors") < 40).then(c).alias(c) for c in ("first_seen", "last_seen")
    )
    figure = first_seen_timeline(untimed)
    assert len(titles(figure)) == 4
    assert "1 group without a time not drawn." in description(figure)
    assert is_blank(first_seen_timeline(untimed.head(1)))


def test_no_error_is_said():
    assert is_blank(first_seen_timeline(FEW.groups.clear()))


def test_the_axis_holds_the_moment_where_it_lies_beyond_all_errors():
    figure = first_seen_timeline(FEW.groups, moment=minutes(600))
    assert figure.layout.xaxis.range[1] > minutes(600) - timedelta(seconds=1)
