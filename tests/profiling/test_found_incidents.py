"""The synthetic fleet knows the truth: what got slower is found, when, and for whom; a calm week stays calm."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

from onex_analytics import EventStore
from onex_analytics.frames import build_spans, contrast
from onex_analytics.profiling import change_points, compare
from onex_analytics.synthetic import DIMENSIONS, Incident, SyntheticLog, generate

INCIDENTS = (
    Incident(kind="latency_regression", node="stamper_node", start=0.2, end=0.27, cause="node_version=1.4.0"),
    Incident(kind="latency_regression", node="contract_validator_node", start=0.35, end=0.42, magnitude=8.0,
             cause="input_bytes>=65536"),
    Incident(kind="latency_regression", node="file_reader_node", start=0.5, end=0.57, magnitude=8.0,
             cause="host=onex-03"),
    Incident(kind="latency_regression", node="hash_calculator_node", start=0.65, end=0.72, cause="tenant=globex"),
    Incident(kind="stuck_node", node="schema_generator_node", start=0.8, end=0.85),
)  # fmt: skip
SLOWER = range(4)
STUCK = 4


@pytest.fixture(scope="module", params=[None, "default"], ids=["clean", "with traps"])
def week(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """The labels of a week, and its spans, by way of a file and a store."""
    folder: Path = tmp_path_factory.mktemp("week")
    log = generate(150_000, seed=3, traps=request.param, incidents=INCIDENTS)
    log.write(folder / "log.jsonl")
    store = EventStore(str(folder / "events"), dimensions=DIMENSIONS)
    store.append(str(folder / "log.jsonl"))
    return list(log.labels.iter_rows(named=True)), build_spans(store.scan()).collect()


def between(start: datetime, end: datetime) -> pl.Expr:
    return pl.col("start").is_between(start, end, closed="left")


@pytest.mark.parametrize("place", SLOWER)
def test_compare_finds_each_regression(week, place):
    labels, spans = week
    label = labels[place]
    before = spans.filter(pl.col("start") < label["start"])
    table = compare(before, spans.filter(between(label["start"], label["end"])), by="node").collect()
    row = table.filter(node=label["node"]).row(0, named=True)
    assert row["verdict"] == "regression" and "p95" in row["because"]


def test_compare_finds_the_node_that_is_stuck_though_nothing_took_longer(week):
    labels, spans = week
    label = labels[STUCK]
    before = spans.filter(pl.col("start") < label["start"])
    table = compare(before, spans.filter(between(label["start"], label["end"])), by="node").collect()
    row = table.filter(node=label["node"]).row(0, named=True)
    assert row["verdict"] == "regression" and "open" in row["because"]
    assert row["open_candidate"] > row["n_candidate"]


@pytest.mark.parametrize("place", SLOWER)
def test_change_points_find_when_each_regression_began_and_ended(week, place):
    labels, spans = week
    label = labels[place]
    slot = timedelta(hours=1)
    own = spans.filter(pl.col("node") == label["node"], pl.col("duration_ms") >= 0)
    series = own.sort("start").group_by_dynamic("start", every=slot).agg(
        pl.col("duration_ms").quantile(0.95, "nearest").alias("p95_ms")
    )  # fmt: skip
    at = change_points(series, "p95_ms", min_effect=0.5).collect()["start"].to_list()
    leeway = 6 * slot  # where one span in eight is slow, a p95 an hour is made of few of them
    assert any(abs(t - label["start"]) <= leeway for t in at)
    assert any(abs(t - label["end"]) <= leeway for t in at)
    assert len(at) <= 4


@pytest.mark.parametrize("place", SLOWER)
def test_contrast_ranks_the_cause_first(week, place):
    labels, spans = week
    label = labels[place]
    before = label["start"] - (label["end"] - label["start"])
    usual = pl.col("duration_ms").filter(pl.col("start") < label["start"]).quantile(0.95, "nearest").over("operation")
    own = spans.filter(pl.col("node") == label["node"], between(before, label["end"]))
    found = contrast(own, pl.col("duration_ms") > usual).collect()
    column, _, value = label["cause"].partition(">=" if ">=" in label["cause"] else "=")
    first = found["pattern"][0]
    if column == "input_bytes":
        assert first.startswith("input_bytes>=")
        assert int(value) / 3 < float(first.split(">=")[1]) < 3 * int(value)
    else:
        assert first == label["cause"]


# ---------------------------------------------------------------- calm weeks


def true_spans(log: SyntheticLog) -> pl.DataFrame:
    """The calls of the fleet as spans, with their true traces: without what pairing may add or lose."""
    took = pl.duration(microseconds=(pl.col("duration_ms") * 1000).round().cast(pl.Int64))
    return pl.concat(log.calls()).filter(pl.col("pattern") != "log").select(
        "trace_id", "node", "operation", "start", span_id=pl.col("call").cast(pl.String),
        parent_span_id=pl.col("parent_call").cast(pl.String), name="operation",
        end=pl.when(~pl.col("open")).then(pl.col("start") + took),
    )  # fmt: skip


def runs_with_a_false_alarm(runs: int, events: int) -> tuple[int, int]:
    """Incident-free logs, cut in the middle: tables with a regression; logs whose p50 an hour changed its level."""
    tables = series = 0
    for seed in range(runs):
        spans = true_spans(generate(events, seed=seed, traps=None, incidents=None, days=4))
        middle = spans["start"].median()
        halves = [spans.filter(pl.col("start") < middle), spans.filter(pl.col("start") >= middle)]
        tables += "regression" in set(compare(*halves, draws=500).collect()["verdict"])  # type: ignore[arg-type]
        busiest = spans.group_by("node").len().sort("len", "node")["node"][-1]
        took = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 1000
        hourly = spans.filter(pl.col("node") == busiest).sort("start").group_by_dynamic("start", every="1h").agg(
            took.quantile(0.5, "nearest").alias("p50_ms")
        )  # fmt: skip
        series += change_points(hourly).collect().height > 0
    return tables, series


def test_calm_logs_raise_no_more_false_alarms_than_stated():
    tables, series = runs_with_a_false_alarm(40, 12_000)
    assert tables <= 0.05 * 40
    assert series <= 0.05 * 40


MOST_OF_200 = stats.binom.ppf(0.99, 200, 0.05)
"""18. Where nothing changed, every finding is false, so that a share of at most `alpha` false findings is a finding
in at most one log of twenty. At that very rate 10 of 200 are expected and more than 10 come in 42 % of all draws, so
that 10 would refuse a method that keeps its word; more than 18 come in 0.6 % of them. A method that raises one in ten
false alarms passes at 18 with 37 %, one of three in twenty with 0.8 %. (Measured: 11. `compare` asks more of a finding
than its rate, an effect of 10 %, and so is held to 10; measured: 5.)"""


@pytest.mark.soak
def test_of_200_calm_logs_at_most_the_stated_share_raises_a_false_alarm():
    tables, series = runs_with_a_false_alarm(200, 40_000)
    assert tables <= 0.05 * 200
    assert series <= MOST_OF_200
