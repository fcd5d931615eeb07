"""The commands on a real store and a seeded log."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from onex_analytics.cli import main
from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    generate(3_000, 1).write(path)
    return path


@pytest.fixture(scope="module")
def kept(log, tmp_path_factory) -> str:
    uri = str(tmp_path_factory.mktemp("store") / "events")
    EventStore(uri).append(str(log))
    return uri


def answer(capsys, *words: str) -> object:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_ingest_accounts_for_every_line_and_may_be_run_again(log, tmp_path, capsys):
    store = str(tmp_path / "s")
    first = answer(capsys, "ingest", str(log), "--store", store)
    again = answer(capsys, "ingest", str(log), "--store", store)
    for report in (first, again):
        assert report["read"] == report["stored"] + report["duplicate"] + report["rejected"]
    assert first["stored"] > 0
    assert again["stored"] == 0


def test_too_many_rejected_lines_are_a_finding(log, tmp_path, capsys):
    words = ["ingest", str(log), "--store", str(tmp_path / "s"), "--max-rejected"]
    assert main([*words, "0"]) == 1
    assert "budget" in capsys.readouterr().err
    assert main([*words, "0.5"]) == 0


@pytest.mark.parametrize("command", ["info", "history", "rejected", "coverage", "compact", "vacuum", "retry-rejected"])
def test_each_look_into_the_store_answers_in_json_and_as_a_table(command, kept, capsys):
    assert answer(capsys, "store", command, "--store", kept) is not None
    assert main(["store", command, "--store", kept]) == 0


def test_sql_answers_from_a_store_and_from_raw_files(kept, log, capsys):
    query = "select count(*) as n from events"
    assert answer(capsys, "store", "sql", query, "--store", kept) == answer(capsys, "store", "sql", query, str(log))
    assert main(["store", "sql", "selec nothing", "--store", kept]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_csv_has_one_line_a_row(kept, capsys):
    assert main(["store", "sql", "select node, count(*) as n from events group by node", "--store", kept, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["n"]) for row in rows) == EventStore(kept).scan().select(pl.len()).collect().item()


def test_an_export_is_as_many_lines_as_events(kept, tmp_path, capsys):
    target = tmp_path / "out.jsonl"
    assert main(["store", "export", "--store", kept, "--out", str(target)]) == 0
    lines = target.read_text().splitlines()
    assert len(lines) == EventStore(kept).scan().select(pl.len()).collect().item()


def test_a_dimension_is_added_and_listed(log, tmp_path, capsys):
    store = str(tmp_path / "s")
    assert main(["ingest", str(log), "--store", store]) == 0
    assert main(["store", "dimensions", "add", "tenant", "$.input_state.tenant:str", "--store", store]) == 0
    capsys.readouterr()
    assert answer(capsys, "store", "dimensions", "list", "--store", store) == {"tenant": "$.input_state.tenant:str"}


def test_retaining_nothing_empties_the_store(log, tmp_path, capsys):
    store = str(tmp_path / "s")
    EventStore(store).append(str(log))
    assert main(["store", "retain", "--before", "2100-01-01", "--store", store]) == 0
    assert EventStore(store).scan().collect().is_empty()
    assert main(["store", "retain", "--before", "yesterday-ish", "--store", store]) == 2


def test_more_holes_than_the_budget_are_a_finding(kept):
    assert main(["store", "coverage", "--store", kept, "--expected", "ghost_node", "--max-holes", "0"]) == 1


def test_generate_gives_the_same_bytes_and_the_labels(tmp_path, capsys):
    for name in ("a", "b"):
        words = ["generate", "500", "--seed", "7", "--out", str(tmp_path / f"{name}.jsonl")]
        assert main([*words, "--labels", str(tmp_path / f"{name}.parquet")]) == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert pl.read_parquet(tmp_path / "a.parquet").equals(generate(500, 7).labels)
    assert main(["generate", "5", "--out", str(tmp_path / "c"), "--labels", "labels.txt"]) == 2


@pytest.mark.parametrize(("form", "more"), [
    ("parquet", []), ("csv", ["--rules", "none"]), ("json", ["--rules", "none"]),
])  # fmt: skip
def test_a_report_is_written_with_labels_of_any_form(form, more, kept, tmp_path, capsys):
    labels = tmp_path / f"labels.{form}"
    assert main(["generate", "3000", "--seed", "1", "--out", str(tmp_path / "l"), "--labels", str(labels)]) == 0
    out = tmp_path / "report.html"
    assert main(["report", "--store", kept, "--out", str(out), "--labels", str(labels), *more]) == 0
    assert "Labelled incidents" in out.read_text()


def test_a_report_of_raw_files_says_what_was_read(log, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)
    out = tmp_path / "report.html"
    assert main(["report", str(log), "--out", str(out), "--max-error-rate", "0", "--sample", "0.2"]) == 1
    assert "stored +" in out.read_text()
    assert "What alert rules would have done" in out.read_text()
    assert "What 20 % of the events would tell" in out.read_text()
    assert main(["report", str(log), "--out", str(out), "--rules", "none"]) == 0
    assert "What alert rules would have done" not in out.read_text()
    assert main(["report", str(log), "--out", str(out), "--rules", "no-such-file.yaml"]) == 2
    assert main(["report", "--out", str(out)]) == 2
    assert main(["report", str(log), "--out", str(tmp_path / "no" / "folder.html")]) == 2


def test_the_demo_shows_nearly_all_labelled_incidents(tmp_path, capsys):
    out = tmp_path / "report.html"
    found = answer(capsys, "demo", "--folder", str(tmp_path), "--out", str(out), "--events", "100000")
    missed = {row["incident_id"] for row in found if row["verdict"] == "missed"}
    assert len(found) >= 12
    assert len(missed) <= 3, missed
    assert out.stat().st_size > 1_000_000
    page = out.read_text()
    for heading in (
        "What alert rules would have done", "Which incidents the rules find", "What another threshold",
        "What 10 % of the events would tell", "What would be lost", "Which alerts would be lost",
        "What events weigh",
    ):  # fmt: skip
        assert heading in page
