import math
import random
from itertools import accumulate, pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.coverage import HOLES, coverage, covered_time
from tests.frames.rows import NOON, at, events

STEADY = [{"at": 10 * i, "node": "steady"} for i in range(361)]


def test_a_producer_that_keeps_its_rhythm_has_no_hole():
    assert coverage(events(STEADY)).collect().is_empty()


def test_a_pause_is_a_hole_against_the_producers_own_rhythm():
    log = events(STEADY + [{"at": 10 * i, "node": "b"} for i in range(361) if not 100 < i < 200])
    assert coverage(log).collect().rows() == [("b", at(1000), at(2000), "pause", 99.0, None)]


def test_a_slow_rhythm_makes_the_same_pause_no_hole():
    log = events(STEADY + [{"at": 150 * i, "node": "slow"} for i in range(25) if i not in (10, 11, 12)])
    assert coverage(log).collect().is_empty()


def test_a_producer_that_never_came_back_is_silent_until_the_log_ends():
    log = events(STEADY + [{"at": 10 * i, "node": "b"} for i in range(100)])
    assert coverage(log).select("node", "start", "end", "kind").collect().rows() == [
        ("b", at(990), at(3600), "silent")
    ]


def test_a_burst_of_a_second_says_nothing_about_the_minutes_after_it():
    burst = [{"at": i / 240, "node": "batch"} for i in range(240)]
    assert coverage(events(STEADY + burst)).collect().is_empty()
    again = [{"at": 1800 + i / 240, "node": "batch"} for i in range(240)]
    assert coverage(events(STEADY + burst + again)).collect().is_empty()


def test_who_works_in_bursts_is_not_silent_between_them():
    bursts = [{"at": 600 * burst + i, "node": "batch"} for burst in range(12) for i in range(120)]
    assert coverage(events(bursts)).collect().is_empty()
    (hole,) = coverage(events(row for row in bursts if not 2400 <= row["at"] < 4200)).collect().to_dicts()
    assert (hole["start"], hole["end"]) == (at(1919), at(4200))


@given(st.integers(61, 300), st.integers(61, 300), st.integers(61, 600))
def test_just_what_is_missing_of_a_steady_rhythm_is_expected(before, after, missing):
    steady = [{"at": i, "node": "b"} for i in range(before)]
    log = events(steady + [{"at": before + missing + i, "node": "b"} for i in range(after)])
    (hole,) = coverage(log).collect().to_dicts()
    assert hole["expected_events"] == pytest.approx(missing)


def test_a_rate_says_nothing_about_a_hole_more_than_ten_times_as_long():
    watched = [{"at": i, "node": "b"} for i in range(101)]
    (told,) = coverage(events([*watched, *({"at": 10 * i} for i in range(111))])).collect().to_dicts()
    (untold,) = coverage(events([*watched, *({"at": 1 + 10 * i} for i in range(111))])).collect().to_dicts()
    assert (told["expected_events"], untold["expected_events"]) == (1000.0, None)


DAY = 86_400
QUICK = [{"at": i, "node": "quick"} for i in range(3601)]


@pytest.mark.parametrize("stragglers", [1, 19])
def test_a_few_events_long_after_the_rest_are_not_the_logs_end(stragglers):
    late = [{"at": DAY + i, "node": "c"} for i in range(stragglers)]
    assert coverage(events(STEADY + QUICK + late), expected=["ghost"]).collect().rows() == [
        ("ghost", at(0), at(3600), "never_seen", None, None)
    ]


def test_a_few_events_at_several_times_long_after_the_rest_are_not_the_logs_end():
    assert coverage(events([*STEADY, *QUICK, {"at": DAY}, {"at": 3 * DAY}, {"at": 3 * DAY + 1}])).collect().is_empty()


def test_a_log_that_goes_on_after_a_pause_of_all_ends_at_its_true_end():
    late = [{"at": DAY + 10 * i, "node": "quick"} for i in range(20)]
    holes = coverage(events(STEADY + QUICK + late)).select("node", "start", "end", "kind").collect().rows()
    assert holes == [("quick", at(3600), at(DAY), "pause"), ("steady", at(3600), at(DAY + 190), "silent")]


def test_who_was_silent_before_the_log_ended_is_silent_until_then_and_no_longer():
    log = events([*STEADY, *QUICK, *({"at": i, "node": "b"} for i in range(600)), {"at": DAY, "node": "c"}])
    assert coverage(log).select("node", "start", "end", "kind").collect().rows() == [
        ("b", at(599), at(3600), "silent")
    ]


@pytest.mark.parametrize("when", [-DAY, DAY])
def test_a_straggler_has_no_pause_between_itself_and_the_log(when):
    assert coverage(events([*STEADY, *QUICK, {"at": when, "node": "quick"}])).collect().is_empty()


def test_time_after_the_logs_end_and_before_its_beginning_is_not_covered():
    log = events([*STEADY, *QUICK, {"at": -DAY, "node": "c"}, {"at": DAY, "node": "quick"}])
    covered = covered_time(log, coverage(log)).collect()
    assert covered.rows() == [(node, 3600.0, 0.0, 3600.0, 1.0) for node in ("c", "quick", "steady")]


def test_however_many_stragglers_come_in_one_by_one_they_are_not_the_logs_end():
    late = [{"at": DAY + 900 * i, "node": "c"} for i in range(30)]
    assert coverage(events(STEADY + QUICK + late)).collect().is_empty()


@pytest.mark.parametrize("times", [[], [0], [0, DAY], [0, 1, DAY]])
def test_of_a_log_of_a_few_events_none_is_a_straggler(times):
    log = events({"at": t} for t in times)
    assert coverage(log, expected=["ghost"]).select("start", "end").collect().rows() == [
        (at(times[0]), at(times[-1])) if times else (None, None)
    ]


@given(st.integers(0, 2**32), st.lists(st.integers(0, 250), min_size=2, max_size=2))
def test_holes_are_those_that_a_look_at_each_node_in_turn_finds(seed, counts):
    draws = random.Random(seed)
    log = []
    for node, count in zip("ab", counts, strict=True):
        pauses = (draws.randint(0, 3) if draws.random() < 0.99 else draws.randint(10, 500) for _ in range(count))
        log += [(t, node) for t in accumulate(pauses, initial=draws.choice([0, 0, 2000]))]
    rows = [{"at": t, "node": node} for t, node in draws.sample(log, len(log))]
    found = coverage(events(rows), factor=2, minimum="5s").select("node", "start", "end", "kind").collect().rows()
    expected = []
    begin, end = ends([t for t, _ in log])
    for node in "ab":
        times = sorted(t for t, name in log if name == node and begin <= t <= end)
        pauses = sorted(b - a for a, b in pairwise(times))
        if len(times) < 20:
            continue
        usual = max(usual_pause(pauses), 2 * pauses[-5])
        holes = [(a, b, "pause") for a, b in pairwise(times) if b - a > usual]
        if times[-1] - times[0] - sum(b - a for a, b, _ in holes) < 5:
            continue
        if end - times[-1] > usual:
            holes.append((times[-1], end, "silent"))
        expected += [(node, at(a), at(b), kind) for a, b, kind in holes]
    assert found == sorted(expected, key=lambda hole: (hole[1], hole[0], hole[2]))


def usual_pause(pauses: list[int]) -> float:
    return max(2 * pauses[math.ceil(0.99 * len(pauses)) - 1], 5) if pauses else 5


def ends(times: list[int]) -> tuple[int, int]:
    times = sorted(times)
    usual = usual_pause(sorted(b - a for a, b in pairwise(times)))
    stretches = [[t] for t in times[:1]]
    for a, b in pairwise(times):
        if b - a > usual:
            stretches.append([])
        stretches[-1].append(b)
    long = [stretch for stretch in stretches if len(stretch) >= 20] or stretches
    return min(long[0]), max(long[-1])


def test_a_late_first_event_is_no_hole():
    assert coverage(events(STEADY + [{"at": 10 * i, "node": "new"} for i in range(200, 361)])).collect().is_empty()


def test_fewer_than_twenty_events_are_no_rhythm():
    assert coverage(events(STEADY + [{"at": i, "node": "rare"} for i in range(19)])).collect().is_empty()


def test_an_expected_producer_without_any_event_was_never_seen():
    holes = coverage(events(STEADY), expected=["steady", "ghost"]).collect()
    assert holes.rows() == [("ghost", at(0), at(3600), "never_seen", None, None)]


def test_the_shortest_hole_is_what_the_caller_says():
    log = events(STEADY + [{"at": i, "node": "quick"} for i in range(3600) if not 100 < i < 200])
    assert coverage(log, minimum="1m").collect().height == 1
    assert coverage(log, minimum="5m").collect().is_empty()


def capture(*offsets: int, source: str = "onex.evt.stamper.node-start.v1") -> pl.LazyFrame:
    return events({"at": o, "source": source, "source_offset": o} for o in offsets)


def test_missing_offsets_of_a_topic_are_a_hole_that_nobody_in_particular_made():
    assert coverage(capture(5, 6, 9, 7, 20)).collect().rows() == [
        (None, at(7), at(9), "offsets", 1.0, "onex.evt.stamper.node-start.v1"),
        (None, at(9), at(20), "offsets", 10.0, "onex.evt.stamper.node-start.v1"),
    ]


def test_an_offset_that_was_read_and_rejected_is_not_missing():
    rejected = pl.LazyFrame({"source": ["onex.evt.stamper.node-start.v1"], "source_offset": [6]})
    assert coverage(capture(5, 7), also_read=rejected).collect().is_empty()


def test_bytes_of_a_file_are_no_offsets_of_a_bus():
    assert coverage(capture(0, 400, 812, source="logs/today.jsonl")).collect().is_empty()


def test_an_empty_log_has_no_holes_and_the_shape_all_the_same():
    holes = coverage(events([]), expected=["ghost"])
    assert holes.collect_schema() == HOLES
    assert holes.collect()["kind"].to_list() == ["never_seen"]


@pytest.mark.parametrize("factor", [0, 0.5, float("nan")])
def test_a_factor_below_one_is_refused(factor):
    with pytest.raises(InvalidOption, match="at least 1"):
        coverage(events([]), factor=factor)


def test_a_frame_without_nodes_is_refused():
    with pytest.raises(MissingColumns, match="node"):
        coverage(pl.LazyFrame({"timestamp": [NOON]}))


def test_overlapping_holes_are_taken_off_once():
    holes = pl.LazyFrame(
        [("a", at(0), at(600)), ("a", at(300), at(900)), ("a", at(400), at(500)), (None, at(800), at(1000))],
        schema={"node": pl.String, "start": HOLES["start"], "end": HOLES["end"]}, orient="row",
    )  # fmt: skip
    log = events([{"at": 0, "node": "a"}, {"at": 2000, "node": "b"}])
    assert covered_time(log, holes).collect().rows() == [
        ("a", 2000.0, 1000.0, 1000.0, 0.5), ("b", 2000.0, 200.0, 1800.0, 0.9),
    ]  # fmt: skip
    assert covered_time(log, holes, None).collect().rows() == [(2000.0, 200.0, 1800.0, 0.9)]


def test_a_log_of_one_moment_has_no_share_to_cover():
    covered = covered_time(events([{"at": 0}]), coverage(events([{"at": 0}]))).collect()
    assert covered.rows() == [("a", 0.0, 0.0, 0.0, None)]


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=8))
def test_the_time_in_holes_is_the_length_of_their_union(pairs):
    spans = [(min(pair), max(pair)) for pair in pairs]
    holes = pl.LazyFrame(
        [("a", at(s), at(e)) for s, e in spans],
        schema={"node": pl.String, "start": HOLES["start"], "end": HOLES["end"]}, orient="row",
    )  # fmt: skip
    seconds = {s for begin, end in spans for s in range(begin, end)}
    log = events([{"at": 0, "node": "a"}, {"at": 99, "node": "a"}])
    assert covered_time(log, holes).collect()["hole_seconds"].item() == len(seconds)
