"""`onex-analytics sample choose` on five hours of a fleet."""

from __future__ import annotations

import pytest

from onex_analytics.cli import main
from onex_analytics.looks.sampling import rules_of
from onex_analytics.sampling import RulePolicy, load_policies


@pytest.fixture
def words(sampled_folder) -> list[str]:
    return ["sample", "choose", "--store", str(sampled_folder / "store")]


def test_what_is_chosen_keeps_to_the_budget_and_beats_one_share(ask, words):
    rows = ask(*words, "--budget", "0.3")
    (chosen,) = [row for row in rows if row["chosen"]]
    assert chosen["volume_share"] <= 0.3
    (plain,) = [row for row in rows if row["design"] == "one share" and row["budget"] == 0.3]
    assert chosen["worst_error"] < plain["worst_error"]


def test_an_error_that_may_be_is_kept_to(ask, words):
    (chosen,) = [row for row in ask(*words, "--target-error", "0.2") if row["chosen"]]
    assert chosen["worst_error"] <= 0.2


def test_the_policy_is_told_as_rules_and_drawn_and_one_that_may_be_too_far_off_is_a_finding(words, capsys, tmp_path):
    policy = tmp_path / "policy.yaml"
    more = ["--figure", str(tmp_path / "f.html"), "--write", str(policy)]
    assert main([*words, "--budget", "0.3", *more, "--max-error", "0.001"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("What to ship")
    assert "What was tried" in told.out
    assert "chosen: " in told.err
    assert "at most 0.10% was allowed" in told.err
    assert "How far off error_rate is" in (tmp_path / "f.html").read_text()
    assert load_policies(policy).policies[0].keep_failures


def test_rules_are_read_from_the_top():
    rules = [{"node": ["a", "b"], "event_type": "NODE_*", "probability": 0.1}, {"probability": 0.2}]
    assert rules_of(RulePolicy(rules=rules, default=0.5)).rows() == [
        ("failures", 1.0), ("event_type NODE_*, node a or b", 0.1), ("all", 0.2), ("all others", 0.5),
    ]  # fmt: skip
    assert rules_of(RulePolicy(keep_failures=False, default=0.5)).rows() == [("all", 0.5)]


@pytest.mark.parametrize(("more", "mend"), [
    ([], "--budget or --target-error"), (["--budget", "0.1", "--target-error", "0.1"], "--budget or --target-error"),
    (["--budget", "7"], "up to 1"), (["--budget", "1e-6"], "at least"), (["--budget", "0.1", "--show", "x"], "policy"),
])  # fmt: skip
def test_bad_use_says_the_mend(words, capsys, more, mend):
    assert main([*words, *more]) == 2
    assert mend in capsys.readouterr().err
