"""Which alerts and caught incidents policies would cost: sampling and alerting, joined in the door.

The rules are tried on the whole log and on what each policy keeps of it, with its adjusted counts, up to the same end.
The first draw is that of the log's own ids: exactly what the live sampler would have kept. Further draws are made as if
every trace had another id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import Backtest, RuleSet, backtest
from onex_analytics.alerting.biases import bias
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.feeding import AsOf, whole_times
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.alerting.targets import Key, OfFirings, OfIncidents, Truth, key_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.sampling import apply
from onex_analytics.sampling.deciding import IDS, AnyPolicy
from onex_analytics.sampling.randomness import is_random_uuid, plain

_AS_IT_IS = "id as it is"

LOSSES = pl.Schema({
    "policy": pl.String(),
    "events_share": pl.Float64(),        # kept of the events of the log, 0 to 1; as all that follows the mean of draws
    "group": pl.String(),                # null: all rules together
    "rule": pl.String(),
    "bias": pl.String(),                 # why its values are not those of the whole log, even on average; or null
    "draws": pl.Int64(),
    "full_firings": pl.Int64(),          # alerts that fire on the whole log: on_time + late + lost
    "on_time": pl.Float64(),             # of them, those that fire no later
    "late": pl.Float64(),
    "late_s_p50": pl.Float64(),          # by how much the late ones are late, half of them; null without one
    "lost": pl.Float64(),
    "false": pl.Float64(),               # alerts that overlap none of the same rule and label set on the whole log
    "full_pages": pl.Int64(),            # that wake somebody
    "pages_right": pl.Float64(),         # that tell of an alert which is not false
    "pages_false": pl.Float64(),
    "incidents": pl.Int64(),             # caught on the whole log: the sum of what follows; null where none are known
    "incidents_on_time": pl.Float64(),
    "incidents_late": pl.Float64(),
    "incidents_lost": pl.Float64(),
})  # fmt: skip
"""One row a policy and rule, as in the rule file; the last of each policy is of all rules together."""

LOST_ALERTS = pl.Schema({
    "policy": pl.String(),
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "start": UTC_MICROSECONDS,           # when it fires on the whole log
    "end": UTC_MICROSECONDS,             # null while it lasts
    "draws": pl.Int64(),
    "found": pl.Int64(),                 # draws in which the alert fires in this time
    "probability": pl.Float64(),         # found of draws
    "late_s_p50": pl.Float64(),          # over the draws; an alert that is lost comes never, and null says so
})  # fmt: skip
"""One row a policy and alert of the whole log, in time."""

LOST_INCIDENTS = pl.Schema({
    "policy": pl.String(),
    "incident": pl.String(),
    "kind": pl.String(),
    "labels": LABEL_SET,
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "full_delay_s": pl.Float64(),        # after which the whole log tells of it; null where the rules miss it anyway
    "draws": pl.Int64(),
    "found": pl.Int64(),                 # draws in which any rule catches it
    "probability": pl.Float64(),
    "delay_s_p50": pl.Float64(),         # over the draws; null where half of them miss it
})  # fmt: skip
"""One row a policy and incident that can be caught, in time."""


@dataclass(frozen=True, eq=False)
class AlertLosses:
    """What policies do to alerts."""

    full: Backtest
    """The rules on the whole log."""
    rules: pl.DataFrame
    """`LOSSES`."""
    alerts: pl.DataFrame
    """`LOST_ALERTS`."""
    incidents: pl.DataFrame | None
    """`LOST_INCIDENTS`, where incidents were given."""


def alert_losses(
    rules: RuleSet, events: pl.LazyFrame, policies: Sequence[AnyPolicy], incidents: Any = None, *,
    draws: int = 1, lead: str | timedelta = "15m", as_of: AsOf = "event", labels: Sequence[str] | None = None,
    full: Backtest | None = None,
) -> AlertLosses:  # fmt: skip
    """Alerts of the whole log under each policy: in time, late, lost, or false; and incidents that go unnoticed.

    Args:
        rules: the rules.
        events: the log, as `backtest` and `apply` take it.
        policies: what might be kept, each by a name of its own.
        incidents: what went wrong, as `backtest` takes it.
        draws: how many, from 1.
        lead, as_of, labels: as `backtest` has them.
        full: the rules on the whole log, with these options, where that is known already.
    """
    if draws < 1:
        raise InvalidOption("draws", draws, "a whole number from 1")
    log = whole_times(events)
    options: dict[str, Any] = {"lead": lead, "as_of": as_of, "labels": labels}
    whole = backtest(rules, log, incidents, **options) if full is None else full
    firings = OfFirings(whole)
    caught = None if whole.incidents is None else OfIncidents(whole)
    read = sorted({*Evaluation(rules, log.collect_schema()).columns} - {"adjusted_count"})
    total = log.select(pl.len()).collect().item()
    told: tuple[list[pl.DataFrame], list[pl.DataFrame], list[pl.DataFrame]] = ([], [], [])
    for policy in policies:
        found = _Found(whole, firings, caught, draws)
        for draw in range(draws):
            kept = kept_of(policy, log, draw, read)
            run = backtest(rules, kept, whole.incidents, until=whole.end, **options)
            found.take(draw, run, kept.height / total if total else None)
        for frames, frame in zip(told, found.frames(policy.name), strict=True):
            frames += [] if frame is None else [frame]
    return AlertLosses(
        whole, pl.concat([pl.DataFrame(schema=LOSSES), *told[0]]),
        pl.concat([pl.DataFrame(schema=LOST_ALERTS), *told[1]]),
        None if caught is None else pl.concat([pl.DataFrame(schema=LOST_INCIDENTS), *told[2]]),
    )  # fmt: skip


def kept_of(policy: AnyPolicy, log: pl.LazyFrame, draw: int, read: Sequence[str]) -> pl.DataFrame:
    """What a policy keeps: of the first draw by the ids as they are, of another by other ids in their place."""
    if draw == 0:
        return apply(policy, log).filter("keep").select(*read, "adjusted_count").collect()
    ids = IDS[policy.scope]
    own = pl.coalesce(pl.when(pl.col(name) != "").then(pl.col(name)) for name in ids)
    other = own.map_batches(lambda told: _others(told, draw), pl.String(), is_elementwise=True)
    drawn = log.with_columns(pl.col(ids[0]).alias(_AS_IT_IS), other.alias(ids[0]))
    kept = apply(policy, drawn).filter("keep").drop(ids[0]).rename({_AS_IT_IS: ids[0]})
    return kept.select(*read, "adjusted_count").collect()


def _others(identifiers: pl.Series, draw: int) -> pl.Series:
    distinct = identifiers.drop_nulls().unique()
    others = pl.Series([other_id(one, draw) for one in distinct], dtype=pl.String)
    return identifiers.replace_strict(distinct, others, default=None, return_dtype=pl.String)


def other_id(identifier: str, draw: int) -> str:
    """Another id of the same kind, the same one each time: a UUID of its version, 32 hex digits, or a text.

    >>> other_id("c0ffee00-1234-4abc-8def-0123456789ab", 1), other_id("order-17", 2)
    ('6fa028a018a14efb88ae5b1de7dab6be', '2 order-17')
    """
    one = plain(identifier)
    digits = sha256(f"{draw} {one}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if is_random_uuid(one):
        return f"{digits[:12]}{one[12]}{digits[13:16]}{'89ab'[int(digits[16], 16) % 4]}{digits[17:]}"
    if len(one) == 32 and not one.strip("0123456789abcdef"):
        return f"{digits[:12]}0{digits[13:]}" if is_random_uuid(digits) else digits
    return f"{draw} {identifier}"


class _Found:
    """What the draws of one policy come to."""

    def __init__(self, full: Backtest, firings: OfFirings, caught: OfIncidents | None, draws: int) -> None:
        self._full, self._firings, self._caught, self._draws = full, firings, caught, draws
        self._rules = [*((group.name, rule.alert) for group, rule in full.rules.rules), None]
        self._by = {(group.name, rule.alert): frozenset(rule.by) for group, rule in full.rules.rules}
        self._alerts = np.full((firings.targets.height, draws), np.inf)
        self._incidents = np.full((0 if caught is None else caught.targets.height, draws), np.inf)
        self._own = _delays(firings, full)
        self._own_of_incidents = np.empty(0) if caught is None else _delays(caught, full)
        self._shares: list[float] = []
        self._false = np.zeros((len(self._rules), draws))
        self._pages = np.zeros((len(self._rules), draws, 2))

    def take(self, draw: int, run: Backtest, share: float | None) -> None:
        """Note what one draw comes to."""
        found, right = self._firings.found(run)
        self._alerts[found["_target"].to_numpy(), draw] = found["delay_s"].to_numpy()
        if self._caught is not None:
            self._incidents[:, draw] = _delays(self._caught, run)
        self._shares += [] if share is None else [share]
        firings = {(group, rule): n for group, rule, n in run.summary.select("group", "rule", "firings").rows()}
        for place, rule in enumerate(self._rules):
            mine = {key for key in right if rule is None or key[:2] == rule}
            self._false[place, draw] = (sum(firings.values()) if rule is None else firings[rule]) - len(mine)
        self._note_pages(draw, run, right)

    def _note_pages(self, draw: int, run: Backtest, right: set[Key]) -> None:
        for alerts in run.pages.filter(wakes())["firing"].to_list():
            told: dict[tuple[str, str] | None, bool] = {None: False}
            for alert in alerts:
                rule = (alert["group"], alert["rule"])
                is_right = key_of(*rule, alert["starts_at"], alert["labels"], self._by[rule]) in right
                told[rule] = told.get(rule, False) or is_right
                told[None] = told[None] or is_right
            for one, is_right in told.items():
                self._pages[self._rules.index(one), draw, int(is_right)] += 1

    def frames(self, policy: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
        """What is told of the policy: `LOSSES`, `LOST_ALERTS` and `LOST_INCIDENTS`."""
        share = float(np.mean(self._shares)) if self._shares else None
        rows = [{"policy": policy, "events_share": share, "draws": self._draws, **self._row(place, rule)}
                for place, rule in enumerate(self._rules)]  # fmt: skip
        alerts = self._chances(self._firings.targets, self._alerts - self._own[:, None], "late_s_p50")
        incidents = None
        if self._caught is not None:
            together = self._caught.targets["rule"].is_null().to_numpy()
            chances = self._chances(self._caught.targets.filter(together), self._incidents[together], "delay_s_p50")
            own = self._own_of_incidents[together]
            delay = pl.Series("full_delay_s", np.where(np.isfinite(own), own, np.nan), dtype=pl.Float64)
            incidents = _shaped(chances.with_columns(delay.fill_nan(None)), policy, LOST_INCIDENTS)
        return pl.DataFrame(rows, schema=LOSSES), _shaped(alerts, policy, LOST_ALERTS), incidents

    def _chances(self, targets: pl.DataFrame, delays: NDArray[np.float64], half: str) -> pl.DataFrame:
        found = np.isfinite(delays).sum(axis=1)
        middle = np.sort(delays, axis=1)[:, -(-self._draws // 2) - 1] if len(delays) else np.empty(0)
        return targets.with_columns(
            pl.lit(self._draws).alias("draws"), pl.Series("found", found, dtype=pl.Int64),
            pl.Series("probability", found / self._draws, dtype=pl.Float64),
            pl.Series(half, np.where(np.isfinite(middle), middle, np.nan), dtype=pl.Float64).fill_nan(None),
        )

    def _row(self, place: int, rule: tuple[str, str] | None) -> dict[str, Any]:
        group, name = rule or (None, None)
        mine = _is_of(self._firings.targets, rule)
        alerts = _parts(self._alerts[mine], self._own[mine], self._draws)
        row = {
            "group": group, "rule": name, "bias": self._bias(rule), "full_firings": int(mine.sum()),
            **{part: alerts[part] for part in ("on_time", "late", "late_s_p50", "lost")},
            "false": float(self._false[place].mean()), "full_pages": self._full_pages(rule),
            "pages_right": float(self._pages[place, :, 1].mean()),
            "pages_false": float(self._pages[place, :, 0].mean()),
        }  # fmt: skip
        if self._caught is None:
            return row | dict.fromkeys(("incidents", "incidents_on_time", "incidents_late", "incidents_lost"))
        told = self._caught.targets["rule"].is_null().to_numpy() if rule is None else _is_of(self._caught.targets, rule)
        told = told & np.isfinite(self._own_of_incidents)
        parts = _parts(self._incidents[told], self._own_of_incidents[told], self._draws)
        return row | {"incidents": int(told.sum())} | {
            f"incidents_{part}": parts[part] for part in ("on_time", "late", "lost")
        }  # fmt: skip

    def _bias(self, rule: tuple[str, str] | None) -> str | None:
        whys = [bias(one) for group, one in self._full.rules.rules if rule in (None, (group.name, one.alert))]
        return next((why for why in whys if why is not None), None)

    def _full_pages(self, rule: tuple[str, str] | None) -> int:
        if rule is None:
            return self._full.pages.filter(wakes()).height
        of_rule = (pl.col("group") == rule[0]) & (pl.col("rule") == rule[1])
        return int(self._full.summary.filter(of_rule)["pages"].sum())


def _delays(truth: Truth, result: Backtest) -> NDArray[np.float64]:
    """How soon each target is found; endless where it is not."""
    delays = np.full(truth.targets.height, np.inf)
    found, _ = truth.found(result)
    delays[found["_target"].to_numpy()] = found["delay_s"].to_numpy()
    return delays


def _is_of(targets: pl.DataFrame, rule: tuple[str, str] | None) -> NDArray[np.bool_]:
    if rule is None:
        return np.ones(targets.height, np.bool_)
    of_rule = (pl.col("group") == rule[0]) & (pl.col("rule") == rule[1])
    return targets.select(of_rule.fill_null(False)).to_series().to_numpy()


def _parts(delays: NDArray[np.float64], own: NDArray[np.float64], draws: int) -> dict[str, float | None]:
    """How many are found no later, later, and not at all, a draw."""
    late_s = delays - own[:, None]
    late = np.isfinite(late_s) & (late_s > 0)
    return {
        "on_time": float((late_s <= 0).sum() / draws), "late": float(late.sum() / draws),
        "lost": float(np.isinf(late_s).sum() / draws),
        "late_s_p50": float(np.median(late_s[late])) if late.any() else None,
    }  # fmt: skip


def _shaped(frame: pl.DataFrame, policy: str, schema: pl.Schema) -> pl.DataFrame:
    return frame.with_columns(pl.lit(policy).alias("policy")).select(*schema).cast(schema)
