import polars as pl
import pytest

from onex_analytics import profiling
from onex_analytics.views.profiling import comparison_forest
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.results import EVIL, is_blank, spans


@pytest.fixture(scope="module")
def compared() -> pl.DataFrame:
    """Three operations: slower, the same, faster."""
    names = ["slower", "same", "faster"] * 400
    before = spans([10_000 + i % 700 for i in range(1200)], names)
    after = spans([[20_000, 10_000, 5_000][i % 3] + i % 700 for i in range(1200)], names)
    return profiling.compare(before, after, by="operation").collect()


def markers(figure) -> list[float]:
    return sorted(x for trace in figure.data if trace.mode == "markers" for x in trace.x if x is not None)


def test_each_ratio_and_each_interval_is_drawn_as_the_frame_has_it(compared):
    figure = comparison_forest(compared)
    assert markers(figure) == sorted([*compared["p50_ratio"], *compared["p95_ratio"]])
    ends = sorted(x for trace in figure.data if trace.mode == "lines" for x in trace.x if x is not None)
    columns = [f"{m}_ratio_{end}" for m in ("p50", "p95") for end in ("low", "high")]
    assert ends == sorted(value for column in columns for value in compared[column])
    assert figure.layout.xaxis.type == "log"


def test_regressions_come_first_then_improvements(compared):
    figure = comparison_forest(compared)
    assert list(figure.layout.yaxis.ticktext) == ["▲ slower", "▼ faster", "same"]
    assert "1 regression, 1 improvement." in description(figure)


def test_verdicts_have_names_and_the_measures_have_signs(compared):
    shown = {trace.name for trace in comparison_forest(compared).data if trace.name}
    assert shown == {"regression: 1", "improvement: 1", "equivalent: 1", "p50", "p95"}
    symbols = {trace.marker.symbol for trace in comparison_forest(compared).data if trace.name in ("p50", "p95")}
    assert len(symbols) == 2


def test_of_many_rows_all_are_drawn_and_those_that_changed_little_share_a_line(compared):
    many = pl.concat([compared.with_columns(operation=pl.format("{}-{}", "operation", pl.lit(i))) for i in range(700)])
    figure = comparison_forest(many)
    assert len(figure.layout.yaxis.ticktext) == 41
    assert figure.layout.yaxis.ticktext[-1] == "<i>other: 2,060 rows</i>"
    assert markers(figure) == sorted([*many["p50_ratio"], *many["p95_ratio"]])
    assert "equivalent: 700" in {trace.name for trace in figure.data}


def test_a_row_without_a_ratio_is_named_and_says_so():
    frame = profiling.compare(spans([1000]), spans([1000]).head(0), by="operation").collect()
    figure = comparison_forest(frame)
    assert [note.text for note in figure.layout.annotations] == ["no ratio"]
    assert "1 row without a ratio" in figure.layout.xaxis.title.text
    assert markers(figure) == []


@pytest.mark.parametrize("ratio", [float("inf"), 0.0])
def test_a_ratio_that_no_axis_can_hold_is_not_drawn(compared, ratio):
    odd = compared.with_columns(p95_ratio=pl.lit(ratio), p95_ratio_high=pl.lit(ratio))
    assert markers(comparison_forest(odd)) == sorted(compared["p50_ratio"])


def test_text_of_users_never_becomes_markup(compared):
    figure = comparison_forest(compared.with_columns(operation=pl.lit(EVIL)))
    assert "<script" not in drawn_texts(figure)


def test_nothing_to_compare_is_a_blank_figure(compared):
    assert is_blank(comparison_forest(compared.head(0)))
