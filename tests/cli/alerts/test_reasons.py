"""Why an alert fired, and what would have caught an incident, at the command line."""

from __future__ import annotations

import json

import polars as pl
import pytest

from onex_analytics.alerting import backtest, explain, load_incidents, load_rules
from onex_analytics.cli import main
from onex_analytics.store import EventStore


@pytest.fixture
def run(folder, capsys):
    def asked(*words: str, rules: str = "new.yaml", code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        found = main(["alerts", "explain", str(folder / rules), "--store", str(folder / "store"), *words])
        said = capsys.readouterr()
        assert found == code, said.err
        return said.out, said.err

    return asked


@pytest.fixture(scope="module")
def result(folder):
    return backtest(load_rules(folder / "new.yaml"), EventStore(str(folder / "store")).scan())


def test_without_a_number_the_alerts_are_listed_with_theirs(run, result):
    rows = json.loads(run("--json")[0])
    assert [row["number"] for row in rows] == list(range(result.alerts.height))
    table, said = run("--limit", "4")
    assert [row.split()[0] for row in table.splitlines()[1:]] == ["0", "1", str(len(rows) - 2), str(len(rows) - 1)]
    assert f"{len(rows) - 4} of {len(rows)} alerts in the middle are left out" in said
    assert "--alert NUMBER" in said


def test_an_alert_is_told_evaluation_by_evaluation_with_its_events(run, result):
    expected = explain(result, 0, around=1)
    told = json.loads(run("--alert", "0", "--around", "1", "--json")[0])
    assert told["alert"]["rule"] == "Failing"
    assert len(told["evaluations"]) == expected.evaluations.height
    assert [row["event_id"] for row in told["events"]] == expected.events["event_id"].to_list()
    assert {row["node"] for row in told["events"]} == {told["alert"]["labels"][0]["value"]}


def test_a_table_has_both_with_a_line_about_the_alert(run):
    table, said = run("--alert", "0")
    assert table.splitlines()[0].split() == ["at", "state", "value", "events", "holds"]
    assert "Events in its window, by transition" in table
    assert "value > 0.1; first met" in said


@pytest.mark.parametrize(("show", "column"), [("evaluations", "holds"), ("events", "event_id")])
def test_one_of_them_can_be_shown(run, show, column):
    head, *rows = run("--alert", "-1", "--show", show, "--csv")[0].splitlines()
    assert column in head.split(",")
    assert rows
    assert run("--alert", "-1", "--show", show)[0]


def test_an_incident_that_was_missed_has_the_changes_that_would_catch_it(run, folder):
    told = load_incidents(folder / "labels.csv")
    incidents = ("--incidents", str(folder / "labels.csv"))
    log = EventStore(str(folder / "store")).scan()
    strict = folder / "strict.yaml"
    strict.write_text((folder / "new.yaml").read_text().replace("0.1", "0.9"))
    caught = backtest(load_rules(strict), log, told).matches["incident"]
    missed = told.filter(~pl.col("id").is_in(caught.implode()))["id"]
    for incident in missed:
        rows = json.loads(run("--why-not", incident, *incidents, "--json", rules="strict.yaml")[0])
        helps = [row for row in rows if row["after"] is not None]
        if helps:
            assert {row["change"] for row in rows} == {"threshold", "for", "window"}
            assert helps[0]["change"] == "threshold"
            lowered = folder / "lowered.yaml"
            lowered.write_text(strict.read_text().replace("0.9", helps[0]["after"]))
            said = run("--why-not", incident, *incidents, rules="lowered.yaml")[1]
            assert "was caught by Failing" in said
            return
    raise AssertionError("every incident was caught, or none could be")


def test_figures_show_what_the_rule_saw(run, folder, tmp_path):
    page = tmp_path / "why.html"
    run("--alert", "0", "--figure", str(page))
    assert "Why did it fire?" in page.read_text()
    run("--figure", str(page))
    assert "Who fired when" in page.read_text()
    incident = load_incidents(folder / "labels.csv")["id"][0]
    run("--why-not", incident, "--incidents", str(folder / "labels.csv"), "--figure", str(page))
    assert "What Failing saw" in page.read_text()
    assert "The incident is shaded" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--alert", "100000"], "the number of one of the"),
        (["--show", "everything", "--alert", "0"], "evaluations, events"),
        (["--why-not", "x"], "labelled incidents, and of one of them its id"),
        (["--why-not", "x", "--incidents", "LABELS"], "one of "),
        (["--why-not", "x", "--alert", "0", "--incidents", "LABELS"], "one of them"),
        (["--rule", "Nothing"], "one of Failing"),
    ],
)  # fmt: skip
def test_bad_use_is_said_with_the_mend(run, folder, words, said):
    words = [str(folder / "labels.csv") if word == "LABELS" else word for word in words]
    assert said in run(*words, code=2)[1]
