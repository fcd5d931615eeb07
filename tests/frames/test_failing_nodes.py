import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import hypergeom

from onex_analytics.frames.failing_nodes import failing_nodes
from tests.frames.rows import at


def work(*nodes: tuple[int, int], buckets: int = 1) -> pl.LazyFrame:
    """Operations of nodes a, b, … that failed k times of n in each of so many minutes."""
    rows = [
        (chr(ord("a") + i), at(60 * minute), "failure" if j < k else "success")
        for i, (k, n) in enumerate(nodes) for minute in range(buckets) for j in range(n)
    ]  # fmt: skip
    return pl.LazyFrame(rows, schema={"node": pl.String, "finished_at": pl.Datetime("us", "UTC"),
                                      "outcome": pl.String}, orient="row")  # fmt: skip


def found(frame: pl.LazyFrame) -> list[str]:
    return failing_nodes(frame, "1m").sort("node").collect()["node"].to_list()


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([(8, 16), (11, 643), (0, 300)], ["a"]),
        ([(21, 120), (11, 643), (0, 228)], ["a"]),
        ([(3, 9), (35, 982)], []),           # three failures are too few, whatever their share
        ([(4, 4), (0, 1000)], []),
        ([(50, 1000), (10, 10_000)], []),    # certain, but 5 % less 0.1 % is no 5 points
        ([(200, 1000), (100, 1000)], []),    # certain, but only twice the others
        ([(30, 30)], []),                    # nobody to compare it with
        ([(30, 30), (30, 30)], []),
        ([(0, 5), (0, 5)], []),
        ([], []),
    ],
)  # fmt: skip
def test_a_node_stands_out_where_its_failures_are_many_certain_and_unlike_the_others(nodes, expected):
    assert found(work(*nodes)) == expected


def test_an_incident_that_passes_is_not_taken_for_a_habit():
    calm = work((0, 20), (0, 100), buckets=9)
    assert found(pl.concat([calm, work((20, 20))])) == []
    assert found(work((10, 20), (0, 100), buckets=10)) == ["a"]


@pytest.mark.parametrize(("k", "n", "others_k", "others_n"), [(8, 16, 5, 900), (21, 120, 22, 871), (40, 90, 30, 500)])
def test_the_score_never_promises_more_than_fishers_exact_test(k, n, others_k, others_n):
    (row,) = failing_nodes(work((k, n), (others_k, others_n)), "1m").collect().to_dicts()
    exact = hypergeom.sf(k - 1, n + others_n, k + others_k, n)
    promised = math.exp(-(row["score"] ** 2) / 2)
    assert exact <= promised <= exact**0.7


def test_nodes_that_fail_alike_are_called_out_less_than_once_in_a_thousand_logs():
    draw = np.random.default_rng(1)
    alarms = [found(work(*((k, 40) for k in draw.binomial(40, 0.1, size=12)))) for _ in range(300)]
    assert sum(map(bool, alarms)) <= 2  # of 300 logs, where 0.3 are the promise: P(more) < 0.004
