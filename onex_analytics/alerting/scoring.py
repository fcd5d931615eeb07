"""How well rules find incidents, and what that costs in pages, beside alerts at random times.

A firing catches an incident if it fires between `lead` before the incident's start and its end, and no label that both
name differs: of its label set or of its rule, but for the severity that the rule gives it. Who fires where nobody can
judge (in a hole of the log, during maintenance) is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from onex_analytics.alerting.feeding import utc
from onex_analytics.alerting.incidents import HARMLESS, UNJUDGED
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.alerting.summaries import pages_by_rule
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.statistics import wilson
from onex_analytics.model.shapes import UTC_MICROSECONDS

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest
    from onex_analytics.alerting.rules import RuleSet

MATCHES = pl.Schema({
    "incident": pl.String(),
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "fired": UTC_MICROSECONDS,
    "delay_s": pl.Float64(),                 # from the incident's start until it was known; negative: before the start
    "overhang_s": pl.Float64(),              # from the incident's end until the alert resolved; null while it lasts
})
"""One row a firing and an incident that it caught, ordered by incident and time."""

SCORES = pl.Schema({
    "group": pl.String(),                    # null: all rules together
    "rule": pl.String(),
    "part": pl.String(),                     # all; with a split: tune (before it), report (from it on)
    "firings": pl.Int64(),
    "judged": pl.Int64(),                    # firings outside holes and maintenance
    "true_firings": pl.Int64(),              # caught an incident
    "precision": pl.Float64(),               # true_firings of judged; null without one
    "precision_low": pl.Float64(),           # Wilson, 95 %
    "precision_high": pl.Float64(),
    "incidents": pl.Int64(),
    "caught": pl.Int64(),
    "recall": pl.Float64(),                  # caught of incidents; null without one
    "recall_low": pl.Float64(),              # Wilson, 95 %
    "recall_high": pl.Float64(),
    "delay_s_p50": pl.Float64(),             # of the first firing; a miss lasts for ever, and null says so
    "delay_s_p90": pl.Float64(),
    "first": pl.Int64(),                     # incidents that this rule caught before all others
    "only": pl.Int64(),                      # incidents that no other rule caught
    "refires": pl.Int64(),                   # further firings of a label set in an incident that it had caught
    "firing_s": pl.Float64(),                # seconds of firing, all label sets together
    "reset_s_p50": pl.Float64(),             # from the end of an incident until the last alert of it resolved
    "pages": pl.Int64(),                     # that wake somebody
    "pages_per_day": pl.Float64(),
    "random_precision": pl.Float64(),        # expected of as many firings at random times, of the label sets that fired
    "random_recall": pl.Float64(),
})
"""One row a rule (and part), in the order of the rule file; the last is of all rules together."""


# ---------------------------------------------------------------------- who caught what


def matches(result: Backtest) -> pl.DataFrame:
    """`MATCHES`: which firing caught which incident, harmless and unjudged ones left out.

    Raises:
        InvalidOption: the backtest was given no incidents.
    """
    incidents = _incidents(result)
    real = incidents.filter(~pl.col("kind").is_in([*HARMLESS, *UNJUDGED]))
    fired = result.alerts.filter(pl.col("fired").is_not_null())
    pairs = within(fired, real, result)
    return pairs.select(
        pl.col("id").alias("incident"), "group", "rule", "labels", "fired",
        ((pl.col("known_at") - pl.col("start")).dt.total_microseconds() / 1e6).alias("delay_s"),
        ((pl.col("resolved") - pl.col("end")).dt.total_microseconds() / 1e6).alias("overhang_s"),
    ).sort("incident", "fired", "group", "rule").select(*MATCHES)  # fmt: skip


def _incidents(result: Backtest) -> pl.DataFrame:
    if result.incidents is None:
        raise InvalidOption("incidents", None, "labelled incidents: backtest(rules, events, incidents)")
    return result.incidents


def within(
    fired: pl.DataFrame, incidents: pl.DataFrame, result: Backtest, lead: timedelta | None = None
) -> pl.DataFrame:
    """Every firing beside every incident in whose time it lies, where their labels agree; with the row of each."""
    marked = incidents.with_row_index("_incident").with_columns(
        (pl.col("start") - (result.lead if lead is None else lead)).alias("_from"), pl.col("labels").alias("_labels"),
        pl.col("end").fill_null(datetime(9999, 1, 1, tzinfo=UTC)).alias("_to"),
    ).drop("labels")  # fmt: skip
    numbered = fired.with_row_index("_alert")
    pairs = numbered.join_where(
        marked, pl.col("fired") >= pl.col("_from"), pl.col("fired") <= pl.col("_to")
    ).sort("_alert", "_incident")  # fmt: skip
    agreed: dict[tuple[Any, Any], bool] = {}
    keep = []
    for ours, theirs in zip(_told(pairs, result.rules), _sets(pairs["_labels"]), strict=True):
        if (ours, theirs) not in agreed:
            agreed[ours, theirs] = agree(dict(ours), dict(theirs), result.label_names)
        keep.append(agreed[ours, theirs])
    return pairs.filter(pl.Series(keep, dtype=pl.Boolean))


def _sets(labels: pl.Series) -> Iterator[tuple[tuple[str, str], ...]]:
    return (tuple((label["name"], label["value"]) for label in row) for row in labels.to_list())


def _told(fired: pl.DataFrame, rules: RuleSet) -> Iterator[tuple[tuple[str, str], ...]]:
    """The labels of each firing, with those of its rule."""
    fixed = {(group.name, rule.alert): tuple(rule.about.items()) for group, rule in rules.rules}
    for group, rule, labels in zip(fired["group"], fired["rule"], _sets(fired["labels"]), strict=True):
        yield (*labels, *fixed.get((group, rule), ()))


def agree(alert: dict[str, str], incident: dict[str, str], names: Iterable[str] | None = None) -> bool:
    """Whether an alert can be about an incident: no label that both name differs.

    Args:
        names: the only labels to look at; of these, the alert must have each that the incident names.

    >>> agree({"node": "a", "operation": "o"}, {"node": "a"}), agree({"node": "b"}, {"node": "a"})
    (True, False)
    >>> agree({}, {"node": "a"}), agree({}, {"node": "a"}, ["node"])
    (True, False)
    """
    if names is None:
        return all(alert[name] == value for name, value in incident.items() if name in alert)
    return all(alert.get(name) == incident[name] for name in names if name in incident)


# ---------------------------------------------------------------------- scores


@dataclass(frozen=True)
class _Part:
    """A stretch of the log that is scored."""

    name: Literal["all", "tune", "report"]
    begin: datetime
    end: datetime

    def holds(self, column: str) -> pl.Expr:
        last = pl.col(column) <= self.end if self.name != "tune" else pl.col(column) < self.end
        return (pl.col(column) >= self.begin) & last

    def holds_incident(self) -> pl.Expr:
        """One that begins in it; one that began before the log did, and lasts into it, belongs to the first part."""
        lasts = pl.lit(self.name != "report") & (pl.col("end").is_null() | (pl.col("end") > self.begin))
        return self.holds("start") | (lasts & (pl.col("start") < self.begin))


def scores(result: Backtest, split: float | datetime | str | None = None) -> pl.DataFrame:
    """How well each rule, and all together, found the incidents, beside alerts at random times.

    The random alerts are as many as fired, of label sets that fired, each at a time drawn evenly from the part: their
    expected precision is the share of (label set, time) that catches something, and they miss an incident with the
    probability that all of them do.

    Args:
        result: a backtest with incidents.
        split: score the time before and after apart, so that what was tuned on the first part can be reported on the
            second: a share of the evaluated time, or a time.

    Returns:
        `SCORES`: one row a part and rule, in the order of the rule file, then one of all rules together. Without any
        evaluation there is no row.

    Raises:
        InvalidOption: there are no incidents, or the split lies outside the evaluated time.
    """
    incidents = _incidents(result)
    if result.begin is None or result.end is None:
        return pl.DataFrame(schema=SCORES)
    rows = []
    for part in _parts(result.begin, result.end, split):
        shown = _Judged(result, incidents, part)
        rows += [shown.row(group, rule) for group, rule in result.summary.select("group", "rule").rows()]
        rows.append(shown.row(None, None))
    return pl.DataFrame(rows, schema=SCORES)


def _parts(begin: datetime, end: datetime, split: float | datetime | str | None) -> list[_Part]:
    if split is None:
        return [_Part("all", begin, end)]
    at = begin + (end - begin) * split if isinstance(split, int | float) else utc(split, "split")
    if not begin < at < end:
        raise InvalidOption("split", str(split), f"a share between 0 and 1, or a time between {begin} and {end}")
    return [_Part("tune", begin, at), _Part("report", at, end)]


class _Judged:
    """The firings and incidents of one part, judged against each other."""

    def __init__(self, result: Backtest, incidents: pl.DataFrame, part: _Part) -> None:
        self._result, self._part = result, part
        fired = result.alerts.filter(pl.col("fired").is_not_null() & part.holds("fired"))
        unjudged = incidents.filter(pl.col("kind").is_in(list(UNJUDGED)))
        holes = unjudged.filter(pl.col("end").is_not_null())
        real = incidents.filter(~pl.col("kind").is_in([*HARMLESS, *UNJUDGED]) & part.holds_incident())
        inside = real.with_row_index("_row").join_where(
            holes.select(pl.col("start").alias("_from"), pl.col("end").alias("_to")),
            pl.col("start") >= pl.col("_from"), pl.col("end") <= pl.col("_to"),
        )["_row"].to_list()  # fmt: skip
        self._incidents = real.with_row_index("_row").filter(~pl.col("_row").is_in(inside)).drop("_row")
        caught = within(fired, self._incidents, result)
        in_hole = within(fired, unjudged, result, timedelta())["_alert"].unique().to_list()
        number = pl.col("_alert")
        self._fired = fired.with_row_index("_alert").with_columns(
            number.is_in(caught["_alert"].unique().to_list()).alias("_true")
        ).with_columns((pl.col("_true") | ~number.is_in(in_hole)).alias("_judged"))  # fmt: skip
        self._caught = caught.with_columns(
            ((pl.col("known_at") - pl.col("start")).dt.total_microseconds() / 1e6).alias("_delay"),
            ((pl.col("resolved") - pl.col("end")).dt.total_microseconds() / 1e6).alias("_overhang"),
            pl.struct("group", "rule").alias("_by"),
        )
        by_incident = self._caught.group_by("_incident").agg(
            pl.col("_by").n_unique().alias("rules"), pl.col("_by").sort_by("_delay").first().alias("first")
        )
        self._first = by_incident["first"].to_list()
        self._only = by_incident.filter(pl.col("rules") == 1)["first"].to_list()
        self._pages = result.pages.filter(part.holds("at") & wakes())
        self._days = (part.end - part.begin) / timedelta(days=1)

    def row(self, group: str | None, rule: str | None) -> dict[str, Any]:
        mine = pl.lit(True) if rule is None else (pl.col("group") == group) & (pl.col("rule") == rule)
        fired, caught = self._fired.filter(mine), self._caught.filter(mine)
        judged, true = int(fired["_judged"].sum()), int(fired["_true"].sum())
        firsts = caught.sort("_delay").group_by("_incident", maintain_order=True).agg(
            pl.col("_delay").first(), pl.col("_overhang").max(), pl.len().alias("firings"),
            pl.struct("group", "rule", "labels").n_unique().alias("by"),
        )  # fmt: skip
        total, found = self._incidents.height, firsts.height
        by = {"group": group, "rule": rule}
        if rule is None:
            pages = self._pages.height
        else:
            told = pages_by_rule(self._pages).filter(mine)["pages"]
            pages = int(told[0]) if len(told) else 0
        random_precision, random_recall = self._random(fired)
        return {
            "group": group, "rule": rule, "part": self._part.name,
            "firings": fired.height, "judged": judged, "true_firings": true,
            **_share("precision", true, judged), "incidents": total, "caught": found, **_share("recall", found, total),
            "delay_s_p50": _censored(firsts["_delay"], total, 0.5),
            "delay_s_p90": _censored(firsts["_delay"], total, 0.9),
            "first": found if rule is None else self._first.count(by),
            "only": found if rule is None else self._only.count(by),
            "refires": int((firsts["firings"] - firsts["by"]).sum()), "firing_s": self._firing_s(fired),
            "reset_s_p50": firsts["_overhang"].drop_nulls().clip(lower_bound=0).quantile(0.5, "higher"),
            "pages": pages, "pages_per_day": pages / self._days if self._days > 0 else None,
            "random_precision": random_precision, "random_recall": random_recall,
        }  # fmt: skip

    def _firing_s(self, fired: pl.DataFrame) -> float:
        ends = pl.min_horizontal(pl.col("resolved").fill_null(pl.lit(self._part.end)), pl.lit(self._part.end))
        return float(fired.select((ends - pl.col("fired")).dt.total_microseconds().sum()).item() or 0) / 1e6

    def _random(self, fired: pl.DataFrame) -> tuple[float | None, float | None]:
        """Expected precision and recall of as many firings at random."""
        span = (self._part.end - self._part.begin).total_seconds()
        if not fired.height or span <= 0:
            return None, None
        sets = [dict(labels) for labels in dict.fromkeys(_told(fired, self._result.rules))]
        times = [
            (max(start - self._result.lead, self._part.begin), min(end or self._part.end, self._part.end), dict(labels))
            for start, end, labels in zip(
                self._incidents["start"], self._incidents["end"], _sets(self._incidents["labels"]), strict=True
            )
        ]  # fmt: skip
        names = self._result.label_names
        hits = [[agree(ours, labels, names) for _, _, labels in times] for ours in sets]
        share_of_time = [max((end - begin).total_seconds(), 0.0) / span for begin, end, _ in times]
        precision = float(np.mean([
            _covered([(begin, end) for (begin, end, _), hit in zip(times, row, strict=True) if hit]) / span
            for row in hits
        ]))  # fmt: skip
        if not times:
            return precision, None
        catches = np.array(hits, dtype=np.float64).mean(axis=0) * np.array(share_of_time)
        return precision, float(np.mean(1 - (1 - catches) ** fired.height))


def _covered(times: list[tuple[datetime, datetime]]) -> float:
    """Seconds that lie in any of the times."""
    total, upto = 0.0, None
    for begin, end in sorted(times):
        begin = begin if upto is None else max(begin, upto)
        if end > begin:
            total += (end - begin).total_seconds()
            upto = end
    return total


def _share(name: str, hits: int, n: int) -> dict[str, float | None]:
    if n == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    found = wilson(hits, n)
    return {name: float(found.estimate), f"{name}_low": float(found.low), f"{name}_high": float(found.high)}


def _censored(delays: pl.Series, total: int, q: float) -> float | None:
    """The nearest-rank quantile where those that were missed take for ever."""
    rank = int(np.ceil(q * total))
    return None if rank == 0 or rank > delays.len() else float(delays.sort()[rank - 1])


# ---------------------------------------------------------------------- pages a day


@dataclass(frozen=True)
class Load:
    """How often people are woken: a page that only says that an alert ended does not count.

    Days are those of the time zone, silent ones included; a night is 22:00 to 06:00.
    """

    days: int
    pages: int
    pages_per_day: float
    pages_per_day_p50: int
    pages_per_day_p95: int
    night_pages: int
    night_share: float | None
    weekend_share: float | None


def zone(tz: str) -> ZoneInfo:
    """The time zone of this name."""
    try:
        return ZoneInfo(tz)
    except (ValueError, OSError, KeyError):
        raise InvalidOption("tz", tz, "a time zone such as Europe/Berlin") from None


def at_night(tz: str, column: str = "at") -> pl.Expr:
    """True from 22:00 to 06:00 in a time zone."""
    hour = pl.col(column).dt.convert_time_zone(tz).dt.hour()
    return (hour >= 22) | (hour < 6)


def load_of(result: Backtest) -> Load:
    """The pages of a backtest by day, night and weekend in its time zone."""
    if result.begin is None or result.end is None:
        return Load(0, 0, 0.0, 0, 0, 0, None, None)
    local = pl.col("at").dt.convert_time_zone(result.tz)
    at = result.pages.filter(wakes()).select(day=local.dt.date(), night=at_night(result.tz), weekday=local.dt.weekday())
    first, last = (moment.astimezone(zone(result.tz)).date() for moment in (result.begin, result.end))
    days = pl.date_range(first, last, eager=True).alias("day").to_frame()
    counts = days.join(at.group_by("day").len("pages"), on="day", how="left")["pages"].fill_null(0).sort()
    night = int(at["night"].sum())
    weekend = int((at["weekday"] >= 6).sum())
    n, span = at.height, (result.end - result.begin) / timedelta(days=1)
    return Load(
        days=len(counts), pages=n, pages_per_day=n / span if span > 0 else 0.0,
        pages_per_day_p50=int(counts[int(np.ceil(0.5 * len(counts))) - 1]),
        pages_per_day_p95=int(counts[int(np.ceil(0.95 * len(counts))) - 1]),
        night_pages=night, night_share=night / n if n else None, weekend_share=weekend / n if n else None,
    )  # fmt: skip
