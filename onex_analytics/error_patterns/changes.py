"""What became of each group of errors between two periods: new, gone, back, more often, or nothing that can be said."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from onex_analytics.error_patterns.usual_load import Season, hours_of_week, season_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require, require_times
from onex_analytics.frames.statistics import Floats, q_values
from onex_analytics.model.shapes import UTC_MICROSECONDS

CHANGES = pl.Schema({
    "change": pl.Enum(["new", "regressed", "escalating", "ongoing", "gone", "insufficient"]),
    "errors_before": pl.Int64(),
    "errors_after": pl.Int64(),
    "rate_before": pl.Float64(),       # errors an hour; where none was seen 0, and `rate_before_high` bounds it
    "rate_before_high": pl.Float64(),  # 95 % bound of it; 3 / hours where none was seen (the rule of three)
    "rate_after": pl.Float64(),
    "ratio": pl.Float64(),             # rate after / rate before; null where none was seen before
    "ratio_low": pl.Float64(),         # its 95 % interval; never null
    "ratio_high": pl.Float64(),        # infinite where none was seen before
    "q": pl.Float64(),                 # false-discovery rate of "the rates differ", over all groups
    "first_seen": UTC_MICROSECONDS,
    "last_seen": UTC_MICROSECONDS,
    "quiet": pl.Duration("us"),        # before the moment, since the group was seen last; null where it was not seen
})
"""One row a group, after the columns that name it."""

_LOG_CHANCE = math.log(0.05)
_QUIET = 0.25


def compare_periods(
    errors: pl.LazyFrame | pl.DataFrame,
    moment: datetime,
    by: str | Iterable[str] = "error_code",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    season: Season = "auto",
    max_false_discovery: float = 0.05,
    min_ratio: float = 1.5,
) -> pl.DataFrame:
    """The errors after a moment, such as a deploy, against those before it, group by group.

    - **new**: never seen before, and had it come at the later rate, it would have been seen (5 %).
    - **regressed**: seen before, then silent until the moment for longer than its earlier rate makes likely (5 %, and
      at least a quarter of the time before), and there again.
    - **escalating**: more often; the rates differ (q), and the lower bound of their ratio is at least `min_ratio`.
    - **gone**: not seen after, though at the earlier rate it would have been (5 %).
    - **insufficient**: seen in one period only, too seldom or too short a time to say that it is new or gone.
    - **ongoing**: all others.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `timestamp` and the columns of `by`.
        moment: the end of the period before, and the beginning of the one after. Naive means UTC.
        by: what names a group: "error_code", "fingerprint", or several columns.
        since, until: the time that was watched; by default from the first error to the last.
        season: "weekly" weighs the hours of both periods by how many errors are usual in that hour of the week, "none"
            counts each hour alike; "auto" is weekly once four weeks lie before the moment.
        max_false_discovery: of "escalating", above 0 and below 1.
        min_ratio: of "escalating", at least 1.

    Returns:
        The columns of `by` and of `CHANGES`; first what is new, then the others in the order above, by errors after.

    Raises:
        InvalidOption: an option out of its range, or a moment outside of the time that was watched.

    Source: the conditional test of two Poisson rates: Przyborowski and Wilenski, Biometrika 31 (1940) 313; its interval
    after Clopper and Pearson; Hanley and Lippman-Hand, JAMA 249 (1983) 1743 (3/n where nothing was seen).

    >>> from datetime import UTC
    >>> begin = datetime(2026, 11, 2, tzinfo=UTC)
    >>> rows = [(begin + timedelta(hours=hour), "A") for hour in range(48)]
    >>> rows += [(begin + timedelta(hours=30, minutes=place), "B") for place in range(20)]
    >>> frame = pl.DataFrame(rows, ["timestamp", "error_code"], orient="row")
    >>> compare_periods(frame, begin + timedelta(hours=24)).select("error_code", "change").rows()
    [('B', 'new'), ('A', 'ongoing')]
    """
    if not 0 < max_false_discovery < 1:
        raise InvalidOption("max_false_discovery", max_false_discovery, "a share above 0 and below 1, such as 0.05")
    if not min_ratio >= 1:
        raise InvalidOption("min_ratio", min_ratio, "a factor of at least 1, such as 1.5")
    keys = names(by)
    given = require_times(require(errors.lazy(), "timestamp", *keys), "timestamp")
    rows = given.select(pl.col("timestamp").cast(UTC_MICROSECONDS), *keys)
    timed = rows.filter(pl.col("timestamp").is_not_null()).collect()
    seen = timed["timestamp"]
    times = pl.Series([since, seen.min(), until, seen.max(), moment], dtype=UTC_MICROSECONDS)
    begin, end, at = _first(times[:2]), _first(times[2:4]), times[4]
    if begin is None or end is None:
        return _of_none(timed, keys)
    if not begin < at < end:
        raise InvalidOption("moment", str(at), f"a time between {begin} and {end}, of which there are errors")
    timed = timed.filter(pl.col("timestamp").is_between(begin, end))
    before, after = _hours(timed, begin, at, end, season)
    is_before, time = pl.col("timestamp") < at, pl.col("timestamp")
    groups = timed.group_by(keys or pl.lit(0).alias("_all")).agg(
        is_before.sum().cast(pl.Int64).alias("errors_before"),
        (~is_before).sum().cast(pl.Int64).alias("errors_after"),
        time.min().alias("first_seen"),
        time.max().alias("last_seen"),
        (at - time.filter(is_before).max()).cast(pl.Duration("us")).alias("quiet"),
    )
    measured = groups.with_columns(**_rates(groups, before, after))
    share_quiet = pl.col("quiet") / (at - begin)
    seen_before, seen_after = pl.col("errors_before") > 0, pl.col("errors_after") > 0
    would_show_before = pl.col("errors_after") * math.log(after / (before + after)) < _LOG_CHANCE
    would_show_after = pl.col("errors_before") * math.log(before / (before + after)) < _LOG_CHANCE
    was_silent = (pl.col("errors_before") * (1 - share_quiet).log() < _LOG_CHANCE) & (share_quiet >= _QUIET)
    more = (pl.col("q") <= max_false_discovery) & (pl.col("ratio_low") >= min_ratio)
    change = (
        pl.when(~seen_before).then(pl.when(would_show_before).then(pl.lit("new")).otherwise(pl.lit("insufficient")))
        .when(~seen_after).then(pl.when(would_show_after).then(pl.lit("gone")).otherwise(pl.lit("insufficient")))
        .when(was_silent).then(pl.lit("regressed"))
        .when(more).then(pl.lit("escalating"))
        .otherwise(pl.lit("ongoing"))
    )  # fmt: skip
    told = measured.with_columns(change.cast(CHANGES["change"]).alias("change")).select(*keys, *CHANGES)
    most_first = [-pl.col("errors_after"), -pl.col("errors_before")]
    return told.sort("change", *most_first, *keys, nulls_last=True)


def _first(times: pl.Series) -> Any:
    return times.drop_nulls().first()


def _of_none(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    schema = pl.Schema({**{key: rows.schema[key] for key in keys}, **CHANGES})
    return schema.to_frame()


def _hours(errors: pl.DataFrame, begin: datetime, at: datetime, end: datetime, season: Season) -> tuple[float, float]:
    """The hours of both periods; by season, weighed by the errors of that hour of the week before the moment."""
    plain = ((at - begin) / timedelta(hours=1), (end - at) / timedelta(hours=1))
    if not season_of(season, begin, at):
        return plain
    hours = pl.select(
        pl.datetime_range(pl.lit(begin).dt.truncate("1h"), pl.lit(end), "1h", time_unit="us").alias("start")
    )["start"]
    covered = _overlap(hours, begin, at), _overlap(hours, at, end)
    week = hours_of_week(hours)
    seen = errors.filter(pl.col("timestamp") < at)["timestamp"]
    many = np.bincount(hours_of_week(seen), minlength=168)
    watched = np.bincount(week, covered[0], minlength=168)
    # one error more in the whole week: an hour of the week without any is not one in which none can be
    load = np.where(watched > 0, (many + 1 / 168) / np.maximum(watched, 1e-9), (many.sum() + 1) / plain[0])
    before, after = (float((part * load[week]).sum()) for part in covered)
    return plain[0], plain[0] * after / before


def _overlap(hours: pl.Series, begin: datetime, end: datetime) -> Floats:
    """How much of each hour lies in [begin, end), as a share."""
    edges = hours.dt.epoch("us").to_numpy() / 3.6e9
    first, last = (moment.timestamp() / 3600 for moment in (begin, end))
    return np.asarray(np.clip(np.minimum(edges + 1, last) - np.maximum(edges, first), 0.0, 1.0))


def _rates(groups: pl.DataFrame, before: float, after: float) -> dict[str, pl.Series]:
    from scipy.special import betainc, betaincinv, gammaincinv

    x, y = (groups[name].to_numpy().astype(np.float64) for name in ("errors_before", "errors_after"))
    share = after / (before + after)
    # given their sum, the errors after are binomial
    as_many = np.where(y > 0, betainc(np.maximum(y, 1), x + 1, share), 1.0)
    as_few = np.where(x > 0, betainc(np.maximum(x, 1), y + 1, 1 - share), 1.0)
    p = np.minimum(1.0, 2 * np.minimum(as_many, as_few))
    low = np.where(y > 0, betaincinv(np.maximum(y, 1), x + 1, 0.025), 0.0)
    high = np.where(x > 0, betaincinv(y + 1, np.maximum(x, 1), 0.975), 1.0)
    with np.errstate(divide="ignore"):
        odds_low, odds_high = low / (1 - low), high / (1 - high)
    bound = np.where(x > 0, gammaincinv(x + 1, 0.95), 3.0)
    columns = {
        "rate_before": x / before,
        "rate_before_high": bound / before,
        "rate_after": y / after,
        "ratio": np.where(x > 0, y / after / (np.maximum(x, 1) / before), np.nan),
        "ratio_low": odds_low * before / after,
        "ratio_high": odds_high * before / after,
        "q": q_values(p),
    }
    return {name: pl.Series(name, values).fill_nan(None) for name, values in columns.items()}
