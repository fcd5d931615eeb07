from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from jsonschema import Draft7Validator

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import flame_graph
from onex_analytics.profiling.export import speedscope
from tests.profiling.export.traces import ANY_SPANS, PAGE, spans

FORMAT = Draft7Validator(json.loads((Path(__file__).parent / "speedscope-file-format-schema.json").read_text()))


def told(frame: pl.DataFrame | pl.LazyFrame, **options: object) -> dict[str, object]:
    file = json.loads(speedscope(frame, **options))
    FORMAT.validate(file)
    for profile in file["profiles"]:
        if profile["type"] == "evented":
            check_nesting(profile)
        else:
            assert len(profile["samples"]) == len(profile["weights"])
    return file


def check_nesting(profile: dict[str, object]) -> None:
    """What the schema cannot say: times never go back, and a frame is closed only as the innermost."""
    at, inside = profile["startValue"], []
    for event in profile["events"]:
        assert at <= event["at"] <= profile["endValue"]
        at = event["at"]
        if event["type"] == "O":
            inside.append(event["frame"])
        else:
            assert inside.pop() == event["frame"]
    assert inside == []


def names(file: dict[str, object]) -> list[str]:
    return [frame["name"] for frame in file["shared"]["frames"]]


def test_one_sampled_profile_weighs_all_call_paths():
    file = told(PAGE)
    sampled = file["profiles"][0]
    paths = [[names(file)[frame] for frame in sample] for sample in sampled["samples"]]
    assert dict(zip(map(tuple, paths), sampled["weights"], strict=True)) == {
        ("page",): 20, ("page", "query"): 40, ("page", "render"): 40, ("page", "render", "font"): 20,
    }  # fmt: skip
    assert sampled["unit"] == "microseconds" and sampled["endValue"] == 120


def test_a_trace_is_told_lane_by_lane():
    file = told(PAGE)
    assert [(p["name"], len(p["events"])) for p in file["profiles"][1:]] == [
        ("t · page", 4), ("t · render · lane 2", 4)
    ]  # fmt: skip
    assert file["name"] == "4 spans in 1 traces, the 1 longest one by one"


def test_the_longest_traces_come_first_and_the_name_says_how_many_there_are():
    frame = pl.concat([spans(("a", None, "x", 0, n), trace=f"t{n}") for n in (3, 9, 5)])
    file = told(frame, traces=2)
    assert [p["name"] for p in file["profiles"][1:]] == ["t9 · x", "t5 · x"]
    assert file["name"] == "3 spans in 3 traces, the 2 longest one by one"
    assert len(told(frame, traces=0)["profiles"]) == 1


def test_spans_that_are_not_drawn_are_counted_in_the_name():
    frame = spans(("a", None, "x", 0, 9), ("b", "a", "y", 1, None), ("c", "a", "z", 5, 4))
    assert told(frame)["name"].endswith("left out: 1 negative_duration, 1 open")


def test_frames_of_stacks_are_told_as_they_are():
    stacks = pl.DataFrame({"path": [["a"], ["a", "b"]], "samples": [2.5, 3.0]})
    assert told(stacks)["profiles"][0]["weights"] == [2.5, 3] and told(stacks)["profiles"][0]["unit"] == "none"
    assert told(flame_graph(PAGE))["profiles"][0]["endValue"] == 120


def test_calls_may_be_named_by_another_column():
    assert names(told(PAGE, by="node")) == ["web"]


def test_no_spans_are_a_file_without_samples():
    assert told(PAGE.clear())["profiles"][0]["samples"] == []


def test_what_is_neither_spans_nor_stacks_is_refused_with_the_mend():
    with pytest.raises(MissingColumns, match="make spans with"):
        speedscope(pl.DataFrame({"a": [1]}))
    with pytest.raises(MissingColumns, match=r"a weight: own_ms.*`stack_samples` makes"):
        speedscope(pl.DataFrame({"path": [["a"]]}))
    with pytest.raises(InvalidOption, match="traces is -1; wanted 0 or more"):
        speedscope(PAGE, traces=-1)


@given(ANY_SPANS)
def test_every_frame_of_spans_makes_a_file_that_the_format_allows(frame):
    file = told(frame)
    begun = sum(e["type"] == "O" for p in file["profiles"] if p["type"] == "evented" for e in p["events"])
    assert begun == frame.filter(pl.col("end") >= pl.col("start")).height
