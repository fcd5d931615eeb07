"""What the first report asks of sampling: what a share of the events would tell, and which alerts it would cost."""

from __future__ import annotations

import polars as pl

from onex_analytics.alerting import Backtest
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.cli.sample.alert_losses import alert_losses
from onex_analytics.looks.sampling import columns_read, share_frames
from onex_analytics.views import AlertFrames, SamplingFrames

BUDGET = 0.1
"""The share of the events that the demo keeps."""


def sample_look(
    events: pl.LazyFrame, alerts: AlertFrames | None, *, period: pl.DataFrame, budget: float
) -> SamplingFrames:
    """Hold one share, one with all failures, and the policy that is chosen for this budget against the whole log.

    Args:
        events: the log.
        alerts: rules on it, where there are any: their `timeline` is a `Backtest`.
        period: `frames.main_period`: the few events far outside of it are left out, as the alerts leave them out.
        budget: the share of the events that is kept, above 0, up to 1.
    """
    start, end, _ = period.row(0)
    full = alerts.timeline if alerts is not None and isinstance(alerts.timeline, Backtest) else None
    whole = events if start is None else events.filter(pl.col("timestamp").is_between(start, end))
    inside = whole.select(_read(whole.collect_schema(), full)).collect().lazy()  # most questions read it
    frames, policies = share_frames(inside, budget)
    if full is None:
        return frames
    losses = alert_losses(full.rules, inside, policies, full.incidents, full=full)
    return frames._replace(alerts=losses.rules, incidents=losses.incidents)


def _read(schema: pl.Schema, full: Backtest | None) -> list[str]:
    """The columns that policies, metrics and rules look at."""
    of_rules = set() if full is None else set(Evaluation(full.rules, schema).columns)
    read = {*columns_read(schema), *of_rules}
    return [name for name in schema if name in read]
