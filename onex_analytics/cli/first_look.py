"""What the first report asks of a log: every question once, collected in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from onex_analytics import frames
from onex_analytics.looks.errors import error_look
from onex_analytics.looks.work import work_frames
from onex_analytics.model.shapes import PROFILE_NUMBERS, REJECTED, SPANS
from onex_analytics.views import AlertFrames, ErrorFrames, SamplingFrames, SizeFrames, WorkFrames

_BY_SHARE = ("latency", "errors", "unfinished", "new_error")
_BY_COUNT = ("silence", "restarts")
_READ = [name for name in SPANS if name not in (*PROFILE_NUMBERS, "start_event_id")]


@dataclass(frozen=True)
class FirstLook:
    """The collected answers, by the name that `views.ReportFrames` has for each, and the width of the buckets."""

    answers: Mapping[str, pl.DataFrame]
    work: WorkFrames
    errors: ErrorFrames
    every: str
    alerts: AlertFrames | None = None
    """Alert rules on the log; see `alert_look`."""
    sampling: SamplingFrames | None = None
    """What a part of the log would tell; see `sample_look`."""
    sizes: SizeFrames | None = None
    """What events weigh; see `size_look`."""


def first_look(
    events: pl.LazyFrame, *, spans: pl.LazyFrame | None = None, rejected: pl.LazyFrame | None = None,
    labels: pl.LazyFrame | None = None, moment: datetime | None = None,
) -> FirstLook:  # fmt: skip
    """Ask the questions of the report. `spans` are those of the events, where they are paired already; else they are.
    `moment` divides the log where errors before and after it are compared; see `error_look`.

    Charts over time show at most 240 buckets. What stands out is sought in at most 96, so that a bucket holds enough
    operations for a share or a percentile; silence and restarts show in finer ones. Both leave out the few events that
    lie far outside the period of nearly all others, which every table counts.
    """
    period = frames.main_period(events).collect()
    start, end, _ = period.row(0)
    span = end - start if start is not None else timedelta(0)
    every = frames.fitting_width(span, 240)
    drawn = events.filter(pl.col("timestamp").is_between(start, end)) if start is not None else events
    paired = frames.build_spans(events).select(_READ).collect().lazy() if spans is None else spans
    work = frames.operations_of(paired).collect().lazy()  # most questions read it
    told_at = pl.coalesce("finished_at", "timestamp")
    drawn_work = work.filter(told_at.is_between(start, end)) if start is not None else work
    lines = rejected if rejected is not None else pl.LazyFrame(schema=REJECTED)
    stands_out = pl.concat([
        frames.notable(drawn, frames.fitting_width(span, 96), kinds=_BY_SHARE, work=drawn_work),
        frames.notable(drawn, frames.fitting_width(span, 240), kinds=_BY_COUNT, work=drawn_work),
    ]).sort("score", "start", "kind", "node", descending=[True, False, False, False]).head(40)  # fmt: skip
    questions = {
        "totals": frames.totals(events, work=work),
        "events_per_minute": frames.events_per_minute(drawn, every),
        "error_rate_total": frames.error_overview(events, work=work),
        "error_rate": frames.error_overview(drawn, every, fill=True, work=drawn_work),
        "error_rate_by_node": frames.error_overview(events, by="node", limit=40, work=work),
        "notable": stands_out,
        "rejected": frames.rejected_reasons(lines),
        "repairs": frames.repairs(events),
        "violations": frames.violations(events),
        "schema_adoption": frames.schema_adoption(drawn, every),
        "holes": frames.coverage.coverage(drawn, also_read=lines).head(40),
    }
    if labels is not None:
        questions["incidents"] = frames.incidents_seen(labels, stands_out)
    answers = dict(zip(questions, pl.collect_all(questions.values()), strict=True))
    return FirstLook(
        answers={"period": period, **answers},
        work=work_frames(paired, now=end),
        errors=error_look(events, paired, period=period, moment=moment),
        every=every,
    )
