"""Local times among UTC times are seen by their constant offset, repaired exactly, and nothing else is touched."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.clocks import Repaired, repair_clocks
from tests.sources.reading import NOW, read_source

NOON = datetime(2026, 11, 23, 12, 0, 0, 1)
START, SUCCESS = "TELEMETRY_OPERATION_START", "TELEMETRY_OPERATION_SUCCESS"
Row = dict[str, Any]


def frame(rows: list[Row]) -> pl.DataFrame:
    """Rows of `model.EVENTS` as the gate makes them of lines in this order."""
    lines = []
    for number, row in enumerate(rows):
        arrived = row.pop("arrived", None)
        line = {"event_id": f"e{number}", "node_id": "n", **row}
        if arrived is not None:
            line = {"topic": "t", "offset": number, "timestamp": f"{arrived.isoformat()}Z", "envelope": line}
        lines.append(json.dumps(line, default=lambda t: t.isoformat()))
    batch = Gate(NOW).read(block_of_bytes("\n".join(lines).encode(), "log"))
    assert batch.rejected.is_empty(), batch.rejected
    return batch.events


def operation(
    begin: datetime, *, zone: float = 0, seconds: float = 1.0, key: str | None = None, node: str = "n",
    ends: bool = True,
) -> list[Row]:  # fmt: skip
    """A telemetry start, stamped with the local time of a zone so many hours from UTC, and its end."""
    common = {"node_id": node, "correlation_id": key or f"{node} {begin.isoformat()}"}
    start = {**common, "timestamp": begin + timedelta(hours=zone), "event_type": START, "metadata": {"operation": "o"}}
    end = {
        **common, "timestamp": begin + timedelta(seconds=seconds), "event_type": SUCCESS,
        "metadata": {"operation": "o", "execution_time_ms": seconds * 1000},
    }  # fmt: skip
    return [start, end] if ends else [start]


def offsets(repaired: Repaired) -> list[float | None]:
    """What each telemetry start was off by, in hours."""
    starts = repaired.events.filter(event_type=START)
    return [ms and ms / 3_600_000 for ms in starts["clock_offset_ms"]]


def times(repaired: Repaired) -> list[datetime]:
    return [t.replace(tzinfo=None) for t in repaired.events.filter(event_type=START)["timestamp"]]


@pytest.mark.parametrize("zone", [-5, -3.5, -12, 1, 2, 5.75, 14])
def test_a_start_in_local_time_is_repaired_to_the_microsecond(zone):
    repaired = repair_clocks(frame(operation(NOON, zone=zone)))
    assert (offsets(repaired), times(repaired)) == ([zone], [NOON])
    assert repaired.offsets_ms == {"n": zone * 3_600_000}


def test_what_was_repaired_keeps_what_came():
    repaired = repair_clocks(frame(operation(NOON, zone=-5))).events
    assert repaired["timestamp_original"].to_list() == ["2026-11-23T07:00:00.000001", None]
    assert repaired["clock_offset_ms"].to_list() == [-18_000_000, None]


def test_a_time_without_a_fraction_keeps_the_text_that_came():
    repaired = repair_clocks(frame(operation(NOON.replace(microsecond=0), zone=-5))).events
    assert repaired["timestamp_original"][0] == "2026-11-23T07:00:00"


def test_the_node_start_that_a_telemetry_start_wraps_is_evidence_too():
    start = operation(NOON, zone=-5, key="k", ends=False)
    begun = {"timestamp": NOON + timedelta(milliseconds=2), "event_type": "NODE_START", "correlation_id": "k"}
    assert offsets(repair_clocks(frame([*start, begun]))) == [-5]


@pytest.mark.parametrize(
    ("name", "starts", "zone"),
    [("omnibase_main_v1.0.0.jsonl", 643, -18_000_000), ("omnibase_dev_telemetry.jsonl", 120, -18_000_000)],
)
def test_the_real_logs_are_repaired_by_five_hours(shared_data, name, starts, zone):
    before = read_source(shared_data / "onex" / name).events
    after = repair_clocks(before).events
    shifted = after["timestamp"] != before["timestamp"]
    assert after["clock_offset_ms"].value_counts().drop_nulls().rows() == [(zone, starts)]
    assert shifted.sum() == starts
    assert set(after.filter(shifted)["event_type"]) == {START}
    assert (after["timestamp"] - before["timestamp"]).filter(shifted).unique().to_list() == [timedelta(hours=5)]


@pytest.mark.parametrize("seconds", [900, 1800, 18_000, 899.5])
def test_an_operation_that_truly_took_a_quarter_of_an_hour_is_left_alone(seconds):
    repaired = repair_clocks(frame(operation(NOON, seconds=seconds)))
    assert (offsets(repaired), times(repaired)) == ([None], [NOON])


def test_an_idle_gap_is_no_offset():
    rows = operation(NOON) + operation(NOON + timedelta(hours=5)) + operation(NOON + timedelta(hours=5, minutes=15))
    assert offsets(repair_clocks(frame(rows))) == [None] * 3


def test_an_unfinished_operation_is_judged_by_its_neighbours():
    rows = [
        *operation(NOON, zone=-5, key="before"),
        *operation(NOON + timedelta(seconds=5), zone=-5, key="never ends", ends=False),
        *operation(NOON + timedelta(seconds=9), zone=-5, key="after"),
    ]
    assert offsets(repair_clocks(frame(rows))) == [-5, -5, -5]
    assert offsets(repair_clocks(frame(rows[2:]))) == [-5, -5]
    assert offsets(repair_clocks(frame(rows[:3]))) == [-5, -5]


def test_an_operation_that_never_ended_and_was_tried_again_is_no_evidence_of_an_offset():
    lost = operation(NOON, key="k", ends=False)
    again = operation(NOON + timedelta(minutes=15), key="k")
    assert offsets(repair_clocks(frame([*lost, *again]))) == [None, None]


def test_a_retry_a_quarter_of_an_hour_later_does_not_hide_the_true_offset():
    rows = [
        *operation(NOON - timedelta(minutes=1), zone=2),
        *operation(NOON, zone=2, key="k", ends=False),
        *operation(NOON + timedelta(minutes=15), zone=2, key="k"),
    ]
    assert offsets(repair_clocks(frame(rows))) == [2, 2, 2]


@pytest.mark.parametrize("unfinished", [0, 7, 19])
def test_one_unfinished_operation_among_many_of_one_correlation_id_does_not_hide_the_offset(unfinished):
    rows, true = [], []
    for n in range(20):
        true.append(NOON + timedelta(minutes=15 * n, seconds=n * n))
        rows += operation(true[-1], zone=-5, key="session", ends=n != unfinished)
    assert times(repair_clocks(frame(rows))) == true


def test_daylight_saving_is_followed_pair_by_pair():
    change = datetime(2026, 11, 1, 6, 0)  # New York: UTC−4 before, UTC−5 from here on
    rows, true = [], []
    for minute in range(-10, 10):
        begin = change + timedelta(minutes=minute)
        true.append(begin)
        rows += operation(begin, zone=-4 if minute < 0 else -5, ends=minute % 4 != 1)
    repaired = repair_clocks(frame(rows))
    assert times(repaired) == true
    assert offsets(repaired) == [-4.0] * 10 + [-5.0] * 10
    assert repaired.offsets_ms == {"n": -18_000_000}


def test_each_producer_has_its_own_zone():
    rows = []
    for n in range(6):
        rows += operation(NOON + timedelta(seconds=n), zone=(-5, 2, 0)[n % 3], node=("here", "there", "utc")[n % 3])
    repaired = repair_clocks(frame(rows))
    assert offsets(repaired) == [-5, 2, None] * 2
    assert repaired.offsets_ms == {"here": -18_000_000, "there": 7_200_000, "utc": 0}


def claimed(begin: datetime, form: str, **more: Any) -> list[Row]:
    """An operation whose start says in words, or by being a number, what zone its time is of."""
    rows = operation(begin, **more)
    seconds = rows[0]["timestamp"].replace(tzinfo=UTC).timestamp()
    numbers = {"seconds": seconds, "milliseconds": int(seconds * 1000)}
    rows[0]["timestamp"] = numbers.get(form) or f"{rows[0]['timestamp'].isoformat()}{form}"
    return rows


UTC_FORMS = ["Z", "z", "+00:00", "-00:00", "+0000", "seconds", "milliseconds"]


@pytest.mark.parametrize("form", [*UTC_FORMS, "-05:00"])
def test_against_a_pair_alone_a_time_that_says_its_zone_is_believed(form):
    rows = claimed(NOON, form, zone=-5) + claimed(NOON + timedelta(minutes=1), form, zone=-5)
    repaired = repair_clocks(frame(rows))
    assert offsets(repaired) == [None, None]
    assert repaired.offsets_ms == {}, "so that a claim is no evidence for the units to come"


@pytest.mark.parametrize("form", UTC_FORMS)
def test_a_claim_to_be_utc_is_overruled_by_its_pair_and_its_producer_together(form):
    later = NOON + timedelta(minutes=1)
    repaired = repair_clocks(frame(operation(NOON, zone=-5) + claimed(later, form, zone=-5)))
    assert offsets(repaired) == [-5, -5]
    assert abs(times(repaired)[1] - later) < timedelta(milliseconds=1)
    assert repaired.events["timestamp_original"][2] == str(claimed(later, form, zone=-5)[0]["timestamp"])


def test_the_text_of_an_overruled_claim_is_kept():
    rows = operation(NOON, zone=-5) + claimed(NOON + timedelta(minutes=1), "Z", zone=-5)
    assert repair_clocks(frame(rows)).events["timestamp_original"][2] == "2026-11-23T07:01:00.000001Z"


@pytest.mark.parametrize("known", [{"n": -18_000_000}, {"n": 3_600_000}, {"another": -18_000_000}, {}])
def test_what_earlier_units_showed_of_a_producer_overrules_its_claims_too(known):
    repaired = repair_clocks(frame(claimed(NOON, "Z", zone=-5)), known)
    assert offsets(repaired) == [-5 if known == {"n": -18_000_000} else None]


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (claimed(NOON, "Z", zone=0), "its pair agrees with it"),
        (claimed(NOON, "-05:00", zone=-5), "its pair agrees with it"),
        (claimed(NOON, "Z", zone=-6), "the producer shows another offset"),
        (claimed(NOON, "+01:00", zone=-4), "it says that it is not UTC"),
        (claimed(NOON, "Z", zone=-5, node="another"), "another producer shows nothing"),
        (claimed(NOON, "Z", zone=-5, ends=False), "it has no pair of its own"),
    ],
)
def test_a_claim_is_believed_where(claim, why):
    rows = operation(NOON - timedelta(minutes=1), zone=-5, key="before") + claim
    assert offsets(repair_clocks(frame(rows))) == [-5, None], why


def test_times_that_say_rightly_that_they_are_utc_judge_no_time_without_a_zone():
    rows = [
        *operation(NOON, zone=-5, key="local"),
        *claimed(NOON + timedelta(seconds=4), "Z", key="right"),
        *operation(NOON + timedelta(seconds=5), zone=-5, key="never ends", ends=False),
    ]
    assert offsets(repair_clocks(frame(rows))) == [-5, None, -5]


def test_what_was_repaired_before_is_not_repaired_again():
    once = repair_clocks(frame(operation(NOON, zone=-5)))
    assert repair_clocks(once.events, once.offsets_ms).events.equals(once.events)


@given(st.permutations(range(10)), st.sampled_from([-5, 0, 5.5]))
def test_operations_with_an_end_are_repaired_in_whatever_order_they_come(order, zone):
    rows = [row for n in range(5) for row in operation(NOON + timedelta(seconds=n), zone=zone)]
    repaired = repair_clocks(frame([rows[i] for i in order]))
    assert sorted(times(repaired)) == [NOON + timedelta(seconds=n) for n in range(5)]


@given(st.integers(0, 2**32), st.sampled_from([-8, 3, 5.75]))
def test_no_time_moves_but_those_of_starts_in_local_time(seed, zone):
    draws = random.Random(seed)
    rows, true = [], []
    for n in range(20):
        begin = NOON + timedelta(seconds=draws.uniform(0, 100_000))
        node = draws.choice(["local", "utc"])
        true.append(begin)
        rows += operation(begin, zone=zone * (node == "local"), seconds=draws.uniform(0, 2000), node=node, key=str(n))
    repaired = repair_clocks(frame(rows))
    assert times(repaired) == true


def test_what_earlier_units_showed_judges_a_unit_without_evidence():
    rows = [
        {"timestamp": NOON, "event_type": "NODE_START"}, *operation(NOON, zone=-5, ends=False),
        {"timestamp": NOON, "event_type": "NODE_START"},
    ]  # fmt: skip
    assert offsets(repair_clocks(frame(rows), {"n": -18_000_000})) == [-5]
    assert offsets(repair_clocks(frame(rows), {"another": -18_000_000})) == [None]
    assert offsets(repair_clocks(frame(rows))) == [None]


def test_what_earlier_units_showed_is_kept_for_those_that_show_nothing():
    nothing = frame([{"timestamp": NOON, "event_type": "NODE_START"}])
    assert repair_clocks(nothing, {"n": -18_000_000}).offsets_ms == {"n": -18_000_000}


# ---------------------------------------------------------------------------------------------- by arrival


def arrivals(count: int, zone: float, *, late: float = 0.2, node: str = "core") -> list[Row]:
    """Events of omnibase_core: naive local times, and an arrival that is UTC."""
    rows = []
    for n in range(count):
        true = NOON + timedelta(minutes=n)
        rows.append({
            "timestamp": true + timedelta(hours=zone), "event_type": "core.node.start", "node_id": node,
            "arrived": true + timedelta(seconds=late),
        })  # fmt: skip
    return rows


@pytest.mark.parametrize("zone", [-5, -9.5, 1, 5.75, 13])
@pytest.mark.parametrize("late", [0.01, 30, 110])
def test_a_producer_whose_every_time_is_local_is_seen_by_when_its_events_arrive(zone, late):
    repaired = repair_clocks(frame(arrivals(20, zone, late=late))).events
    assert repaired["clock_offset_ms"].unique().to_list() == [zone * 3_600_000]
    found = repaired["timestamp"].dt.replace_time_zone(None).to_list()
    assert found == [NOON + timedelta(minutes=n) for n in range(20)]


@pytest.mark.parametrize("late", [0.01, 30, 110, 500, 4000])
def test_a_producer_in_utc_is_left_alone_however_late_its_events_arrive(late):
    repaired = repair_clocks(frame(arrivals(20, 0, late=late))).events
    assert repaired["clock_offset_ms"].null_count() == 20


def test_few_events_are_no_evidence():
    assert repair_clocks(frame(arrivals(4, -5))).events["clock_offset_ms"].null_count() == 4


def test_events_that_arrive_together_after_an_outage_move_no_clock():
    rows = arrivals(40, 0)
    for row in rows[10:]:
        row["arrived"] = NOON + timedelta(hours=1, minutes=5)
    assert repair_clocks(frame(rows)).events["clock_offset_ms"].null_count() == 40


def test_an_event_far_ahead_of_its_arrival_moves_no_clock():
    rows = arrivals(20, 0)
    rows[7]["timestamp"] += timedelta(days=400)
    repaired = repair_clocks(frame(rows)).events
    assert repaired["clock_offset_ms"].null_count() == 20


@pytest.mark.parametrize(("own_zone", "expected"), [(-5, -18_000_000), (0, None)])
def test_a_claim_to_be_utc_is_overruled_by_its_arrival_and_its_producer_together(own_zone, expected):
    rows = arrivals(20, -5)
    rows[7]["timestamp"] = f"{(NOON + timedelta(minutes=7, hours=own_zone)).isoformat()}Z"
    repaired = repair_clocks(frame(rows)).events
    assert repaired["clock_offset_ms"][7] == expected
    assert repaired["clock_offset_ms"].null_count() == (expected is None)
    assert repaired["timestamp"][7].replace(tzinfo=None) == NOON + timedelta(minutes=7)
