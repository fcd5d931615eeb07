"""`frame.onex` has every question that a frame can be asked, and adds nothing of its own."""

from __future__ import annotations

import gc
import importlib
import inspect
import subprocess
import sys
import weakref

import polars as pl
import pytest

import onex_analytics as ox
from onex_analytics.jupyter.namespaces import _BY_ROOM, FORWARDED, Analyses, Forwarded
from onex_analytics.model.shapes import EVENTS

QUESTIONS = ("frames", "profiling", "error_patterns", "alerting", "sampling", "batching", "sizing")
OF_NO_FRAME = {
    "bucket", "failed", "finished", "quantile", "quantile_columns", "soft_failed", "started",  # expressions
    "fitting_width", "width_seconds", "quantile_of",  # of plain values
    "check_rules", "import_lifecycle", "load_code_rules", "load_grouping_rules", "load_incidents", "load_policies",
    "load_rules", "presets", "run_rule_tests", "dump_policies", "metric_of", "threshold_to_tracestate",
    "tracestate_to_threshold", "watched", "decode", "encode",  # of files and settings
    "delay_distribution", "explain", "incident_matrix", "nab_scores", "pages_by_hour", "range_scores", "stability",
    "values_over_time", "why_not", "pages_frame", "export_prometheus",  # of a backtest
}  # fmt: skip
OTHER_FRAMES = {
    "complete_spans": "for those who bring their own spans",
    "downscaled": "of a sketch", "merge_sketches": "of several sketches", "sketch_quantiles": "of a sketch",
    "merge_histograms": "of several histograms",
    "incidents_seen": "of labels, beside periods",
    "largest": "a building block of other questions", "require": "a door's check", "trailing": "a building block",
    "rejected_reasons": "of rejected lines", "frontier": "of a sweep",
}  # fmt: skip


def public() -> dict[str, Forwarded]:
    """Every public function of the questions, as (room, name)."""
    found = {}
    for room in QUESTIONS:
        module = importlib.import_module(f"onex_analytics.{room}")
        for name in module.__all__:
            if inspect.isfunction(getattr(module, name)):
                found[f"{room}.{name}"] = getattr(module, name)
    return found


def test_every_question_of_a_frame_is_there():
    here = {one.load() for one in FORWARDED.values()}
    left_out = {
        name for name, function in public().items()
        if function not in here and name.partition(".")[2] not in OF_NO_FRAME | set(OTHER_FRAMES)
    }  # fmt: skip
    assert left_out == {"frames.error_rates"}, "it is there with intervals, from error_patterns"


def test_no_name_hides_another():
    assert len(FORWARDED) == sum(len(f) for arguments in _BY_ROOM.values() for f in arguments.values())


@pytest.mark.parametrize("name", FORWARDED)
def test_a_name_is_its_function_with_the_frame_given(name, monkeypatch):
    forwarded = FORWARDED[name]
    function = forwarded.load()
    frame = pl.DataFrame({"n": [1]})
    asked = getattr(frame.onex, name)
    expected = inspect.signature(function)
    left = [one for key, one in expected.parameters.items() if key != forwarded.argument]
    assert len(left) == len(expected.parameters) - 1
    assert inspect.signature(asked) == expected.replace(parameters=left)
    assert asked.__doc__ == function.__doc__
    seen = {}

    def spy(**given):
        seen.update(given)
        return "answer"

    spy.__signature__ = expected
    monkeypatch.setattr(importlib.import_module(f"onex_analytics.{forwarded.room}"), forwarded.function, spy)
    needed = [one for one in left if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    by_place = {one.name: object() for one in needed if one.kind is not one.KEYWORD_ONLY}
    by_name = {one.name: object() for one in needed if one.kind is one.KEYWORD_ONLY}
    assert getattr(frame.onex, name)(*by_place.values(), **by_name) == "answer"
    assert {key: value for key, value in seen.items() if key != forwarded.argument} == by_place | by_name
    assert seen[forwarded.argument].collect().equals(frame)


def test_answers_are_those_of_the_function():
    events = pl.DataFrame({"event_id": ["a"], "family": ["node"], "outcome": ["failure"]}).match_to_schema(
        EVENTS, missing_columns="insert"
    )
    assert events.onex.totals().collect().equals(ox.frames.totals(events.lazy()).collect())
    assert events.lazy().onex.size_report("node").collect().equals(ox.sizing.size_report(events, "node").collect())
    with pytest.raises(TypeError, match="limi"):
        events.onex.top_errors(limi=3)


def test_options_by_name_reach_a_function_that_hands_them_on():
    rules, log = ox.alerting.presets(), pl.DataFrame(schema=EVENTS)
    assert log.onex.compare_rules(rules, rules, lead="5m").after.lead.total_seconds() == 300


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match=r"no question 'total' of a frame; there are apdex, .*totals"):
        _ = pl.LazyFrame().onex.total
    assert dir(pl.LazyFrame().onex) == sorted(FORWARDED)


def test_a_frame_that_was_asked_is_not_kept_alive_by_its_questions():
    frame = pl.LazyFrame({"n": [1]})
    assert isinstance(frame.onex, Analyses)
    gone = weakref.ref(frame)
    gc.disable()
    try:
        del frame
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("order", ["import polars, onex_analytics", "import onex_analytics, polars"])
def test_whoever_comes_first_a_frame_knows_its_questions_and_nothing_else_is_loaded(order):
    program = f"""
import sys
{order}
print("totals" in dir(polars.LazyFrame().onex), "totals" in dir(polars.DataFrame().onex))
print(*(n for n in sys.modules if n.startswith("onex_analytics.") and n.count(".") == 1))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    first, second = told.splitlines()
    assert first == "True True"
    rooms = {"jupyter", "kernel_cache", "loading"}
    assert set(second.split()) == {f"onex_analytics.{room}" for room in rooms}
