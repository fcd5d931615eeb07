from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import flame_graph, self_time, stack_samples
from onex_analytics.profiling.export import folded
from tests.profiling.export.traces import ANY_SPANS, PAGE, spans


def test_a_line_is_a_call_path_and_its_self_time_in_microseconds():
    assert folded(PAGE) == "page 20\npage;query 40\npage;render 40\npage;render;font 20\n"
    assert folded(flame_graph(PAGE)) == folded(PAGE)


def test_names_that_the_format_cannot_hold_lose_what_parts_them_and_are_summed():
    frame = pl.concat([spans(("a", None, name, 0, 5), trace=name) for name in ("x;y", "x:y", "z\r\nz")])
    assert folded(frame) == "x:y 10\nz z 5\n"


def test_a_path_without_weight_has_no_line():
    assert folded(spans(("a", None, "x", 0, 5), ("b", "a", "y", 0, 5))) == "x;y 5\n"
    assert folded(PAGE.clear()) == ""


def test_another_weight_is_chosen_by_its_name():
    frame = pl.DataFrame({"path": [["a"], ["b"]], "samples": [1.0, 0.25], "own_ms": [1.0, 2.0]})
    assert folded(frame) == "a 1000\nb 2000\n"
    assert folded(frame, weight="samples") == "a 1\nb 0.25\n"
    assert folded(flame_graph(PAGE), weight="total_ms").splitlines()[0] == "page 120"


def test_sampled_stacks_go_in_as_they_are_and_what_was_unreadable_weighs_nothing():
    profile = "PERFORMANCE_PROFILE"
    events = pl.DataFrame({"event_type": [profile] * 2, "metadata": ['{"samples": {"a;b": 3}}', '{"samples": 3}']})
    assert folded(stack_samples(events)) == "a;b 3\n"


@pytest.mark.parametrize(
    ("frame", "options", "error", "text"),
    [
        (pl.DataFrame({"path": ["a;b"], "samples": [1]}), {}, InvalidOption, "a list of names"),
        (pl.DataFrame({"path": [["a"]], "samples": ["1"]}), {}, InvalidOption, "wanted numbers"),
        (pl.DataFrame({"path": [["a"]], "n": [1]}), {}, MissingColumns, "a weight"),
        (pl.DataFrame({"path": [["a"]], "n": [1]}), {"weight": "cost"}, MissingColumns, "cost"),
    ],
)
def test_a_frame_that_is_neither_is_refused_with_the_mend(frame, options, error, text):
    with pytest.raises(error, match=text):
        folded(frame, **options)


@given(ANY_SPANS)
def test_the_lines_add_up_to_the_self_time_of_all_spans(frame):
    total = sum(int(line.rpartition(" ")[2]) for line in folded(frame).splitlines())
    assert total == round(self_time(frame).collect()["self_ms"].sum() * 1000)
