"""`onex-analytics traces …` on eighty pages whose times are known."""

import json
import os

import pytest

from onex_analytics.cli import main
from onex_analytics.cli.span_inputs import found_format, listed
from onex_analytics.sources import chrome_trace

CHROME = {"traceEvents": [
    {"name": "page", "ph": "X", "ts": 0, "dur": 9000, "pid": 1, "tid": 1},
    {"name": "query", "ph": "X", "ts": 1000, "dur": 5000, "pid": 1, "tid": 1},
]}  # fmt: skip
JAEGER = {"data": [{"traceID": "t1", "processes": {"p1": {"serviceName": "web"}}, "spans": [
    {"traceID": "t1", "spanID": "a", "operationName": "page", "startTime": 1_000_000, "duration": 9000,
     "processID": "p1", "references": [], "tags": []},
    {"traceID": "t1", "spanID": "b", "operationName": "query", "startTime": 1_001_000, "duration": 5000,
     "processID": "p1", "tags": [], "references": [{"refType": "CHILD_OF", "traceID": "t1", "spanID": "a"}]},
    "no span",
]}]}  # fmt: skip


def test_the_slowest_trace_is_listed_first(traces_store, ask):
    found = ask("traces", "list", "--store", traces_store)
    assert len(found) == 20
    assert found[0] == {
        "trace_id": "stuck-80", "root": "page_node", "node": "page_node", "start": "2026-11-01T12:10:00+00:00",
        "duration_ms": 898.0, "spans": 2, "errors": 1, "open": 1,
    }  # fmt: skip
    assert found[1]["trace_id"] == "page-41"
    assert found[1]["duration_ms"] == 46.0


def test_traces_are_chosen_whole_by_time_and_node(traces_store, ask):
    words = ["traces", "list", "--store", traces_store, "--limit", "0"]
    assert len(ask(*words)) == 81
    first = ask(*words, "--until", "2026-11-01T12:01")
    assert [(row["trace_id"], row["spans"]) for row in first] == [("page-0", 2)]
    assert {row["spans"] for row in ask(*words, "--node", "query_node", "--since", "2026-11-01T13:00")} == {2}
    assert ask(*words, "--node", "nobody") == []


def test_a_waterfall_shows_what_was_waited_for_and_what_never_ended(traces_store, capsys):
    assert main(["traces", "show", "page-77", "--store", traces_store]) == 0
    heading, _, _, page, query = capsys.readouterr().out.splitlines()
    assert "trace page-77 · 2 spans · 40 ms" in heading
    assert "1 failed" in heading
    assert page.startswith("page_node     page_node ")
    assert query.startswith("  query_node  query_node")
    assert "█" in page
    assert query.endswith("failed ONEX_CORE_021_FILE_NOT_FOUND")
    assert main(["traces", "show", "stuck-80", "--store", traces_store]) == 0
    assert "▸  open" in capsys.readouterr().out


def test_a_trace_is_named_by_how_its_id_begins_if_only_one_does(traces_store, ask, capsys):
    for given, meant in (("st", "stuck-80"), ("page-7", "page-7")):
        assert {row["trace_id"] for row in ask("traces", "show", given, "--store", traces_store)} == {meant}
    for given, said in (("nothing", "traces list"), ("page-", "the beginning of one trace only")):
        assert main(["traces", "show", given, "--store", traces_store]) == 2
        assert said in capsys.readouterr().err


def test_a_waterfall_leaves_as_csv_and_as_a_file(traces_store, tmp_path, capsys):
    assert main(["traces", "show", "page-77", "--store", traces_store, "--csv"]) == 0
    assert capsys.readouterr().out.count("\n") == 3
    assert main(["traces", "show", "page-77", "--store", traces_store, "--out", str(tmp_path / "w.txt")]) == 0
    assert "query_node" in (tmp_path / "w.txt").read_text(encoding="utf-8")


def test_open_work_has_its_age_and_the_last_sign_of_life(traces_store, ask):
    (found,) = ask("traces", "open", "--store", traces_store, "--now", "2026-11-01T13:10:30")
    assert (found["node"], found["age_ms"]) == ("page_node", 3_630_000.0)
    assert found["silent_ms"] == 3_630_000.0 - 898.0


@pytest.mark.parametrize(
    ("budget", "code"),
    [(["--max-open", "0"], 1), (["--max-open", "1"], 0), (["--max-age", "30m"], 1), (["--max-age", "3h"], 0),
     (["--max-age", "soon"], 2)],
)  # fmt: skip
def test_more_or_older_open_work_than_the_budget_is_a_finding(budget, code, traces_store):
    assert main(["traces", "open", "--store", traces_store, *budget]) == code


def test_with_survival_open_work_counts_for_its_age(traces_store, ask):
    rows = ask("traces", "open", "--store", traces_store, "--survival", "--by", "node")
    counts = {row["node"]: (row["n"], row["ended"], row["open"]) for row in rows}
    assert counts == {"page_node": (81, 80, 1), "query_node": (81, 81, 0)}


def test_what_is_odd_is_counted(traces_store, ask):
    found = {row["finding"]: row["spans"] for row in ask("traces", "diagnostics", "--store", traces_store)}
    assert (found["closed"], found["open"], found["cycle"]) == (161, 1, 0)


def test_the_critical_path_parts_the_time_of_the_roots(traces_store, ask):
    words = ["traces", "critical-path", "--store", traces_store, "--until", "2026-11-01T12:10"]
    rows = ask(*words, "--by", "node")
    assert [row["node"] for row in rows] == ["query_node", "page_node"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[1]["mean_ms"] == pytest.approx(4)
    paths = ask(*words, "--by", "path", "--bands", "0,.5,1")
    assert {tuple(row["path"]) for row in paths} == {("page_node",), ("page_node", "query_node")}
    assert {row["band"] for row in paths} == {0, 1}


def test_the_tail_is_held_against_the_rest(traces_store, ask):
    rows = ask("traces", "critical-path", "--store", traces_store, "--by", "node", "--tail", "0.5",
               "--until", "2026-11-01T13:20", "--since", "2026-11-01T12:11")  # fmt: skip
    assert rows[0]["node"] == "query_node"
    assert rows[0]["delta_ms"] == pytest.approx(rows[0]["tail_ms"] - rows[0]["rest_ms"])
    assert rows[0]["delta_ms"] > 10
    assert abs(rows[1]["delta_ms"]) < 1e-9


@pytest.mark.parametrize("form", ["speedscope", "chrome", "folded", "pprof"])
def test_each_export_is_written(form, traces_store, tmp_path):
    target = tmp_path / "out"
    assert main(["traces", "export", str(target), "--store", traces_store, "--format", form]) == 0
    content = target.read_bytes()
    match form:
        case "pprof":
            assert content[:2] == b"\x1f\x8b"
        case "folded":
            assert b"page_node;query_node " in content
        case "speedscope":
            assert "speedscope" in json.loads(content)["$schema"]
        case _:
            assert chrome_trace.read_spans(target).spans.height == 162


def test_an_export_of_one_trace_holds_that_trace(traces_store, tmp_path):
    target = tmp_path / "out.json"
    words = ["traces", "export", str(target), "--store", traces_store, "--format", "chrome", "--trace", "stuck-80"]
    assert main(words) == 0
    assert chrome_trace.read_spans(target).spans["trace_id"].unique().to_list() == ["stuck-80"]


def test_only_the_longest_traces_are_told_one_by_one_and_that_is_said(traces_store, tmp_path, capsys):
    target = tmp_path / "out.json"
    assert main(["traces", "export", str(target), "--store", traces_store, "--format", "chrome", "--traces", "3"]) == 0
    assert "78 others are left out" in capsys.readouterr().err
    assert chrome_trace.read_spans(target).spans["trace_id"].n_unique() == 3


def test_raw_logs_and_the_files_of_other_systems_are_read_alike(traces_log, tmp_path, ask, capsys):
    assert len(ask("traces", "list", str(traces_log), "--limit", "0")) == 81
    for name, content in (("chrome.json", CHROME), ("jaeger.json", JAEGER)):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        (found,) = ask("traces", "list", str(tmp_path / name))
        assert (found["root"], found["duration_ms"], found["spans"]) == ("page", 9.0, 2)
    assert len(ask("traces", "list", str(tmp_path / "chrome.json"), str(tmp_path / "jaeger.json"))) == 2
    assert main(["traces", "list", str(tmp_path / "jaeger.json")]) == 0
    assert "could not be read (1 not_an_object)" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--format", "zipkin"], ["{log}"], ["--since", "yesterday"]])
def test_bad_inputs_are_refused_with_the_mend(words, traces_log, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)
    chrome = tmp_path / "chrome.json"
    chrome.write_text(json.dumps(CHROME), encoding="utf-8")
    given = [word.format(log=traces_log) for word in words]
    assert main(["traces", "list", str(chrome), *given]) == 2
    assert "wanted" in capsys.readouterr().err
    assert main(["traces", "list"]) == 2


@pytest.mark.parametrize(
    ("text", "format"),
    [('{"event_type": "X", "metadata": {"traceID": 1}}', "events"), ('[{"ph": "X", "ts": 1}]', "chrome"),
     ('  {"data": [{"traceID": "t"', "jaeger"), ('{"data": [ ], "total": 0}', "jaeger"),
     ('{"data":[]}', "jaeger"), ('{"data": [], "event_type": "X"}', "events"), ("", "events"),
     ('a,"traceID"', "events")],
)  # fmt: skip
def test_a_format_is_told_by_how_a_file_begins(text, format, tmp_path):
    (tmp_path / "f").write_text(text, encoding="utf-8")
    assert found_format(str(tmp_path / "f")) == format
    assert found_format("-") == "events"


def test_an_option_that_may_be_given_again_takes_commas_too():
    assert listed(["a,b", "b"], ()) == ["a", "b"]
    assert listed([""], ("node",)) == []


def test_an_empty_log_is_no_error(tmp_path, ask):
    log = tmp_path / "empty.jsonl"
    log.write_text("", encoding="utf-8")
    for command in ("list", "open", "diagnostics", "critical-path"):
        main(["traces", command, str(log), "--json"])
    assert ask("traces", "list", str(log)) == []
    assert ask("traces", "critical-path", str(log)) == []


def test_a_file_that_cannot_be_written_is_one_line(traces_store, tmp_path, capsys):
    assert main(["traces", "export", str(tmp_path / "no" / "x"), "--store", traces_store]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_shares_of_bands_are_checked(traces_store, capsys):
    assert main(["traces", "critical-path", "--store", traces_store, "--bands", "0,x"]) == 2
    assert main(["traces", "critical-path", "--store", traces_store, "--bands", "1,0"]) == 2


def test_drag_is_what_a_span_alone_adds_to_its_trace(traces_store, ask):
    rows = ask("traces", "drag", "--store", traces_store, "--trace", "page-77")
    assert [(row["name"], row["drag_ms"], row["own_drag_ms"]) for row in rows] == [
        ("page_node", 40.0, 4.0), ("query_node", 36.0, 36.0),
    ]  # fmt: skip
    every = ask("traces", "drag", "--store", traces_store, "--limit", "0")
    assert [row["drag_ms"] for row in every] == sorted((row["drag_ms"] for row in every), reverse=True)


def test_what_the_root_waits_for_has_no_slack(traces_store, ask, capsys):
    rows = ask("traces", "slack", "--store", traces_store, "--trace", "page-77")
    assert {row["name"]: row["slack_ms"] for row in rows} == {"page_node": 0.0, "query_node": 0.0}
    assert main(["traces", "slack", "--store", traces_store]) == 0
    assert "spans stand in no tree" in capsys.readouterr().err, "the page that never ended"


def test_what_if_says_what_would_be_won(traces_store, ask, capsys):
    words = ["traces", "what-if", "--store", traces_store, "--name", "query_node"]
    rows = ask(*words, "--speedup", "inf", "--until", "2026-11-01T12:01")
    assert [(row["trace_id"], row["duration_ms"], row["new_duration_ms"], row["spans"]) for row in rows] == [
        ("page-0", 20.0, 4.0, 1)
    ]
    assert main([*words, "--speedup", "2", "--until", "2026-11-01T12:01"]) == 0
    assert "1 of 1 trees have it; in all they would win 8 ms, 40.0% of their time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--name", "nobody"], "query_node"), (["--name", "page_node", "--speedup", "0"], "above 0")],
)
def test_what_if_refuses_what_it_cannot_imagine(words, said, traces_store, capsys):
    assert main(["traces", "what-if", "--store", traces_store, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_pipe_is_not_looked_into_because_that_can_be_done_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert found_format(str(tmp_path / "pipe")) == "events"


def test_a_critical_path_says_how_many_spans_stand_in_no_tree(tmp_path, capsys):
    log = tmp_path / "chrome.json"
    times = {"pid": 1, "tid": 1, "ts": 0}
    log.write_text(json.dumps([{"ph": "X", "name": "a", "dur": 9, **times}, {"ph": "B", "name": "open", **times}]))
    assert main(["traces", "critical-path", str(log)]) == 0
    assert "1 spans stand in no tree" in capsys.readouterr().err
