import pytest

from onex_analytics.frames.silences import silences, silences_of_all
from tests.frames.rows import at, events

MINUTE = 60


def steady(node: str, minutes: range, *, without: tuple[int, ...] = ()) -> list[dict[str, object]]:
    return [{"at": MINUTE * m + s, "node": node} for m in minutes if m not in without for s in range(0, 60, 3)]


@pytest.mark.parametrize(("minutes", "expected"), [(19, []), (40, [at(10 * MINUTE)])])
def test_who_has_spoken_in_fewer_than_twenty_buckets_has_no_usual(minutes, expected):
    log = events(steady("a", range(minutes)) + steady("b", range(minutes), without=(10,)))
    assert silences(log, "1m").collect()["start"].to_list() == expected
    alone = events(steady("a", range(minutes), without=(10,)))
    assert silences_of_all(alone, "1m").collect()["start"].to_list() == expected


def test_a_node_that_is_often_quiet_so_long_is_not_silent():
    everybody, pauses = range(200), {m for m in range(200) if m % 10 in (4, 5)}
    often = events(steady("a", everybody) + steady("b", everybody, without=tuple(pauses)))
    once = events(steady("a", everybody) + steady("b", everybody, without=(4, 5)))
    assert silences(often, "1m").collect().is_empty()
    assert silences(once, "1m").sort("start").collect()["start"].to_list() == [at(240), at(300)]


def test_a_quiet_night_of_the_whole_fleet_is_no_silence_of_a_node():
    night = tuple(m for m in range(120) if 40 <= m < 80 and m % 8)
    log = events(steady("a", range(120), without=night) + steady("b", range(120), without=night))
    assert silences(log, "1m").collect().is_empty()
