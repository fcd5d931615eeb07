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
    (told,) = coverage(events([*watched, {"at": 1100}])).collect().to_dicts()
    (untold,) = coverage(events([*watched, {"at": 1101}])).collect().to_dicts()
    assert (told["expected_events"], untold["expected_events"]) == (1000.0, None)


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
