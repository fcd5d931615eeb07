"""`onex-analytics sample alerts` on five hours of a fleet."""

from __future__ import annotations

import pytest

from onex_analytics.cli import main


@pytest.fixture
def words(sampled_folder) -> list[str]:
    return ["sample", "alerts", str(sampled_folder / "rules.yaml"), "--store", str(sampled_folder / "store")]


def test_policies_are_told_beside_the_whole_log(ask, words):
    rows = ask(*words, "--probability", "0.5", "--probability", "0.01")
    assert [row["policy"] for row in rows] == ["50 %", "1 %"]
    assert rows[0]["full_firings"] == rows[1]["full_firings"] > 0
    assert rows[0]["lost"] < rows[1]["lost"]
    assert rows[0]["incidents"] is None


def test_each_rule_each_alert_and_each_incident_can_be_asked_for(ask, words, sampled_folder):
    words += ["--probability", "0.2", "--incidents", str(sampled_folder / "labels.csv")]
    by_rule = ask(*words, "--show", "rules")
    assert [row["rule"] for row in by_rule] == ["Failing", "Busy", None]
    alerts = ask(*words, "--show", "alerts")
    assert len(alerts) == by_rule[-1]["full_firings"]
    incidents = ask(*words, "--show", "incidents")
    assert sum(row["full_delay_s"] is not None for row in incidents) == by_rule[-1]["incidents"] > 0


def test_losses_over_the_budget_are_a_finding_and_drawn(words, tmp_path, capsys):
    figure = ["--figure", str(tmp_path / "f.html")]
    assert main([*words, "--probability", "0.01", "--max-lost", "0", *figure]) == 1
    assert "of the events; of" in (tmp_path / "f.html").read_text()
    told = capsys.readouterr()
    assert "alerts are lost; at most 0 were allowed" in told.err
    assert "one draw" in told.err
    assert main([*words, "--probability", "1", "--max-lost", "0"]) == 0


@pytest.mark.parametrize(("more", "mend"), [
    (["--show", "colours"], "one of policies, rules, alerts, incidents"), (["--show", "incidents"], "--incidents"),
    (["--probability", "2"], "a share"), (["--rule", "x"], "such as event_type"),
])  # fmt: skip
def test_bad_use_says_the_mend(words, capsys, more, mend):
    assert main([*words, *more]) == 2
    assert mend in capsys.readouterr().err
