"""Policies on history: what slow and obvious code says, and the laws that hold of every policy and log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onex_analytics.batching import BatchPolicy, CompressionCurve, ServiceTime, compare_policies, simulate_batching
from onex_analytics.batching.shapes import BATCHES, COMPARISON, OVER_TIME, SIZES, SUMMARY
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.quantiles import quantile_of
from tests.batching.drawn import POLICIES, SERVICE, STREAMS, slow
from tests.laws import examples

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def log(stream: list[tuple[int, int]]) -> pl.LazyFrame:
    """Events that come so many microseconds after each other, of so many bytes."""
    since = pl.Series(np.cumsum([gap for gap, _ in stream], dtype=np.int64)).cast(pl.Duration("us"))
    sizes = pl.Series([size for _, size in stream], dtype=pl.UInt32)
    return pl.LazyFrame({"since": since, "size_bytes": sizes}).select("size_bytes", timestamp=NOON + pl.col("since"))


def chance(seed: int, count: int, most_gap: int, most_size: int) -> list[tuple[int, int]]:
    """Gaps and sizes below these."""
    rng = np.random.default_rng(seed)
    return list(zip(rng.integers(0, most_gap, count).tolist(), rng.integers(0, most_size, count).tolist(), strict=True))


def at(moment: datetime) -> int:
    """Microseconds since the first possible event."""
    return (moment - NOON) // timedelta(microseconds=1)


def every_ms(count: int, size: int = 100) -> pl.LazyFrame:
    return log([(1000, size)] * count)


@given(POLICIES, STREAMS)
@example(BatchPolicy(max_size=2, queue_limit=2), [(0, 5)] * 12)
@example(BatchPolicy(max_size=2, queue_limit=3, when_full="drop_oldest"), [(0, 5)] * 12)
def test_batches_are_those_that_slow_code_makes(policy, stream):
    expected = slow(policy, stream)
    found = simulate_batching(policy, log(stream), service=SERVICE)
    rows = [(at(row["closed"]), at(row["started"]), at(row["exported"]), row["events"], row["reason"])
            for row in found.batches.to_dicts()]  # fmt: skip
    assert rows == [(one.closed, one.started, one.ended, len(one.events), one.reason) for one in expected.batches]
    sizes = [size for _, size in stream]
    assert found.batches["bytes"].to_list() == [sum(sizes[n] for n in one.events) for one in expected.batches]
    if stream:
        told = found.summary.row(0, named=True)
        assert told["dropped_full"] == len(expected.full)
        assert told["dropped_oversize"] == len(expected.oversize)


@given(POLICIES, STREAMS.filter(bool))
@settings(max_examples=examples(60))
def test_every_event_is_exported_dropped_or_pending_and_no_batch_is_over_a_limit(policy, stream):
    found = simulate_batching(policy, log(stream), service=SERVICE)
    told = found.summary.row(0, named=True)
    dropped = told["dropped_full"] + told["dropped_oversize"]
    assert told["events"] == len(stream) == told["exported"] + dropped + told["pending"]
    assert found.batches["events"].sum() == told["exported"] + told["pending"]
    assert (found.batches["events"] <= policy.max_size).all()
    if policy.max_bytes is not None:
        alone = (found.batches["events"] == 1) & (policy.oversize == "alone")
        assert ((found.batches["bytes"] <= policy.max_bytes) | alone).all()
    if policy.queue_limit is not None:
        assert told["queue_max"] <= policy.queue_limit
    assert found.sizes["events"].sum() == found.batches["events"].sum()
    assert found.sizes["batches"].sum() == found.batches.height
    for column in ("events", "dropped_full", "dropped_oversize"):
        assert found.over_time[column].sum() == told[column]
    assert found.over_time["exported"].sum() == found.batches["events"].sum()
    assert found.over_time["queue_max"].max() == told["queue_max"]


@given(POLICIES, STREAMS.filter(bool))
@settings(max_examples=examples(60))
def test_where_the_exporter_is_free_nothing_is_later_than_the_age_and_the_export(policy, stream):
    found = simulate_batching(policy, log(stream), service=SERVICE).batches
    open_for = found["closed"] - found["opened"]
    assert (open_for.dt.total_microseconds() <= policy.max_age_ms * 1000).all()
    free = found.filter(pl.col("started") == pl.col("closed"))
    took = (free["exported"] - free["closed"]).dt.total_microseconds()
    assert took.to_list() == [1500 + 100 * size for size in free["bytes"]]
    assert found["started"].to_list() == sorted(found["started"])
    assert (found["started"] >= found["exported"].shift(1, fill_value=NOON)).all()


@given(POLICIES.filter(lambda policy: policy.when_full != "block"), STREAMS.filter(bool))
@settings(max_examples=examples(50))
def test_what_waits_is_told_bucket_by_bucket_until_all_is_exported(policy, stream):
    found = simulate_batching(policy, log(stream), service=SERVICE, every="2ms").over_time
    expected = slow(policy, stream)
    came = np.cumsum([gap for gap, _ in stream]).tolist()
    started = {n: one.started for one in expected.batches for n in one.events}
    starts = [at(start) for start in found["start"]]
    assert starts == list(range(came[0] // 2000 * 2000, starts[-1] + 1, 2000))
    assert starts[-1] == max([came[-1], *(one.ended for one in expected.batches)]) // 2000 * 2000
    for start, told in zip(starts, found["queue_max"], strict=True):
        waiting = sum(came[n] <= start < moment for n, moment in started.items())
        assert told >= waiting
        if start > came[-1]:
            assert told == waiting


def test_a_queue_is_full_for_as_long_as_producers_wait_for_room():
    """A hundred batches come in a second, and one a second is exported: three wait until the last of them do not."""
    policy, service = BatchPolicy(max_size=10, queue_limit=30), ServiceTime(base_ms=1000, ms_per_mb=0)
    found = simulate_batching(policy, every_ms(1000), service=service, every="200ms").over_time
    assert found["queue_max"].to_list() == [30] * (found.height - 15) + [20] * 5 + [10] * 5 + [0] * 5
    assert found.filter(pl.col("exported") > 0).height == 100


def test_buckets_fit_the_time_until_all_is_exported():
    found = simulate_batching(BatchPolicy(max_size=10), every_ms(1000), service=ServiceTime(base_ms=60_000))
    assert found.over_time.height <= 241
    assert found.over_time["exported"].sum() == 1000
    assert found.over_time["queue_max"].to_list()[-2:] == [0, 0]
    assert found.every != simulate_batching(BatchPolicy(max_size=10), every_ms(1000)).every


def test_delays_are_from_the_coming_of_an_event_to_the_end_of_its_export():
    stream = chance(4, 3000, 900, 9)
    policy = BatchPolicy(max_size=7, max_age_ms=2, queue_limit=50)
    told = simulate_batching(policy, log(stream), service=SERVICE).summary.row(0, named=True)
    came = np.cumsum([gap for gap, _ in stream])
    delays = [(one.ended - came[n]) / 1000 for one in slow(policy, stream).batches for n in one.events]
    for column, share in (("delay_p50_ms", 0.5), ("delay_p95_ms", 0.95), ("delay_p99_ms", 0.99), ("delay_max_ms", 1)):
        assert told[column] == quantile_of(delays, share)
    assert told["delay_mean_ms"] == pytest.approx(np.mean(delays))
    assert told["blocked"] > 0
    assert told["blocked_max_ms"] <= told["blocked_ms"]


def test_the_event_at_the_deadline_opens_the_next_batch():
    found = simulate_batching(BatchPolicy(max_age_ms=10), log([(0, 1), (9_999, 1), (1, 1)])).batches
    assert found["events"].to_list() == [2, 1]
    assert found["closed"].to_list() == [NOON + timedelta(milliseconds=10), NOON + timedelta(milliseconds=20)]


def test_one_event_over_the_limit_goes_alone_or_is_refused():
    stream = [(0, 5), (0, 50), (0, 5)]
    alone = simulate_batching(BatchPolicy(max_bytes=20, oversize="alone"), log(stream))
    assert alone.batches["bytes"].to_list() == [5, 50, 5]
    refused = simulate_batching(BatchPolicy(max_bytes=20), log(stream))
    assert refused.batches["bytes"].to_list() == [10]
    assert refused.summary["dropped_oversize"].item() == 1


@pytest.mark.parametrize(("when_full", "lost"), [("drop_newest", 6), ("drop_oldest", 6), ("block", 0)])
def test_a_slow_exporter_fills_the_queue(when_full, lost):
    """Ten events at once; the first batch of two is exported at once, and two more find room."""
    policy = BatchPolicy(max_size=2, queue_limit=2, when_full=when_full)
    found = simulate_batching(policy, log([(0, 1)] * 10), service=ServiceTime(base_ms=1000))
    told = found.summary.row(0, named=True)
    assert (told["dropped_full"], told["queue_max"]) == (lost, 2)
    assert told["blocked"] == (6 if when_full == "block" else 0)
    assert told["utilisation"] == 1.0


def test_how_long_producers_wait_is_told():
    """The third event waits from 2 ms to 10 ms, when the second begins to be exported, the fourth from 15 to 20 ms."""
    policy, service = BatchPolicy(max_size=1, queue_limit=1), ServiceTime(base_ms=10, ms_per_mb=0)
    told = simulate_batching(policy, log([(1000 * gap, 1) for gap in (0, 1, 1, 13, 85)]), service=service).summary
    assert told.select("blocked", "blocked_ms", "blocked_max_ms", "delay_max_ms").row(0) == (2, 13, 8, 28)


def test_an_exporter_that_is_half_as_fast_as_the_log_works_all_the_time():
    told = simulate_batching(BatchPolicy(max_size=10), every_ms(5000), service=ServiceTime(base_ms=20)).summary
    assert told["utilisation"].item() > 0.99
    assert told["pending"].item() == pytest.approx(2500, rel=0.02)
    fast = ServiceTime(base_ms=5, ms_per_mb=0)
    half = simulate_batching(BatchPolicy(max_size=10), every_ms(5000), service=fast).summary
    assert half["utilisation"].item() == pytest.approx(0.5, rel=0.01)


def test_compression_counts_where_the_exporter_counts_it():
    curve = CompressionCurve(codec="zstd", level=3, batch_bytes=(1,), shares=(0.25,))
    events, policy = every_ms(100, 1000), BatchPolicy(max_size=50)
    services = [ServiceTime(base_ms=0, ms_per_mb=1000, counts=counts) for counts in ("raw", "compressed")]
    raw, packed = (simulate_batching(policy, events, service=one, compression=curve) for one in services)
    assert raw.batches["compressed_bytes"].to_list() == [12_500, 12_500]
    assert raw.summary["compressed_bytes"].item() == 25_000
    took = [(one.batches["exported"] - one.batches["started"]).dt.total_milliseconds()[0] for one in (raw, packed)]
    assert took == [50, 12]


def test_batches_are_compressed_by_the_curve_that_the_calibration_tells():
    curve = CompressionCurve(codec="gzip", level=6, batch_bytes=(100, 1000, 30_000), shares=(0.9, 0.4, 0.1))
    policy = BatchPolicy(max_size=20, max_age_ms=9)
    found = simulate_batching(policy, log(chance(1, 500, 2000, 4000)), compression=curve).batches
    assert found["compressed_bytes"].to_list() == curve.compressed(found["bytes"])


def test_sizes_are_not_needed_where_nothing_counts_bytes():
    events, service = every_ms(5).select("timestamp"), ServiceTime(ms_per_mb=0)
    found = simulate_batching(BatchPolicy(max_size=2), events, service=service)
    assert found.summary["size_mean"].item() == pytest.approx(5 / 3)
    with pytest.raises(MissingColumns, match="size_bytes"):
        simulate_batching(BatchPolicy(max_bytes=9), events, service=service)


def test_no_events_give_frames_without_rows():
    found = simulate_batching(BatchPolicy(), every_ms(0))
    for frame, shape in zip(found, (SUMMARY, BATCHES, SIZES, OVER_TIME), strict=False):
        assert frame.is_empty()
        assert frame.schema == shape
    compared = compare_policies([BatchPolicy()], every_ms(0))
    assert compared.is_empty()
    assert compared.schema == COMPARISON


def test_one_event_has_no_rate():
    found = simulate_batching(BatchPolicy(), every_ms(1))
    assert found.summary["batches_per_s"].item() is None
    assert found.summary["delay_max_ms"].item() == pytest.approx(1005.001)
    assert found.over_time["exported"].sum() == 1


def test_all_refused_is_told_and_has_no_delays():
    found = simulate_batching(BatchPolicy(max_bytes=10), every_ms(5))
    assert found.summary.select("events", "dropped_oversize", "batches", "delay_p50_ms").row(0) == (5, 5, 0, None)
    assert found.batches.is_empty()


def test_frames_have_their_shapes():
    found = simulate_batching(BatchPolicy(max_size=4), every_ms(50), every="10ms")
    assert [frame.schema for frame in found[:4]] == [SUMMARY, BATCHES, SIZES, OVER_TIME]
    assert found.every == "10ms"
    assert found.over_time["events"].to_list()[:6] == [9, 10, 10, 10, 10, 1]


def test_sizes_of_large_batches_are_told_in_steps_and_full_ones_by_themselves():
    found = simulate_batching(BatchPolicy(max_size=333, max_age_ms=333), every_ms(5000)).sizes
    assert found.select("size_from", "size_to", "batches", "events").rows() == [(1, 9, 1, 5), (333, 333, 15, 4995)]
    stream = [(1000, 1)] * 100 + [(10_000, 1)] * 9
    mixed = simulate_batching(BatchPolicy(max_size=100, max_age_ms=100), log(stream)).sizes
    assert mixed.select("size_from", "size_to", "events").rows() == [(7, 9, 9), (100, 100, 100)]


def test_policies_are_compared_as_each_is_simulated():
    policies = [BatchPolicy(max_size=n, max_age_ms=age, queue_limit=limit) for n, age, limit in
                ((1, 1, None), (10, 50, 20), (100, 1000, 100))]  # fmt: skip
    rows = compare_policies(policies, every_ms(2000), service=SERVICE)
    alone = pl.concat([simulate_batching(policy, every_ms(2000), service=SERVICE).summary for policy in policies])
    assert rows.drop("best").equals(alone)
    assert rows.schema == COMPARISON


@given(POLICIES, st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 15), st.sampled_from("abc")), min_size=1,
                          max_size=40))  # fmt: skip
@settings(max_examples=examples(25))
def test_each_value_of_by_has_a_batcher_and_an_exporter_of_its_own(policy, stream):
    events = log([(gap, size) for gap, size, _ in stream]).with_columns(node=pl.Series([node for *_, node in stream]))
    together = simulate_batching(policy, events, by="node", service=SERVICE, every="5ms")
    nodes = sorted({node for *_, node in stream})
    alone = [simulate_batching(policy, events.filter(node=node), service=SERVICE, every="5ms") for node in nodes]
    keys = ["exported", "closed", "opened", "events", "bytes"]
    assert together.batches.sort(keys).equals(pl.concat([one.batches for one in alone]).sort(keys))
    told = together.summary.row(0, named=True)
    each = pl.concat([one.summary for one in alone])
    assert told["batchers"] == len(nodes)
    for column in ("events", "dropped_full", "dropped_oversize", "batches", "bytes", "blocked"):
        assert told[column] == each[column].sum()
    for column in ("delay_max_ms", "queue_max", "blocked_max_ms", "size_max"):
        assert told[column] == each[column].max()
    assert told["events"] == told["exported"] + told["dropped_full"] + told["dropped_oversize"] + told["pending"]
    over_time = pl.concat([one.over_time for one in alone]).group_by("start").agg(
        pl.col("events", "exported", "dropped_full", "dropped_oversize").sum(), pl.col("queue_max").max()
    )  # fmt: skip
    busy = over_time.filter(pl.any_horizontal(pl.all().exclude("start") > 0)).sort("start")
    found = together.over_time.filter(pl.any_horizontal(pl.all().exclude("start") > 0))
    assert found.select(busy.columns).equals(busy)


def test_exporters_of_several_batchers_work_a_share_of_the_time_on_average():
    events = pl.concat(
        [every_ms(1000).with_columns(node=pl.lit("busy")), every_ms(1000).head(1).with_columns(node=None)]
    )
    found = simulate_batching(
        BatchPolicy(max_size=10), events, by=["node"], service=ServiceTime(base_ms=10, ms_per_mb=0)
    )
    assert found.summary["utilisation"].item() == pytest.approx(0.5, abs=0.01)
    assert found.summary["batchers"].item() == 2
    with pytest.raises(MissingColumns, match="operation"):
        simulate_batching(BatchPolicy(), events, by="operation")


def test_the_best_are_those_that_no_other_policy_beats_in_rate_delay_and_losses():
    policies = [
        BatchPolicy(name="rare", max_size=1000, max_age_ms=1000),
        BatchPolicy(name="soon", max_size=10, max_age_ms=1000),
        BatchPolicy(name="both worse", max_size=40, max_age_ms=9, queue_limit=40, when_full="drop_newest"),
        BatchPolicy(name="refuses all", max_bytes=1),
    ]  # fmt: skip
    service = ServiceTime(base_ms=9, ms_per_mb=0)
    rows = compare_policies(policies, every_ms(3000), service=service)
    assert dict(rows.select("policy", "best").iter_rows()) == {
        "rare": True, "soon": True, "both worse": False, "refuses all": False,
    }  # fmt: skip


TIMELESS = every_ms(3).with_columns(timestamp=pl.lit(None, pl.Datetime("us")))
SIZELESS = every_ms(3).with_columns(size_bytes=pl.lit(None, pl.UInt32))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: compare_policies([BatchPolicy(), BatchPolicy()], every_ms(3)), "give each a name"),
    (lambda: simulate_batching(BatchPolicy(), every_ms(3), service=ServiceTime(counts="compressed")), "calibrate"),
    (lambda: simulate_batching(BatchPolicy(), TIMELESS), "null in 3"),
    (lambda: simulate_batching(BatchPolicy(), SIZELESS), "null in all"),
    (lambda: simulate_batching(BatchPolicy(), every_ms(3).with_columns(size_bytes=pl.lit(-1))), "none below 0"),
    (lambda: simulate_batching(BatchPolicy(), every_ms(3), every="soon"), "every"),
    (lambda: simulate_batching(BatchPolicy(), every_ms(1200), every="1us"), "at most 1,000,000"),
])  # fmt: skip
def test_what_cannot_be_simulated_is_refused_with_the_mend(call, message):
    with pytest.raises(InvalidOption, match=message):
        call()


def test_more_batches_than_expected_while_producers_wait_are_all_told():
    """A blocked producer comes so late that far more batches close by age than the log's own time has room for."""
    policy = BatchPolicy(max_size=3, max_age_ms=1, queue_limit=3)
    stream = [(1, 1)] * 400
    found = simulate_batching(policy, log(stream), service=ServiceTime(base_ms=50, ms_per_mb=0))
    assert found.batches["events"].sum() == 400
    assert found.summary["blocked"].item() > 300
