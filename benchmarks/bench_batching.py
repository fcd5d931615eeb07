"""Batching: events that one thread can add to a live batcher, and events of history that a policy is tried on."""

from __future__ import annotations

from benchmarks.race import Row, Run, child, in_turn, median, spread

ROUNDS = 5
ADDED, SIMULATED, POLICIES = 1_000_000, 10_000_000, 6
ADD_BAR, SIMULATE_BAR = 500_000, 5e6


def rows() -> list[Row]:
    module = "benchmarks.batching_timed"
    add, peer, one, six = in_turn(
        ROUNDS,
        lambda: child(module, "add", ADDED),
        lambda: child(module, "peer", ADDED),
        lambda: child(module, "simulate", SIMULATED),
        lambda: child(module, "compare", SIMULATED),
    )
    added, bare = ADDED / median(add), ADDED / median(peer)
    single, each = SIMULATED / median(one), POLICIES * SIMULATED / median(six)
    print(f"  add_event, batches of 100, until all is exported: {spread(add)}; {_rates(ADDED, add)}")
    print(f"  a deque and an event instead, without counts or ages: {spread(peer)}; {_rates(ADDED, peer)}")
    print(f"  one policy, with its batches: {spread(one)}; {_rates(SIMULATED, one)}")
    print(f"  six policies compared: {spread(six)}; {_rates(POLICIES * SIMULATED, six)}")
    return [
        Row(
            "`EventBatcher.add_event`, one thread, until all is exported / a bare deque",
            f"≥ {ADD_BAR:,} events/s", f"{added:,.0f} events/s ({added / bare:.2f} ×)", added >= ADD_BAR,
        ),
        Row(
            f"`simulate_batching` of {SIMULATED:,} events (each policy of `compare_policies`)",
            f"≥ {SIMULATE_BAR:,.0f} events/s", f"{single:,.0f} events/s ({each:,.0f})", single >= SIMULATE_BAR,
        ),
    ]  # fmt: skip


def _rates(events: int, runs: list[Run]) -> str:
    cpu = sorted(run.cpu_seconds for run in runs)[len(runs) // 2]
    return f"{events / median(runs):,.0f} events/s ({events / cpu:,.0f} a CPU second)"
