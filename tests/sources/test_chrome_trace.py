from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames import complete_spans
from onex_analytics.model import SPANS
from onex_analytics.sources import chrome_trace
from onex_analytics.sources.span_files import SPAN_REJECT_REASONS, SpanFile


def event(phase: str, ts: object, name: str | None = None, **fields: object) -> dict[str, object]:
    named = {} if name is None else {"name": name}
    return {"ph": phase, "ts": ts, "pid": 1, "tid": 1, **named, **fields}


def read(folder: Path, value: object) -> SpanFile:
    path = folder / "trace.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return checked(chrome_trace.read_spans(path))


def checked(found: SpanFile) -> SpanFile:
    assert found.read == len(found.spans) + len(found.rejected) + sum(found.others.values())
    assert set(found.rejected["reason"]) <= set(SPAN_REJECT_REASONS)
    return found


def tree(found: SpanFile) -> dict[str, str | None]:
    """The name of each span's parent."""
    names = dict(found.spans.select("span_id", "name").rows())
    return {name: names.get(parent) for name, parent in found.spans.select("name", "parent_span_id").rows()}


NESTED = [
    event("X", 0, "root", dur=100), event("B", 10, "first"), event("E", 20), event("X", 20, "second", dur=80),
    event("X", 30, "leaf", dur=10.5, args={"n": 1}), event("X", 30, "other thread", dur=5, tid=2),
]  # fmt: skip


@pytest.mark.parametrize("form", ["array", "object", "array not closed", "array that ends with a comma", "gzip"])
def test_every_form_that_chrome_reads_gives_the_same_spans(tmp_path, form):
    text = json.dumps(NESTED)
    if form == "gzip":
        (tmp_path / "t.gz").write_bytes(gzip.compress(text.encode()))
        found = checked(chrome_trace.read_spans(tmp_path / "t.gz"))
    else:
        forms = {
            "array": text, "object": json.dumps({"traceEvents": NESTED, "displayTimeUnit": "ns"}),
            "array not closed": text[:-1], "array that ends with a comma": text[:-1] + ",\n",
        }  # fmt: skip
        found = read(tmp_path, forms[form])
    assert tree(found) == {
        "root": None, "first": "root", "second": "root", "leaf": "second", "other thread": None
    }  # fmt: skip
    assert found.rejected.is_empty() and found.others == {"end": 1}
    assert found.spans["trace_id"].n_unique() == 2
    assert found.about == ({"displayTimeUnit": "ns"} if form == "object" else {})


def test_what_is_read_goes_wherever_spans_go(tmp_path):
    found = read(tmp_path, [event("B", 0, "open"), event("X", 1, "unfinished"), event("E", 2, "no begin")])
    whole = complete_spans(found.spans).collect()
    assert list(whole.schema.items())[: len(SPANS)] == list(SPANS.items())
    assert whole["state"].to_list() == ["open", "open", "end_without_start"]


def test_fractions_of_a_microsecond_stay_in_the_duration_and_never_break_the_nesting(tmp_path):
    far = 1_795_435_200_000_000
    text = f"""[{{"name": "outer", "ph": "X", "ts": {far}.100, "dur": 0.200, "pid": 1, "tid": 1}},
                {{"name": "inner", "ph": "X", "ts": {far}.200, "dur": 0.100, "pid": 1, "tid": 1}}]"""
    found = read(tmp_path, text)
    assert tree(found) == {"outer": None, "inner": "outer"}
    assert found.spans["duration_ms"].to_list() == [0.0002, 0.0001]


def test_metadata_names_the_node_and_the_thread(tmp_path):
    names = [
        event("M", 0, "process_name", args={"name": "browser"}), event("M", 0, "thread_name", args={"name": "main"}),
        event("M", 0, "process_sort_index", args={"sort_index": 1}),
    ]  # fmt: skip
    found = read(tmp_path, [event("X", 0, "a", dur=1), *names, event("X", 0, "b", dur=1, tid=7, pid=2)])
    assert found.spans.select("name", "node", "thread").rows() == [("a", "browser", "main"), ("b", None, "7")]
    assert found.others == {"metadata": 3}
    assert json.loads(found.spans["extra"][1]) == {"pid": 2, "tid": 7}


def test_thread_time_is_cpu_time(tmp_path):
    found = read(tmp_path, [event("X", 0, "a", dur=100, tdur=40)])
    assert found.spans["cpu_time_ms"].to_list() == [0.04]


def test_arguments_of_begin_and_end_are_kept_together(tmp_path):
    found = read(tmp_path, [event("B", 0, "a", args={"x": 1, "y": 1}), event("E", 1, args={"y": 2}), event("B", 2)])
    assert [json.loads(text) for text in found.spans["attributes"]] == [{"x": 1, "y": 2}, {}]


def test_asynchronous_work_nests_under_its_id_and_crosses_threads(tmp_path):
    found = read(tmp_path, [
        event("b", 0, "request", cat="net", id="0x1"), event("b", 1, "read", cat="net", id="0x1", tid=9),
        event("n", 2, "note", cat="net", id="0x1"), event("e", 5, "read", cat="net", id="0x1", tid=8),
        event("b", 2, "request", cat="net", id="0x2"), event("e", 9, "request", cat="net", id="0x1"),
        event("b", 3, "local", cat="net", id2={"local": "0x1"}), event("b", 3, "local 2", cat="net", id="0x1", pid=3),
        event("S", 0, "old", cat="x", id=5), event("T", 1, "old", cat="x", id=5), event("F", 2, "old", cat="x", id=5),
    ])  # fmt: skip
    assert found.spans.select("name", "duration_ms").rows() == [
        ("request", 0.009), ("read", 0.004), ("request", None), ("local", None), ("local 2", None), ("old", 0.002)
    ]  # fmt: skip
    assert found.spans["trace_id"].n_unique() == 4
    assert found.others == {"end": 3, "async_instant": 1, "async_step": 1}


def test_flows_counters_and_other_kinds_are_counted(tmp_path):
    found = read(tmp_path, [event(phase, 0) for phase in "stfiICPRNODVvc()="])
    assert found.spans.is_empty() and found.read == 17
    assert found.others == {
        "flow_begin": 1, "flow_step": 1, "flow_end": 1, "instant": 2, "counter": 1, "sample": 1, "mark": 1,
        "object_created": 1, "object_snapshot": 1, "object_destroyed": 1, "memory_dump": 2, "clock_sync": 1,
        "context_begin": 1, "context_end": 1, "linked_id": 1,
    }  # fmt: skip


def test_ids_given_in_the_arguments_win_over_the_nesting(tmp_path):
    given_ids = {"trace_id": "t", "span_id": "s", "parent_span_id": "p", "status": "error", "gc_time_ms": 2,
                 "witnesses": 300, "tenant": "a"}  # fmt: skip
    found = read(tmp_path, [event("X", 0, "outer", dur=9, args=given_ids), event("X", 1, "inner", dur=1)])
    assert found.spans.select("trace_id", "parent_span_id", "status", "gc_time_ms").rows() == [
        ("t", "p", "error", 2.0), ("t", "s", "unset", None)
    ]  # fmt: skip
    assert json.loads(found.spans["attributes"][0]) == {"witnesses": 300, "tenant": "a"}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("text", "not_an_object"), (event("?", 0), "unknown_phase"), ({"ph": ["X"]}, "unknown_phase"),
        ({}, "unknown_phase"), (event("X", None, "a"), "missing_time"), (event("X", "0", "a"), "invalid_time"),
        (event("B", True), "invalid_time"), (event("B", 0, []), "wrong_type"),
        (event("X", 0, "a", dur="x"), "invalid_time"), (event("X", 1 << 80, "a"), "invalid_time"),
        (event("X", 2e17, "a", dur=2e17), "invalid_time"), (event("X", 0, 7), "wrong_type"),
        (event("X", 0, "a", dur=1, tdur={}), "invalid_time"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_is_set_aside_with_its_reason_and_its_text(tmp_path, broken, reason):
    found = read(tmp_path, [event("X", 0, "good", dur=1), broken, event("X", 1, "also good", dur=1)])
    assert found.spans["name"].to_list() == ["good", "also good"]
    assert found.rejected.select("reason", "position").rows() == [(reason, 1)]
    assert json.loads(found.rejected["raw"][0]) == json.loads(json.dumps(broken))


@pytest.mark.parametrize(("text", "rows"), [("", 0), ("[]", 0), ("[", 0), ("{}", 1), ('{"traceEvents": 3}', 1),
                                            ('{"traceEvents": [', 1), ('{"traceEvents": []}', 0)])  # fmt: skip
def test_a_file_without_events_gives_no_spans(tmp_path, text, rows):
    found = read(tmp_path, text)
    assert found.spans.is_empty() and len(found.rejected) == rows
    assert set(complete_spans(found.spans).collect_schema()) >= set(SPANS)


def test_an_event_cut_in_the_middle_is_one_rejected_row(tmp_path):
    found = read(tmp_path, json.dumps(NESTED)[:-20])
    assert len(found.spans) == 4 and found.rejected["reason"].to_list() == ["truncated"]
    assert found.rejected["raw"][0].startswith(b'{"ph": "X", "ts": 30')


@pytest.mark.parametrize("number", ["1e999999999", "-1e999999999", "1e99999999999999999999", "NaN", "-Infinity",
                                    "0." + "1" * 5000, "1" * 5000])  # fmt: skip
def test_an_absurd_number_is_no_crash(tmp_path, number):
    text = """[{"ph": "X", "ts": 1, "dur": 1, "pid": 1, "tid": 1, "name": "a",
                "args": {"n": HERE, "span_id": "s", "trace_id": "t", "gc_time_ms": HERE}},
               {"ph": "B", "ts": HERE, "name": "b"}]"""
    found = read(tmp_path, text.replace("HERE", number))
    assert found.read >= 1
    for held in found.spans["attributes"]:
        json.loads(held, parse_constant=lambda word: 1 / 0)


def test_the_same_file_has_the_same_ids_and_another_file_others(tmp_path):
    once, again = read(tmp_path, NESTED), read(tmp_path, NESTED)
    other = read(tmp_path, NESTED[:3])
    assert once.spans.equals(again.spans)
    assert not set(once.spans["trace_id"]) & set(other.spans["trace_id"])
    assert all(len(trace_id) == 32 for trace_id in once.spans["trace_id"])


KEYS = st.sampled_from(
    ["ph", "ts", "dur", "pid", "tid", "name", "cat", "id", "id2", "args", "local", "trace_id", "span_id", "scope",
     "traceEvents", "tdur", "adjusted_count", "status"]
) | st.text(max_size=3)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from("XBEbeSFsM"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
PLAIN = st.builds(event, st.sampled_from("XBEbeSFsMi"), st.integers(0, 20), st.sampled_from(["a", "b", None]),
                  dur=st.integers(-2, 20))  # fmt: skip
NEARLY = st.builds(lambda plain, odd: {**plain, **odd}, PLAIN, st.dictionaries(KEYS, VALUES, max_size=3))


@given(st.lists(PLAIN | NEARLY | VALUES, max_size=6))
def test_no_json_is_ever_a_crash_and_every_event_lands_on_one_side(tmp_path_factory, events):
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, events).read == len(events)
    assert read(folder, {"traceEvents": events}).read == len(events)


@given(st.lists(PLAIN, max_size=8), st.data())
def test_a_text_cut_anywhere_loses_no_whole_event(tmp_path_factory, events, data):
    whole = json.dumps(events)
    cut = whole[: data.draw(st.integers(1, len(whole)))]
    found = read(tmp_path_factory.getbasetemp(), cut)
    assert found.read >= sum(len(json.dumps(events[: n + 1])) - 1 <= len(cut) for n in range(len(events)))
