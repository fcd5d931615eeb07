"""`latency_table` of 10 M spans in one Parquet file beside DuckDB's exact quantiles, and the sketch beside it."""

from __future__ import annotations

from benchmarks.latencies import spans_of
from benchmarks.race import Row, child, in_turn, median, spread

ROUNDS = 7
EXACT_BAR, SKETCH_BAR = 1.2, 0.7


def rows() -> list[Row]:
    path = spans_of(10_000_000)
    for way in ("exact", "sketch"):  # fills Numba's cache
        child("benchmarks.latency_timed", way, path)
    exact, sketch, peer = in_turn(
        ROUNDS, *(lambda way=way: child("benchmarks.latency_timed", way, path) for way in ("exact", "sketch", "duckdb"))
    )
    assert exact[0].said == sketch[0].said == peer[0].said == {"spans": 10_000_000}
    print(f"  exact {spread(exact)}; sketch {spread(sketch)}; DuckDB {spread(peer)} (three tables each)")
    peak = {name: max(run.peak_mb for run in runs) for name, runs in (("exact", exact), ("sketch", sketch))}
    print(f"  peak of the whole process: exact {peak['exact']:.0f} MB, sketch {peak['sketch']:.0f} MB")
    exact_ratio, sketch_ratio = median(exact) / median(peer), median(sketch) / median(exact)
    return [
        Row(
            "`latency_table` exact, 10 M spans in Parquet, 400 groups, four quantiles / DuckDB `quantile_disc`",
            f"≤ {EXACT_BAR} ×", f"{exact_ratio:.2f} ×", exact_ratio <= EXACT_BAR,
        ),
        Row(
            "`histogram_table` of the same / `latency_table`",
            f"≤ {SKETCH_BAR} ×", f"{sketch_ratio:.2f} ×", sketch_ratio <= SKETCH_BAR,
        ),
    ]  # fmt: skip
