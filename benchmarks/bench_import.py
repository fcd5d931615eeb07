"""`import onex_analytics` beside `import polars, pydantic, numpy`."""

from __future__ import annotations

from benchmarks.race import Row, child, in_turn, median, spread

ROUNDS = 15
BAR = 1.3


def rows() -> list[Row]:
    ours, plain = in_turn(
        ROUNDS,
        lambda: child("benchmarks.import_timed", "onex_analytics"),
        lambda: child("benchmarks.import_timed", "polars,pydantic,numpy"),
    )
    ratio = median(ours) / median(plain)
    print(f"  onex_analytics {spread(ours)}; polars, pydantic, numpy {spread(plain)}")
    what = "`import onex_analytics` / `import polars, pydantic, numpy`"
    return [Row(what, f"≤ {BAR} ×", f"{ratio:.2f} ×", ratio <= BAR)]
