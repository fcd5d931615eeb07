"""`onex-analytics size …` on a fleet of 4,000 events, and on raw lines."""

from __future__ import annotations

import json

import pytest

from onex_analytics.cli import main
from onex_analytics.sizing import SizePolicy, encode
from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sizes")
    generate(4000, seed=3).write(folder / "fleet.jsonl")
    EventStore(str(folder / "store")).append(folder / "fleet.jsonl")
    return str(folder / "store")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, object]]]:
    """A log of ten events, each larger than the one before: 400 bytes to some 200,000."""
    events = [
        {"event_id": f"00000000-0000-4000-8000-{n:012d}", "timestamp": f"2026-11-01T12:{n:02}:00", "node_id": "a_node",
         "event_type": "NODE_START", "metadata": {"input_state": {"body": f"{n}<b>" * 100 * 2**n}}} for n in range(10)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return str(path), events


@pytest.fixture(scope="module")
def large_store(large: tuple[str, list[dict[str, object]]], tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = str(tmp_path_factory.mktemp("large") / "store")
    EventStore(uri).append(large[0])
    return uri


def test_what_events_weigh_adds_up_whatever_is_told_apart(fleet, ask):
    by_type, by_field = (ask("size", "report", "--store", fleet, "--by", by) for by in ("event_type", "field"))
    over_time = ask("size", "report", "--store", fleet, "--by", "", "--every", "1d")
    totals = {sum(row["total_bytes"] for row in rows) for rows in (by_type, by_field, over_time)}
    assert len(totals) == 1
    assert {row["field"] for row in by_field} >= {"event_id", "metadata.input_state", "(braces)"}
    (alone,) = ask("size", "report", "--store", fleet, "--by", "", "--node", "stamper_node")
    assert 0 < alone["total_bytes"] < totals.pop()


def test_a_table_says_what_it_leaves_out_and_events_over_a_budget_are_a_finding(fleet, capsys):
    assert main(["size", "report", "--store", fleet, "--limit", "2", "--max-over", "0"]) == 0
    assert "more rows with" in capsys.readouterr().err
    words = ["size", "report", "--store", fleet, "--over", "ours=500", "--over", "theirs=1MiB"]
    assert main([*words, "--max-over", "3"]) == 1
    told = capsys.readouterr()
    assert "events are over ours (500 bytes); the budget is 3." in told.err
    assert "over_theirs" in told.out


def test_what_is_simulated_is_what_the_live_encoder_sends(large, ask):
    path, events = large
    rows = ask("size", "simulate", path, "--max-bytes", "100kB", "--compress-over", "1KiB", "--codec", "gzip")
    policy = SizePolicy(max_bytes=100_000, compress_over=1024, codec="gzip")
    sent = [encode(event, policy) for event in events]
    for row in rows:
        mine = [one for one in sent if one.encoding == row["encoding"]]
        assert row["events"] == len(mine)
        assert row["stored_bytes"] == sum(len(one.payload) for one in mine)


@pytest.mark.parametrize("on_oversize", ["reject", "truncate_field", "claim_check"])
def test_what_is_too_large_is_done_as_the_policy_says(on_oversize, large_store, ask):
    words = ["size", "simulate", "--store", large_store, "--max-bytes", "2KiB", "--warn-bytes", "never"]
    words += ["--compress-over", "never"]
    rows = ask(*words, "--on-oversize", on_oversize)
    assert sum(row["events"] for row in rows) == 10
    assert {row["action"] for row in rows} == {"send", on_oversize}
    if on_oversize == "reject":
        refused = next(row["events"] for row in rows if row["action"] == "reject")
        assert ask(*words, "--max-refused", str(refused - 1), code=1) == ask(*words, "--max-refused", str(refused))


def test_a_dictionary_is_trained_kept_and_used(fleet, ask, tmp_path, capsys):
    file = tmp_path / "events.zdict"
    assert main(["size", "train", str(file), "--store", fleet, "--size", "4KiB"]) == 0
    assert "4,096 bytes, number " in capsys.readouterr().err
    (with_one,) = ask("size", "simulate", "--store", fleet, "--compress-over", "0", "--dictionary", str(file))
    assert with_one["plain_bytes"] > 2 * with_one["stored_bytes"]
    ways = {row["name"]: row for row in ask("size", "compress", "--store", fleet, "--dictionary", "1KiB,4KiB")}
    ratios = [ways[f"zstd, dictionary of {n} KiB"]["ratio"] for n in (1, 4)]
    assert 1 < ways["zstd"]["ratio"] < ratios[0] < ratios[1] < ways["Parquet, zstd"]["ratio"]
    few = ask("size", "compress", "--store", fleet, "--dictionary", "", "--batch", "", "--most-events", "100")
    assert [row["name"] for row in few] == ["gzip", "zstd", "Parquet, zstd"]
    assert {row["events"] for row in few} == {50}


def test_figures_are_drawn_of_any_log(large, tmp_path):
    empty = tmp_path / "nothing.jsonl"
    empty.touch()
    for words in (["report", large[0]], ["report", str(empty)], ["compress", str(empty), "--dictionary", ""]):
        page = tmp_path / "figure.html"
        assert main(["size", *words, "--figure", str(page)]) == 0
        assert "plotly" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report", "--over", "mine"], "NAME=BYTES"), (["report", "--over", "a=many"], "64KiB"),
        (["report", "--by", "nowhere"], "missing columns ['nowhere']"), (["report", "--every", "0s"], "above zero"),
        (["report", "--by", "share"], "not named like those of the result"),
        (["simulate", "--max-bytes", "0"], "--max-bytes is 0"), (["simulate", "--max-bytes", "1 mile"], "64KiB"),
        (["simulate", "--codec", "lzma"], "--codec is 'lzma'; wanted 'zstd' or 'gzip'"),
        (["simulate", "--level", "99"], "from 1 to 22"), (["simulate", "--preset", "post"], "cloudevents or kafka"),
        (["simulate", "--dictionary", "nowhere.zdict"], "size train"),
        (["simulate", "--dictionary", "pyproject.toml"], "--dictionary is 'pyproject.toml'; wanted a file"),
        (["simulate", "--on-oversize", "drop"], "--on-oversize"),
        (["simulate", "--warn-bytes", "2MiB"], "at most max_bytes"),
        (["compress", "--batch", "ten"], "such as 10,100"), (["compress", "--held-out", "1"], "below 1"),
        (["compress", "--most-events", "4"], "or none"), (["train", "x", "--size", "10"], "at least 256"),
    ],
)  # fmt: skip
def test_bad_use_is_said_with_the_mend(words, said, fleet, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]")
    assert main(["size", *words, "--store", fleet]) == 2
    assert said in capsys.readouterr().err
