"""The live engine with a hundred rules, beside a Python function a rule: in micro-batches and event by event."""

from __future__ import annotations

from benchmarks.race import Row, Run, child, in_turn, median, spread

ROUNDS = 3
BAR = 100_000
BATCHES, SINGLE, PEER = 500_000, 20_000, 20_000
STREAM = 100_000
"""Events a second of a stream's own time: one that comes as fast as it has to be taken."""


def rows() -> list[Row]:
    module = "benchmarks.alert_live_timed"
    recorded, stream, one, one_of_log, closures = in_turn(
        ROUNDS,
        lambda: child(module, "batches", BATCHES, 10_000, 0),
        lambda: child(module, "batches", 1_000_000, 10_000, STREAM),
        lambda: child(module, "single", 5 * SINGLE, 1, STREAM),
        lambda: child(module, "single", SINGLE, 1, 0),
        lambda: child(module, "closures", PEER, 1, 0),
    )
    batch = BATCHES / median(recorded)
    fast, single = 1_000_000 / median(stream), 5 * SINGLE / median(one)
    slow, peer = SINGLE / median(one_of_log), PEER / median(closures)
    print(f"  batches of 10,000 of the log, {_ticks(recorded)}: {spread(recorded)}; {batch:,.0f} events/s")
    print(f"  batches of 10,000 of a stream of {STREAM:,} events/s: {spread(stream)}; {fast:,.0f} events/s")
    print(f"  event by event, that stream: {spread(one)}; {single:,.0f} events/s")
    print(f"  event by event, the log, {_ticks(one_of_log)}: {spread(one_of_log)}; {slow:,.0f} events/s")
    print(f"  a Python function and a deque a rule: {spread(closures)}; {peer:,.0f} events/s")
    return [
        Row(
            "live: 100 rules, micro-batches of 10,000 events of a week's log / a Python function a rule",
            f"≥ {BAR:,} events/s", f"{batch:,.0f} events/s ({batch / peer:.1f} ×)", batch >= BAR,
        ),
        Row(
            f"live: 100 rules, the same of a stream of {STREAM:,} events/s", f"≥ {BAR:,} events/s",
            f"{fast:,.0f} events/s", fast >= BAR,
        ),
        Row(
            "live: 100 rules, event by event, of that stream (of the log, whose events are further apart)", "told",
            f"{single:,.0f} events/s ({slow:,.0f})", True,
        ),
    ]  # fmt: skip


def _ticks(runs: list[Run]) -> str:
    return f"{runs[0].said['ticks']:,.0f} ticks"
