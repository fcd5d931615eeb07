"""`onex-analytics sample simulate` and `estimate` on five hours of a fleet."""

from __future__ import annotations

import pytest

from onex_analytics import EventStore, sampling
from onex_analytics.cli import main


@pytest.fixture
def simulate(sampled_folder) -> list[str]:
    return ["sample", "simulate", "--store", str(sampled_folder / "store")]


def test_the_errors_are_those_of_the_library(ask, simulate, sampled_folder):
    rows = ask(*simulate, "--probability", "0.1", "--metric", "count,p95(execution_time_ms)", "--by", "node")
    policy = sampling.ProbabilityPolicy(name="10 %", probability=0.1)
    log = EventStore(str(sampled_folder / "store")).scan()
    expected = sampling.simulate(policy, log, ["count", "p95(execution_time_ms)"], "node").errors.to_dicts()
    assert [(row["metric"], row["node"]) for row in rows] == [(row["metric"], row["node"]) for row in expected]
    assert [row["std_error"] for row in rows] == pytest.approx([row["std_error"] for row in expected])


def test_volumes_and_what_they_cost(ask, simulate):
    words = ["--probability", "0.1", "--show", "policies", "--million-events", "2", "--gigabyte", "5"]
    (row,) = ask(*simulate, *words)
    assert row["events_share"] == pytest.approx(0.1, abs=1e-4)
    assert row["cost"] == pytest.approx(2 * row["events_kept"] / 1e6 + 5 * row["bytes_kept"] / 1e9)


def test_what_is_lost_can_be_asked_for(ask, simulate):
    rows = ask(*simulate, "--probability", "0.1", "--show", "losses")
    assert {row["what"] for row in rows} == {"error", "code", "unfinished"}
    assert all(0 <= row["never_seen"] <= 1 for row in rows)


def test_without_policies_several_shares_are_held_against_each_other_and_failures_cost_little(ask, simulate):
    rows = {row["policy"]: row for row in ask(*simulate, "--metric", "error_rate")}
    assert len(rows) == 6
    assert rows["failures and 10 %"]["relative_error"] < 0.5 * rows["10 %"]["relative_error"]


def test_a_table_shows_the_groups_that_are_farthest_off_and_a_figure_every_metric(simulate, tmp_path, capsys):
    words = ["--probability", "0.1", "--by", "node", "--metric", "count", "--limit", "3"]
    assert main([*simulate, *words, "--figure", str(tmp_path / "f.html")]) == 0
    page = (tmp_path / "f.html").read_text()
    assert all(title in page for title in ("What volume buys", "What would be lost", "How far off count is"))
    told = capsys.readouterr()
    assert "further rows" in told.err
    lines = told.out.splitlines()
    assert lines[0].startswith("What each policy keeps")
    assert len(lines) == 3 + 1 + 2 + 3


def test_an_answer_that_is_farther_off_than_the_budget_is_a_finding(simulate, capsys):
    assert main([*simulate, "--probability", "0.01", "--metric", "count", "--max-error", "0.001"]) == 1
    assert "1 of 1 answers are off by more than 0.10%" in capsys.readouterr().err
    assert main([*simulate, "--rule", "event_type=NODE_*:0", "--no-keep-failures", "--metric", "error_rate", "--by",
                 "node", "--max-error", "99"]) == 1  # fmt: skip
    assert "never seen" in capsys.readouterr().err


def test_a_whole_log_is_its_own_estimate(ask, sampled_folder):
    whole = EventStore(str(sampled_folder / "store")).scan().collect().height
    (row, *_) = ask("sample", "estimate", "--store", str(sampled_folder / "store"), "--metric", "count")
    assert (row["estimate"], row["std_error"]) == (whole, 0)


@pytest.mark.parametrize(("more", "mend"), [
    (["--show", "x"], "policies, errors"), (["--metric", "x"], "p95(execution_time_ms)"), (["--by", "x"], "missing"),
    (["--probability", "-1"], "a share"), (["--keep-failures"], "--probability as well"),
])  # fmt: skip
def test_bad_use_says_the_mend(simulate, capsys, more, mend):
    assert main([*simulate, *more]) == 2
    assert mend in capsys.readouterr().err
