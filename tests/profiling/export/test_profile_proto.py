from __future__ import annotations

import gzip
from collections import defaultdict

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.profiling.export import pprof
from tests.profiling.export.traces import PAGE

Fields = dict[int, list[int | bytes]]


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def fields(data: bytes) -> Fields:
    """A message by its field numbers, read as the encoding's document has it."""
    found: Fields = defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            found[tag >> 3].append(data[at : at + value])
            at += value
        else:
            assert tag & 7 == 0
            found[tag >> 3].append(value)
    return found


def numbers(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        found.append(number)
    return found


def told(content: bytes) -> tuple[list[tuple[str, str]], dict[tuple[str, ...], list[int]], list[str]]:
    """Types, samples by path from the outermost frame, and comments, by the numbers of profile.proto."""
    profile = fields(gzip.decompress(content))
    texts = [text.decode() for text in profile[6]]
    assert texts[0] == "" and len(set(texts)) == len(texts)
    types = [tuple(texts[fields(kind)[n][0]] for n in (1, 2)) for kind in profile[1]]
    functions = {f[1][0]: texts[f[2][0]] for f in map(fields, profile[5])}
    locations = {f[1][0]: functions[fields(f[4][0])[1][0]] for f in map(fields, profile[4])}
    samples = {}
    for sample in map(fields, profile[2]):
        path = tuple(locations[place] for place in reversed(numbers(sample[1][0])))
        assert path not in samples
        samples[path] = numbers(sample[2][0])
    assert texts[profile[14][0]] == types[1][0]
    return types, samples, [texts[n] for n in profile[13]]


def test_each_call_path_is_a_sample_of_its_spans_and_nanoseconds():
    types, samples, comments = told(pprof(PAGE))
    assert types == [("spans", "count"), ("self", "nanoseconds")]
    assert samples == {
        ("page",): [1, 20_000], ("page", "query"): [1, 40_000], ("page", "render"): [1, 40_000],
        ("page", "render", "font"): [1, 20_000],
    }  # fmt: skip
    assert comments == []


def test_sampled_stacks_are_counts_and_what_weighs_nothing_is_counted():
    stacks = pl.DataFrame({"path": [["samples", "b"], ["c"]], "samples": [3.0, None], "profiles": [2, 1]})
    assert told(pprof(stacks)) == (
        [("profiles", "count"), ("samples", "count")], {("samples", "b"): [2, 3]},
        ["1 call paths without a weight are left out"],
    )  # fmt: skip


def test_the_same_profile_has_the_same_bytes():
    assert pprof(PAGE) == pprof(PAGE.reverse())
    assert told(pprof(PAGE.clear()))[1] == {}


@given(st.dictionaries(st.tuples(st.text(max_size=3), st.text(max_size=3)), st.integers(1, 1 << 50), max_size=8))
def test_every_path_and_every_number_come_back(weights):
    frame = pl.DataFrame(
        {"path": [list(path) for path in weights], "samples": list(weights.values())},
        schema={"path": pl.List(pl.String), "samples": pl.Int64},
    )
    assert {path: values[1] for path, values in told(pprof(frame))[1].items()} == weights
