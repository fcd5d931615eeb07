from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.synthetic.draws import Draws
from onex_analytics.synthetic.load import load


def test_the_raw_stream_is_that_of_pcg64_for_ever():
    assert Draws(1, 2).raw(2).tolist() == np.random.PCG64(np.random.SeedSequence((1, 2))).random_raw(2).tolist()


@given(st.integers(0, 2**64), st.integers(1, 2**31 - 1), st.integers(0, 50))
def test_a_whole_number_lies_below_its_bound(seed, bound, n):
    drawn = Draws(seed).below(n, bound)
    assert len(drawn) == n and ((drawn >= 0) & (drawn < bound)).all()


def test_a_share_of_nothing_never_hits_and_a_share_of_one_always():
    assert not Draws(1).hits(100, 0.0).any()
    assert Draws(1).hits(100, 1.0).all()
    assert 0.28 < Draws(1).hits(10_000, 0.3).mean() < 0.32


def test_normal_numbers_have_mean_zero_and_deviation_one():
    z = Draws(3).normals(200_000)
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01


@given(st.integers(1, 10**12), st.integers(0, 1000), st.integers(1, 1000))
def test_arrivals_lie_in_the_stretch_they_were_asked_for(span_us, a, b):
    curve = load(span_us, 0, [], [])
    start, end = sorted((span_us * a // 1000, span_us * b // 1000))
    if start == end:
        return
    at = curve.draw(Draws(1), 50, start, end)
    assert ((at >= start) & (at < end)).all()
    assert curve.time_of_event_share(1, 2) <= span_us


def test_nothing_arrives_in_a_hole():
    hour = 3_600_000_000
    curve = load(24 * hour, 0, [5 * hour, 6 * hour], [(5 * hour, 6 * hour, 0.0, 0.0)])
    at = curve.draw(Draws(1), 5_000, 0, 24 * hour)
    assert not ((at >= 5 * hour) & (at < 6 * hour)).any()
