"""A tail policy on history: the traces of a log, each as it was when it was decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from onex_analytics.sampling.arrivals import arrivals, begins_of, moments_of
from onex_analytics.sampling.randomness import randomness_of
from onex_analytics.sampling.tail_asking import Questions
from onex_analytics.sampling.tail_judging import Integers, Judge, Rounds
from onex_analytics.sampling.tail_kernels import NEW, OPENED, gather_rounds
from onex_analytics.sampling.tail_policies import TailPolicy

_DIGITS = "^[0-9A-Fa-f]{32}$"


class _Traces(NamedTuple):
    numbers: Integers      # of each event, from 0; -1 without an id
    firsts: pl.Series      # of each trace its id


def tail_decisions(policy: TailPolicy, rows: pl.DataFrame) -> pl.DataFrame:
    """What becomes of each event.

    Args:
        policy: what is kept.
        rows: one row an event; reads `_id` (of the trace, null without any), `event_id`, `arrived_at` where it is
            there, and the columns that the policy reads.

    Returns:
        Of each row, in order, the columns of `deciding.DECISION`.
    """
    judge = Judge(policy)
    traces = _traces(rows["_id"])
    in_order = arrivals(rows)
    ordered = rows.drop("_id")[in_order.order]
    trace = traces.numbers[in_order.order]
    end = moments_of(ordered, "timestamp")
    begin = begins_of(end, ordered, "execution_time_ms") if "execution_time_ms" in policy.reads else end
    asked = Questions(judge.conditions).answers_of(ordered)
    round_of, how = np.empty(rows.height, np.int64), np.empty(rows.height, np.uint8)
    due, size, start, stop, last = (np.empty(rows.height, np.int64) for _ in range(5))
    early, met = np.empty(rows.height, np.bool_), np.empty(rows.height, np.uint64)
    last[:] = -1
    state = np.zeros(4, np.int64)
    gather_rounds(
        trace, in_order.moment, asked, begin, end, options_of(policy), last, round_of, how,
        due, early, size, met, start, stop, state,
    )  # fmt: skip
    count = int(state[OPENED])
    opened = np.empty(count, np.int64)
    opened[round_of[how == NEW]] = trace[how == NEW]
    found = judge.verdicts(Rounds(
        randomness_of(traces.firsts)[opened], due[:count], early[:count], size[:count], met[:count], start[:count],
        stop[:count],
    ))  # fmt: skip
    without_id = len(judge.names) - 1
    told = pl.DataFrame({
        "keep": np.append(found.keep, True), "probability": np.append(found.probability, 1.0),
        "adjusted_count": np.append(found.adjusted_count, 1.0), "policy": np.append(found.policy, without_id),
    })  # fmt: skip
    of_row = np.empty(rows.height, np.int64)
    of_row[in_order.order] = np.where(round_of < 0, count, round_of)
    names = pl.Series(judge.names, dtype=pl.String)
    return told.with_columns(
        pl.col("adjusted_count").fill_nan(None), names.gather(told["policy"]).alias("policy")
    )[of_row]  # fmt: skip


def options_of(policy: TailPolicy) -> tuple[int, int, int, int, int]:
    """How long is waited and remembered (microseconds); most traces, events and decisions that are held."""
    return (
        policy.decision_wait_ms * 1000, policy.remember_ms * 1000, policy.max_traces, policy.max_events,
        policy.max_remembered,
    )  # fmt: skip


def _traces(identifiers: pl.Series) -> _Traces:
    """Which events belong together, however their id is written: dashes and the case of hex digits do not count."""
    plain = pl.col("id").str.replace_all("-", "", literal=True)
    as_written = pl.DataFrame({"id": identifiers.drop_nulls().unique()}).with_columns(
        pl.when(plain.str.contains(_DIGITS)).then(plain.str.to_lowercase()).otherwise(plain).alias("plain")
    )  # fmt: skip
    distinct = as_written.select("plain").unique().with_row_index("number")
    numbers = pl.DataFrame({"id": identifiers}).join(
        as_written.join(distinct, on="plain", how="left"), on="id", how="left", maintain_order="left"
    )["number"]  # fmt: skip
    return _Traces(numbers.cast(pl.Int64).fill_null(-1).to_numpy(), distinct["plain"])
