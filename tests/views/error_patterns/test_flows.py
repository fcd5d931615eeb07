from __future__ import annotations

from itertools import pairwise

import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics.views.error_patterns import cascade_sankey
from onex_analytics.views.theme import BLUE, ORANGE, REST, description
from tests.views.drawn_texts import drawn_texts
from tests.views.error_patterns.results import EVIL
from tests.views.error_patterns.test_flow_links import pairs

CHAIN = pairs(
    ("disk", "write", 40, 0.9, 0.8), ("write", "reply", 20, 0.8, 0.1), ("disk", "reply", 15, 0.2, 0.8),
    ("alarm", "reply", 10, 0.3, 0.9), ("reply", "disk", 4, 1.0, 0.0),
)  # fmt: skip


def bands(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.type == "scatter" and trace.fill == "toself"]


def arrows(figure: go.Figure) -> go.Scatter:
    (found,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers+text"]
    return found


def blocks(figure: go.Figure) -> dict[str, tuple[str, float, float, float]]:
    """By name: colour, left side, top and bottom."""
    titles = {(note.x, note.y): note.text.removeprefix("◆ ") for note in figure.layout.annotations}
    found = {}
    for bar in (trace for trace in figure.data if trace.type == "bar"):
        for base, x, y, width in zip(bar.base, bar.x, bar.y, bar.width, strict=True):
            (name,) = [
                text for (at, top), text in titles.items()
                if abs(top - (y - width / 2)) < 1e-6 and base <= at <= base + x + 1e-9
            ]  # fmt: skip
            found[name] = (bar.marker.color, base, y - width / 2, y + width / 2)
    return found


def thickness(band: go.Scatter) -> float:
    return band.y[-1] - band.y[0]


def test_a_band_is_as_wide_as_its_traces_are_many_and_says_how_many():
    figure = cascade_sankey(CHAIN)
    widths = [thickness(band) for band in bands(figure)]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 20 / 40, 4 / 40, 10 / 40])
    assert [text.strip() for text in arrows(figure).text] == ["40", "20", "10", "4"]


def test_a_band_leads_from_one_end_to_the_other_and_stays_on_them():
    figure = cascade_sankey(CHAIN)
    found = blocks(figure)
    by_traces = [("disk", "write"), ("write", "reply"), ("reply", "↺ disk"), ("alarm", "reply")]  # direct ones first
    for band, (source, target) in zip(bands(figure), by_traces, strict=True):
        half = len(band.x) // 2
        assert (band.x[0], band.x[half]) == pytest.approx((found[source][1] + 0.018, found[target][1]))
        assert found[source][2] <= band.y[0] < band.y[-1] <= found[source][3] + 1e-6
        assert found[target][2] <= band.y[half - 1] < band.y[half] <= found[target][3] + 1e-6


def test_where_several_bands_end_they_lie_beside_each_other():
    figure = cascade_sankey(pairs(("A", "C", 40, 1, 1), ("B", "C", 30, 1, 1), ("D", "C", 1, 1, 1)))
    sides = sorted((band.y[len(band.x) // 2 - 1], band.y[len(band.x) // 2]) for band in bands(figure))
    assert all(bottom <= top + 1e-6 for (_, bottom), (top, _) in pairwise(sides))


def test_what_begins_what_follows_and_what_leads_back_have_colours_and_signs():
    figure = cascade_sankey(CHAIN)
    found = blocks(figure)
    assert {name: colour for name, (colour, *_) in found.items()} == {
        "disk": ORANGE, "alarm": ORANGE, "write": BLUE, "reply": BLUE, "↺ disk": REST,
    }  # fmt: skip
    assert {note.text for note in figure.layout.annotations} >= {"◆ disk", "◆ alarm", "write"}
    assert [found[name][1] for name in ("disk", "write", "reply", "↺ disk")] == pytest.approx(
        [layer / 3 * (1 - 0.018) for layer in range(4)]
    )


def test_a_pair_with_others_in_between_is_hatched():
    shapes = [band.fillpattern.shape for band in bands(cascade_sankey(CHAIN))]
    assert shapes == ["", "", "", "/"]


def test_no_name_lies_on_another_or_on_an_end():
    found = sorted((top, bottom) for _, _, top, bottom in blocks(cascade_sankey(CHAIN)).values())
    assert all(top - bottom >= 18 for (_, bottom), (top, _) in pairwise(found))


def test_the_words_tell_the_strongest_pair_the_roots_and_what_is_missing():
    assert description(cascade_sankey(CHAIN)) == (
        "4 pairs of errors that come in one order, between 4 groups. The most frequent is disk, then write: in "
        "40 traces, half of them within 10 ms. Mostly nothing went wrong before disk, alarm. Between 1 pair mostly "
        "other errors come. 1 pair leads back, to a copy of an earlier group. 1 pair not drawn: direct ones lead from "
        "the first to the last."
    )


def test_an_episode_is_called_so():
    figure = cascade_sankey(CHAIN, "episode")
    assert "in 40 episodes" in description(figure)
    assert "trace" not in figure.to_json().replace('"trace', "")


def test_the_hover_tells_both_orders_and_the_time():
    hover = arrows(cascade_sankey(CHAIN)).customdata[0]
    assert "in this order in 40 traces, the other way in 0" in hover
    assert "within 10 ms" in hover
    assert "followed by it in 50%, × 2 of its usual share" in hover


def test_the_hover_tells_how_many_traces_were_put_together():
    joined = CHAIN.with_columns(joined_traces=pl.when(pl.col("traces") == 40).then(7).otherwise(0))
    first, second, *_ = arrows(cascade_sankey(joined)).customdata
    assert "no node told of 7 of these" in first
    assert "no node told" not in second


@pytest.mark.parametrize("wide", [True, False])
def test_of_very_many_pairs_the_figure_stays_on_a_page_and_counts_the_rest(wide):
    told = [(f"a{i}", f"b{i % 7 if wide else i}", 100 - i, 1.0, 1.0) for i in range(90)]
    figure = cascade_sankey(pairs(*told))
    drawn = len(bands(figure))
    assert figure.layout.height < 1300
    assert drawn <= 25
    assert f"{90 - drawn} further pairs not drawn" in description(figure)
    assert f"not drawn: {90 - drawn} further pairs" in figure.layout.xaxis.title.text


def test_without_a_pair_it_says_so():
    figure = cascade_sankey(CHAIN.clear())
    assert not figure.data
    assert "no error draws another after it" in description(figure)


def test_markup_and_long_names_are_text():
    figure = cascade_sankey(pairs((EVIL, "x" * 500, 3, 1, 1), ("<i>", EVIL, 2, 1, 1)))
    text = drawn_texts(figure)
    assert "<script" not in text and "<img" not in text and "<i>" not in text
    assert all(len(note.text) < 60 for note in figure.layout.annotations)


@pytest.mark.parametrize(
    ("node", "code", "shown"),
    [
        ("a", "E1", "a · E1"),
        ("file_reader_node", "ONEX_SYS_904_RESOURCE_EXHAUSTED", "file_…r_node · ONEX_SYS_904_R…"),
        ("a", "ONEX_SYS_904_RESOURCE_EXHAUSTED", "a · ONEX_SYS_904_RESOURCE_EXH…"),
        ("file_reader_node_compute_effect", "E1", "file_…effect · E1"),
    ],
)
def test_a_long_name_keeps_both_its_node_and_the_beginning_of_its_code(node, code, shown):
    chain = [{"node": node, "code": code}, {"node": "z", "code": "E9"}]
    figure = cascade_sankey(CHAIN.head(1).with_columns(pl.Series("chain", [chain])))
    assert [note.text.removeprefix("◆ ") for note in figure.layout.annotations] == [shown, "z · E9"]


def test_a_group_without_a_name_has_a_dash():
    rows = CHAIN.head(1).with_columns(pl.Series("chain", [[{"code": None}, {"code": "B"}]]))
    assert "–, then B" in description(cascade_sankey(rows))
