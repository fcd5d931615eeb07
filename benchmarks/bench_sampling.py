"""100 sampling policies simulated on 10 M events beside one scan of the columns that they need; and draws a second."""

from __future__ import annotations

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, child, in_turn, median, spread
from onex_analytics.store import EventStore

ROUNDS = 5
SIMULATE_BAR, EMIT_BAR = 30.0, 1e6


def rows() -> list[Row]:
    one, folder = FOLDER / "events-10m.parquet", FOLDER / "store-10m"
    if not one.exists():
        store = EventStore(folder)
        if not (folder / "events").exists():
            store.append(str(log_of(10_000_000)))
        store.scan().sink_parquet(one, compression="zstd", compression_level=1)
    child("benchmarks.sampling_timed", "simulate", one)  # fills Numba's cache
    ours, plain, emitted = in_turn(
        ROUNDS, *(lambda way=way: child("benchmarks.sampling_timed", *way) for way in (("simulate", one), ("scan", one),
                                                                                       ("emit",)))
    )  # fmt: skip
    assert ours[0].said == plain[0].said
    ratio, calls = median(ours) / median(plain), emitted[0].said["calls"] / median(emitted)
    print(f"  100 policies {spread(ours)}; one scan {spread(plain)}; draws {spread(emitted)}")
    print(f"  peak of the whole process: {max(run.peak_mb for run in ours):.0f} MB")
    return [
        Row(
            "100 policies on 10 M events, four metrics overall and by node, what is lost / one scan of the columns",
            f"≤ {SIMULATE_BAR:.0f} ×", f"{ratio:.1f} ×", ratio <= SIMULATE_BAR,
        ),
        Row(
            "`EventSampler.should_emit`", f"≥ {EMIT_BAR / 1e6:.0f} M calls/s", f"{calls / 1e6:.1f} M calls/s",
            calls >= EMIT_BAR,
        ),
    ]  # fmt: skip
