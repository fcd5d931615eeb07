"""A hundred rules of a fleet: five conditions, each for four windows and five parts of the log."""

from __future__ import annotations

from onex_analytics.alerting import RuleSet

WINDOWS = ("5m", "10m", "30m", "1h")
PARTS = (
    "family == 'node'", "family == 'telemetry'", "outcome != 'start'", "node like '*_node'", "operation is not null",
)  # fmt: skip
FAILED, DONE = "outcome == 'failure'", "outcome in ('success', 'failure')"


def hundred_rules() -> RuleSet:
    """Rules that share what they can: windows, filters and keys are few, as in a real file."""
    rules = []
    for number, part in enumerate(PARTS):
        for window in WINDOWS:
            slow = {"column": "execution_time_ms", "window": window}
            conditions = {
                "failures": {"count": {"of": FAILED, "window": window}, "op": ">", "threshold": 20},
                "rate": {"rate": {"window": window}, "op": ">", "threshold": 5},
                "ratio": {"ratio": {"of": FAILED, "over": DONE, "window": window}, "op": ">", "threshold": 0.2,
                          "min_count": 20},
                "mean": {"aggregate": {"function": "avg", **slow}, "op": ">", "threshold": 2000},
                "worst": {"aggregate": {"function": "max", **slow}, "op": ">", "threshold": 30_000},
            }  # fmt: skip
            rules += [
                {"alert": f"{name}-{number}-{window}", "where": part, "by": ["node"], "when": when, "for": "2m"}
                for name, when in conditions.items()
            ]
    return RuleSet.model_validate({
        "groups": [{"name": "fleet", "interval": "1m", "allowed_lateness": "30s", "rules": rules}],
        "notification": {"receivers": [{"name": "team"}], "route": {"receiver": "team", "group_by": ["alertname"]}},
    })
