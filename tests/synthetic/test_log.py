"""The log as bytes: exact, repeatable, well-formed, in flat memory."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.events import EVENT_MODELS
from onex_analytics.model.validation import violations
from onex_analytics.synthetic import Traps, generate
from onex_analytics.synthetic.fleet import Form
from tests.laws import examples
from tests.synthetic.reading import events_of


def readable(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@settings(max_examples=examples(15))
@given(st.integers(1, 3_000), st.integers(0, 2**63))
def test_there_are_exactly_as_many_events_as_asked_for(n_events, seed):
    log = generate(n_events, seed)
    lines = b"".join(log.chunks()).split(b"\n")
    assert lines.pop() == b""
    counts = log.trap_counts
    assert len(lines) == log.n_lines == n_events + counts["duplicates"] + counts["conflicts"] + counts["broken"]
    assert sum(readable(line) for line in lines) == len(lines) - counts["broken"]


@pytest.mark.parametrize("n_events", [1, 2, 3, 10, 96_001])
def test_small_and_large_logs_are_exact_too(n_events):
    log = generate(n_events, seed=4, traps=None)
    assert sum(chunk.count(b"\n") for chunk in log.chunks()) == log.n_events == n_events


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    once, again = (b"".join(generate(5_000, seed=2).chunks()) for _ in range(2))
    assert once == again
    assert once != b"".join(generate(5_000, seed=3).chunks())


def test_a_seed_means_the_same_log_for_ever():
    # change this only with a note in the changelog: seeds in issues, benchmarks and data/ depend on it
    data = b"".join(generate(2_000, seed=1).chunks())
    assert hashlib.sha256(data).hexdigest()[:16] == "813c23354a320792"


def test_the_number_of_threads_changes_nothing():
    code = "import sys, onex_analytics.synthetic as s; sys.stdout.buffer.writelines(s.generate(2_000, seed=1).chunks())"
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    data = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
    assert data == b"".join(generate(2_000, seed=1).chunks())


def test_every_readable_line_of_the_default_mix_is_an_event_with_its_own_id():
    log = generate(15_000, seed=6)
    lines = b"".join(log.chunks()).splitlines()
    events = [json.loads(line) for line in lines if readable(line)]
    ids = {event["event_id"] for event in events}
    assert len(ids) == log.n_events
    for event in events:
        assert {"event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata"} <= set(event)


def test_a_clean_log_breaks_no_rule_and_the_default_mix_about_one_in_fifty():
    assert not any(violations(event) for event in events_of(generate(8_000, seed=3, traps=None)))
    lines = b"".join(generate(20_000, seed=3).chunks()).splitlines()
    breaking = [bool(violations(json.loads(line))) for line in lines if readable(line)]
    assert 0.01 < sum(breaking) / len(breaking) < 0.04


def test_every_event_fits_the_model_of_its_version():
    for event in events_of(generate(3_000, seed=5, traps=None)):
        EVENT_MODELS[event.get("schema_version", "1.0.0")](**event)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_line_is_about_as_long_as_upstreams(seed):
    log = generate(40_000, seed=seed)
    size = sum(len(chunk) for chunk in log.chunks()) / log.n_lines
    assert 300 <= size <= 370


def test_a_chunk_holds_whole_lines_and_at_most_twenty_thousand():
    crowded = generate(100_000, seed=1, days=0.01, traps=Traps(duplicates=0.4))
    for chunk in crowded.chunks():
        assert chunk.endswith(b"\n")
        assert 0 < chunk.count(b"\n") <= 20_000


@pytest.mark.parametrize(("suffix", "opened"), [
    ("", lambda path: path.read_bytes()),
    (".gz", lambda path: gzip.decompress(path.read_bytes())),
    (".zst", lambda path: zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())),
])
def test_a_written_file_holds_the_same_bytes_and_the_counts_add_up(tmp_path, suffix, opened):
    log = generate(3_000, seed=9, traps=Traps(duplicates=0.1, conflicts=0.05, broken=0.05))
    written = log.write(tmp_path / f"events.jsonl{suffix}")
    data = opened(written.path)
    assert data == b"".join(log.chunks())
    assert written.lines == data.count(b"\n") == (
        written.events + written.duplicates + written.conflicts + written.broken)
    assert written.bytes == len(data)
    once = written.path.read_bytes()
    assert log.write(written.path) == written and written.path.read_bytes() == once


def test_the_truth_about_lines_stands_in_the_order_of_the_lines():
    log = generate(98_000, seed=1, traps=None)  # two blocks
    ids = [event[13:49].decode() for event in b"".join(log.chunks()).splitlines()]
    assert log.truth["event_id"].to_list() == ids
    assert log.truth["timestamp"].is_sorted()


def test_deploys_tell_who_ran_which_version_and_every_schema_version_is_adopted():
    log = generate(40_000, seed=5, traps=None, incidents=None)
    assert set(log.deploys["schema_version"]) == {"1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0"}
    spoken = pl.concat(log.calls()).select("node", "node_version", "schema_version").unique()
    assert spoken.join(log.deploys, on=["node", "node_version", "schema_version"], how="anti").is_empty()
    newer = pl.Series([event.get("schema_version", "1.0.0") != "1.0.0" for event in events_of(log)])
    assert newer[:13_000].mean() < newer[-13_000:].mean()


@pytest.mark.parametrize("form", ["envelope", "capture", "recording", "cloudevents", "core"])
def test_every_form_holds_the_same_events(form: Form):
    plain = [event["event_id"] for event in events_of(generate(1_500, seed=2, traps=None))]
    data = b"".join(generate(1_500, seed=2, traps=None, form=form).chunks())
    rows = json.loads(data) if form == "recording" else [json.loads(line) for line in data.splitlines()]
    found = {
        "envelope": lambda row: row["payload"], "capture": lambda row: row["envelope"]["payload"],
        "recording": lambda row: row, "core": lambda row: row, "cloudevents": lambda row: {"event_id": row["id"]},
    }[form]
    assert [found(row)["event_id"] for row in rows] == plain


def test_a_capture_counts_the_offsets_of_each_partition_without_a_gap():
    rows = events_of(generate(3_000, traps=["duplicates"], form="capture"))
    for partition in (0, 1, 2):
        offsets = [row["offset"] for row in rows if row["partition"] == partition]
        assert offsets == list(range(len(offsets)))
    assert rows[0]["topic"].startswith("onex.evt.")


def test_a_recording_has_spaces_in_its_times_and_no_broken_element():
    log = generate(2_000, seed=3, form="recording", traps=Traps(broken=0.5))
    rows = json.loads(b"".join(log.chunks()))
    assert len(rows) == log.n_lines and log.trap_counts["broken"] == 0
    assert sum(isinstance(row["timestamp"], str) and row["timestamp"][10:11] == " " for row in rows) > 1_900


def test_core_events_have_dotted_types_and_ids_for_nodes():
    for row in events_of(generate(300, form="core", traps=None)):
        assert row["event_type"].startswith("core.") and len(row["node_id"]) == 36
        assert "schema_version" not in row and "data" in row


@pytest.mark.parametrize("nodes", [1, 2, 30, ["my_node"], ["stamper_node", "a", "b", "c"]])
def test_a_fleet_may_have_any_nodes(nodes):
    log = generate(2_000, nodes=nodes, traps=None)
    events = events_of(log)
    assert len(events) == 2_000
    names = {event["node_id"] for event in events}
    assert len(names) <= (nodes if isinstance(nodes, int) else len(nodes))
    assert isinstance(nodes, int) or names <= set(nodes)


def test_load_is_heavier_by_day_than_by_night_and_on_weekdays_than_at_the_weekend():
    calls = pl.concat(generate(50_000, seed=1, incidents=None, traps=None).calls())
    roots = calls.filter(pl.col("parent_call").is_null())["start"]
    hours, days = dict(roots.dt.hour().value_counts().iter_rows()), dict(roots.dt.weekday().value_counts().iter_rows())
    assert hours[10] > 2.5 * hours[2]
    assert days[2] > 1.7 * days[6]


@pytest.mark.parametrize(("wrong", "mend"), [
    ({"n_events": 0}, "at least 1"),
    ({"n_events": 5, "days": 0}, "above 0"),
    ({"n_events": 5, "start": datetime(2026, 1, 1)}, "a time with a zone"),
    ({"n_events": 5, "form": "xml"}, "one of event, envelope"),
    ({"n_events": 5, "nodes": 0}, "at least one node"),
    ({"n_events": 5, "nodes": ["a", "a"]}, "each once"),
    ({"n_events": 5, "incidents": "all"}, "'default', None"),
    ({"n_events": 5, "seed": -1}, "a whole number"),
])
def test_an_impossible_wish_is_refused_with_the_mend(wrong, mend):
    with pytest.raises(InvalidOption, match=mend):
        generate(**wrong)


def test_a_log_may_start_at_any_time_and_last_as_long_as_it_likes():
    start = datetime(2025, 3, 1, 6, 30, tzinfo=UTC)
    times = generate(1_000, start=start, days=0.5, traps=None).truth["timestamp"]
    assert times.min() >= start
    assert (times.max() - start).total_seconds() < 0.6 * 86400
