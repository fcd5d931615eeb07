import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.coverage import coverage
from onex_analytics.frames.overview import main_period
from onex_analytics.frames.periods import KINDS, NOTABLE, incidents_seen, notable
from onex_analytics.frames.windows import fitting_width
from onex_analytics.model.shapes import LABELS
from onex_analytics.store import EventStore
from onex_analytics.synthetic import SyntheticLog, generate
from tests.frames.rows import at, events, run

HOUR = 3600.0
Rows = list[dict[str, object]]


def fleet(change: Callable[[float, Rows], Rows] = lambda _, rows: rows, seed: int = 1) -> pl.LazyFrame:
    """Twelve hours of two nodes, about one run in twenty seconds each, 1 % failures; `change` bends those of `b`."""
    draw = random.Random(seed)
    rows: Rows = []
    for node in "ab":
        now = 0.0
        while (now := now + draw.expovariate(1 / 20)) < 12 * HOUR:
            made = run(
                node, f"{node}{now}", now, draw.lognormvariate(3, 0.5), failed=draw.random() < 0.01, code="ONEX_RT_499"
            )
            rows += change(now / HOUR, made) if node == "b" else made
    draw.shuffle(rows)
    return events(rows)


def between(first: float, last: float, then: Callable[[Rows], Rows]):
    return lambda hour, rows: then(rows) if first <= hour < last else rows


def slower(rows: Rows) -> Rows:
    ms = "execution_time_ms"
    return [{**row, ms: 3 * row[ms]} if ms in row else row for row in rows]  # type: ignore[operator]


def failing(code: str, every: int) -> Callable[[Rows], Rows]:
    def fail(rows: Rows) -> Rows:
        thread, begin = str(rows[0]["correlation_id"]), float(rows[0]["at"])  # type: ignore[arg-type]
        return run("b", thread, begin, failed=True, code=code) if round(begin) % every == 0 else rows

    return fail


def found(log: pl.LazyFrame) -> list[tuple[str, str]]:
    return notable(log).select("kind", "node").collect().rows()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_ordinary_day_has_nothing_notable(seed):
    assert found(fleet(seed=seed)) == []


def test_a_latency_regression_is_found_with_its_numbers_and_its_time():
    (period,) = notable(fleet(between(5, 6, slower))).collect().to_dicts()
    assert (period["kind"], period["node"], period["what"]) == ("latency", "b", "stamp")
    assert (period["start"], period["end"]) == (at(5 * HOUR), at(6 * HOUR))
    assert 2 < period["observed"] / period["usual"] < 5


def test_a_burst_of_a_known_error_is_one_period_of_errors():
    log = fleet(between(5, 6, failing("ONEX_RT_499", 3)))
    (period,) = notable(log, kinds=["errors"]).collect().to_dicts()
    assert (period["start"], period["end"]) == (at(5 * HOUR), at(6 * HOUR))
    assert 0.2 < period["observed"] < 0.5
    assert period["usual"] < 0.02


def test_an_error_not_seen_before_is_found_even_where_it_is_rare():
    assert ("new_error", "b") in found(fleet(between(5, 6, failing("ONEX_SYS_901", 10))))


def test_a_silent_node_is_found_and_the_others_are_not():
    assert found(fleet(between(5, 6, lambda _: []))) == [("silence", "b")]


def test_work_that_never_ends_is_found():
    assert ("unfinished", "b") in found(fleet(between(5, 6, lambda rows: rows[:2])))


def test_a_crash_loop_is_found():
    restarts = events({"at": 5 * HOUR + 20 * i, "node": "b", "event_type": "NODE_REGISTER"} for i in range(12))
    assert ("restarts", "b") in found(pl.concat([fleet(), restarts]))


def test_a_hole_in_the_whole_log_is_silence_of_no_node_in_particular():
    log = fleet().filter(~pl.col("timestamp").is_between(at(5 * HOUR), at(6 * HOUR)))
    assert found(log) == [("silence", None)]


def test_the_order_of_the_rows_does_not_matter():
    log = fleet(between(5, 6, slower))
    assert_frame_equal(notable(log), notable(log.sort("event_id")))  # means may differ in the last bit


@pytest.mark.parametrize("log", [events([]), events([{"at": 0}])], ids=["empty", "one event"])
def test_almost_nothing_has_nothing_notable(log):
    assert notable(log).collect().schema == NOTABLE
    assert notable(log).collect().is_empty()


def test_an_unknown_kind_is_refused_with_those_that_are_known():
    with pytest.raises(InvalidOption, match=", ".join(KINDS)):
        notable(events([]), kinds=["slowness"])


def test_a_node_that_spoke_in_two_seconds_of_three_was_not_silent_in_the_other():
    bursts = [{"at": second + i / 1440, "node": "batch"} for second in (110, 111) for i in range(1440)]
    others = [{"at": second + i / 20, "node": "b"} for second in (0, 110, 111) for i in range(20)]
    assert notable(events(bursts + others), "1s", kinds=["silence"]).collect().is_empty()


def test_work_in_bursts_is_not_silent_between_them():
    steady = [{"at": 10 * i, "node": "steady"} for i in range(3600)]
    bursts = [{"at": 60 * m + s, "node": "batch"} for m in range(600) if m % 30 < 20 for s in range(0, 60, 5)]
    assert notable(events(steady + bursts), "5m", kinds=["silence"]).collect().is_empty()


def test_one_quiet_bucket_is_silence_where_no_other_is_quiet():
    log = fleet(between(5, 5.25, lambda _: []))
    (period,) = notable(log, kinds=["silence"]).collect().to_dicts()
    assert (period["node"], period["start"], period["end"]) == ("b", at(5 * HOUR), at(5.25 * HOUR))


def test_a_node_that_always_fails_stands_out_against_the_others_in_a_log_too_short_for_a_past():
    log = events(
        row for node in "abcd" for i in range(30)
        for row in run(node, f"{node}{i}", i, failed=i % 10 < (5 if node == "d" else 0) or i == 7)
    )  # fmt: skip
    (period,) = notable(log, "1m").collect().to_dicts()
    assert (period["kind"], period["node"], period["measure"]) == ("errors", "d", "failed share, others usual")
    assert (period["start"], period["end"], period["n"]) == (at(0), at(60), 30)
    assert (period["observed"], period["usual"]) == (pytest.approx(16 / 30), pytest.approx(3 / 90))


def test_a_code_that_only_changes_its_spelling_is_no_new_error():
    spelled = {0: "ONEX_RT_400_NODE_INITIALIZATION_FAILED", 1: "NODE_INITIALIZATION_FAILED"}
    log = events(
        row for i in range(200) for row in run("a", f"c{i}", 60 * i, failed=i % 5 == 0, code=spelled[i // 100])
    )
    assert notable(log, kinds=["new_error"]).collect().is_empty()


def first_look(log: pl.LazyFrame) -> pl.DataFrame:
    """What the report asks, at its two widths."""
    main = main_period(log).collect().row(0, named=True)
    log, span = log.filter(pl.col("timestamp").is_between(main["start"], main["end"])), main["end"] - main["start"]
    by_count = notable(log, fitting_width(span, 240), kinds=["silence", "restarts"])
    by_share = notable(log, fitting_width(span, 96), kinds=["latency", "errors", "unfinished", "new_error"])
    return pl.concat([by_count, by_share]).collect()


def stored(folder: Path, log: SyntheticLog) -> pl.DataFrame:
    log.write(folder / "log.jsonl")
    store = EventStore(folder / "store")
    store.append(folder / "log.jsonl")
    return store.scan().collect().sort("timestamp")


def test_the_incidents_of_the_seeded_log_are_all_seen(tmp_path):
    log = generate(200_000, seed=0)
    seen = incidents_seen(log.labels.lazy(), first_look(stored(tmp_path, log).lazy()).lazy()).collect()
    assert seen.filter(verdict="missed")["incident_id"].to_list() == []
    assert seen.filter(verdict="nothing to see")["kind"].to_list() == ["deploy"]


def test_of_two_minutes_of_real_logs_the_nodes_that_fail_stand_out_and_no_silence_does(shared_data, tmp_path):
    store = EventStore(tmp_path)
    for path in sorted((shared_data / "onex").glob("*.json*")):
        store.append(path)
    found = first_look(store.scan()).sort("node")
    assert found.select("kind", "node").rows() == [("errors", "node_tree_generator"), ("errors", "runner_node")]
    assert found["observed"].to_list() == [0.175, 0.5]
    assert coverage(store.scan()).collect().is_empty()


def test_in_a_log_without_incidents_hardly_anything_stands_out_however_short_it_is(tmp_path):
    week = stored(tmp_path, generate(100_000, seed=3, incidents=None))
    draw = random.Random(1)
    start, end = week["timestamp"].quantile(0.02), week["timestamp"].quantile(0.98)
    alarms = []
    for minutes in (2, 10, 30, 120, 120, 480) * 5:
        length = timedelta(minutes=minutes)
        begin = start + (end - start - length) * draw.random()
        part = week.filter(pl.col("timestamp").is_between(begin, begin + length, closed="left"))
        alarms += first_look(part.lazy()).rows() if len(part) else []
    assert len(alarms) <= 1  # of 30 logs


def test_an_incident_is_seen_when_a_period_overlaps_it_on_its_node():
    labels = pl.LazyFrame(
        [
            {"incident_id": "hit", "kind": "error_burst", "node": "b", "start": at(100), "end": at(200)},
            {"incident_id": "other node", "kind": "error_burst", "node": "a", "start": at(100), "end": at(200)},
            {"incident_id": "later", "kind": "error_burst", "node": "b", "start": at(300), "end": at(400)},
            {"incident_id": "anywhere", "kind": "coverage_hole", "node": None, "start": at(150), "end": at(160)},
        ],
        schema=LABELS,
    )
    periods = pl.LazyFrame(
        [{"kind": "errors", "node": "b", "start": at(150), "end": at(300), "score": 9.0}], schema=NOTABLE
    )
    seen = incidents_seen(labels, periods).select("incident_id", "seen", "verdict", "seen_as", "best_score").collect()
    assert seen.sort("incident_id").rows() == [
        ("anywhere", True, "seen", ["errors"], 9.0), ("hit", True, "seen", ["errors"], 9.0),
        ("later", False, "missed", [], None), ("other node", False, "missed", [], None),
    ]  # fmt: skip


def test_of_a_deploy_that_breaks_nothing_there_is_nothing_to_see():
    labels = pl.LazyFrame(
        [
            {"incident_id": "harmless", "kind": "deploy", "node": "a", "start": at(100), "end": at(200)},
            {"incident_id": "harmful", "kind": "deploy", "node": "b", "start": at(100), "end": at(200)},
            {"incident_id": "silence", "kind": "silent_node", "node": "a", "start": at(150), "end": at(160)},
        ],
        schema=LABELS,
    )
    periods = pl.LazyFrame(
        [{"kind": "errors", "node": "b", "start": at(150), "end": at(300), "score": 9.0}], schema=NOTABLE
    )
    seen = incidents_seen(labels, periods).collect()
    assert seen.sort("incident_id").select("incident_id", "seen", "verdict").rows() == [
        ("harmful", True, "seen"), ("harmless", None, "nothing to see"), ("silence", False, "missed"),
    ]  # fmt: skip
    assert (seen["seen"].sum(), seen["seen"].count()) == (1, 2)
