"""Rules on history, at the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from onex_analytics.cli import main


@pytest.fixture
def run(folder, capsys):
    def asked(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["alerts", "backtest", str(folder / "new.yaml"), *words]) == code
        said = capsys.readouterr()
        return said.out if code != 2 else said.err

    return asked


def test_a_rule_is_summed_up(run, folder):
    (row,) = json.loads(run("--store", str(folder / "store"), "--json"))
    assert (row["rule"], row["label_sets"] > 1, row["firings"] > 0) == ("Failing", True, True)


def test_raw_files_do_as_well_as_a_store(run, folder):
    of_files = run(str(folder / "log.jsonl"), "--json")
    assert of_files == run("--store", str(folder / "store"), "--json")


def test_events_of_the_future_count_and_are_said_as_live_says_them(folder, tmp_path, capsys):
    words = ["alerts", "backtest", str(folder / "new.yaml"), "--json"]
    log = tmp_path / "log.jsonl"
    log.write_bytes((folder / "log.jsonl").read_bytes().splitlines()[0] + b"\n")
    assert main([*words, str(log)]) == 0
    assert "of this machine's clock" not in capsys.readouterr().err
    ahead = datetime.now(UTC) + timedelta(hours=3)
    event = {"event_id": "far", "timestamp": ahead.isoformat(), "node_id": "a_node", "event_type": "NODE_FAILURE"}
    with log.open("a") as more:
        more.write(json.dumps(event) + "\n")
    assert main([*words, str(log)]) == 0
    assert "1 events lay more than 1:00:00 ahead of this machine's clock; they count here" in capsys.readouterr().err


def test_a_log_too_short_for_a_tick_says_that_nothing_was_evaluated(folder, tmp_path, capsys):
    words = ["alerts", "backtest", str(folder / "new.yaml"), str(tmp_path / "log.jsonl")]
    event = {"event_id": "a", "timestamp": "2026-11-02T08:00:10Z", "node_id": "a_node", "event_type": "NODE_FAILURE"}
    (tmp_path / "log.jsonl").write_text(json.dumps(event) + "\n")
    assert main(words) == 0
    assert "nothing was evaluated: the log ends before the next tick (--until" in capsys.readouterr().err
    assert main([*words, "--until", "2026-11-02T08:30:00"]) == 0
    assert "nothing was evaluated" not in capsys.readouterr().err


def test_with_incidents_the_rules_are_scored(run, folder):
    words = ("--store", str(folder / "store"), "--incidents", str(folder / "labels.csv"))
    rows = json.loads(run(*words, "--json"))
    assert [row["rule"] for row in rows] == ["Failing", None]
    assert 0 < rows[-1]["recall"] <= 1
    parts = json.loads(run(*words, "--split", "0.5", "--json"))
    assert [row["part"] for row in parts] == ["tune", "tune", "report", "report"]


@pytest.mark.parametrize("show", ["summary", "alerts", "transitions", "pages", "evidence"])
def test_everything_can_be_shown(run, folder, show):
    assert len(run("--store", str(folder / "store"), "--show", show, "--csv").splitlines()) > 1


def test_alerts_have_the_number_by_which_explain_knows_them(run, folder):
    rows = json.loads(run("--store", str(folder / "store"), "--show", "alerts", "--json"))
    assert [row["number"] for row in rows] == list(range(len(rows)))


def test_a_table_of_scores_says_of_which_rule_each_row_is(run, folder):
    words = ("--store", str(folder / "store"), "--incidents", str(folder / "labels.csv"))
    head, first, last = run(*words).splitlines()
    assert head.split()[:3] == ["rule", "firings", "precision"]
    assert [first.split()[0], " ".join(last.split()[:2])] == ["Failing", "all together"]
    assert run(*words, "--split", "0.5").split()[0] == "part"


def test_labels_read_as_people_write_them(run, folder):
    assert ",node=" in run("--store", str(folder / "store"), "--show", "alerts", "--csv")


def test_two_rule_files_are_compared(run, folder):
    words = ("--store", str(folder / "store"), "--compare", str(folder / "old.yaml"))
    (row,) = json.loads(run(*words, "--json"))
    assert (row["change"], row["firings_after"] > row["firings_before"]) == ("changed", True)
    changes = json.loads(run(*words, "--incidents", str(folder / "labels.csv"), "--json"))
    assert {row["change"] for row in changes} <= {"won", "lost", "both", "neither"}


def test_a_comparison_can_be_the_comment_of_a_pull_request(run, folder, tmp_path):
    words = ("--store", str(folder / "store"), "--compare", str(folder / "old.yaml"), "--incidents",
             str(folder / "labels.csv"), "--tz", "Europe/Berlin", "--markdown")  # fmt: skip
    told = run(*words)
    assert "pages at night" in told and "**Incidents won:" in told and "(Europe/Berlin)" in told
    assert run(*words, "--out", str(tmp_path / "comment.md")) == ""
    assert (tmp_path / "comment.md").read_text(encoding="utf-8") == told


def test_a_budget_that_is_not_kept_is_exit_code_1(run, folder):
    words = ("--store", str(folder / "store"), "--incidents", str(folder / "labels.csv"), "--json")
    run(*words, "--max-pages-per-day", "100000", "--min-recall", "0.01")
    run(*words, "--max-pages-per-day", "0.1", code=1)
    run(*words, "--min-recall", "1", code=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--show", "everything"], "one of summary, scores"),
        (["--show", "scores"], "--incidents as well"),
        (["--markdown", "--json"], "one of them"),
        (["--min-recall", "0.5"], "labelled incidents"),
        (["--rename", "service"], "service=node"),
        (["--tz", "Mars"], "Europe/Berlin"),
        (["--as-of", "arrival"], "bulk load"),
        (["--lead", "soon"], "a duration"),
        (["--incidents", "none.csv"], "name a file that is there"),
        (["--compare", "none.yaml"], "none.yaml"),
    ],
)
def test_bad_use_is_said_with_the_mend_and_exit_code_2(run, folder, words, said):
    assert said in run("--store", str(folder / "store"), *words, code=2)


def test_figures_of_a_backtest_are_one_file_that_asks_no_host(run, folder, tmp_path):
    page = tmp_path / "alerts.html"
    words = ("--store", str(folder / "store"), "--figure", str(page))
    run(*words)
    alone = page.read_text()
    assert [name in alone for name in ("Who fired when", "When people are paged")] == [True, True]
    assert "Which rule caught which incident" not in alone
    assert "default-src 'none'" in alone
    run(*words, "--incidents", str(folder / "labels.csv"), "--compare", str(folder / "old.yaml"))
    both = page.read_text()
    assert both.index("Before and after") < both.index("Who fired when")
    assert "How soon incidents are known of" in both
