"""Scores that others use, as options: the Numenta Anomaly Benchmark's, and precision and recall of ranges.

Point-adjusted F1 is not among them: it calls random alerts excellent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.incidents import HARMLESS, UNJUDGED
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest

Profile = Literal["standard", "reward_low_FP", "reward_low_FN"]
_COSTS: dict[Profile, tuple[float, float]] = {
    "standard": (0.11, 1.0), "reward_low_FP": (0.22, 1.0), "reward_low_FN": (0.11, 2.0),
}  # fmt: skip
"""Of a profile: what a false firing and what a miss costs. A catch is worth 1."""

NAB = pl.Schema({
    "group": pl.String(),                    # null: all rules together
    "rule": pl.String(),
    "nab_score": pl.Float64(),               # 0: as one that never fires; 100: perfect; may be negative
})
"""One row a rule, in the order of the rule file, then one of all rules together."""

RANGES = pl.Schema({
    "group": pl.String(),                    # null: all rules together
    "rule": pl.String(),
    "range_precision": pl.Float64(),         # 0 to 1; null where nothing fired
    "range_recall": pl.Float64(),            # 0 to 1; null without incidents
})
"""One row a rule, in the order of the rule file, then one of all rules together."""


def nab_scores(result: Backtest, profile: Profile = "standard") -> pl.DataFrame:
    """The score of the Numenta Anomaly Benchmark: early catches are worth most, false firings cost by their distance.

    Each incident is a window; its first firing earns 2 / (1 + e^(5y)) − 1, scaled to 1 at the window's start, where y
    runs from −1 there to 0 at its end. A firing after a window costs by the same curve, up to a whole false one; a miss
    costs 1. Labels are not looked at, as NAB has none. The score is normalised: 0 for silence, 100 for perfection.

    Source: Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", ICMLA 2015.

    Args:
        result: a backtest with incidents.
        profile: standard, reward_low_FP or reward_low_FN.

    Returns:
        `NAB`: one row a rule, then one of all rules together.

    Raises:
        InvalidOption: there are no incidents, or no such profile.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> result = backtest(rules, log, rush)
    >>> nab_scores(result).select("rule", pl.col("nab_score").round(1)).rows()
    [('Busy', 95.9), (None, 95.9)]
    """
    if profile not in _COSTS:
        raise InvalidOption("profile", profile, "one of " + ", ".join(_COSTS))
    start, end = _windows(result)
    false_cost, miss_cost = _COSTS[profile]
    rows = []
    for group, rule, fired, _ in _firings(result):
        score = _nab(np.sort(fired), start, end, false_cost, miss_cost)
        worst, best = -miss_cost * len(start), float(len(start))
        rows.append((group, rule, 100 * (score - worst) / (best - worst) if len(start) else None))
    return pl.DataFrame(rows, schema=NAB, orient="row")


def _nab(
    fired: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64], false_cost: float,
    miss_cost: float,
) -> float:  # fmt: skip
    top = _curve(np.array(-1.0))
    score, inside = 0.0, np.zeros(len(fired), np.bool_)
    for begin, close in zip(start, end, strict=True):
        within = (fired >= begin) & (fired <= close)
        inside |= within
        if within.any():
            length = max(close - begin, 1e-6)
            score += float(_curve((fired[within][0] - close) / length) / top)
        else:
            score -= miss_cost
    for at in fired[~inside]:
        before = np.flatnonzero(end < at)
        if not len(before):
            score -= false_cost
            continue
        last = before[np.argmax(end[before])]
        length = max(end[last] - start[last], 1e-6)
        score += false_cost * float(_curve((at - end[last]) / length))
    return score


def _curve(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """From nearly 1 within the window, over 0 at its end, to −1 far behind it."""
    curve: NDArray[np.float64] = 2 / (1 + np.exp(5 * np.minimum(y, 100.0))) - 1
    return curve


def range_scores(result: Backtest, alpha: float = 0.0) -> pl.DataFrame:
    """Precision and recall of ranges: how much of the firing time lies in incidents, and of these in firing time.

    Both are means over ranges (of firings, of incidents) of the share that is overlapped, without bias for place and
    without penalty for many overlaps; of recall, `alpha` is the weight of being touched at all. Firings that overlap
    are one range. Labels are not looked at.

    Source: Tatbul et al., "Precision and Recall for Time Series", NeurIPS 2018.

    Args:
        result: a backtest with incidents.
        alpha: 0 to 1.

    Returns:
        `RANGES`: one row a rule, then one of all rules together.

    Raises:
        InvalidOption: there are no incidents, or alpha is no share.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> result = backtest(rules, log, rush)
    >>> range_scores(result).select("rule", "range_precision", "range_recall").rows()
    [('Busy', 1.0, 0.3), (None, 1.0, 0.3)]
    """
    if not 0 <= alpha <= 1:
        raise InvalidOption("alpha", alpha, "a share from 0 to 1")
    incidents = np.stack(_windows(result), axis=1)
    rows = []
    for group, rule, fired, resolved in _firings(result):
        firings, real = _united(np.stack([fired, resolved], axis=1)), _united(incidents)
        precision = float(np.mean([_overlap(one, real) for one in firings])) if len(firings) else None
        shares = [_overlap(one, firings) for one in incidents]
        recall = float(np.mean([alpha * (s > 0) + (1 - alpha) * s for s in shares])) if shares else None
        rows.append((group, rule, precision, recall))
    return pl.DataFrame(rows, schema=RANGES, orient="row")


def _united(ranges: NDArray[np.float64]) -> NDArray[np.float64]:
    found: list[list[float]] = []
    for begin, end in sorted(ranges.tolist()):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([begin, end])
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _overlap(one: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The share of one range that the others, which do not overlap each other, cover."""
    if not len(others):
        return 0.0
    shared = np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0])
    if one[1] <= one[0]:
        return float((shared >= 0).any())
    return float(np.maximum(shared, 0).sum() / (one[1] - one[0]))


def _windows(result: Backtest) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and end of each incident that can be caught, in seconds."""
    if result.incidents is None:
        raise InvalidOption("incidents", None, "labelled incidents: backtest(rules, events, incidents)")
    real = result.incidents.filter(~pl.col("kind").is_in([*HARMLESS, *UNJUDGED]))
    return _seconds(real["start"]), _seconds(real["end"].fill_null(result.end))


def _firings(
    result: Backtest,
) -> list[tuple[str | None, str | None, NDArray[np.float64], NDArray[np.float64]]]:
    """For each rule and for all: when its alerts fired, and when they ended."""
    fired = result.alerts.filter(pl.col("fired").is_not_null()).with_columns(pl.col("resolved").fill_null(result.end))
    found: list[tuple[str | None, str | None, NDArray[np.float64], NDArray[np.float64]]] = []
    for group, rule in [*result.summary.select("group", "rule").rows(), (None, None)]:
        mine = fired if rule is None else fired.filter((pl.col("group") == group) & (pl.col("rule") == rule))
        found.append((group, rule, _seconds(mine["fired"]), _seconds(mine["resolved"])))
    return found


def _seconds(times: pl.Series) -> NDArray[np.float64]:
    return times.dt.epoch("us").to_numpy().astype(np.float64) / 1e6

