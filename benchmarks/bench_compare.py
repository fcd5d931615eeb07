"""`compare` of two operations, `contrast` of a million rows, and both together on 50 M spans, beside their peers."""

from __future__ import annotations

from benchmarks.compare_data import fleet_spans, operation_spans, struck_rows
from benchmarks.race import Row, child, in_turn, median, spread

ROUNDS = 3
COMPARE_BAR_S, CONTRAST_BAR_S, SLOWER_BAR_S, SLOWER_BAR_MB = 0.5, 2.0, 5.0, 8_000
FLEET = 50_000_000


def rows() -> list[Row]:
    before, after = operation_spans(1_000_000, 1, 1.0), operation_spans(1_000_000, 2, 1.1)
    ours, scipy = in_turn(
        ROUNDS,
        lambda: child("benchmarks.compare_ours", "compare", before, after),
        lambda: child("benchmarks.compare_peers", "scipy", before, after),
    )
    assert abs(ours[0].said["superiority"] - scipy[0].said["superiority"]) < 1e-6
    print(f"  compare {spread(ours)}; SciPy and NumPy {spread(scipy)}")
    file = struck_rows(1_000_000)
    found, duckdb = in_turn(
        ROUNDS,
        lambda: child("benchmarks.compare_ours", "contrast", file),
        lambda: child("benchmarks.compare_peers", "duckdb", file),
    )
    print(f"  contrast {spread(found)} ({found[0].said['tests']} tests); DuckDB's counts {spread(duckdb)}")
    fleet = fleet_spans(FLEET)
    (slower,) = in_turn(3, lambda: child("benchmarks.compare_ours", "slower", fleet))
    peak = max(run.peak_mb for run in slower)
    print(f"  slower {spread(slower)}; first run {slower[0].said['first_seconds']:.1f} s; peak {peak:.0f} MB")
    return [
        Row(
            "`compare` of two operations of 1 M spans / SciPy's Mann–Whitney and 200 NumPy resamples",
            f"≤ {COMPARE_BAR_S} s", f"{median(ours):.2f} s ({median(ours) / median(scipy):.3f} ×)",
            median(ours) <= COMPARE_BAR_S,
        ),
        Row(
            "`contrast` of 1 M rows × 10 columns, order 2 / DuckDB's counts of the same pairs",
            f"≤ {CONTRAST_BAR_S} s", f"{median(found):.2f} s ({median(found) / median(duckdb):.2f} ×)",
            median(found) <= CONTRAST_BAR_S,
        ),
        Row(
            "what got slower, for whom (`compare` by node and operation, then `contrast`), 50 M spans, second run",
            f"≤ {SLOWER_BAR_S} s, < 8 GB", f"{median(slower):.1f} s, {peak / 1000:.1f} GB",
            median(slower) <= SLOWER_BAR_S and peak < SLOWER_BAR_MB,
        ),
    ]  # fmt: skip
