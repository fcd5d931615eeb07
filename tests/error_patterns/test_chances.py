"""The chance of so many together: SciPy's, and that of counting with whole numbers."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom, nchypergeom_fisher

from onex_analytics.error_patterns.chances import hypergeometric_tail, odds_tail


@st.composite
def tables(draw, most=60):
    total = draw(st.integers(1, most))
    left, right = draw(st.integers(0, total)), draw(st.integers(0, total))
    return draw(st.integers(0, min(left, right) + 1)), total, left, right


def counted(at_least: int, total: int, left: int, right: int) -> float:
    ways = sum(comb(left, x) * comb(total - left, right - x) for x in range(at_least, min(left, right) + 1))
    return float(Fraction(ways, comb(total, right)))


@given(st.lists(tables(), max_size=8))
def test_it_is_what_counting_gives(given_tables):
    k, total, left, right = np.array(given_tables, dtype=np.int64).reshape(-1, 4).T
    wanted = [counted(*table) for table in given_tables]
    assert hypergeometric_tail(k, total, left, right).tolist() == pytest.approx(wanted, rel=1e-11, abs=1e-15)


@given(tables(most=100_000))
def test_it_is_what_scipy_gives(table):
    k, total, left, right = table
    assert hypergeometric_tail(*table).item() == pytest.approx(
        hypergeom.sf(k - 1, total, left, right), rel=1e-7, abs=1e-12
    )


@pytest.mark.parametrize(
    "table",
    [(25, 5_233, 49, 41), (12_000, 10**6, 100_000, 100_000), (3, 10**7, 40, 40), (300, 10**7, 90_000, 30_000),
     (90, 400, 100, 100), (1, 10**9, 1, 1)],
    ids=str,
)  # fmt: skip
def test_a_chance_far_out_is_as_exact_as_one_in_the_middle(table):
    k, total, left, right = table
    wanted = float(
        sum(Fraction(comb(left, x) * comb(total - left, right - x), 1) for x in range(k, min(left, right) + 1))
        / comb(total, right)
    ) if right < 1000 else hypergeom.sf(k - 1, total, left, right)  # fmt: skip
    assert hypergeometric_tail(*table).item() == pytest.approx(wanted, rel=1e-6)


def test_of_no_test_there_is_no_chance():
    assert hypergeometric_tail([], [], [], []).tolist() == []


@given(st.lists(tables(), max_size=8), st.sampled_from([0.2, 1.0, 3.0, 40.0]))
def test_by_odds_it_is_what_counting_with_them_gives(given_tables, odds):
    k, total, left, right = np.array(given_tables, dtype=np.int64).reshape(-1, 4).T
    wanted = []
    for at_least, n, one, other in given_tables:
        ways = {x: comb(one, x) * comb(n - one, other - x) * odds**x
                for x in range(max(0, one + other - n), min(one, other) + 1)}  # fmt: skip
        wanted.append(sum(many for x, many in ways.items() if x >= at_least) / sum(ways.values()))
    assert odds_tail(k, total, left, right, odds).tolist() == pytest.approx(wanted, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    "table", [(25, 5_233, 49, 41), (14_000, 10**6, 100_000, 100_000), (95, 400, 200, 100)], ids=str
)
def test_by_odds_it_is_what_scipy_gives(table):
    k, total, left, right = table
    wanted = nchypergeom_fisher.sf(k - 1, total, left, right, 3.0)
    assert odds_tail(*table, 3.0).item() == pytest.approx(wanted, rel=1e-6, abs=1e-14)
