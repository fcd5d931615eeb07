"""Policies and events, drawn by Hypothesis."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, SampleRule

TYPES = ("NODE_START", "NODE_SUCCESS", "NODE_FAILURE", "STRUCTURED_LOG")
SHARES = st.one_of(st.sampled_from([0.0, 2**-56, 0.5, 1.0]), st.floats(2**-56, 1))
SCOPES = st.sampled_from(["trace", "event"])
IDS = st.one_of(st.none(), st.just(""), st.uuids(version=4).map(str), st.text(max_size=8))
PATTERNS = st.lists(st.sampled_from(["*", "NODE_*", "NODE_FAILURE", "node_?", "node_[ab]", "ERROR", "X"]), min_size=1,
                    max_size=2).map(tuple)  # fmt: skip
RULES = st.builds(
    SampleRule, probability=SHARES, event_type=PATTERNS, node=PATTERNS, severity=PATTERNS, error_code=PATTERNS,
)  # fmt: skip
POLICIES = st.one_of(
    st.builds(ProbabilityPolicy, probability=SHARES, scope=SCOPES, precision=st.integers(1, 14)),
    st.builds(
        RulePolicy, rules=st.lists(RULES, max_size=3).map(tuple), default=SHARES, keep_failures=st.booleans(),
        scope=SCOPES, precision=st.integers(1, 14),
    ),
)  # fmt: skip
SCHEMA = dict.fromkeys(
    ("event_id", "trace_id", "correlation_id", "event_type", "node", "severity", "error_code", "outcome", "family"),
    pl.String(),
)
EVENTS = st.lists(
    st.fixed_dictionaries({
        "event_id": IDS, "trace_id": IDS, "correlation_id": IDS, "event_type": st.sampled_from(TYPES),
        "node": st.sampled_from(["node_a", "node_b", None]), "severity": st.sampled_from(["ERROR", None]),
        "error_code": st.sampled_from(["X", None]), "outcome": st.sampled_from(["failure", "success", "start"]),
        "family": st.just("node"),
    }), max_size=25,
).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA))  # fmt: skip
