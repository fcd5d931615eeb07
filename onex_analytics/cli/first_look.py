"""What the first report asks of a log: every question once, collected in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from onex_analytics import frames, profiling
from onex_analytics.cli.error_look import error_look
from onex_analytics.model.shapes import PROFILE_NUMBERS, REJECTED, SPANS
from onex_analytics.views import BANDS, AlertFrames, ErrorFrames, SamplingFrames, SizeFrames, WorkFrames

_BY_SHARE = ("latency", "errors", "unfinished", "new_error")
_BY_COUNT = ("silence", "restarts")
_OLD_MS = 30 * 60_000.0
_MOST_OPEN = 500
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


def work_frames(spans: pl.LazyFrame, *, now: datetime | None) -> WorkFrames:
    """How long the work of the log takes, what callers wait for, and what was unfinished at `now`, the end of the log.

    The middle half of the traces and the slowest twentieth are bands of one profile: the trees are walked once.
    """
    keys = ["node", "operation"]
    at = datetime.fromtimestamp(0, UTC) if now is None else now
    latency = profiling.latency_table(spans, keys, (0.5, 0.95, 0.99)).sort(
        "p99_ms", *keys, descending=[True, False, False], nulls_last=True
    )
    path = profiling.critical_path_profile(spans, keys, BANDS)
    latency_table, critical_path, still_open = pl.collect_all([latency, path, frames.open_spans(spans, now=at)])
    middle, slowest = (critical_path.filter(pl.col("band") == band) for band in (1, 3))
    open_work = still_open.group_by(keys).agg(
        pl.len().alias("open"),
        (pl.col("age_ms") > _OLD_MS).sum().alias("older"),
        pl.col("start").min().alias("oldest"),
        pl.col("age_ms").max().alias("longest_age_ms"),
    )
    return WorkFrames(
        latency=latency_table,
        critical_path=_by_node(critical_path),
        tail=profiling.profile_difference(middle, slowest).collect(),
        open_spans=still_open.head(_MOST_OPEN),
        open_work=open_work.sort("longest_age_ms", *keys, descending=[True, False, False], nulls_last=True),
        older_than_ms=_OLD_MS,
    )


def _by_node(profile: pl.DataFrame) -> pl.DataFrame:
    """A critical path profile by node and operation as one by node: its times and shares add up."""
    unsure = (pl.col("ambiguous_share") * pl.col("critical_ms")).sum() / pl.col("critical_ms").sum()
    return (
        profile.group_by("band", "band_from", "band_to", "node", "trees")
        .agg(pl.col("sections", "critical_ms", "mean_ms", "share").sum(), unsure.fill_nan(0.0).alias("ambiguous_share"))
        .sort("band", "critical_ms", "node", descending=[False, True, False], nulls_last=True)
    )
