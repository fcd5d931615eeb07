"""Sign tests: what one says, and what many find by chance together."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from onex_analytics.error_patterns.orders import evenly_shared, sign_p, sign_q

COUNTS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), min_size=1, max_size=12)


@given(COUNTS)
def test_q_is_what_chance_alone_gives_below_each_p_for_each_finding(drawn):
    forward, back = np.array(drawn).T
    p, n = sign_p(forward, back), forward + back
    found = sign_q(p, n, n)
    by_chance = []
    for bound in p:
        tails = [[sum(comb(trials, j) for j in range(k, trials + 1)) / 2**trials for k in range(trials + 1)]
                 for trials in n.tolist()]  # fmt: skip
        reached = sum(2 * max([tail for tail in row if tail <= bound * (1 + 1e-9)], default=0) for row in tails)
        by_chance.append(reached / sum(other <= bound * (1 + 1e-9) for other in p))
    for one, q in zip(p, found, strict=True):
        least = min(q_k for p_k, q_k in zip(p, by_chance, strict=True) if p_k >= one * (1 - 1e-9))
        assert q == pytest.approx(min(least, 1.0))


def test_what_came_seldom_takes_nothing_from_what_came_often():
    often, seldom = np.array([8]), np.array([3] * 500)
    assert sign_q(sign_p(often, np.array([0])), often, np.concatenate([often, seldom]))[0] == 2 * 0.5**8


@pytest.mark.parametrize("longest", [6, 12, 300])
def test_orders_by_chance_are_seldom_found(longest):
    draw, found = np.random.default_rng(longest), 0
    for _ in range(400):
        n = draw.integers(1, longest + 1, 40)
        forward = draw.binomial(n, 0.5)
        most = np.maximum(forward, n - forward)
        found += bool((sign_q(sign_p(most, n - most), n, n) <= 0.05).any())
    assert found <= stats.binom.isf(1e-3, 400, 0.05)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.floats(0.1, 1)), max_size=9))
def test_the_share_without_order_is_how_many_are_undecided_to_how_many_would_be_by_chance(drawn):
    drawn = [each for each in drawn if each[0] + each[1]]
    seen, by_chance = 1.0, 0.0
    for forward, back, weight in drawn:
        n = forward + back
        undecided = [min(x, n - x) for x in range(n + 1)]
        is_so = [2 * sum(comb(n, j) for j in range(n - least, n + 1)) > 2**n / 2 for least in undecided]
        seen += weight * is_so[forward]
        by_chance += weight * sum(comb(n, x) for x in range(n + 1) if is_so[x]) / 2**n
    forward, back, weights = (np.array(each) for each in zip(*drawn, strict=True)) if drawn else [np.zeros(0)] * 3
    wanted = min(seen / by_chance, 1.0) if by_chance else 1.0
    assert evenly_shared(forward.astype(int), back.astype(int), weights) == pytest.approx(wanted)


@pytest.mark.parametrize("pairs", [4, 40])
def test_orders_by_chance_are_seldom_found_by_the_share_without_order(pairs):
    draw, found = np.random.default_rng(pairs), 0
    for _ in range(400):
        n = draw.integers(2, 9, pairs)
        forward = draw.binomial(n, 0.5)
        most = np.maximum(forward, n - forward)
        share = evenly_shared(forward, n - forward, np.ones(pairs))
        found += bool((sign_q(sign_p(most, n - most), n, n) * share <= 0.05).any())
    assert found <= stats.binom.isf(1e-3, 400, 0.05)


def test_no_test_finds_nothing():
    nothing = np.zeros(0)
    assert sign_q(nothing, nothing.astype(np.int64), nothing.astype(np.int64)).shape == (0,)
