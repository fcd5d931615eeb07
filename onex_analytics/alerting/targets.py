"""What rules have to find: incidents, or their own firings on the whole log; and which of it a run found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import polars as pl

from onex_analytics.alerting.backtesting import Backtest
from onex_analytics.alerting.detections import verdicts
from onex_analytics.alerting.incidents import UNJUDGED
from onex_analytics.alerting.recording import label_key
from onex_analytics.alerting.scoring import within
from onex_analytics.model.shapes import UTC_MICROSECONDS

FOUND = pl.Schema({"_target": pl.UInt32(), "delay_s": pl.Float64()})
"""One row a target that was found, and how soon at the soonest."""
Key = tuple[str, str, datetime, frozenset[tuple[str, str]]]
"""A firing: group, rule, time, labels."""
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


class Truth(Protocol):
    """What rules have to find: a number and a row of `DETECTIONS` for each, as far as it is known beforehand."""

    targets: pl.DataFrame
    whole: pl.Expr
    """Of each target, whether it is one of those that a run is asked for: not once more for each rule."""

    def found(self, result: Backtest) -> tuple[pl.DataFrame, set[Key]]:
        """Which targets were found, and how soon; and the firings that found something or are not judged."""


class OfIncidents:
    """The incidents that `scores` counts."""

    def __init__(self, full: Backtest) -> None:
        assert full.incidents is not None
        judged = verdicts(full).filter(pl.col("verdict").is_in(["caught", "missed"]))["incident"]
        real = full.incidents.filter(pl.col("id").is_in(judged.to_list())).rename({"id": "incident"})
        nobody = pl.DataFrame({"group": [None], "rule": [None]}, schema={"group": pl.String, "rule": pl.String})
        rules = pl.concat([nobody, full.summary.select("group", "rule")])
        self.targets = real.join(rules, how="cross", maintain_order="left_right").with_row_index("_target")
        self.whole = pl.col("rule").is_null()
        self._unjudged = full.incidents.filter(pl.col("kind").is_in(list(UNJUDGED)))

    def found(self, result: Backtest) -> tuple[pl.DataFrame, set[Key]]:
        mine = result.matches.filter(pl.col("incident").is_in(self.targets["incident"].unique().to_list()))
        alone = mine.select("incident", "group", "rule", "delay_s")
        together = alone.with_columns(pl.lit(None, pl.String).alias("group"), pl.lit(None, pl.String).alias("rule"))
        soonest = pl.concat([alone, together]).group_by("incident", "group", "rule").agg(pl.col("delay_s").min())
        numbers = self.targets.select("_target", "incident", "group", "rule")
        found = numbers.join(soonest, on=["incident", "group", "rule"], nulls_equal=True)
        fired = result.alerts.filter(pl.col("fired").is_not_null())
        aside = within(fired, self._unjudged, result, timedelta())
        right = [*keys_of(mine), *keys_of(aside.select("group", "rule", "labels", "fired"))]
        return found.select(*FOUND), set(right)


class OfFirings:
    """The firings of the whole log, each to be found by its own rule and label set."""

    def __init__(self, full: Backtest) -> None:
        fired = full.alerts.filter(pl.col("fired").is_not_null()).rename({"fired": "start", "resolved": "end"})
        self.targets = fired.select(
            pl.lit(None, pl.String).alias("incident"), "group", "rule", "labels", "start", "end", label_key()
        ).sort("start", maintain_order=True).with_row_index("_target")  # fmt: skip
        self.whole = pl.lit(True)

    def found(self, result: Backtest) -> tuple[pl.DataFrame, set[Key]]:
        fired = result.alerts.filter(pl.col("fired").is_not_null()).with_columns(label_key())
        wanted = self.targets.select("_target", "group", "rule", "_key", "start", "end")
        for_ever = pl.lit(_FAR, UTC_MICROSECONDS)
        both = fired.join(wanted, on=["group", "rule", "_key"]).filter(
            (pl.col("fired") < pl.col("end").fill_null(for_ever))
            & (pl.col("start") < pl.col("resolved").fill_null(for_ever))
        )
        delay = (pl.col("known_at") - pl.col("start")).dt.total_microseconds() / 1e6
        return both.group_by("_target").agg(delay.min().alias("delay_s")).cast(FOUND), set(keys_of(both))


def keys_of(firings: pl.DataFrame) -> Iterable[Key]:
    """The key of each firing."""
    rows = firings.select("group", "rule", "fired", "labels").iter_rows()
    return (key_of(group, rule, at, labels) for group, rule, at, labels in rows)


def key_of(
    group: str, rule: str, at: datetime, labels: Iterable[dict[str, str]], names: Iterable[str] | None = None
) -> Key:
    """The key of a firing: its labels without the empty ones, which no page tells; of a page's, only those of `by`."""
    some = ((label["name"], label["value"]) for label in labels if names is None or label["name"] in names)
    return group, rule, at, frozenset((name, value) for name, value in some if value)
