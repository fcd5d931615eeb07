"""What is lost is told with its chance: rare errors, codes, unfinished work; and what only looks unfinished."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, simulate
from tests.sampling.monte_carlo import kept_in_draws, shares_of

HALF = ProbabilityPolicy(probability=0.5)


def work(*events):
    """Events as (trace, node, event type, outcome, error code), of one correlation id a trace."""
    return pl.DataFrame(
        [(f"e{i}", t, t, n, e, "node", o, c, None) for i, (t, n, e, o, c) in enumerate(events)], orient="row",
        schema=["event_id", "trace_id", "correlation_id", "node", "event_type", "family", "outcome", "error_code",
                ("error_type", pl.String)],
    )  # fmt: skip


def test_an_error_of_few_traces_may_never_be_seen_and_codes_are_one_however_they_are_spelled():
    events = work(
        ("t", "a", "NODE_FAILURE", "failure", "ONEX_RT_400"), ("t", "a", "NODE_FAILURE", "failure", "ONEX_RT_400"),
        ("u", "a", "NODE_FAILURE", "failure", "NODE_INITIALIZATION_FAILED"),
        ("u", "b", "NODE_FAILURE", "failure", None), ("v", "b", "NODE_SUCCESS", "success", None),
    )  # fmt: skip
    code = "ONEX_RT_400_NODE_INITIALIZATION_FAILED"
    told = simulate(HALF, events, "count").losses
    assert told.select("what", "node", "error", "events", "traces", "events_kept", "never_seen").rows() == [
        ("code", None, code, 3, 2, 1.5, 0.25),
        ("error", "b", "unknown", 1, 1, 0.5, 0.5),
        ("error", "a", code, 3, 2, 1.5, 0.25),
    ]
    assert (simulate(RulePolicy(default=0.1), events, "count").losses["never_seen"] == 0).all()


def test_a_start_without_an_end_is_unfinished_and_one_that_lost_its_end_only_looks_so():
    events = work(
        ("t", "a", "NODE_START", "start", None), ("t", "a", "NODE_SUCCESS", "success", None),
        ("t", "a", "NODE_START", "start", None),                       # runs again, and does not end
        ("u", "a", "NODE_START", "start", None), ("u", "b", "NODE_SUCCESS", "success", None),
    )  # fmt: skip
    policy = RulePolicy(precision=14, default=0.5, rules=[{"event_type": "NODE_SUCCESS", "probability": 0.2}])
    found = simulate(policy, events, "count")
    assert found.losses.select("what", "node", "events", "traces", "events_kept", "never_seen").rows() == [
        ("unfinished", "a", 2, 2, 1.0, 0.25)
    ]
    assert found.policies.select("torn_starts", "torn_ends").row(0) == pytest.approx((0.3, 0))
    alone = simulate(policy.model_copy(update={"scope": "event"}), events, "count").policies
    assert alone.select("torn_starts", "torn_ends").row(0) == pytest.approx((0.5 * 0.8, 0.2 * 0.5))
    whole = simulate(HALF, events, "count").policies
    assert whole.select("torn_starts", "torn_ends").row(0) == (0, 0)


def test_what_is_lost_of_work_is_what_drawing_again_and_again_comes_to():
    rng = np.random.default_rng(4)
    events = work(*(
        (f"t{rng.integers(0, 40)}", f"n{rng.integers(0, 2)}", *(("NODE_START", "start") if rng.random() < 0.6 else
         ("NODE_SUCCESS", "success")), None) for _ in range(120)
    ))  # fmt: skip
    policy = RulePolicy(precision=14, default=0.3, rules=[{"event_type": "NODE_SUCCESS", "probability": 0.6}])
    kept = kept_in_draws(events, shares_of(policy, events), 4000)
    pairs, unfinished = [], []
    for _, part in events.with_row_index("row").group_by("correlation_id", "node"):
        starts, ends = (part.filter(outcome=o)["row"].to_list() for o in ("start", "success"))
        pairs += zip(starts, ends, strict=False)
        unfinished += starts[len(ends):]
    torn = sum(kept[:, start] & ~kept[:, end] for start, end in pairs).mean()
    found = simulate(policy, events, "count")
    assert found.policies["torn_starts"].item() == pytest.approx(torn, abs=0.01)
    assert found.policies["torn_ends"].item() == pytest.approx(
        sum(kept[:, end] & ~kept[:, start] for start, end in pairs).mean(), rel=0.03
    )
    assert found.losses["events"].sum() == len(unfinished)
    assert found.losses["events_kept"].sum() == pytest.approx(kept[:, unfinished].sum(axis=1).mean(), rel=0.03)


def test_a_log_that_tells_of_neither_errors_nor_work_has_no_losses():
    events = pl.DataFrame({"event_id": ["a", "b"], "trace_id": None, "correlation_id": None})
    found = simulate(HALF, events, "count")
    assert found.losses.height == 0
    assert found.policies.select("torn_starts", "torn_ends").row(0) == (None, None)
