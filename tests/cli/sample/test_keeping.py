"""`onex-analytics sample apply` on five hours of a fleet."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from onex_analytics import EventStore, sampling
from onex_analytics.cli import main


@pytest.fixture
def log(sampled_folder) -> pl.LazyFrame:
    return EventStore(str(sampled_folder / "store")).scan()


@pytest.fixture
def words(sampled_folder) -> list[str]:
    return ["sample", "apply", "--store", str(sampled_folder / "store")]


def test_the_account_adds_up_and_tells_what_decided(ask, words, log):
    rows = {row["policy"]: row for row in ask(*words, "--rule", "event_type=NODE_START:0.05", "--probability", "0.5")}
    name = "rules, else 50 %"
    assert set(rows) == {f"{name}/event_type=NODE_START", f"{name}/failures", f"{name}/default"}
    failures = rows[f"{name}/failures"]
    assert failures["events"] == failures["events_kept"] == failures["stands_for"] > 0
    assert sum(row["events"] for row in rows.values()) == log.collect().height
    assert rows[f"{name}/event_type=NODE_START"]["probability"] == pytest.approx(0.05, abs=1e-5)


def test_what_was_kept_is_written_as_it_came_with_what_it_stands_for(words, log, tmp_path, capsys):
    target = str(tmp_path / "kept.jsonl.gz")
    assert main([*words, "--probability", "0.25", "--out", target]) == 0
    with gzip.open(target, "rt") as file:
        written = {event["event_id"]: event for event in map(json.loads, file)}
    policy = sampling.ProbabilityPolicy(probability=0.25)
    kept = sampling.apply(policy, log).filter("keep").collect()
    assert set(written) == set(kept["event_id"])
    assert {event["adjusted_count"] for event in written.values()} == {4.0}
    store = EventStore(str(tmp_path / "again"))
    store.append(target)
    both = store.scan().select("event_id", "adjusted_count", "metadata").collect().join(
        kept.select("event_id", "adjusted_count", "metadata"), on="event_id"
    )  # fmt: skip
    assert both.filter(pl.col("adjusted_count") != pl.col("adjusted_count_right")).is_empty()
    assert both.filter(pl.col("metadata").ne_missing(pl.col("metadata_right"))).is_empty()


def test_a_log_may_be_sampled_again_and_the_counts_multiply(ask, tmp_path, capsys):
    first, second = str(tmp_path / "first.jsonl"), str(tmp_path / "second.jsonl")
    event = {"timestamp": "2026-11-01T12:00:00", "node_id": "n", "event_type": "NODE_START", "adjusted_count": 2.0,
             "tenant": "a", "sampling_probability": 0.5, "more": {"b": 1}}  # fmt: skip
    ids = [f"e{i}" for i in range(400)]
    policy = sampling.ProbabilityPolicy(probability=0.5, scope="event")
    kept = sampling.apply(policy, pl.LazyFrame({"event_id": ids})).filter("keep").collect()["event_id"]
    Path(first).write_text("".join(json.dumps({"event_id": one, **event}) + "\n" for one in kept))
    consistent = ["sample", "apply", first, "--probability", "0.125", "--by-event"]
    (row,) = ask(*consistent)
    assert row["stands_for"] == 16 * row["events_kept"]
    assert main([*consistent, "--upstream", "consistent", "--out", second]) == 0
    assert "this log was sampled before: its" in capsys.readouterr().err
    (told, *_) = ask("sample", "estimate", second, "--metric", "count", "--by-event")
    assert told["estimate"] == 8 * told["events_kept"]
    written = [json.loads(text) for text in Path(second).read_text().splitlines()]
    assert {(row["adjusted_count"], row["sampling_probability"]) for row in written} == {(8.0, 0.125)}
    assert all((row["tenant"], row["more"]) == ("a", {"b": 1}) for row in written)


def test_standard_output_has_the_events_alone(words, capfdbinary):
    assert main([*words, "--probability", "0.1", "--out", "-"]) == 0
    told = capfdbinary.readouterr()
    assert all("event_id" in json.loads(text) for text in told.out.splitlines())
    assert b"events kept, which stand for" in told.err


def test_an_event_that_stands_for_itself_is_written_as_it_came(words, tmp_path, capsys):
    assert main([*words, "--probability", "1", "--out", str(tmp_path / "all.jsonl")]) == 0
    assert "adjusted_count" not in (tmp_path / "all.jsonl").read_text()


@pytest.mark.parametrize(("more", "mend"), [
    ([], "exactly one"), (["--probability", "0.1", "--probability", "0.2"], "exactly one"),
    (["--probability", "0.1", "--out", "kept.parquet"], "kept.jsonl"),
    (["--probability", "0.1", "--out", "-", "--json"], "standard output"),
    (["--probability", "0.1", "--upstream", "x"], "consistent"),
])  # fmt: skip
def test_bad_use_says_the_mend(words, capsys, more, mend):
    assert main([*words, *more]) == 2
    assert mend in capsys.readouterr().err
