import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.quantiles import index_of, quantile_of
from onex_analytics.frames.selection import values_at, values_at_weight

SHARES = (0, 0.07, 0.5, 0.9, 0.95, 0.99, 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def picked(codes, values, size, shares=SHARES, batch=1 << 17):
    codes, values = np.asarray(codes, np.int32), np.asarray(values, np.float64)
    counts = np.bincount(codes[codes >= 0], minlength=size)
    indices = np.array([[index_of(q, max(int(n), 1)) for q in shares] for n in counts], np.int64)
    cuts = range(0, max(len(codes), 1), batch)
    return values_at([codes[i : i + batch] for i in cuts], [values[i : i + batch] for i in cuts], counts, indices)


def sorted_lists(codes, values, size, shares=SHARES):
    groups = [[v for c, v in zip(codes, values, strict=True) if c == group] for group in range(size)]
    return [[quantile_of(group, q) for q in shares] if group else [None] * len(shares) for group in groups]


def same(found, wanted):
    return np.array_equal(found, np.array(wanted, np.float64), equal_nan=True)


@given(st.lists(st.tuples(st.integers(-1, 4), FLOATS | st.sampled_from([0.0, 1.0, 5e-324])), max_size=60),
       st.integers(1, 70))  # fmt: skip
def test_it_picks_what_stands_in_the_sorted_list(rows, batch):
    codes, values = [code for code, _ in rows], [value for _, value in rows]
    assert same(picked(codes, values, 5, batch=batch), sorted_lists(codes, values, 5))


@pytest.mark.parametrize(
    "values",
    [
        lambda r, n: np.exp(r.normal(3, 1, n)),
        lambda r, n: np.where(r.random(n) < 0.6, 0.0, r.exponential(5, n)),
        lambda r, n: np.full(n, 7.0),
        lambda r, n: np.where(r.random(n) < 0.001, 1e300, r.normal(0, 1e-300, n)),
        lambda r, n: r.choice([1e-3, 3.6e6], n),
        lambda r, n: r.integers(-50, 50, n).astype(float),
    ],
    ids=["latencies", "many zeros", "one value", "far outliers", "two clusters", "ties below zero"],
)
@pytest.mark.parametrize("groups", [1, 7, 400, 3_000])
def test_however_the_values_lie(values, groups):
    random = np.random.default_rng(groups)
    values = values(random, 20_000)
    codes = random.integers(-1, groups, 20_000).astype(np.int32)
    found = picked(codes, values, groups, batch=4_096)
    order = np.lexsort((values, codes))
    starts = np.searchsorted(codes[order], np.arange(groups + 1))
    for group in range(groups):
        part = values[order][starts[group] : starts[group + 1]]
        assert same(found[group], [part[index_of(q, len(part))] if len(part) else None for q in SHARES])


def test_the_order_of_the_rows_and_the_cut_into_batches_do_not_matter():
    random = np.random.default_rng(1)
    codes, values = random.integers(0, 9, 5_000), random.exponential(9, 5_000)
    shuffled = random.permutation(5_000)
    assert same(picked(codes, values, 9), picked(codes[shuffled], values[shuffled], 9, batch=77))


def test_no_rows_and_no_shares_are_no_trouble():
    assert np.isnan(picked([], [], 2)).all()
    assert picked([0], [1.0], 1, shares=()).shape == (1, 0)


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 9), st.integers(0, 4)), max_size=30))
def test_a_weight_is_as_many_rows(rows):
    """Repeating each row as often as it weighs, and taking the nearest rank."""
    codes = np.array([code for code, _, _ in rows], np.int32)
    values = np.array([value for _, value, _ in rows], np.float64)
    weights = np.array([weight for _, _, weight in rows], np.float64)
    counts = np.bincount(codes[codes >= 0], minlength=3)
    repeated = [(code, value) for code, value, weight in rows for _ in range(weight)]
    for above, method in ((False, "nearest_rank"), (True, "onex")):
        found = values_at_weight([codes], [values], [weights], counts, SHARES, above=above)
        wanted = [
            [quantile_of([value for code, value in repeated if code == group], q, method) for q in SHARES]
            for group in range(3)
        ]
        assert same(found, wanted)
