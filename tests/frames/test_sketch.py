import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import counters
from onex_analytics.frames.buckets import COARSEST, FINEST, bucket_of, relative_error
from onex_analytics.frames.quantiles import METHODS, quantile_of
from onex_analytics.frames.sketch import SKETCH, downscaled, merge_sketches, sketch_of, sketch_quantiles

SCALES = st.integers(COARSEST, FINEST)
NUMBERS = st.none() | st.floats(allow_nan=True) | st.sampled_from([0.0, 1.0, 2.0, -1.0]) | st.floats(0.1, 1e4)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), NUMBERS, st.integers(0, 3)), max_size=30)
SHARES = st.one_of(st.sampled_from([0, 0.07, 0.5, 0.9, 0.99, 1]), st.fractions(0, 1))


def frame(rows):
    schema = {"node": pl.String, "ms": pl.Float64, "weight": pl.Float64}
    return pl.DataFrame([(n, ms, float(w)) for n, ms, w in rows], schema=schema, orient="row")


def counted(rows, scale):
    """One number after the other."""
    found = {}
    for node, ms, weight in rows:
        if ms is None or not np.isfinite(ms):
            continue
        bucket = 0 if ms == 0 else int(bucket_of(np.array([ms]), scale)[0])
        key = (node, int(np.sign(ms)), bucket)
        n, total = found.get(key, (0, 0.0))
        found[key] = (n + 1, total + weight)
    return found


@given(ROWS, SCALES, st.booleans())
def test_each_number_is_counted_in_its_bucket(rows, scale, weighed):
    found = sketch_of(frame(rows), "ms", "node", scale=scale, weight="weight" if weighed else None).collect()
    assert dict(found.schema) == {"node": pl.String, **SKETCH}
    wanted = counted([(node, ms, w if weighed else 1) for node, ms, w in rows], scale)
    assert {(r[0], r[2], r[3]): (r[4], r[5]) for r in found.iter_rows()} == wanted
    assert (found["scale"] == scale).all()


@pytest.mark.parametrize("largest", [0, 1 << 22], ids=["sorted", "in a table"])
@pytest.mark.parametrize("weight", [None, "weight"])
def test_counting_by_a_table_and_by_sorting_give_the_same(monkeypatch, largest, weight):
    random = np.random.default_rng(5)
    values = np.concatenate([random.normal(3, 9, 5_000), np.zeros(100), np.exp(random.normal(0, 200, 100))])
    rows = pl.DataFrame({
        "node": random.choice(["a", "b", "c"], len(values)), "ms": values, "weight": random.integers(0, 4, len(values)),
    })  # fmt: skip
    monkeypatch.setattr(counters, "_LARGEST_TABLE", largest)
    found = sketch_of(rows, "ms", "node", weight=weight).collect()
    weights = rows["weight"] if weight else [1] * len(values)
    wanted = counted(zip(rows["node"], rows["ms"], weights, strict=True), 6)
    assert {(r[0], r[2], r[3]): (r[4], r[5]) for r in found.iter_rows()} == wanted


def test_a_table_grows_as_numbers_come(monkeypatch):
    """Batch after batch brings new groups, larger and smaller numbers, and at last weights."""
    counter, all_codes, all_values = counters.SketchCounter(3), [], []
    for step in range(1, 7):
        codes = np.arange(step * 10, dtype=np.int32)
        values = 10.0 ** np.linspace(-step, step, len(codes))
        counter.add(codes, values, None if step < 6 else np.full(len(codes), 2.0))
        all_codes.append(codes), all_values.append(values)
    found = counter.counted(np.arange(60, dtype=np.int32))
    assert found["n"].sum() == sum(len(codes) for codes in all_codes)
    assert found["weight"].sum() == 10 + 20 + 30 + 40 + 50 + 2 * 60
    rows = zip(np.concatenate(all_codes).tolist(), np.concatenate(all_values), strict=True)
    wanted = counted([(code, value, 1) for code, value in rows], 3)
    assert {(r[0], r[1], r[2]): r[3] for r in found.iter_rows()} == {key: n for key, (n, _) in wanted.items()}


@pytest.mark.parametrize("times", [255, 256, 257, 70_000])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_number_is_counted_however_often_it_comes(times, weighed):
    counter = counters.SketchCounter(0)
    codes, values = np.zeros(times, np.int32), np.full(times, 3.0)
    for weights in (None, np.full(times, 0.5) if weighed else None):
        counter.add(codes, values, weights)
    assert counter.counted(np.zeros(1, np.int32)).rows() == [(0, 1, 1, 2 * times, (1.5 if weighed else 2) * times)]


@pytest.mark.parametrize("largest", [0, 1 << 22])
def test_a_counter_of_what_has_no_sign_passes_over_numbers_below_zero(monkeypatch, largest):
    monkeypatch.setattr(counters, "_LARGEST_TABLE", largest)
    counter = counters.SketchCounter(0, signed=False)
    counter.add(np.zeros(4, np.int32), np.array([-8.0, 3.0, 0.0, -3.0]))
    found = counter.counted(np.zeros(1, np.int32))
    assert found.select("sign", "bucket", "n").rows() == [(0, 0, 1), (1, 1, 1)]


@given(ROWS, ROWS, SCALES)
def test_merged_sketches_are_the_sketch_of_both(one, other, scale):
    def of(rows):
        return sketch_of(frame(rows), "ms", "node", scale=scale, weight="weight")

    assert_frame_equal(merge_sketches(of(one), of(other)), of(one + other))


@given(ROWS, SCALES, SCALES)
def test_a_downscaled_sketch_is_the_sketch_of_the_coarser_scale(rows, one, other):
    fine, coarse = max(one, other), min(one, other)
    found = downscaled(sketch_of(frame(rows), "ms", "node", scale=fine), coarse)
    assert_frame_equal(found, sketch_of(frame(rows), "ms", "node", scale=coarse))


@given(ROWS, ROWS, SCALES, SCALES)
def test_downscaling_and_merging_commute(one, other, first, second):
    a, b = sketch_of(frame(one), "ms", "node", scale=first), sketch_of(frame(other), "ms", "node", scale=second)
    coarse = min(first, second)
    merged_first = downscaled(merge_sketches(a, b), coarse)
    assert_frame_equal(merged_first, merge_sketches(downscaled(a, coarse), downscaled(b, coarse)))


@given(ROWS, st.randoms())
def test_the_order_of_the_numbers_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert_frame_equal(sketch_of(frame(rows), "ms", "node"), sketch_of(frame(shuffled), "ms", "node"))


@given(st.lists(st.floats(1e-300, 1e300) | st.floats(-1e3, -1e-3) | st.just(0.0), min_size=1), SHARES,
       st.sampled_from(METHODS), st.integers(-2, FINEST))  # fmt: skip
def test_a_quantile_is_within_its_bound_of_the_exact_one(values, q, method, scale):
    found = sketch_quantiles(sketch_of(pl.DataFrame({"ms": values}), "ms", scale=scale), [q], method=method).collect()
    exact = quantile_of(values, q, method)
    assert found["exact"].to_list() == [False]
    assert found["relative_error"].item() == pytest.approx(relative_error(scale))
    estimate = found.to_series(found.columns.index("weight") + 1).item()
    assert abs(estimate - exact) <= abs(exact) * relative_error(scale) * (1 + 1e-9)


@given(st.lists(st.tuples(st.floats(0.1, 99), st.integers(0, 3)), min_size=1), SHARES, st.sampled_from(METHODS))
def test_a_weight_is_as_many_numbers(rows, q, method):
    values, weights = [value for value, _ in rows], [float(weight) for _, weight in rows]
    repeated = [value for value, weight in rows for _ in range(weight)]
    sketch = sketch_of(pl.DataFrame({"ms": values, "w": weights}), "ms", weight="w")
    found = sketch_quantiles(sketch, {"q": q}.values(), method=method).collect()
    assert found["n"].item() == len(rows)
    exact = quantile_of(repeated, q, method)
    estimate = found.to_series(2).item()
    assert estimate is None if exact is None else estimate == pytest.approx(exact, rel=relative_error(6) * (1 + 1e-9))


def test_groups_can_be_added_up_and_scales_mixed():
    a = sketch_of(pl.DataFrame({"node": ["x", "y"], "op": ["s", "s"], "ms": [1.5, 3.0]}), "ms", ["node", "op"])
    b = sketch_of(pl.DataFrame({"node": ["x"], "op": ["t"], "ms": [1.5]}), "ms", ["node", "op"], scale=0)
    assert merge_sketches(a, b, by="node").select("node", "scale", "bucket", "n").collect().rows() == [
        ("x", 0, 0, 2), ("y", 0, 1, 1),
    ]  # fmt: skip
    assert sketch_quantiles(a, [0.5], by=()).select("n").collect().rows() == [(2,)]
    assert sketch_quantiles(a, [0.5], by="op").select("op", "n").collect().rows() == [("s", 2)]


def test_nothing_gives_an_empty_sketch_and_no_quantile():
    nothing = pl.DataFrame(schema={"node": pl.String, "ms": pl.Float64})
    sketch = sketch_of(nothing, "ms", "node").collect()
    assert sketch.height == 0
    assert dict(sketch.schema) == {"node": pl.String, **SKETCH}
    assert sketch_quantiles(sketch, [0.5]).collect().height == 0
    assert merge_sketches(sketch, sketch).collect().height == 0


def test_a_sketch_survives_parquet(tmp_path):
    sketch = sketch_of(pl.DataFrame({"node": ["x", None], "ms": [1.5, 3.0]}), "ms", "node").collect()
    sketch.write_parquet(tmp_path / "sketch.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "sketch.parquet"), sketch)


def test_bad_use_is_refused_with_the_mend():
    rows = pl.DataFrame({"ms": [1.0], "scale": [6]})
    with pytest.raises(MissingColumns, match="nodes"):
        sketch_of(rows, "ms", "nodes")
    with pytest.raises(InvalidOption, match="columns named otherwise than those of a sketch"):
        sketch_of(rows, "ms", "scale")
    with pytest.raises(InvalidOption, match="a whole number from -10 to 10"):
        sketch_of(rows, "ms", scale=20)
    with pytest.raises(MissingColumns, match="bucket"):
        merge_sketches(rows)
    with pytest.raises(InvalidOption, match="one sketch or more"):
        merge_sketches()
    with pytest.raises(InvalidOption, match="nearest_rank or onex"):
        sketch_quantiles(sketch_of(rows, "ms"), [0.5], method="linear")
