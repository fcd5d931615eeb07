"""The heat map of errors that come together: every cell is a pair of the frame, and no pair is drawn twice."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from onex_analytics import error_patterns
from onex_analytics.views.error_patterns import co_occurrence_matrix
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.error_patterns.results import EVIL, cases
from tests.views.profiling.results import is_blank

SURE, UNSURE = {"q": 0.001}, {"q": 0.4}


def pairs(*rows: tuple[Any, Any, float, int, dict[str, Any]]) -> pl.DataFrame:
    """Of two errors: their lift and how often they came together; each came in a hundred traces, A in seven more."""
    many = {"A": 107}
    return pl.DataFrame([
        {"code_left": left, "code_right": right, "together": n, "left_traces": many.get(left, 100),
         "right_traces": many.get(right, 100), "lift": lift, "jaccard": n / (200 - n), "phi": n / 100, "p": 1e-4,
         "q": 0.001, "n_tests": 45, **more}
        for left, right, lift, n, more in rows
    ], infer_schema_length=None)  # fmt: skip


FOUR = pairs(("A", "C", 8.0, 40, SURE), ("B", "D", 3.0, 20, SURE), ("A", "B", 1.1, 2, UNSURE))


def names(figure: go.Figure) -> list[str]:
    """From the top."""
    written = [one for one in figure.layout.annotations if one.xref == "paper"]
    return [one.text for one in sorted(written, key=lambda one: one.y)]


def cells(figure: go.Figure) -> dict[frozenset[str], tuple[str, float]]:
    """By pair of names: "sure" or "grey", and what its colour stands for. Each cell is below the diagonal."""
    name_at = [text.split()[1] for text in names(figure)]
    found: dict[frozenset[str], tuple[str, float]] = {}
    for trace in figure.data:
        if trace.type != "heatmap":
            continue
        for line, values in enumerate(trace.z):
            for column, value in zip(trace.x, values, strict=True):
                if value is None:
                    continue
                row = math.floor(trace.y[line])
                assert column < row
                pair = frozenset((name_at[column], name_at[row]))
                assert pair not in found
                found[pair] = ("sure" if trace.coloraxis else "grey", value)
    return found


def test_each_pair_is_one_cell_with_the_logarithm_of_its_lift_and_grey_where_chance_explains_it():
    found = cells(co_occurrence_matrix(FOUR))
    assert found == {
        frozenset("AC"): ("sure", pytest.approx(math.log10(8.0))),
        frozenset("BD"): ("sure", pytest.approx(math.log10(3.0))),
        frozenset("AB"): ("grey", 0.0),
    }


def test_the_scale_begins_at_chance_and_ends_at_the_largest_lift():
    axis = co_occurrence_matrix(FOUR).layout.coloraxis
    assert axis.cmin == 0
    assert axis.cmax == pytest.approx(math.log10(8.0))
    assert list(axis.colorbar.ticktext) == ["× 1", "× 2", "× 5"]
    assert axis.colorbar.tickvals == pytest.approx([0, math.log10(2), math.log10(5)])


@pytest.mark.parametrize(("lift", "ticks"), [
    (1.5, ["× 1"]), (60.0, ["× 1", "× 2", "× 5", "× 10", "× 20", "× 50"]),
    (2e4, ["× 1", "× 10", "× 100", "× 1,000", "× 10<sup>4</sup>"]),
])  # fmt: skip
def test_a_scale_of_any_length_has_few_marks(lift, ticks):
    figure = co_occurrence_matrix(pairs(("A", "B", lift, 40, SURE)))
    assert list(figure.layout.coloraxis.colorbar.ticktext) == ticks


def test_the_rate_at_which_a_pair_is_coloured_can_be_chosen():
    assert {kind for kind, _ in cells(co_occurrence_matrix(FOUR, max_q=0.5)).values()} == {"sure"}
    assert {kind for kind, _ in cells(co_occurrence_matrix(FOUR, max_q=1e-5)).values()} == {"grey"}
    assert co_occurrence_matrix(FOUR, max_q=1e-5).layout.coloraxis.colorbar.ticktext is None


def test_errors_that_come_together_stand_together_and_each_says_in_how_many_traces_it_is():
    shown = names(co_occurrence_matrix(FOUR))
    order = "".join(text.split()[1] for text in shown)
    assert order in ("CABD", "DBAC")  # two strong pairs, turned so that the two of the weak one touch
    assert [text.split()[0] for text in shown] == ["1", "2", "3", "4"]
    assert {text.split(" ", 1)[1].strip() for text in shown} == {"A · 107", "B · 100", "C · 100", "D · 100"}


def test_of_three_that_all_come_together_the_strongest_pairs_touch():
    ring = pairs(("A", "B", 2.0, 10, SURE), ("A", "C", 2.0, 90, SURE), ("B", "C", 2.0, 80, SURE))
    order = "".join(text.split()[1] for text in names(co_occurrence_matrix(ring)))
    assert order in ("ACB", "BCA")


def test_numbers_on_the_diagonal_are_those_before_the_names():
    figure = co_occurrence_matrix(FOUR)
    (numbers,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert [(x, math.floor(y), text) for x, y, text in zip(numbers.x, numbers.y, numbers.text, strict=True)] == [
        (0, 0, "1"), (1, 1, "2"), (2, 2, "3"), (3, 3, "4"),
    ]  # fmt: skip


def test_few_errors_have_room_for_how_often_they_came_together_and_many_have_not():
    def texts(frame: pl.DataFrame) -> list[str]:
        maps = [trace for trace in co_occurrence_matrix(frame).data if trace.type == "heatmap"]
        return sorted(text for trace in maps for row in trace.text for text in row if text)

    assert texts(FOUR) == ["2", "20", "40"]
    assert texts(pairs(*((f"E{i}", f"F{i}", 3.0, 5, SURE) for i in range(9)))) == []


def test_what_is_told_in_words_has_the_numbers_of_the_frame():
    assert description(co_occurrence_matrix(FOUR)) == (
        "Heat map of 4 errors that come in the same traces: of 3 pairs that came together, 2 do so more often than by "
        "chance (q at most 0.05, over 45 tests). 42 pairs of those tested never came together. A and C: × 8 as often "
        "as by chance, in 40 traces. B and D: × 3 as often as by chance, in 20 traces."
    )


def test_of_many_errors_those_of_the_surest_pairs_are_drawn_and_the_others_counted():
    many = pairs(*((f"E{i}", f"F{i}", 2.0 + i, 5, UNSURE if i < 5 else SURE) for i in range(40)))
    figure = co_occurrence_matrix(many)
    assert len(names(figure)) == 30
    assert len(cells(figure)) == 15
    assert {kind for kind, _ in cells(figure).values()} == {"sure"}
    assert "50 more errors with 25 pairs not drawn" in figure.layout.xaxis.title.text
    assert "50 more errors with 25 pairs not drawn." in description(figure)
    assert figure.layout.height < 1300


def test_every_error_that_is_drawn_has_a_line_of_its_own_whatever_the_pairs():
    ring = [(f"E{i}", f"E{(i * 7 + 3) % 23}", 1.5 + i, 5 + i, SURE) for i in range(23) if i != (i * 7 + 3) % 23]
    once = {frozenset(row[:2]): row for row in ring}.values()
    figure = co_occurrence_matrix(pairs(*once))
    assert len(set(names(figure))) == len({code for row in once for code in row[:2]})
    assert set(cells(figure)) == {frozenset(row[:2]) for row in once}


def test_a_single_pair_and_values_that_are_null_are_drawn():
    odd = pairs((None, "B", 2.0, 3, {"phi": None, "q": None})).with_columns(pl.col("q").cast(pl.Float64))
    figure = co_occurrence_matrix(odd)
    assert cells(figure) == {frozenset(("–", "B")): ("grey", 0.0)}
    text = figure.to_json()
    assert "NaN" not in text and "None" not in text


def test_groups_of_several_columns_are_named_by_all_of_them():
    errors = pl.DataFrame({"trace_id": list("112233"), "node": ["a", "b"] * 3, "code": ["E1", "E2"] * 3})
    figure = co_occurrence_matrix(error_patterns.co_occurrence(errors, ("node", "code"), n_traces=50))
    assert sorted(text.split(maxsplit=1)[1] for text in names(figure)) == ["a · E1 · 3", "b · E2 · 3"]


def test_nothing_together_is_a_blank_figure():
    assert is_blank(co_occurrence_matrix(FOUR.head(0)))


def test_text_of_users_never_becomes_markup():
    text = drawn_texts(co_occurrence_matrix(pairs((EVIL, EVIL + "b", 2.0, 3, SURE))))
    assert "<script" not in text and "<img" not in text


def test_of_failures_made_by_hand_what_rolled_back_stands_with_what_it_rolled_back_from():
    frame = cases()["a few"].pairs
    (row,) = frame.to_dicts()
    ((kind, value),) = cells(co_occurrence_matrix(frame)).values()
    assert (kind, value) == ("sure", pytest.approx(math.log10(row["lift"])))
