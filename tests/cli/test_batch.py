"""`onex-analytics batch …` on a fleet of 5,000 events."""

from __future__ import annotations

import pytest

from onex_analytics.batching import PRESETS, BatchPolicy, ServiceTime, simulate_batching
from onex_analytics.cli import main
from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("batch") / "fleet.jsonl"
    generate(5_000, seed=5, days=0.02).write(path)
    return str(path)


@pytest.fixture(scope="module")
def held(log, tmp_path_factory) -> str:
    folder = str(tmp_path_factory.mktemp("batch") / "store")
    EventStore(folder).append(log)
    return folder


def test_a_simulation_tells_what_the_function_tells_of_a_store_and_of_raw_files(held, log, ask):
    words = ["--max-size", "20", "--max-age", "250ms", "--export-time", "40ms"]
    told = ask("batch", "simulate", "--store", held, *words)
    expected = simulate_batching(
        BatchPolicy(max_size=20, max_age_ms=250), EventStore(held).scan(), service=ServiceTime(base_ms=40)
    )  # fmt: skip
    assert told == expected.summary.row(0, named=True)
    assert ask("batch", "simulate", log, *words) == told


@pytest.mark.parametrize("show", ["batches", "sizes", "over_time"])
def test_each_frame_can_be_shown(held, ask, show):
    rows = ask("batch", "simulate", "--store", held, "--show", show, "--every", "1m")
    expected = simulate_batching(BatchPolicy(), EventStore(held).scan(), every="1m")
    assert len(rows) == getattr(expected, show).height


def test_every_node_may_have_a_batcher(held, ask):
    told = ask("batch", "simulate", "--store", held, "--by", "node")
    assert told == simulate_batching(BatchPolicy(), EventStore(held).scan(), by="node").summary.row(0, named=True)
    assert told["batchers"] == EventStore(held).scan().collect()["node"].n_unique() > 1
    rows = ask("batch", "compare", "--store", held, "--by", "node", "--max-size", "100", "--max-age", "1s")
    assert rows[0]["batches"] == told["batches"]


def test_a_preset_may_be_changed_and_is_then_no_longer_called_so(held, ask):
    whole = ask("batch", "simulate", "--store", held, "--preset", "otel-logs")
    changed = ask("batch", "simulate", "--store", held, "--preset", "otel-logs", "--max-size", "50")
    assert (whole["policy"], whole["max_size"]) == ("otel-logs", 512)
    assert (changed["policy"], changed["queue_limit"]) == ("50 events or 1 s", 2048)


def test_losses_and_delays_over_the_budget_are_findings(held, ask, capsys):
    tight = ["--max-size", "5", "--queue-limit", "5", "--when-full", "drop_newest", "--export-time", "2s"]
    told = ask("batch", "simulate", "--store", held, *tight, "--max-lost", "0.001", code=1)
    assert told["dropped_full"] > 5
    assert ask("batch", "simulate", "--store", held, *tight, "--max-lost", "1") == told
    assert main(["batch", "simulate", "--store", held, "--max-delay", "1ms"]) == 1
    assert "the budget is 1.0 ms" in capsys.readouterr().err


def test_policies_are_compared_each_size_with_each_age(held, ask, capsys):
    rows = ask(
        "batch", "compare", "--store", held, "--max-size", "10,100", "--max-age", "100ms,1s", "--preset", "kafka"
    )
    assert [row["policy"] for row in rows] == [
        "10 events or 100 ms", "10 events or 1 s", "100 events or 100 ms", "100 events or 1 s", "kafka",
    ]  # fmt: skip
    assert any(row["best"] for row in rows)
    assert {row["policy"] for row in ask("batch", "compare", "--store", held, "--preset", "all")} == set(PRESETS)
    assert main(["batch", "compare", "--store", held, "--limit", "2"]) == 0
    told = capsys.readouterr()
    assert f"and {9 + len(PRESETS) - 2} more policies" in told.err
    assert "delay_p95_ms" in told.out


def test_compression_is_measured_on_the_log(held, ask):
    rows = ask("batch", "compare", "--store", held, "--max-size", "1,200", "--max-age", "60s", "--compress", "zstd")
    one, many = (row["bytes"] / row["compressed_bytes"] for row in rows)
    assert 1 < one < 2.5 < many


def test_figures_are_pages_that_ask_no_host(held, tmp_path):
    for command in ("simulate", "compare"):
        page = tmp_path / f"{command}.html"
        assert main(["batch", command, "--store", held, "--figure", str(page), "--out", str(tmp_path / "t.txt")]) == 0
        text = page.read_text(encoding="utf-8")
        assert "batches a second" in text or "events in a batch" in text
        assert 'src="http' not in text


def test_presets_are_told_with_their_sources(ask, capsys):
    rows = ask("batch", "presets")
    assert [row["name"] for row in rows] == list(PRESETS)
    assert all(row["source"] for row in rows)
    assert main(["batch", "presets"]) == 0
    assert "BatchSpanProcessor" in capsys.readouterr().out


def test_a_time_without_events_is_told(held, ask, capsys):
    for command in ("simulate", "compare"):
        assert ask("batch", command, "--store", held, "--until", "2000-01-01", "--compress", "gzip") == []


@pytest.mark.parametrize(("words", "message"), [
    (["simulate", "--when-full", "wait"], "--when-full is 'wait'; wanted what a policy takes"),
    (["simulate", "--queue-limit", "5"], "at least max_size"),
    (["simulate", "--max-age", "soon"], "--max-age"),
    (["simulate", "--max-bytes", "1 mile"], "--max-bytes is '1 mile'; wanted a number of bytes"),
    (["simulate", "--max-bytes", "0"], "--max-bytes is 0"),
    (["compare", "--max-size", "5", "--max-bytes", "64KiB"], None),
    (["simulate", "--max-age", "0ms"], "--max-age is 0"),
    (["simulate", "--preset", "syslog"], "one of onex, otel-spans"),
    (["simulate", "--show", "all"], "--show"),
    (["simulate", "--compress", "lzma"], "zstd or gzip"),
    (["compare", "--max-size", "ten"], "whole numbers"),
    (["compare", "--max-size", "5,5"], None),
    (["compare", "--preset", "kafka", "--queue-limit", "7"], "presets have theirs"),
])  # fmt: skip
def test_bad_use_is_told_in_one_line(held, capsys, words, message):
    code = main(["batch", words[0], "--store", held, *words[1:]])
    told = capsys.readouterr().err
    assert (code, "Traceback" in told) == (0 if message is None else 2, False)
    assert message is None or message in told
