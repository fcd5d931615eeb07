"""Spans made from durations, for tests that compare: as a user would bring them, with six columns and a few more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from xxhash import xxh64_intdigest

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def lasting(ms: ArrayLike, trace: Sequence[Any] | None = None, **columns: Any) -> pl.DataFrame:
    """One span for each duration (NaN: it never ended); each in a trace of its own unless `trace` says otherwise.

    Spans of different durations never share a trace by accident: its name is made of them.
    """
    took = np.asarray(ms, dtype=np.float64)
    n = len(took)
    starts = pl.Series([NOON], dtype=pl.Datetime("us", "UTC")).new_from_index(0, n)
    ids = pl.Series(np.arange(n)).cast(pl.String)
    name_of_all = f"{xxh64_intdigest(took.tobytes()):x} "
    rest = {
        name: pl.Series([value]).new_from_index(0, n) if np.isscalar(value) else value
        for name, value in columns.items()
    }
    ended = ~np.isnan(took)
    micros = pl.Series(np.where(ended, np.rint(np.nan_to_num(took) * 1000), 0).astype(np.int64)).cast(pl.Duration("us"))
    return pl.DataFrame({
        "trace_id": name_of_all + ids if trace is None else pl.Series(trace).cast(pl.String),
        "span_id": ids,
        "parent_span_id": pl.Series([None], dtype=pl.String).new_from_index(0, n),
        "name": pl.Series(["stamp"]).new_from_index(0, n),
        "start": starts,
        "end": pl.select(pl.when(pl.Series(ended)).then(starts + micros)).to_series(),
        **rest,
    })


def clustered(seed: int | Sequence[int], traces: int, *, size: float = 6, within: float = 0.6, factor: float = 1.0,
              sigma: float = 0.8, operations: int = 1) -> pl.DataFrame:  # fmt: skip
    """Log-normal spans whose traces are slow or fast as a whole: `within` is the correlation inside a trace."""
    rng = np.random.default_rng(seed)
    sizes = 1 + rng.poisson(size - 1, traces)
    trace = np.repeat(np.arange(traces), sizes)
    noise = np.sqrt(within) * rng.normal(size=traces)[trace] + np.sqrt(1 - within) * rng.normal(size=len(trace))
    names = pl.Series(rng.integers(0, operations, len(trace))).cast(pl.String)
    side = int(rng.integers(1 << 40)) << 20
    return lasting(100 * factor * np.exp(sigma * noise), trace + side).with_columns(name=names)
