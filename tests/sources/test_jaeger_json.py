from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import SourceError
from onex_analytics.frames import complete_spans
from onex_analytics.model import SPANS
from onex_analytics.sources import jaeger_json
from onex_analytics.sources.span_files import SPAN_REJECT_REASONS, SpanFile

START = 1_795_435_200_000_001  # 2026-11-23T12:00:00.000001Z


def tag(key: str, value: object, kind: str = "string") -> dict[str, object]:
    return {"key": key, "type": kind, "value": value}


def span(span_id: str, *tags: dict[str, object], parent: str | None = None, **fields: object) -> dict[str, object]:
    references = [{"refType": "CHILD_OF", "traceID": "t1", "spanID": parent}] if parent else []
    return {
        "traceID": "t1", "spanID": span_id, "operationName": f"work {span_id}", "references": references,
        "startTime": START, "duration": 1500, "tags": list(tags), "logs": [], "processID": "p1", "warnings": None,
        **fields,
    }  # fmt: skip


def trace(*spans: object, **processes: object) -> dict[str, object]:
    return {"traceID": "t1", "spans": list(spans), "processes": processes or {"p1": {"serviceName": "web"}}}


def read(folder: Path, value: object) -> SpanFile:
    path = folder / "traces.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return checked(jaeger_json.read_spans(path))


def checked(found: SpanFile) -> SpanFile:
    assert found.read == len(found.spans) + len(found.rejected) + sum(found.others.values())
    assert set(found.rejected["reason"]) <= set(SPAN_REJECT_REASONS)
    return found


def test_a_span_comes_with_its_times_to_the_microsecond_and_its_service(tmp_path):
    found = read(tmp_path, {"data": [trace(span("a"), span("b", parent="a", duration=1))], "errors": None})
    assert found.spans.select("trace_id", "span_id", "parent_span_id", "name", "node", "duration_ms").rows() == [
        ("t1", "a", None, "work a", "web", 1.5),
        ("t1", "b", "a", "work b", "web", 0.001),
    ]
    assert found.spans["start"].to_list() == [datetime(2026, 11, 23, 12, 0, 0, 1, UTC)] * 2
    assert found.spans["end"].to_list()[1] == datetime(2026, 11, 23, 12, 0, 0, 2, UTC)
    assert found.about == {"errors": None}


def test_what_is_read_goes_wherever_spans_go(tmp_path):
    found = read(tmp_path, {"data": [trace(span("a"), span("b", duration=None))]})
    whole = complete_spans(found.spans).collect()
    assert list(whole.schema.items())[: len(SPANS)] == list(SPANS.items())
    assert whole["state"].to_list() == ["closed", "open"]


@pytest.mark.parametrize("form", ["answer", "traces", "trace", "spans", "one span"])
def test_every_form_of_an_export_gives_the_same_spans(tmp_path, form):
    inline = {**span("a"), "process": {"serviceName": "web"}}
    forms = {
        "answer": {"data": [trace(span("a"))], "total": 0}, "traces": [trace(span("a"))], "trace": trace(span("a")),
        "spans": [inline], "one span": inline,
    }  # fmt: skip
    found = read(tmp_path, forms[form])
    assert found.spans.select("span_id", "node", "duration_ms").rows() == [("a", "web", 1.5)]


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ([], "unset"), ([tag("error", True, "bool")], "error"), ([tag("error", "true")], "error"),
        ([tag("error", False, "bool")], "unset"), ([tag("otel.status_code", "ERROR")], "error"),
        ([tag("otel.status_code", "OK")], "ok"), ([tag("otel.status_code", "OK"), tag("error", True)], "error"),
    ],
)  # fmt: skip
def test_the_status_follows_from_the_tags(tmp_path, tags, status):
    assert read(tmp_path, trace(span("a", *tags))).spans["status"].to_list() == [status]


@pytest.mark.parametrize(
    ("kinds", "references", "kind", "parent"),
    [
        ([], [("CHILD_OF", "t1", "p")], "internal", "p"),
        ([], [("FOLLOWS_FROM", "t1", "p")], "consumer", "p"),
        (["server"], [("FOLLOWS_FROM", "t1", "p")], "server", "p"),
        (["CLIENT"], [], "client", None),
        (["odd"], [], "internal", None),
        ([], [("FOLLOWS_FROM", "t1", "f"), ("CHILD_OF", "t1", "c")], "internal", "c"),
        ([], [("CHILD_OF", "t2", "elsewhere")], "internal", None),
        ([], [("CHILD_OF", "t2", "elsewhere"), ("FOLLOWS_FROM", "t1", "f")], "consumer", "f"),
    ],
)
def test_the_parent_is_a_reference_within_the_trace_and_child_of_comes_first(tmp_path, kinds, references, kind, parent):
    given_references = [{"refType": how, "traceID": t, "spanID": s} for how, t, s in references]
    made = span("a", *(tag("span.kind", k) for k in kinds), references=given_references)
    found = read(tmp_path, trace(made))
    assert found.spans.select("kind", "parent_span_id").rows() == [(kind, parent)]
    assert json.loads(found.spans["extra"][0])["references"] == given_references


def test_tags_logs_and_all_other_fields_are_kept(tmp_path):
    made = span(
        "a", tag("http.status", 200, "int64"), tag("share", 0.25, "float64"), tag("twice", "x"), tag("twice", "y"),
        tag("twice", "z"), logs=[{"timestamp": START, "fields": [tag("event", "gc")]}], flags=1, tenant="é",
    )  # fmt: skip
    process = {"serviceName": "web", "tags": [tag("service.version", "1.4.0"), tag("host", "h")]}
    kept = read(tmp_path, trace(made, p1=process)).spans.to_dicts()[0]
    assert json.loads(kept["attributes"]) == {"http.status": 200, "share": 0.25, "twice": ["x", "y", "z"]}
    assert json.loads(kept["resource"]) == {"service.version": "1.4.0", "host": "h"}
    assert json.loads(kept["extra"]).items() >= {"flags": 1, "tenant": "é", "logs": made["logs"]}.items()
    assert kept["node_version"] == "1.4.0"


def test_the_words_of_an_error_are_lifted(tmp_path):
    made = span("a", tag("exception.type", "Timeout"), tag("otel.status_description", "took too long"))
    found = read(tmp_path, trace(made)).spans
    assert found.select("error_type", "error_message").rows() == [("Timeout", "took too long")]


def test_a_process_that_is_not_there_leaves_its_id_behind(tmp_path):
    kept = read(tmp_path, trace(span("a", processID="p9"))).spans.to_dicts()[0]
    assert kept["node"] is None and json.loads(kept["extra"])["processID"] == "p9"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("text", "not_an_object"), (None, "not_an_object"),
        (span("a", traceID=None), "missing_id"), (span(""), "missing_id"), (span("a", spanID=7), "wrong_type"),
        (span("a", operationName=["x"]), "wrong_type"), (span("a", startTime=None), "missing_time"),
        (span("a", startTime="noon"), "invalid_time"), (span("a", startTime=True), "invalid_time"),
        (span("a", startTime=1 << 70), "invalid_time"), (span("a", duration=1 << 62), "invalid_time"),
        (span("a", duration=253_402_300_799_999_999), "invalid_time"), (span("a", duration="1"), "invalid_time"),
        (span("a", tags="x"), "wrong_type"), (span("a", tags=[{"value": 1}]), "wrong_type"),
        (span("a", references={}), "wrong_type"), (span("a", references=[1]), "wrong_type"),
    ],
)  # fmt: skip
def test_a_span_that_cannot_be_read_is_set_aside_with_its_reason_and_its_text(tmp_path, broken, reason):
    found = read(tmp_path, trace(span("good"), broken, span("also good")))
    assert found.spans["span_id"].to_list() == ["good", "also good"]
    assert found.rejected.select("reason", "position").rows() == [(reason, 1)]
    assert json.loads(found.rejected["raw"][0]) == broken


@pytest.mark.parametrize(("value", "rows"), [({}, 1), ([], 0), ({"data": []}, 0), ({"data": None}, 0), ([3], 1),
                                             ({"data": [{"spans": {}}]}, 1), ("", 0), (" \n", 0)])  # fmt: skip
def test_json_without_traces_gives_no_spans_and_says_so(tmp_path, value, rows):
    found = read(tmp_path, value)
    assert found.spans.is_empty() and found.rejected["reason"].to_list() == ["not_a_trace"] * rows
    assert found.spans.schema["start"] == pl.Datetime("us", "UTC")


def test_a_span_that_ends_before_it_starts_is_kept_as_it_is(tmp_path):
    found = read(tmp_path, trace(span("a", duration=-1)))
    whole = complete_spans(found.spans).collect()
    assert whole.select("duration_ms", "state").rows() == [(-0.001, "negative_duration")]


def test_a_time_with_a_fraction_is_rounded_to_the_microsecond(tmp_path):
    text = json.dumps(trace(span("a"))).replace(str(START), f"{START}.5").replace("1500", "1e3")
    found = read(tmp_path, text).spans
    assert found["start"][0].microsecond == 2 and found["duration_ms"][0] == 1.0


def test_traces_before_the_place_where_the_text_breaks_off_are_read(tmp_path):
    whole = json.dumps({"data": [trace(span("a")), trace(span("b")), trace(span("c"))]})
    cut = whole[: whole.index('"work c"')]
    found = read(tmp_path, cut)
    assert found.spans["span_id"].to_list() == ["a", "b"]
    assert found.rejected["reason"].to_list() == ["truncated"]
    assert cut.endswith(found.rejected["raw"][0].decode()) and found.rejected["raw"][0].startswith(b'{"traceID"')


def test_nesting_beyond_the_parser_is_refused_not_a_crash(tmp_path):
    deep = "[" * 200_000 + "]" * 200_000
    found = read(tmp_path, json.dumps({"data": [trace(span("a"))]})[:-2] + f", {deep}]}}")
    assert found.spans["span_id"].to_list() == ["a"] and found.rejected["reason"].to_list() == ["too_deep"]


@pytest.mark.parametrize("depth", [900, 950, 960, 970, 980, 990, 1000])
def test_nesting_at_the_edge_of_the_parser_is_never_a_crash(tmp_path, depth):
    deep = "[" * depth + "]" * depth
    found = read(tmp_path, json.dumps(trace(span("a", tag("deep", "HERE")), span("b"))).replace('"HERE"', deep))
    assert found.read >= 1


def test_gzip_is_taken_off_and_a_cut_stream_keeps_what_came_before(tmp_path):
    content = json.dumps({"data": [trace(span(f"{n:04x}")) for n in range(3000)]}).encode()
    path = tmp_path / "traces.json.gz"
    path.write_bytes(gzip.compress(content))
    assert len(checked(jaeger_json.read_spans(path)).spans) == 3000
    path.write_bytes(path.read_bytes()[:-4000])
    found = checked(jaeger_json.read_spans(path))
    assert 0 < len(found.spans) < 3000
    assert sorted(found.rejected["reason"]) == ["corrupt_compression", "truncated"]


def test_names_that_utf_8_cannot_express_are_kept_as_their_escapes(tmp_path):
    path = tmp_path / "traces.json"
    text = json.dumps(trace(span("a", operationName="lone \ud800"), span("b", operationName="bad BYTE")))
    path.write_bytes(text.encode().replace(b"BYTE", b"\xff"))
    assert jaeger_json.read_spans(path).spans["name"].to_list() == ["lone \\ud800", "bad \\udcff"]


def test_a_file_that_is_no_json_is_refused_with_the_mend(tmp_path):
    path = tmp_path / "traces.bz2"
    path.write_bytes(b"BZh91AY&SY")
    with pytest.raises(SourceError, match=r"no JSON object.*Mend: export it as JSON"):
        jaeger_json.read_spans(path)
    with pytest.raises(SourceError, match="no such file"):
        jaeger_json.read_spans(tmp_path / "absent")


def test_a_file_beyond_the_limit_is_refused_with_the_mend(tmp_path):
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(trace(span("a"))))
    with pytest.raises(SourceError, match=r"more than 0 MB.*cut it into several files"):
        jaeger_json.read_spans(path, limit_bytes=100)


KEYS = st.sampled_from(
    ["traceID", "spanID", "operationName", "startTime", "duration", "references", "tags", "process", "processID",
     "refType", "key", "value", "spans", "data", "processes", "serviceName", "span.kind", "error"]
) | st.text(max_size=3)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["t1", "CHILD_OF"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
NEARLY = st.dictionaries(KEYS, VALUES, max_size=4).map(lambda odd: {**span("a"), **odd})


@given(st.lists(NEARLY | VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=3))
def test_no_json_is_ever_a_crash_and_every_element_lands_on_one_side(tmp_path_factory, spans, odd):
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, {"data": [{"spans": spans, "processes": odd, **odd}]}).read >= 0
    assert read(folder, json.dumps(trace(*spans))).read == len(spans)


@given(st.data())
def test_a_text_cut_anywhere_keeps_every_trace_before_the_cut(tmp_path_factory, data):
    texts = [json.dumps(trace(span(f"{n}", tag("note", 'a "quoted" \\ [text}')))) for n in range(4)]
    whole = '{"data": [' + ", ".join(texts) + "]}"
    at = data.draw(st.integers(1, len(whole)))
    found = read(tmp_path_factory.getbasetemp(), whole[:at])
    ends = [whole.index(text) + len(text) for text in texts]
    assert len(found.spans) == sum(end <= at for end in ends)
