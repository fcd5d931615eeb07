"""The forest of what is different: every number that is drawn is one of the frame."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics.frames import CONTRAST
from onex_analytics.views.error_patterns import contrast_forest
from onex_analytics.views.theme import REST, description, faded
from tests.views.drawn_texts import drawn_texts
from tests.views.error_patterns.results import EVIL, Case, cases
from tests.views.profiling.results import is_blank


def finding(pattern: str, ratio: float | None, **more: Any) -> dict[str, Any]:
    """One of 155 tests, with a fifth of the target unless said otherwise."""
    low, high = (None, None) if ratio is None else (ratio / 1.5, ratio * 1.5)
    return {
        "pattern": pattern, "columns": [pattern.partition("=")[0]], "order": 1, "support": 0.1, "votes": 100.0,
        "target_votes": 20.0, "precision": 0.2, "recall": 0.2, "risk_ratio": ratio, "ci_low": low, "ci_high": high,
        "p": 1e-6, "q": 1e-5, "score": 1.0, "n_tests": 155, **more,
    }  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in CONTRAST} for row in rows], CONTRAST)


MIXED = frame(
    finding("host=a", 8.0, recall=0.64), finding("host=b", 4.0, shadowed_by="host=a"),
    finding("host=c & version=2", 3.0, order=2, recall=0.09),
    finding("bytes>=5", 2.0, cliffs_delta=0.4, columns=["bytes"]),
    finding("load<0.3", 1.6, cliffs_delta=-0.7, columns=["load"], shadowed_by="bytes>=5"),
    {"columns": ["one"], "left_out": "it is the same in every row", "n_tests": 155},
    {"columns": ["id"], "left_out": "it is different in every row", "n_tests": 155},
    {"left_out": "7 rows have no target", "n_tests": 155},
)  # fmt: skip


def marks(figure: go.Figure) -> dict[float, tuple[float, float]]:
    """By ratio: where it is drawn from the top, and how large."""
    return {x: (y, size) for trace in figure.data if trace.type == "scatter" and trace.customdata
            for x, y, size in zip(trace.x, trace.y, trace.marker.size, strict=True) if x is not None}  # fmt: skip


def ends_of(figure: go.Figure) -> list[float]:
    """The ends of all intervals."""
    lines = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]
    return [x for trace in lines for x in trace.x if x is not None]


def written(figure: go.Figure, yref: str = "y") -> list[str]:
    return [one.text for one in figure.layout.annotations if one.yref == yref]


def test_each_ratio_and_each_interval_is_drawn_as_the_frame_has_it_on_a_logarithmic_axis():
    figure = contrast_forest(MIXED)
    findings = MIXED.filter(pl.col("left_out").is_null())
    assert sorted(marks(figure)) == sorted(findings["risk_ratio"])
    assert sorted(ends_of(figure)) == sorted([*findings["ci_low"], *findings["ci_high"]])
    assert figure.layout.xaxis.type == "log"
    low, high = figure.layout.xaxis.range
    assert 10**low < 1 and 10**high > 12


def test_the_best_stands_on_top_and_a_name_above_each_mark_with_its_share_of_the_target():
    figure = contrast_forest(MIXED)
    places = [marks(figure)[ratio][0] for ratio in (8.0, 4.0, 3.0, 2.0, 1.6)]
    assert places == sorted(places)
    assert figure.layout.yaxis.range[0] > places[-1] and figure.layout.yaxis.range[1] == 0
    names = {one.text: one.y for one in figure.layout.annotations if one.yref == "y"}
    assert names["host=a · 64 %"] < places[0] < names["host=b · 20 %"] < places[1]
    assert "host=c &amp; version=2 · 9 %" in names


def test_the_line_of_no_difference_strikes_out_no_name():
    figure = contrast_forest(MIXED)
    lines = [(shape.y0, shape.y1) for shape in figure.layout.shapes if shape.x0 == shape.x1 == 1]
    assert len(lines) == 5
    for name in (one for one in figure.layout.annotations if one.yref == "y"):
        assert not any(begin < name.y + name.font.size and name.y < end for begin, end in lines), name.text


def test_the_area_of_a_mark_grows_with_its_share_of_the_target():
    sizes = {ratio: size for ratio, (_, size) in marks(contrast_forest(MIXED)).items()}
    assert sizes[8.0] > sizes[4.0] == sizes[2.0] > sizes[3.0]
    known = [finding(f"a={share}", 2 + share, recall=share) for share in (0.0, 0.25, 1.0)]
    none, quarter, whole = (size for _, size in marks(contrast_forest(frame(*known))).values())
    assert whole - none == pytest.approx(2 * (quarter - none))


def test_what_is_explained_away_is_grey_and_names_what_explains_it():
    figure = contrast_forest(MIXED)
    (grey,) = [trace for trace in figure.data if trace.type == "scatter" and trace.marker.color == faded(REST, 0.85)]
    assert list(grey.x) == [4.0, 1.6]
    assert [text for text in written(figure) if "explained by" in text] == [
        "<i>explained by host=a</i>", "<i>explained by bytes&gt;=5</i>",
    ]  # fmt: skip
    assert {trace.name for trace in figure.data if trace.name} == {
        "one value or range: 2", "two together: 1", "explained by another: 2",
    }  # fmt: skip


def test_quantities_stand_below_by_how_much_more_often_they_are_larger():
    figure = contrast_forest(MIXED)
    (bars,) = [trace for trace in figure.data if trace.type == "bar"]
    assert list(bars.x) == [-0.7, 0.4]
    assert (bars.xaxis, bars.yaxis) == ("x2", "y2")
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert written(figure, "y2") == ["load · −0.70", "bytes · +0.40"]
    assert "load is smaller than in the rest (Cliff's delta −0.70)." in description(figure)


def test_without_a_quantity_there_is_no_panel_of_them():
    figure = contrast_forest(frame(finding("host=a", 8.0)))
    assert not [trace for trace in figure.data if trace.type == "bar"]
    assert tuple(figure.layout.yaxis.domain) == (0, 1)


def test_tests_and_what_took_no_part_are_told_in_words():
    figure = contrast_forest(MIXED, "failed work")
    title = figure.layout.xaxis2.title.text
    assert "found among 155 tests" in title
    assert "2 columns took no part; 7 rows have no target" in title
    assert "how much of failed work has it" in title
    told = description(figure)
    assert told.startswith(
        "What is different about failed work: 5 findings among 155 tests, of which 2 are explained by others. "
        "host=a: × 8 (95 %: 5.33 to 12), in 64.0% of failed work. host=c & version=2: × 3"
    )
    assert "one took no part: it is the same in every row. id took no part: it is different in every row." in told
    assert "7 rows have no target." in told


def test_of_many_findings_the_best_are_drawn_and_the_others_counted():
    many = frame(*(finding(f"host={i}", 1.5 + i, cliffs_delta=0.1 + i / 1000, columns=[f"c{i}"]) for i in range(57)))
    figure = contrast_forest(many, most=20)
    assert sorted(marks(figure)) == [1.5 + i for i in range(20)]
    assert len(written(figure, "y2")) == 10
    assert "37 more findings not drawn" in figure.layout.xaxis2.title.text
    assert "47 more quantities not drawn" in figure.layout.xaxis2.title.text
    assert "37 more findings not drawn." in description(figure)
    assert figure.layout.height < 1500


def test_an_endless_ratio_stands_at_the_edge_as_an_arrow_that_begins_where_its_interval_does():
    figure = contrast_forest(frame(
        finding("host=a", math.inf, ci_low=5.0, ci_high=math.inf), finding("host=b", 3.0)
    ))  # fmt: skip
    edge = 10 ** figure.layout.xaxis.range[1]
    assert sorted(marks(figure)) == [3.0, edge]
    assert ends_of(figure)[:2] == [5.0, edge]
    (trace,) = [trace for trace in figure.data if trace.customdata]
    assert list(trace.marker.symbol) == ["triangle-right", "circle"]
    assert "host=a: never without it (95 %: × 5 or more)" in description(figure)
    assert "Infinity" not in figure.to_json()


@pytest.mark.parametrize("ratio", [None, math.nan, 0.0])
def test_a_finding_without_a_ratio_that_an_axis_can_hold_keeps_its_line_and_says_so(ratio):
    figure = contrast_forest(frame(finding("host=a", ratio), finding("host=b", 3.0)))
    assert list(marks(figure)) == [3.0]
    assert written(figure) == ["host=a · 20 %", "no ratio", "host=b · 20 %"]
    assert "NaN" not in figure.to_json() and "nan" not in figure.to_json()


def test_nothing_found_is_a_blank_figure_that_says_how_much_was_tried():
    figure = contrast_forest(MIXED.filter(pl.col("left_out").is_not_null()), "failed work")
    assert is_blank(figure)
    assert figure.layout.annotations[0].text == "nothing stands out: 155 tests tried"
    assert description(figure).endswith("7 rows have no target.")
    assert is_blank(contrast_forest(frame()))


def test_text_of_users_never_becomes_markup():
    evil = frame(
        finding(EVIL, 3.0, shadowed_by=EVIL, cliffs_delta=0.3, columns=[EVIL]),
        {"columns": [EVIL], "left_out": EVIL, "n_tests": 1},
    )  # fmt: skip
    text = drawn_texts(contrast_forest(evil, EVIL))
    assert "<script" not in text and "<img" not in text


def test_of_failures_made_by_hand_the_node_that_failed_in_a_burst_is_drawn_with_its_ratio():
    case: Case = cases()["a few"]
    figure = contrast_forest(case.contrast)
    row = case.contrast.row(by_predicate=pl.col("pattern") == "node=writer", named=True)
    assert row["risk_ratio"] in marks(figure)
    assert f"node=writer · {row['recall']:.0%}".replace("%", " %") in written(figure)
