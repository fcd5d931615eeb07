"""Tests and intervals, held against SciPy and against drawing by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import relative_risk

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.statistics import (
    enrichment_p,
    mantel_haenszel,
    percentile_bounds,
    q_values,
    quantile_ranks,
    risk_ratio,
    seeded,
    signed_root,
    t_reach,
    two_sided,
    wilson,
    z_of,
)

SHARES = st.floats(0, 1, allow_nan=False)


@given(st.lists(SHARES, min_size=1, max_size=40))
def test_q_values_are_those_of_scipy(p):
    np.testing.assert_allclose(q_values(p), stats.false_discovery_control(p, method="bh"), rtol=1e-12, atol=1e-15)


@given(st.lists(SHARES, min_size=2, max_size=20), st.randoms())
def test_q_values_do_not_depend_on_the_order_of_the_tests(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    assert q_values([p[i] for i in order]).tolist() == q_values(p)[order].tolist()


def test_a_test_that_was_not_made_is_neither_counted_nor_judged():
    q = q_values([0.01, np.nan, 0.02])
    assert np.isnan(q[1])
    assert q[[0, 2]].tolist() == q_values([0.01, 0.02]).tolist()


def test_tests_that_are_not_listed_are_counted_if_told():
    assert q_values([0.001], n_tests=50).tolist() == [0.05]
    assert q_values([]).tolist() == []


def test_fewer_tests_than_are_listed_are_refused():
    with pytest.raises(InvalidOption, match="at least the 2 tests"):
        q_values([0.1, 0.2], n_tests=1)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 10), (1, 1), (500, 1000)])
def test_wilson_is_that_of_scipy(hits, n):
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    ours = wilson(hits, n)
    np.testing.assert_allclose([ours.low, ours.high], [theirs.low, theirs.high], atol=1e-12)
    assert ours.estimate == hits / n


def test_a_share_of_nothing_is_not_a_number():
    assert np.isnan(wilson(0, 0)).all()


@pytest.mark.parametrize("cells", [(20, 100, 10, 100), (3, 7, 40, 900), (99, 100, 1, 100)])
def test_the_risk_ratio_and_its_interval_are_those_of_scipy(cells):
    theirs = relative_risk(*cells)
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose(risk_ratio(*cells), [theirs.relative_risk, interval.low, interval.high])


def test_an_empty_cell_costs_half_a_count_not_infinity():
    np.testing.assert_allclose(risk_ratio(5, 10, 0, 90).estimate, (5.5 / 11) / (0.5 / 91))
    assert np.isfinite(risk_ratio(0, 10, 0, 10)).all()


def test_one_stratum_is_the_plain_risk_ratio():
    np.testing.assert_allclose(mantel_haenszel([20], [100], [10], [100]), risk_ratio(20, 100, 10, 100))


def test_mantel_haenszel_is_the_weighted_sum_written_out():
    strata = [(8, 20, 3, 30), (40, 100, 22, 110), (1, 9, 2, 12)]
    top = sum(a * n / (m + n) for a, m, c, n in strata)
    bottom = sum(c * m / (m + n) for a, m, c, n in strata)
    found = mantel_haenszel(*np.array(strata).T)
    np.testing.assert_allclose(found.estimate, top / bottom)
    assert found.low < found.estimate < found.high


def test_a_confounder_is_taken_out_by_its_strata():
    """Both strata have a ratio of 1; pooled they seem to have one of 5.5."""
    hits, n, other_hits, other_n = [90, 1], [100, 10], [9, 10], [10, 100]
    assert risk_ratio(sum(hits), sum(n), sum(other_hits), sum(other_n)).estimate > 4
    np.testing.assert_allclose(mantel_haenszel(hits, n, other_hits, other_n).estimate, 1.0)


def test_a_stratum_without_one_of_the_groups_says_nothing():
    alone = mantel_haenszel([20], [100], [10], [100])
    np.testing.assert_allclose(mantel_haenszel([20, 7], [100, 9], [10, 0], [100, 0]), alone)
    assert np.isnan(mantel_haenszel([7], [9], [0], [0]).estimate)


def test_a_group_without_a_hit_in_any_stratum_costs_half_a_count_not_infinity():
    for cells in ((20, 100, 0, 100), (0, 100, 20, 100)):
        np.testing.assert_allclose(mantel_haenszel(*([x] for x in cells)), risk_ratio(*cells))
    found = mantel_haenszel([20, 0], [100, 7], [0, 0], [100, 90])
    assert 1 < found.low < found.estimate < found.high < np.inf
    assert np.isnan(mantel_haenszel([0], [9], [0], [9]).estimate)


@pytest.mark.parametrize("cells", [(14, 1000, 5000, 1_000_000), (30, 60, 20, 60), (0, 50, 10, 60), (5, 9, 4, 9)])
def test_the_signed_root_is_that_of_the_g_test(cells):
    a, m, c, n = cells
    g = stats.chi2_contingency([[a, m - a], [c, n - c]], correction=False, lambda_="log-likelihood").statistic
    np.testing.assert_allclose(signed_root(*cells), np.sign(a / m - c / n) * np.sqrt(g))


def test_equal_shares_have_a_root_of_nothing():
    assert abs(signed_root(3, 10, 30, 100)) < 1e-6
    assert np.isnan(signed_root(0, 0, 3, 10))


def test_p_and_reach_follow_student_and_the_normal_law():
    np.testing.assert_allclose(two_sided([2.0, -2.0], [5, 5]), 2 * stats.t.sf(2, 5))
    np.testing.assert_allclose(two_sided(1.5), 2 * stats.norm.sf(1.5))
    np.testing.assert_allclose(t_reach([3, np.inf]), [stats.t.ppf(0.975, 3), stats.norm.ppf(0.975)])
    with pytest.raises(InvalidOption, match="above 0 and below 1"):
        z_of(1.0)


@example(1, 1, 1, 4)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_bound_of_an_enrichment_is_never_below_fishers_p(hits, rest, other_hits, other_rest):
    n, all_hits, total = hits + rest, hits + other_hits, hits + rest + other_hits + other_rest
    law = stats.hypergeom(total, all_hits, n)
    exact = min(1.0, 2 * min(law.sf(hits - 1), law.cdf(hits)))
    assert enrichment_p(hits, n, all_hits, total) >= exact * (1 - 1e-9)


def test_the_bound_of_an_enrichment_is_close_where_the_group_is_small():
    exact = 2 * stats.hypergeom(100_000, 2000, 50).sf(5)
    assert enrichment_p(6, 50, 2000, 100_000) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(("q", "n"), [(0.5, 10), (0.5, 99), (0.95, 75), (0.95, 400), (0.05, 90)])
def test_the_bounds_of_a_quantiles_rank_hold_it_as_often_as_they_say(q, n):
    """The exact chance: the k-th of n is above the quantile where fewer than k lie below it, a binomial count."""
    places = np.sort(quantile_ranks(np.random.default_rng(1), q, n, n, 20_000))
    low, high = places[500] + 1, places[-501] + 1
    above, below = stats.binom(n, q).cdf(low - 1), stats.binom(n, q).sf(high - 1)
    assert above <= 0.04 and below <= 0.04
    assert stats.binom(n, q).cdf(low) > 0.01 and stats.binom(n, q).sf(high - 2) > 0.01


def test_fewer_independent_values_spread_the_ranks_as_a_smaller_sample_would():
    few, many = (quantile_ranks(np.random.default_rng(1), 0.5, 50, rows, 5000) / rows for rows in (50, 5000))
    assert np.abs(np.quantile(few, [0.025, 0.5, 0.975]) - np.quantile(many, [0.025, 0.5, 0.975])).max() < 0.02


@given(st.floats(0.01, 0.99), st.floats(1, 1e9), st.integers(1, 1000), st.integers(0, 99))
def test_a_rank_lies_within_the_sample(q, n, rows, seed):
    places = quantile_ranks(np.random.default_rng(seed), q, n, rows, 20)
    assert places.min() >= 0 and places.max() < rows


def test_the_bounds_leave_equal_shares_out():
    draws = np.random.default_rng(0).permutation(1000).astype(float)
    assert percentile_bounds(draws) == (25.0, 974.0)


def test_chance_is_the_same_for_the_same_words_and_another_for_others():
    assert seeded(1, "a").random() == seeded(1, "a").random()
    assert len({seeded(s, w).random() for s in (0, 1) for w in ("a", "b")}) == 4
    with pytest.raises(InvalidOption, match="whole number from 0"):
        seeded(-1)
