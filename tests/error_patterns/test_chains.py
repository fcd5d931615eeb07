"""Cascades: injected ones are found with their root, and order by chance is none."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from onex_analytics.error_patterns.chains import cascades
from onex_analytics.error_patterns.failures import errors_of
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.store import EventStore
from onex_analytics.synthetic import Incident, generate
from onex_analytics.synthetic.log import SyntheticLog
from onex_analytics.synthetic.topology import DEFAULT_NODES
from tests.laws import examples

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def errors(*traces: list[tuple[float, str]]) -> pl.DataFrame:
    """One row an error: for each trace, (seconds, code)."""
    rows = [
        (str(place), BEGIN + timedelta(seconds=at), code) for place, trace in enumerate(traces) for at, code in trace
    ]
    schema = {"trace_id": pl.String, "timestamp": pl.Datetime("us", "UTC"), "error_code": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def chains(frame: pl.DataFrame, **options: object) -> dict[tuple[str, ...], dict[str, object]]:
    found = cascades(frame, "error_code", **options).to_dicts()
    return {tuple(group["error_code"] for group in row["chain"]): row for row in found}


def test_a_chain_is_told_with_its_length_its_lag_and_its_root():
    frame = errors(*[[(0, "A"), (1, "B"), (3, "C")]] * 10, *[[(0, "Z"), (1, "A"), (2, "B")]] * 10)
    found = chains(frame)
    assert {chain for chain in found if len(chain) == 3} == {("A", "B", "C"), ("Z", "A", "B")}
    abc = found["A", "B", "C"]
    assert (abc["traces"], abc["lag_p50_ms"], abc["share_root"], abc["share_followed"]) == (10, 3000.0, 1.0, 0.5)
    assert abc["lift"] == pytest.approx(0.5 / (10 / 20))
    assert found["A", "B"]["share_root"] == 0.5
    assert found["A", "C"]["share_direct"] == 0.0
    assert (found["A", "B"]["reversed_traces"], abc["reversed_traces"]) == (0, None)


def test_what_merely_lies_on_one_way_of_calls_is_no_cascade_however_often_it_comes_in_one_order():
    """The callee ends first, each time; but each of the two fails as often without the other."""
    draw = np.random.default_rng(8)
    failing = [(a, b) for a, b in (draw.random((4000, 2)) < [0.3, 0.2]).tolist() if a or b]
    traces = [[(0, "callee")] * a + [(1, "caller")] * b for a, b in failing]
    both = sum(a and b for a, b in failing)
    found = chains(errors(*traces), min_odds=0)
    assert found["callee", "caller"]["traces"] == both > 100
    assert found["callee", "caller"]["lift"] < 1
    assert chains(errors(*traces)) == {}


def test_what_comes_seldom_alone_is_a_cascade_with_few_repetitions_where_others_have_an_order():
    """Three times in one order is no finding by itself; it is one where hardly any of the pairs has none."""
    alone = [[(0, code)] for code in "ABCDEFGHIJKLMNOPQRST" for _ in range(2)]
    few = [[(0, one), (1, other)] for one, other in ("AB", "CD", "EF", "GH", "IJ", "KL", "MN", "OP") for _ in range(3)]
    assert len(chains(errors(*alone, *few))) == 8
    assert chains(errors(*alone, *few[:3])) == {}
    evenly = [[(0, one), (1, other)] for one, other in ("QR", "RQ", "ST", "TS") for _ in range(3)]
    assert chains(errors(*alone, *few[:12], *evenly)) == {}


@pytest.mark.parametrize(("ordered", "others", "times"), [(20, 20, 6), (8, 2, 4)])
def test_few_links_are_false_where_pairs_with_an_order_are_among_pairs_without(ordered, others, times):
    draw, shares = np.random.default_rng(ordered), []
    for _ in range(30):
        pairs = range(ordered + others)
        orders = [(pair, 1 if pair < ordered or draw.random() < 0.5 else -1) for pair in pairs for _ in range(times)]
        together = [[(0, f"{pair} a"), (order, f"{pair} b")] for pair, order in orders]
        alone = [[(0, f"{pair} {side}")] for pair in pairs for side in "ab" for _ in range(3)]
        found = chains(errors(*together, *alone))
        shares.append(sum(int(first.split()[0]) >= ordered for first, _ in found) / max(len(found), 1))
    assert np.mean(shares) <= 0.05 + 2 * np.std(shares) / 30**0.5


def test_pairs_of_the_same_traces_are_no_more_evidence_of_order_than_one():
    alone = [[(0, code)] for code in "ABCDEF" for _ in range(40)]
    assert chains(errors(*alone, *[[(at, code) for at, code in enumerate("ABCDEF")]] * 3)) == {}


def test_an_order_that_is_as_often_reversed_is_no_cascade_and_neither_are_ties():
    assert chains(errors(*[[(0, "A"), (1, "B")], [(0, "B"), (1, "A")]] * 30)) == {}
    assert chains(errors(*[[(0, "A"), (0, "B")]] * 30)) == {}


def test_the_gap_is_the_longest_that_joins_two():
    frame = errors(*[[(0, "A"), (60, "B")]] * 10)
    assert ("A", "B") in chains(frame, max_gap="60s")
    assert chains(frame, max_gap="59s") == {}


def test_without_traces_errors_close_in_time_are_one_episode():
    rows = [(place * 60 + at, code) for place in range(9) for at, code in ((0, "A"), (0.05, "B"))]
    frame = errors(rows).drop("trace_id")
    found = cascades(frame, "error_code", None, max_gap="100ms").row(0, named=True)
    assert ([group["error_code"] for group in found["chain"]], found["traces"]) == (["A", "B"], 9)
    assert cascades(frame, "error_code", None, max_gap="10ms").is_empty()


def test_each_trace_has_one_vote():
    frame = errors(*[[(0, "A"), (1, "B"), *[(place, "A") for place in range(2, 30)]]] * 8)
    assert list(chains(frame)) == [("A", "B")]
    assert chains(frame)["A", "B"]["traces"] == 8


def test_order_by_chance_is_seldom_a_cascade():
    draw, false = np.random.default_rng(6), 0
    for _ in range(50):
        orders = [draw.permutation(6) for _ in range(20)]
        traces = [[(float(at), code) for at, code in zip(order, "ABCDEF", strict=True)] for order in orders]
        false += len(chains(errors(*traces))) > 0
    assert false <= stats.binom.isf(1e-4, 50, 0.05)


@settings(max_examples=examples(40))
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ABC")), max_size=6), max_size=8))
def test_counts_of_pairs_are_those_of_a_loop(drawn):
    frame = errors(*drawn)
    found = chains(frame, max_gap="3s", min_traces=1, max_false_discovery=0.999999)
    forward: dict[tuple[str, str], int] = defaultdict(int)
    for trace in drawn:
        first: dict[str, int] = {}
        for at, code in sorted(trace):
            first.setdefault(code, at)
        for one, one_at in first.items():
            for other, other_at in first.items():
                forward[one, other] += 0 < other_at - one_at <= 3
    for chain, row in found.items():
        if len(chain) == 2:
            assert (row["traces"], row["reversed_traces"]) == (forward[chain], forward[chain[::-1]])
            n = forward[chain] + forward[chain[::-1]]
            assert row["p"] == pytest.approx(stats.binom.sf(forward[chain] - 1, n, 0.5))
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert cascades(shuffled, "error_code").equals(cascades(frame, "error_code"))


@pytest.mark.parametrize("seed", [3, 4])
def test_an_injected_cascade_is_found_with_its_root(tmp_path, seed):
    cascade = Incident(kind="cascade", node="file_reader_node", start=0.4, end=0.6)
    log = generate(20_000, seed=seed, incidents=[cascade])
    log.write(tmp_path / "log.jsonl")
    store = EventStore(str(tmp_path / "store"))
    store.append(tmp_path / "log.jsonl")
    strongest = cascades(errors_of(store.scan())).row(0, named=True)
    assert strongest["chain"][0]["node"] == "file_reader_node"
    assert strongest["chain"][0]["error_code"] == "ONEX_SYS_904_RESOURCE_EXHAUSTED"
    assert strongest["share_root"] > 0.7  # some traces had an error of another kind before


def _two_cascades(seed: int) -> list[Incident]:
    draw = np.random.default_rng(seed)
    nodes = draw.choice([spec.name for spec in DEFAULT_NODES if spec.layer], 2, replace=False)
    begins, lasts = draw.uniform([0.05, 0.5], [0.35, 0.85]).round(4), draw.uniform(0.1, 0.15, 2).round(4)
    return [
        Incident(kind="cascade", node=str(node), start=begin, end=begin + last)
        for node, begin, last in zip(nodes, begins.tolist(), lasts.tolist(), strict=True)
    ]


def _most_drawn_along(calls: pl.DataFrame, label: dict[str, object]) -> int:
    """In truth: how many failures of the one caller that failed most with what the cascade began with."""
    began = pl.col("incidents").list.contains(pl.lit(label["incident_id"])) & (pl.col("node") == label["node"])
    root = calls.filter(began & (pl.col("error_code") == label["error_code"]))
    drawn = calls.join(root.select(call="parent_call").drop_nulls().unique(), on="call", how="semi")
    counts = drawn.filter(pl.col("error_code") != label["error_code"]).group_by("node").len()["len"]
    return max(counts.to_list(), default=0)


def _of_a_fleet(folder: Path, seed: int, incidents: list[Incident]) -> tuple[pl.DataFrame, SyntheticLog]:
    log = generate(60_000, seed=seed, incidents=incidents)
    log.write(folder / "log.jsonl")
    store = EventStore(str(folder / str(seed)))
    store.append(folder / "log.jsonl")
    return errors_of(store.scan()).collect(), log


@pytest.mark.parametrize("logs", [4, pytest.param(10, marks=pytest.mark.soak)])
def test_cascades_of_nodes_that_tell_no_parent_are_found_with_their_roots(tmp_path, logs):
    """A sign test needs some repetitions; each cascade is found that drew one of its callers along at least so often.
    """
    enough, found = [], []
    for seed in range(210, 210 + logs):
        rows, log = _of_a_fleet(tmp_path, seed, _two_cascades(seed))
        roots = cascades(rows)["chain"].list.first().to_list()
        calls = pl.concat(log.calls())
        for label in log.labels.iter_rows(named=True):
            enough.append(_most_drawn_along(calls, label) >= 5)
            found.append({"node": label["node"], "error_code": label["error_code"]} in roots)
    assert sum(enough) > 1.5 * logs
    assert all(one for one, is_enough in zip(found, enough, strict=True) if is_enough)
    assert sum(found) > 0.9 * len(found)


@pytest.mark.parametrize("logs", [1, pytest.param(10, marks=pytest.mark.soak)])
def test_a_fleet_in_which_nothing_happens_has_no_cascades(tmp_path, logs):
    for seed in range(3011, 3011 + logs):  # in the first of them the order of two pairs, of six traces each, is certain
        rows, _ = _of_a_fleet(tmp_path, seed, [])
        assert rows.height > 500
        assert cascades(rows).is_empty()


@pytest.mark.parametrize("per_hour", [20, 2000])
@pytest.mark.parametrize("in_bursts", [False, True])
def test_errors_that_fall_into_work_by_chance_are_seldom_a_cascade(per_hour, in_bursts):
    """Of 12 groups, some with long work and some without; the frequent ones have many errors in each other's work."""
    draw, false = np.random.default_rng([per_hour, in_bursts]), 0
    for _ in range(60):
        n = 600
        at = draw.uniform(0, n / per_hour * 3600, n)
        if in_bursts:
            at = at[draw.integers(0, 40, n)] + draw.exponential(20, n)
        group = draw.choice(12, n, p=np.arange(1, 13) / 78)
        took = np.exp(draw.normal(0, 1, n)) * 4.0 ** (group % 4 - 1)
        rows = [(f"t{place}", BEGIN + timedelta(seconds=end), BEGIN + timedelta(seconds=end - work), f"{code}")
                for place, (end, work, code) in enumerate(zip(at, took, group, strict=True))]  # fmt: skip
        frame = pl.DataFrame(rows, ["trace_id", "timestamp", "started_at", "error_code"], orient="row")
        false += cascades(frame, "error_code").height > 0
    assert false <= stats.binom.isf(1e-3, 60, 0.05)


def test_errors_that_are_alone_join_the_work_in_which_they_came():
    rows = [
        (f"{code}{place}", BEGIN + timedelta(minutes=place, seconds=end), BEGIN + timedelta(minutes=place), code)
        for place in range(9) for end, code in ((1, "A"), (2, "B"), (5, "C"))
    ]  # fmt: skip
    frame = pl.DataFrame(rows, ["trace_id", "timestamp", "started_at", "error_code"], orient="row")
    found = chains(frame)
    longest = found["A", "B", "C"]
    assert (longest["traces"], longest["joined_traces"], longest["lag_p50_ms"]) == (9, 9, 4000.0)
    assert longest["share_root"] == 1.0
    assert chains(frame, join_alone=False) == chains(frame.drop("started_at")) == {}
    told = frame.with_columns(pl.col("trace_id").str.slice(1))
    assert {row["joined_traces"] for row in chains(told).values()} == {0}


def test_nothing_gives_nothing_and_bad_options_are_refused():
    assert cascades(errors().clear(), "error_code").columns[:3] == ["chain", "length", "traces"]
    nobody = errors([(0, "A"), (1, "B")]).with_columns(pl.lit(None, pl.String).alias("trace_id"))
    assert cascades(nobody, "error_code").is_empty()
    with pytest.raises(InvalidOption, match="1 or more"):
        cascades(nobody, "error_code", min_traces=0)
    with pytest.raises(InvalidOption, match="share"):
        cascades(nobody, "error_code", max_false_discovery=1)
    with pytest.raises(InvalidOption, match="min_odds"):
        cascades(nobody, "error_code", min_odds=-1)
    with pytest.raises(InvalidOption, match="duration"):
        cascades(nobody, "error_code", max_gap="soon")
    with pytest.raises(MissingColumns, match="node"):
        cascades(nobody)
