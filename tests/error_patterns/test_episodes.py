"""Which errors belong together where nobody told it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onex_analytics.error_patterns.episodes import by_work

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
ERROR = st.tuples(st.integers(0, 40), st.none() | st.integers(-2, 15), st.sampled_from("abc..."))
ERRORS = st.lists(ERROR, max_size=14)


def errors(*rows: tuple[float, float | None, str]) -> pl.DataFrame:
    """One row an error: (when it came, how long the work had taken, its trace), in seconds; "." is a trace of its own.
    """
    return pl.DataFrame([
        {"name": place, "trace_id": f"{trace}{place if trace == '.' else ''}",
         "timestamp": BEGIN + timedelta(seconds=at),
         "started_at": None if took is None else BEGIN + timedelta(seconds=at - took)}
        for place, (at, took, trace) in enumerate(rows)
    ], {"name": pl.Int64, "trace_id": pl.String, "timestamp": pl.Datetime("us", "UTC"),
        "started_at": pl.Datetime("us", "UTC")})  # fmt: skip


def episodes(*rows: tuple[float, float | None, str], gap: float = 60) -> list[str]:
    found = by_work(errors(*rows).lazy(), "trace_id", int(gap * 1e6)).sort("name").collect()
    assert found.height == len(rows)
    return found["_trace"].to_list()


def by_hand(rows: list[tuple[int, int | None, str]], gap: int) -> list[int]:
    """By error, which it ends up with: the shortest work first, each taking what it is around."""
    lone = [trace == "." or sum(other == trace for _, _, other in rows) == 1 for _, _, trace in rows]
    works = [min(max(took or 0, 0), gap) for _, took, _ in rows]
    names = [f"{trace}{place if trace == '.' else ''}" for place, (_, _, trace) in enumerate(rows)]
    order = sorted(range(len(rows)), key=lambda i: (works[i], rows[i][0], names[i]))
    above, free, seen = {}, [], []
    by_time = sorted(range(len(rows)), key=lambda i: (rows[i][0], names[i], works[i]))
    for i in order:
        def is_near(j: int, i: int = i) -> bool:
            return works[i] > 0 and abs(rows[j][0] - rows[i][0]) <= works[i]

        for j in [j for j in free if is_near(j)]:
            above[j] = i
            free.remove(j)
        if lone[i] and (told := [j for j in by_time if j in seen and is_near(j)]):
            above[i] = min(told, key=lambda j: abs(rows[j][0] - rows[i][0]))
            seen = [j for j in seen if j not in told]
        (free if lone[i] and i not in above else seen).append(i)
    last = list(range(len(rows)))
    for i in last:
        while last[i] in above:
            last[i] = above[last[i]]
    return last


def test_what_failed_while_a_caller_worked_is_of_one_episode_with_it():
    assert episodes((1, 0.5, "."), (3, 2.5, "."), (4, 4, "."), (20, 1, ".")) == [".2", ".2", ".2", ".3"]


def test_work_reaches_as_far_beyond_its_end_and_no_farther():
    assert episodes((10, 5, "."), (15, None, ".")) == [".0", ".0"]
    assert episodes((10, 5, "."), (15.1, None, "."), (4.9, None, ".")) == [".0", ".1", ".2"]
    assert episodes((10, 5, "."), (15, None, "."), gap=4) == [".0", ".1"]


def test_the_shortest_work_around_an_error_takes_it():
    assert episodes((5, 1, "."), (6, 2, "a"), (7, 7, "b"), (8, 0.1, "a"), (9, 0.1, "b"))[0] == "a"


def test_traces_that_were_told_are_never_made_one():
    told = episodes((1, 1, "a"), (2, 1, "a"), (3, 3, "b"), (4, 4, "b"))
    assert told == ["a", "a", "b", "b"]
    # a caller that is alone is around both, and of one
    assert episodes((1, 1, "a"), (2, 1, "a"), (3, 1, "b"), (4, 1, "b"), (5, 5, ".")) == ["a", "a", "b", "b", "b"]
    assert episodes((1, 1, "a"), (2, 1, "a"), (3, 2, "."), (5, 5, ".")) == ["a", "a", "a", "a"]


@given(ERRORS, st.integers(1, 20))
@example([(5, 3, "."), (5, 3, "."), (5, None, "a"), (5, 0, "a")], 20)
def test_episodes_are_those_of_a_loop(rows, gap):
    traces = [row[0] for row in errors(*rows).select("trace_id").rows()]
    assert episodes(*rows, gap=gap) == [traces[last] for last in by_hand(rows, gap)]


@given(ERRORS)
def test_nothing_that_joins_asks_in_which_direction_time_runs(rows):
    # no two cubes have a third in their middle, so nothing is as near on one side as on the other
    apart = [(at + place**3 / 1e4, took and took + place / 1e3, trace) for place, (at, took, trace) in enumerate(rows)]
    mirrored = [(1000 - at, took, trace) for at, took, trace in apart]
    assert _together(episodes(*apart)) == _together(episodes(*mirrored))


def _together(names: list[str]) -> list[int]:
    return [names.index(name) for name in names]


@pytest.mark.parametrize("rows", [(), ((1, 1, "."),), ((1, None, "."), (1, None, "."))])
def test_few_errors_and_unknown_starts_stay_as_they_are(rows):
    assert episodes(*rows) == [f".{place}" for place in range(len(rows))]
