"""`onex-analytics errors …` on a fleet of 20,000 events."""

from __future__ import annotations

import pytest

from onex_analytics.cli import main
from onex_analytics.error_patterns import TemplateModel
from onex_analytics.store import EventStore
from onex_analytics.synthetic import Incident, generate


@pytest.fixture(scope="module")
def fleet_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("errors")
    cascade = Incident(kind="cascade", node="file_reader_node", start=0.4, end=0.6)
    burst = Incident(kind="new_error", node="cli_node", start=0.7, end=0.8)
    generate(20_000, seed=3, incidents=[cascade, burst]).write(folder / "fleet.jsonl")
    store = EventStore(str(folder / "store"))
    store.append(folder / "fleet.jsonl")
    return str(folder / "store")


def test_groups_add_up_and_a_table_says_what_it_leaves_out(fleet_store, ask, capsys):
    rows = ask("errors", "groups", "--store", fleet_store)
    failures = ask("errors", "groups", "--store", fleet_store, "--kind", "failure")
    assert sum(row["failures"] for row in rows) == sum(row["errors"] for row in failures) > 50
    assert main(["errors", "groups", "--store", fleet_store, "--limit", "2"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) >= 3
    assert f"and {len(rows) - 2:,} more groups" in told.err


def test_groups_follow_rules_of_a_file(fleet_store, ask, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {name: all, match: {kind: '.'}, group: 'all of {kind}'}\n")
    rows = ask("errors", "groups", "--store", fleet_store, "--rules", str(rules))
    assert {row["title"] for row in rows} == {"all of failure", "all of soft_failure", "all of log"}


def test_a_template_model_is_kept_and_grows(fleet_store, tmp_path, capsys):
    model = tmp_path / "templates.json"
    for version, fresh in ((1, "templates, "), (2, ", 0 of them new")):
        assert main(["errors", "templates", "--store", fleet_store, "--model", str(model)]) == 0
        told = capsys.readouterr().err
        assert f"version {version}, " in told
        assert fresh in told
        assert TemplateModel.load(model).version == version


def test_rates_have_their_interval(fleet_store, ask):
    rows = ask("errors", "rates", "--store", fleet_store, "--by", "node", "--denominator", "finished")
    assert all(row["low"] <= row["error_rate"] <= row["high"] for row in rows if row["error_rate"] is not None)


def test_bursts_are_found_and_more_than_the_budget_are_a_finding(fleet_store, ask):
    words = ["errors", "bursts", "--store", fleet_store, "--every", "2h"]
    rows = ask(*words, "--max-bursts", "0", code=1)
    assert all(row["errors"] >= 2 * row["expected"] for row in rows)
    assert ask(*words, "--max-bursts", str(len(rows))) == rows


def test_what_is_new_since_a_moment_is_a_finding_where_it_is_asked_for(fleet_store, ask):
    begins = "2026-11-04T12:00"
    rows = ask("errors", "compare", begins, "--store", fleet_store, "--fail-on", "new", code=1)
    assert rows[0]["change"] == "new"
    assert "ONEX_SYS_904_RESOURCE_EXHAUSTED" in {row["group"] for row in rows if row["change"] == "new"}
    by_node = ask("errors", "compare", begins, "--store", fleet_store, "--by", "node,error_code")
    assert sum(row["errors_after"] for row in by_node) == sum(row["errors_after"] for row in rows)


def test_the_cascade_is_found_with_its_root(fleet_store, ask, capsys):
    rows = ask("errors", "cascades", "--store", fleet_store)
    assert rows[0]["chain"][0] == {"node": "file_reader_node", "error_code": "ONEX_SYS_904_RESOURCE_EXHAUSTED"}
    assert main(["errors", "cascades", "--store", fleet_store]) == 0
    assert "file_reader_node ONEX_SYS_904_RESOURCE_EXHAUSTED → " in capsys.readouterr().out
    by_time = ["--by-time", "--max-gap", "100ms", "--by", "error_code"]
    codes = [row["chain"][0]["error_code"] for row in ask("errors", "cascades", "--store", fleet_store, *by_time)]
    assert "ONEX_SYS_904_RESOURCE_EXHAUSTED" in codes


def test_what_is_different_about_failures_of_a_code_in_any_spelling(fleet_store, ask):
    words = ["errors", "contrast", "--store", fleet_store, "--max-order", "1"]
    rows = [row for row in ask(*words, "--code", "ONEX_SYS_904") if row["left_out"] is None]
    assert rows[0]["pattern"] == "node=file_reader_node"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["groups", "--kind", "warning"], "some of failure, soft_failure, log"),
        (["compare", "2026-11-04", "--fail-on", "worse"], "some of new, regressed"),
        (["compare", "soon"], "MOMENT"),
        (["compare", "2020-01-01"], "of which there are errors"),
        (["bursts", "--method", "magic"], '"tail" or "kleinberg"'),
        (["cascades", "--max-gap", "soon"], "a duration above zero"),
        (["groups", "--rules", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_bad_use_is_said_with_the_mend(words, said, fleet_store, capsys):
    assert main(["errors", *words, "--store", fleet_store]) == 2
    assert said in capsys.readouterr().err


def test_raw_files_are_read_as_well(fleet_store, ask, tmp_path):
    log = tmp_path / "log.jsonl"
    EventStore(fleet_store).to_jsonl(log)
    rows = ask("errors", "groups", str(log))
    stored = ask("errors", "groups", "--store", fleet_store)
    assert sum(row["errors"] for row in rows) == sum(row["errors"] for row in stored)
