"""Append of 2 M JSONL events beside DuckDB's one COPY, and the memory it takes at 2 M and 10 M."""

from __future__ import annotations

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, child, in_turn, median, spread

ROUNDS = 5
MEMORY_BAR_MB = 1500.0
BAR, GOAL = 1.3, 1.0


def rows() -> list[Row]:
    log, store = log_of(2_000_000), FOLDER / "store-2m"
    child("benchmarks.append_ours", log_of(1_000), FOLDER / "warm")  # compiles the kernels once
    ours, transform, arrows = in_turn(
        ROUNDS,
        lambda: child("benchmarks.append_ours", log, store),
        lambda: child("benchmarks.append_duckdb", log, FOLDER / "peer-transform.parquet", "transform"),
        lambda: child("benchmarks.append_duckdb", log, FOLDER / "peer-arrows.parquet", "arrows"),
    )
    by_transform, by_arrows = median(ours) / median(transform), median(ours) / median(arrows)
    ratio = max(by_transform, by_arrows)
    print(f"  ours {spread(ours)}; DuckDB json_transform {spread(transform)}; DuckDB ->> {spread(arrows)}")
    print(f"  of which ours did: {ours[0].said}")
    small = child("benchmarks.append_ours", log_of(1_000), FOLDER / "warm")
    print(f"  1,000 events, nearly all of it Numba's start: {small.seconds:.1f} s")
    large = child("benchmarks.append_ours", log_of(10_000_000), FOLDER / "store-10m")
    peak = max(run.peak_mb for run in ours)
    print(f"  10 M: {large.seconds:.1f} s, {large.said['read']:.0f} lines, peak {large.peak_mb:.0f} MB")
    return [
        Row(
            "`append` of 2 M JSONL events / DuckDB's COPY with the same lifting",
            f"≤ {BAR} × (goal {GOAL} ×)",
            f"{by_transform:.2f} × with one `json_transform`, {by_arrows:.2f} × with a `->>` a column", ratio <= BAR,
        ),
        Row(
            "peak memory of `append`, 2 M and 10 M events", f"≤ {MEMORY_BAR_MB:.0f} MB, flat",
            f"{peak:.0f} MB and {large.peak_mb:.0f} MB",
            max(peak, large.peak_mb) <= MEMORY_BAR_MB and large.peak_mb <= 1.25 * peak,
        ),
    ]  # fmt: skip
