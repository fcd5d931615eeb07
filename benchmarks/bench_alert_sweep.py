"""Sweeps: fifty thresholds, and all of them, from the events on; beside the two other ways to the same firings.

The rule has `for` and `keep_firing_for`, its group has a tick a minute. All of them read the same file; what they say
of the fifty thresholds is equal.
"""

from __future__ import annotations

from benchmarks.bench_alert_cells import DAYS, EVENTS, KEYS, log_of
from benchmarks.race import Row, child, in_turn, median, spread

ROUNDS = 3
BAR = 2.0


def rows() -> list[Row]:
    log, module = log_of(EVENTS), "benchmarks.alert_sweep_timed"
    fifty, every, by_hand, rules = in_turn(
        ROUNDS,
        lambda: child(module, "fifty", log),
        lambda: child(module, "all", log),
        lambda: child(module, "numpy", log),
        lambda: child(module, "rules", log),
    )
    assert {run[0].said["firings"] for run in (fifty, every, by_hand, rules)} == {fifty[0].said["firings"]}
    print(f"  fifty {spread(fifty)}; all, {every[0].said['rows']:.0f} rows {spread(every)}; matrices of NumPy "
          f"{spread(by_hand)}; fifty rules in one evaluation {spread(rules)}; {fifty[0].said['firings']:,.0f} firings "
          f"each")  # fmt: skip
    seconds, of_all = median(fifty), median(every)
    beside = f"{median(by_hand) / seconds:.1f} × NumPy, {median(rules) / seconds:.1f} × rules"
    what = f"{KEYS} keys × {DAYS} days at 1 min, from {EVENTS // 1_000_000} M events"
    return [
        Row(f"sweep: 50 thresholds × {what} / by hand, with NumPy; 50 rules", f"≤ {BAR:.0f} s",
            f"{seconds:.2f} s ({beside})", seconds <= BAR),
        Row(f"sweep: all thresholds × {what}", f"≤ {BAR:.0f} s", f"{of_all:.2f} s", of_all <= BAR),
    ]  # fmt: skip
