"""Logs of whole traces, drawn again and again at once: what closed forms are held against."""

from __future__ import annotations

import numpy as np
import polars as pl


def log_of(traces, events_a_trace=1, seed=1, values=None, failing=0.1, nodes=3):
    """A log of whole traces, whose events have nodes, outcomes and values."""
    rng = np.random.default_rng(seed)
    n = traces * events_a_trace
    trace = np.repeat(np.arange(traces), events_a_trace)
    return pl.DataFrame({
        "event_id": [f"e{i}" for i in range(n)], "trace_id": [f"t{i}" for i in trace],
        "correlation_id": pl.Series([None] * n, dtype=pl.String),
        "node": [f"node_{i}" for i in rng.integers(0, nodes, n)],
        "event_type": [f"TYPE_{i}" for i in rng.integers(0, 4, n)],
        "outcome": np.where(rng.random(n) < failing, "failure", "success"),
        "execution_time_ms": rng.lognormal(3, 0.8, n) if values is None else values,
    })  # fmt: skip


def kept_in_draws(events: pl.DataFrame, shares: np.ndarray, draws: int, seed: int = 1) -> np.ndarray:
    """Which events each draw keeps, one row a draw: every trace has a new randomness, which its events share."""
    rng = np.random.default_rng(seed)
    traces = events["trace_id"].rank("dense").to_numpy().astype(np.int64) - 1
    return rng.random((draws, traces.max() + 1))[:, traces] < shares


def shares_of(policy, events: pl.DataFrame) -> np.ndarray:
    return np.array([policy.share_of(row)[0] for row in events.iter_rows(named=True)])


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, q: float) -> np.ndarray:
    """The smallest value up to which there is the share `q` of the weight, of each row of weights."""
    order = np.argsort(values)
    sums = np.cumsum(weights[:, order], axis=1)
    return values[order][(sums < q * sums[:, -1:] * (1 - 1e-12)).sum(axis=1)]
