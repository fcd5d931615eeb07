"""Which policy: the smallest error for a volume, or the smallest volume for an error.

Tried are: one share of all; one of all but failures, which are kept whole; and shares by stratum, allotted so that the
largest error is as small as can be. Every one is judged by its exact design error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.sampling import segment_kernels
from onex_analytics.sampling.allocation import allocated
from onex_analytics.sampling.designs import design_errors
from onex_analytics.sampling.metrics import Metric, metrics_of
from onex_analytics.sampling.policies import FACTS, RulePolicy, SampleRule, Scope
from onex_analytics.sampling.populations import Codes, Floats, Parts, Population, Ranked, gathered
from onex_analytics.sampling.thresholds import probability_of, threshold_of

FRONTIER = pl.Schema({
    "design": pl.String(),           # one share; failures whole; by …: shares by stratum
    "budget": pl.Float64(),          # share of the volume that was allowed
    "volume_share": pl.Float64(),    # that is kept on average, 0 to 1
    "worst_error": pl.Float64(),     # largest relative error of any metric and group, bias included
    "worst_metric": pl.String(),
    "worst_group": pl.String(),      # null: overall
    "mean_error": pl.Float64(),      # root of the mean square of the relative errors
    "efficient": pl.Boolean(),       # none that was tried keeps less and errs less
    "chosen": pl.Boolean(),
})  # fmt: skip
"""One row a policy that was tried, by volume."""

_BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_STEPS = 10
_FAILURE = "failure"
_MOST_CELLS = 20_000_000
_NOTHING = 1e-12
_SLACK = 1 - 1e-4
"""What thresholds of four hex digits may add to a share stays below this."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A policy and what it was chosen from; made by `choose`."""

    policy: RulePolicy
    """What to ship: `apply` and `EventSampler` take it as it is."""
    frontier: pl.DataFrame
    """`FRONTIER`."""

    def __repr__(self) -> str:
        row = self.frontier.filter("chosen").row(0, named=True)
        return (
            f"Choice({row['design']}: {row['volume_share']:.1%} of the volume, worst error {row['worst_error']:.1%}, "
            f"{len(self.policy.rules)} rules)"
        )


def choose(
    events: pl.LazyFrame | pl.DataFrame, metrics: Iterable[Metric | str] | Metric | str = ("error_rate",),
    by: str | Iterable[str] = "node", *, budget: float | None = None, target_error: float | None = None,
    strata: str | Iterable[str] | None = None, keep_failures: bool = True, least_share: float = 0.01,
    scope: Scope = "trace", size: str | None = None, name: str = "chosen",
) -> Choice:  # fmt: skip
    """The policy of the smallest worst error within a volume, or of the smallest volume within an error.

    An error is that of a metric, overall or of a group, relative to its true value: its standard error over draws, and
    its bias. What has a true value of 0 has none.

    Args:
        events: one row an event of a log like those to come; reads what `simulate` reads, and `outcome`.
        metrics: what is to be known; as text, see `metric_of`.
        by: columns to tell apart.
        budget: share of the events (of the bytes, with `size`) that may be kept on average.
        target_error: the worst relative error that may be; one of the two is given.
        strata: facts by which shares may differ (`policies.FACTS`, but for the outcome); default: those of `by`. With
            `event_type` among them the starts of work may be kept at another share than their ends.
        keep_failures: whether failures are kept whole.
        least_share: no event is kept at a smaller share, so that nothing is never seen.
        scope: whose id is drawn by.
        size: the column of an event's bytes, where the volume is bytes.
        name: of the policy.

    Returns:
        A `Choice`: the policy, and the frontier of volume against worst error.

    Raises:
        InvalidOption: not one of `budget` and `target_error`, a budget that failures alone exceed, no metric with a
            true value, or too many strata.
        MissingColumns: the events lack a column that is read.

    >>> events = pl.LazyFrame({"event_id": [f"e{i}" for i in range(1000)], "trace_id": None, "correlation_id": None,
    ...                        "node": ["busy"] * 900 + ["rare"] * 100, "outcome": ["failure", *["success"] * 9] * 100})
    >>> found = choose(events, budget=0.4)
    >>> [(rule.node, rule.probability) for rule in found.policy.rules]
    [(('busy',), 0.283), (('rare',), 0.78)]
    >>> found.frontier.filter(budget=0.4).select("design", pl.col("worst_error").round(3)).rows()
    [('by node', 0.05), ('failures whole', 0.134), ('one share', 0.367)]

    Source: see `allocation` and `designs`.
    """
    asked, keys, frame = metrics_of(metrics), names(by), events.lazy()
    facts = [key for key in keys if key in FACTS[:-1]] if strata is None else names(strata)
    if odd := [fact for fact in facts if fact not in FACTS[:-1]]:
        raise InvalidOption("strata", odd, f"some of {', '.join(FACTS[:-1])}")
    if (budget is None) == (target_error is None):
        raise InvalidOption("budget", budget, "a budget or a target_error, one of the two")
    if budget is not None and not 0 < budget <= 1:
        raise InvalidOption("budget", budget, "a share above 0, up to 1")
    if target_error is not None and not target_error >= 0:
        raise InvalidOption("target_error", target_error, "a relative error from 0")
    if not 0 < least_share <= 1:
        raise InvalidOption("least_share", least_share, "a share above 0, up to 1")
    require(frame, *facts, "outcome", *([size] if size else []))
    read = [*facts, "outcome"] if keep_failures else facts
    population = gathered(frame, scope, read, keys, asked, [size] if size else [])
    search = _Search(population, asked, keys, facts, keep_failures, least_share, size)
    return search.choice(budget, target_error, scope, name)


class _Search:
    """Policies that are tried on one population, each a share of every stratum."""

    def __init__(
        self, population: Population, metrics: Sequence[Metric], by: Sequence[str], facts: list[str],
        keep_failures: bool, least_share: float, size: str | None,
    ) -> None:  # fmt: skip
        told = population.strata.with_columns(
            _fails=pl.col("outcome").eq_missing(_FAILURE) if keep_failures else pl.lit(False)
        )
        distinct = told.select(*facts, "_fails").unique(maintain_order=True).with_row_index("_number")
        numbers = told.join(distinct, on=[*facts, "_fails"], how="left", nulls_equal=True, maintain_order="left")
        codes = np.append(numbers["_number"].to_numpy(), distinct.height).astype(np.int32)
        self.population = population.renumbered(codes, distinct.height)
        self.facts, self.strata, self.keep_failures, self.least = facts, distinct, keep_failures, least_share
        self.fixed = np.append(distinct["_fails"].to_numpy(), True)
        of = population.numbers(size) if size else np.ones(population.size)
        self.volume = np.bincount(self.population.stratum, of, len(self.fixed)).astype(np.float64)
        self.metrics = [(metric, grouped) for metric in metrics for grouped in (False, True)[: 1 + bool(by)]]
        self.by = list(by)

    def choice(self, budget: float | None, target: float | None, scope: Scope, name: str) -> Choice:
        self._errors(np.ones((1, len(self.fixed))))
        least = self._least_budget()
        if budget is not None and budget < least:
            raise InvalidOption("budget", budget, f"at least {least:.4g}: {self._why()}")
        budgets = sorted({max(one, least) for one in (*_BUDGETS, 1.0, *([] if budget is None else [budget]))})
        spread = self._spread(budget or 0.1)
        tried, shares = self._tried(spread, budgets)
        fits = pl.col("budget") == budget if target is None else pl.col("worst_error") <= target
        fits = fits & ((pl.col("design") != "one share") | (not self.keep_failures))
        if target is not None:
            for _ in range(3):  # each time between the budgets that lie around the target
                met, all_budgets = tried.filter(fits)["budget"].to_list(), tried["budget"].to_list()
                enough = min(met)
                low = max((one for one in all_budgets if one < enough), default=enough)
                more = [low + (enough - low) * step / _STEPS for step in range(1, _STEPS)] if low < enough else []
                if not more:
                    break
                further, further_shares = self._tried(spread, more)
                tried, shares = pl.concat([tried, further]), np.concatenate([shares, further_shares])
        best = tried.with_row_index("_row").filter(fits).sort(
            "worst_error" if target is None else "volume_share", "volume_share", "mean_error", "_row"
        )["_row"][0]  # fmt: skip
        in_order = tried.with_columns(chosen=pl.int_range(pl.len()) == best).sort("volume_share", "worst_error")
        least_before = pl.col("worst_error").cum_min().shift(1).fill_null(float("inf"))
        frontier = in_order.with_columns(efficient=pl.col("worst_error") < least_before)
        if target is not None:
            frontier = frontier.filter(pl.col("chosen") | pl.col("budget").is_in(budgets))
        return Choice(self._policy(shares[best], scope, name), frontier.select(*FRONTIER))

    def _least_budget(self) -> float:
        kept = self.volume[self.fixed].sum() + self.least * self.volume[~self.fixed].sum()
        return float(kept / self.volume.sum())

    def _why(self) -> str:
        share = self.volume[self.fixed].sum() / self.volume.sum()
        return f"failures (and events without id) are {share:.4g}, and of the rest at least {self.least:g} is kept"

    def _spread(self, at: float) -> Floats:
        """How far each stratum carries the squared relative error of each metric and group; without those of no truth.

        The scale is that of the exact error where all but what is kept whole has the share `at`.
        """
        shares = np.where(self.fixed, 1.0, at)[None]
        rows = []
        for metric, grouped in self.metrics:
            exact = design_errors(self.population, shares, metric, grouped)["relative_error"].to_numpy()
            found = self._carried(metric, grouped)
            with np.errstate(invalid="ignore", divide="ignore"):
                scale = exact**2 / (found.sum(axis=1) * (1 / at - 1))
            told = np.isfinite(scale)  # it is not where all is kept, and what is left is rounding
            rows.append(found[told] * scale[told, None])
        return np.concatenate(rows)[:, ~self.fixed]

    def _carried(self, metric: Metric, grouped: bool) -> Floats:
        population = self.population
        groups = population.groups.height if grouped else 1
        if groups * len(self.fixed) > _MOST_CELLS:
            raise InvalidOption("strata", self.facts, f"fewer: {len(self.fixed)} strata of {groups} groups are many")
        group = population.group if grouped else np.zeros(population.size, np.int32)
        at = None
        if metric.kind == "quantile":
            values = population.values(metric)
            is_in = ~np.isnan(values)
            at = Ranked(values[is_in], population.weight()[is_in], group[is_in], groups).quantile(metric.q)
        parts = population.parts(metric, at, group)
        told = np.zeros((groups, len(self.fixed)))
        segment_kernels.spreads(*population.added(parts, grouped), _quotients(parts, group, groups), self.fixed, told)
        return told

    def _tried(self, spread: Floats, budgets: Sequence[float]) -> tuple[pl.DataFrame, Floats]:
        """What each design comes to at each budget, and its shares as they are told."""
        whole, free = self.volume.sum(), ~self.fixed
        designs: list[tuple[str, float, Floats]] = []
        for budget in budgets:
            rest = (budget * whole - self.volume[self.fixed].sum()) / max(self.volume[free].sum(), 1e-300)
            designs.append(("one share", budget, np.where(np.arange(len(free)) < len(free) - 1, budget, 1.0)))
            if self.keep_failures:
                designs.append(("failures whole", budget, np.where(free, rest, 1.0)))
            if self.facts and free.any():
                allotted = np.ones(len(free))
                there = free & (self.volume > 0)
                room = self.volume[free].sum() * (rest * _SLACK if rest < 1 else 1.0)
                allotted[there] = allocated(spread[:, there[free]], self.volume[there], room, self.least)
                designs.append((f"by {', '.join(self.facts)}", budget, allotted))
        told = np.array([[_three_digits(one) for one in row] for _, _, row in designs])
        shares = np.array([[probability_of(threshold_of(one)) for one in row] for row in told])
        kept = shares @ self.volume / whole
        errors, labels = self._errors(shares)
        worst = errors.argmax(axis=1)
        return pl.DataFrame({
            "design": [design for design, _, _ in designs], "budget": [budget for _, budget, _ in designs],
            "volume_share": kept, "worst_error": errors.max(axis=1),
            "worst_metric": [labels[one][0] for one in worst], "worst_group": [labels[one][1] for one in worst],
            "mean_error": np.sqrt((errors**2).mean(axis=1)),
        }, schema_overrides={"worst_group": pl.String}), told  # fmt: skip

    def _errors(self, shares: Floats) -> tuple[Floats, list[tuple[str, str | None]]]:
        """The relative error of each policy in each metric and group that has one, and what these are called."""
        errors, labels = [], []
        for metric, grouped in self.metrics:
            found = design_errors(self.population, shares, metric, grouped).select("truth", "relative_error")
            table = found["relative_error"].to_numpy().reshape(len(shares), -1)
            there = found["truth"].to_numpy()[: table.shape[1]] != 0
            there &= ~np.isnan(found["truth"].to_numpy()[: table.shape[1]])
            errors.append(np.nan_to_num(table[:, there], nan=1.0))
            groups = self._group_names() if grouped else [None]
            labels += [(metric.name, group) for group, one in zip(groups, there, strict=True) if one]
        if not labels:
            raise InvalidOption(
                "metrics", list(dict.fromkeys(metric.name for metric, _ in self.metrics)),
                "one whose value in these events is not 0",
            )
        table = np.concatenate(errors, axis=1)
        return np.where(table > _NOTHING, table, 0.0), labels

    def _group_names(self) -> list[str | None]:
        texts = [pl.col(key).cast(pl.String).fill_null("null") for key in self.by]
        return self.population.groups.select(pl.concat_str(texts, separator=", ")).to_series().to_list()

    def _policy(self, shares: Floats, scope: Scope, name: str) -> RulePolicy:
        free = ~self.fixed[:-1]
        volume = self.volume[:-1][free]
        default = _three_digits(float(shares[:-1][free] @ volume / volume.sum())) if volume.sum() else 1.0
        told = self.strata.with_columns(_share=pl.Series(shares[:-1])).filter(~pl.col("_fails"))
        return RulePolicy(
            name=name, rules=_rules(told.select(*self.facts, "_share"), self.facts), default=default,
            keep_failures=self.keep_failures, scope=scope,
        )  # fmt: skip


def _three_digits(share: float) -> float:
    """A share that reads well, not above the one that is wanted.

    >>> _three_digits(0.123456), _three_digits(0.01), _three_digits(1.0)
    (0.123, 0.01, 1.0)
    """
    digits = 2 - math.floor(math.log10(share))
    return round(math.floor(share * 10.0**digits + 1e-6) / 10.0**digits, digits)


def _quotients(parts: Parts, group: Codes, groups: int) -> Floats:
    """What a ratio is in each group; 0 of a sum."""
    if not parts.den.size:
        return np.zeros(groups)
    inside = parts.inside
    num, den = (np.bincount(group[inside], of[inside], minlength=groups) for of in (parts.num, parts.den))
    return np.divide(num, den, out=np.zeros(groups), where=den != 0)


def _rules(strata: pl.DataFrame, facts: Sequence[str]) -> tuple[SampleRule, ...]:
    """Shares of strata as rules, as few as say the same. Where a fact is null, only a star matches: such come last.

    >>> strata = pl.DataFrame({"node": ["a", "b", "c", None], "_share": [0.1, 0.1, 0.5, 0.2]})
    >>> [(rule.node, rule.probability) for rule in _rules(strata, ["node"])]
    [(('a', 'b'), 0.1), (('c',), 0.5), (('*',), 0.2)]
    """
    if strata["_share"].n_unique() < 2:
        return ()
    alike: dict[tuple[tuple[str, ...], float], list[str]] = {}
    nulls: list[tuple[dict[str, tuple[str, ...]], float]] = []
    for *values, share in strata.sort(facts).iter_rows():
        if None in values:
            nulls.append(({k: (v,) for k, v in zip(facts, values, strict=True) if v is not None}, share))
        else:
            alike.setdefault((tuple(values[:-1]), share), []).append(values[-1])
    merged: dict[tuple[tuple[tuple[str, ...], ...], float], list[str]] = {}
    for (before, share), last in alike.items():
        rest = (*((one,) for one in before[1:]), tuple(last))
        merged.setdefault((rest, share), []).extend(before[:1])
    nulls.sort(key=lambda one: -len(one[0]))
    told = [(dict(zip(facts, (tuple(first), *rest) if first else rest, strict=True)), share)
            for (rest, share), first in merged.items()]  # fmt: skip
    return tuple(_rule(patterns, share) for patterns, share in (*told, *nulls))


def _rule(told: Mapping[str, Sequence[str]], share: float) -> SampleRule:
    return SampleRule.model_validate({
        "probability": share, **{fact: tuple(map(_literal, values)) for fact, values in told.items()},
    })  # fmt: skip


def _literal(value: str) -> str:
    """A pattern that matches this text and no other.

    >>> _literal("node[1]*")
    'node[[]1][*]'
    """
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in value)
