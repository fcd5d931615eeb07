import random
from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.periods import KINDS, NOTABLE, incidents_seen, notable
from onex_analytics.model.shapes import LABELS
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
    seen = incidents_seen(labels, periods).select("incident_id", "seen", "seen_as", "best_score").collect()
    assert seen.sort("incident_id").rows() == [
        ("anywhere", True, ["errors"], 9.0), ("hit", True, ["errors"], 9.0),
        ("later", False, [], None), ("other node", False, [], None),
    ]  # fmt: skip
