from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import stack_samples

PROFILE, SUCCESS = "PERFORMANCE_PROFILE", "TELEMETRY_OPERATION_SUCCESS"


def events(*metadata: object, event_type: str = PROFILE, node: str = "a") -> pl.DataFrame:
    texts = [json.dumps(held, ensure_ascii=False) for held in metadata]
    shape = {"event_type": pl.String, "node": pl.String, "metadata": pl.String}
    return pl.DataFrame([(event_type, node, text) for text in texts], schema=shape, orient="row")


def rows(frame: pl.DataFrame, **options: object) -> list[tuple[object, ...]]:
    return stack_samples(frame, **options).drop("share").collect().rows()


def test_stacks_of_several_profiles_are_summed_and_the_heaviest_comes_first():
    frame = events({"samples": {"a;b": 2, "a": 1}}, {"samples": {"a;b": 0.5}}, {"cpu_time_ms": 1})
    assert rows(frame) == [(["a", "b"], 2.5, 2), (["a"], 1.0, 1)]
    assert stack_samples(frame).collect()["share"].sum() == pytest.approx(1.0)


def test_profiles_nested_in_a_telemetry_success_are_read_too_and_nothing_else_is():
    nested = events({"performance_profile": {"samples": {"a": 1}}}, {"samples": {"b": 1}}, event_type=SUCCESS)
    other = events({"samples": {"c": 1}}, event_type="NODE_START")
    flat = events({"performance_profile": {"samples": {"d": 1}}})
    assert rows(pl.concat([nested, other, flat])) == [(["a"], 1.0, 1)]


def test_groups_are_merged_apart():
    frame = pl.concat([events({"samples": {"x": 1, "y": 3}}), events({"samples": {"x": 4}}, node="b")])
    assert rows(frame, by="node") == [("a", ["y"], 3.0, 1), ("a", ["x"], 1.0, 1), ("b", ["x"], 4.0, 1)]
    assert stack_samples(frame, by="node").collect()["share"].to_list() == [0.75, 0.25, 1.0]


@pytest.mark.parametrize(
    "samples", [3, "a;b", ["a"], {"a": "1"}, {"a": None}, {"a": {"b": 1}}, {"a": 1, "b": -1}, {'x":1,"y': [2]}, True],
)  # fmt: skip
def test_samples_that_are_no_folded_stacks_are_counted(samples):
    frame = events({"samples": samples}, {"samples": {"a": 1}}, {"samples": samples})
    assert rows(frame) == [(["a"], 1.0, 1), (["(unreadable)"], None, 2)]


@pytest.mark.parametrize("samples", [None, {}, {"a": 0}])
def test_no_samples_give_no_row(samples):
    assert rows(events({"samples": samples})) == []
    assert stack_samples(events()).collect().schema["path"] == pl.List(pl.String)


def test_what_is_missing_or_would_be_covered_is_refused():
    with pytest.raises(MissingColumns, match="metadata"):
        stack_samples(pl.DataFrame({"event_type": [PROFILE]}))
    with pytest.raises(InvalidOption, match="by is"):
        stack_samples(events(), by="path")


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=5) | st.sampled_from(['a";"b', "\\", 'q":1', "é;\n", "\x1f;x"]),
            st.integers(0, 1 << 40) | st.floats(0, 1e300), max_size=4,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_names_and_numbers_are_merged_as_a_dictionary_would(profiles):
    wanted: dict[tuple[str, ...], tuple[float, int]] = {}
    for profile in profiles:
        for stack, n in profile.items():
            if n > 0:
                total, seen = wanted.get(tuple(stack.split(";")), (0.0, 0))
                wanted[tuple(stack.split(";"))] = (total + n, seen + 1)
    found = {tuple(path): (n, seen) for path, n, seen in rows(events(*({"samples": p} for p in profiles)))}
    assert found == {path: (pytest.approx(n), seen) for path, (n, seen) in wanted.items()}
