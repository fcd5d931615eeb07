"""Rules under other thresholds, at the command line: sweep and suggest."""

from __future__ import annotations

import json

import polars as pl
import pytest

from onex_analytics.alerting import backtest, load_rules, sweep
from onex_analytics.alerting.sweeps import SWEEP
from onex_analytics.cli import main
from onex_analytics.cli.alerts.thresholds import row_of
from onex_analytics.store import EventStore


@pytest.fixture
def run(folder, capsys):
    def asked(*words: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        command, *further = words
        found = main(["alerts", command, str(folder / "new.yaml"), "--store", str(folder / "store"), *further])
        said = capsys.readouterr()
        assert found == code, said.err
        return said.out, said.err

    return asked


def test_a_sweep_is_that_of_the_library(run, folder):
    rules = load_rules(folder / "new.yaml")
    expected = sweep(rules, EventStore(str(folder / "store")).scan(), pages=[0.1])
    rows = json.loads(run("sweep", "--json")[0])
    assert len(rows) == expected.height > 20
    assert [(row["threshold"], row["firings"], row["pages"]) for row in rows] == expected.select(
        "threshold", "firings", "pages"
    ).rows()
    assert {(row["window"], row["for"]) for row in rows} == {("10m", "0s")}


def test_each_row_is_what_a_backtest_of_that_threshold_says(run, folder):
    log = EventStore(str(folder / "store")).scan()
    rows = json.loads(run("sweep", "--thresholds", "0.1,0.3", "--json")[0])
    for row, name in zip(rows, ("new.yaml", "old.yaml"), strict=True):
        result = backtest(load_rules(folder / name), log)
        assert (row["firings"], row["pages"]) == result.summary.select("firings", "pages").row(0)


def test_the_rule_as_it_is_is_told_beside(run):
    rows = json.loads(run("sweep", "--thresholds", "0.1", "--json")[0])
    _, said = run("sweep")
    assert f"Failing as it is (> 0.1, for 0s): {rows[0]['firings']} firings, {rows[0]['pages']} pages" in said
    assert "is not among these" in run("sweep", "--for", "5m")[1]


def test_a_table_holds_the_thresholds_between_which_the_most_changes(run):
    table, said = run("sweep", "--limit", "8")
    rows = table.splitlines()[1:]
    assert 4 <= len(rows) <= 8
    assert "further rows lie between these" in said
    assert any(row.split()[2] == "0.1" or float(row.split()[3]) <= 0.1 <= float(row.split()[4])
               for row in rows if row.split()[3] != "–" != row.split()[4])  # fmt: skip
    every = json.loads(run("sweep", "--json")[0])
    assert len(run("sweep", "--limit", "0")[0].splitlines()) == 1 + len(every)


def test_windows_and_fors_are_swept_together(run):
    rows = json.loads(run("sweep", "--for", "0s,2m", "--window", "5m", "--window", "10m", "--json")[0])
    assert list(dict.fromkeys((row["window"], row["for"]) for row in rows)) == [
        ("5m", "0s"), ("5m", "2m"), ("10m", "0s"), ("10m", "2m"),
    ]  # fmt: skip


def test_incidents_give_recall_and_the_frontier(run, folder):
    words = ("--incidents", str(folder / "labels.csv"))
    rows = json.loads(run("sweep", *words, "--json")[0])
    assert max(row["recall"] for row in rows) > 0
    frontier = json.loads(run("sweep", *words, "--show", "frontier", "--json")[0])
    best = sum(row["best"] for row in frontier)
    assert 0 < best < len(frontier)
    table, said = run("sweep", *words, "--show", "frontier")
    assert len(table.splitlines()) == 1 + best
    assert f"{len(frontier) - best} further choices are beaten by these" in said


def test_pages_of_every_row_are_simulated_when_asked_for(run):
    few = json.loads(run("sweep", "--json")[0])
    every = json.loads(run("sweep", "--pages", "--json")[0])
    assert sum(row["pages"] is not None for row in few) == 1
    assert all(row["pages"] is not None for row in every)


def test_durations_stay_durations_in_parquet(run, tmp_path):
    run("sweep", "--out", str(tmp_path / "sweep.parquet"))
    assert pl.read_parquet_schema(tmp_path / "sweep.parquet") == dict(SWEEP)


def test_figures_of_a_sweep_are_one_file(run, folder, tmp_path):
    page = tmp_path / "sweep.html"
    run("sweep", "--figure", str(page))
    alone = page.read_text()
    assert [name in alone for name in ("Every threshold", "What the rule saw")] == [True, True]
    assert [name in alone for name in ("Threshold and for", "What nothing beats")] == [False, False]
    run("sweep", "--for", "0s,5m", "--incidents", str(folder / "labels.csv"), "--figure", str(page))
    both = page.read_text()
    assert [name in both for name in ("Threshold and for", "What nothing beats")] == [True, True]
    assert "default-src 'none'" in both


@pytest.mark.parametrize(
    ("threshold", "row"), [(-5.0, 0), (0.0, 1), (0.5, 1), (1.0, 2), (1.5, 2), (9.0, 3)]
)  # fmt: skip
def test_a_threshold_lies_in_one_row(threshold, row):
    edges = [None, 0.0, 1.0, 2.0, None]
    part = pl.DataFrame({"threshold": [-1.0, 0.0, 1.0, 2.0], "low": edges[:-1], "high": edges[1:]})
    assert row_of(part, threshold) == row


def test_suggested_rules_are_written_and_can_be_run(run, folder, tmp_path):
    path = tmp_path / "suggested.yaml"
    words = ("--incidents", str(folder / "labels.csv"), "--max-pages-per-day", "1000", "--min-recall", "0", "--rule",
             "Failing", "--split", "0.75")  # fmt: skip
    table, said = run("suggest", *words, "--out", str(path))
    assert "What was chosen" in table and "What it is worth" in table and "all together" in table
    assert f"rules: {path}" in said and "on the second part" in said
    tuned = load_rules(path)
    assert main(["alerts", "check", str(path)]) == 0
    choices = json.loads(run("suggest", *words, "--json")[0])
    thresholds = {(group.name, rule.alert): rule.when.threshold for group, rule in tuned.rules}
    assert {(row["group"], row["rule"]): row["threshold"] for row in choices if row["kept"]} == thresholds
    parts = json.loads(run("suggest", *words, "--show", "scores", "--json")[0])
    assert {row["part"] for row in parts} == {"tune", "report"}


def test_rules_get_company_unless_it_is_not_wanted(run, folder):
    words = ("--incidents", str(folder / "labels.csv"), "--max-pages-per-day", "1000", "--min-recall", "0", "--split",
             "0.75", "--json")  # fmt: skip
    few = json.loads(run("suggest", *words, "--no-general")[0])
    assert [row["rule"] for row in few] == ["Failing"]
    assert len(json.loads(run("suggest", *words)[0])) > 1


def test_wishes_that_are_not_met_are_exit_code_1(run, folder):
    words = ("--incidents", str(folder / "labels.csv"), "--max-pages-per-day", "0.001", "--min-recall", "1", "--rule",
             "Failing")  # fmt: skip
    told = run("suggest", *words, code=1)[1]
    assert "the recall of 1 is not reached" in told or "nothing was kept" in told


def test_figures_of_suggested_rules_are_those_of_their_backtest(run, folder, tmp_path):
    page = tmp_path / "suggested.html"
    words = ("--incidents", str(folder / "labels.csv"), "--max-pages-per-day", "1000", "--min-recall", "0")
    run("suggest", *words, "--split", "0.75", "--rule", "Failing", "--figure", str(page))
    assert "Who fired when" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "--thresholds", "low"], "or all"),
        (["sweep", "--show", "scores"], "sweep, frontier"),
        (["sweep", "--figure", "sweep.png"], "a name that ends in .html"),
        (["sweep", "--show", "frontier"], "--incidents as well"),
        (["sweep", "--rule", "Nothing"], "one of Failing"),
        (["sweep", "--for", "soon"], "a duration"),
        (["sweep", "--window", "0s"], "a length above 0"),
        (["suggest"], "labelled incidents to find"),
        (["suggest", "--incidents", "LABELS", "--show", "all"], "choices, scores"),
        (["suggest", "--incidents", "LABELS", "--split", "2"], "between 0 and 1"),
        (["suggest", "--incidents", "LABELS", "--min-recall", "90"], "a share from 0 to 1"),
        (["suggest", "--incidents", "LABELS", "--rule", "Failing", "--out", "/no/where.yaml"], "name another file"),
    ],
)  # fmt: skip
def test_bad_use_is_said_with_the_mend(run, folder, words, said):
    words = [str(folder / "labels.csv") if word == "LABELS" else word for word in words]
    assert said in run(*words, code=2)[1]


def test_a_file_of_several_rules_asks_which_one(folder, tmp_path, capsys):
    rule = "{alert: A, when: {count: {window: 1m}, threshold: 1}}"
    path = tmp_path / "rules.yaml"
    other = rule.replace("A", "B")
    path.write_text(f"groups:\n- {{name: g, rules: [{rule}]}}\n- {{name: h, rules: [{rule}, {other}]}}\n")
    words = ["alerts", "sweep", str(path), "--store", str(folder / "store"), "--json"]
    for asked in ([], ["--rule", "A"]):
        assert main([*words, *asked]) == 2
        assert "one of g/A, h/A" in capsys.readouterr().err
    for asked in (["--rule", "h/A"], ["--rule", "B"]):
        assert main([*words, *asked]) == 0
        assert json.loads(capsys.readouterr().out)[0]["window"] == "1m"


def test_a_rule_without_a_window_is_swept_without_one(folder, tmp_path, capsys):
    path = tmp_path / "rules.yaml"
    rule = "{alert: A, when: {unfinished: {older_than: 5m}, threshold: 3}}"
    path.write_text(f"groups:\n- {{name: g, rules: [{rule}]}}\n")
    assert main(["alerts", "sweep", str(path), "--store", str(folder / "store"), "--limit", "3"]) == 0
    printed = capsys.readouterr()
    assert "window" not in printed.out
    assert "A as it is (> 3, for 0s)" in printed.err
