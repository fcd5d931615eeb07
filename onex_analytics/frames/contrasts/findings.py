"""Which patterns are findings: tested, held against their parents, explained away, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from onex_analytics.frames.contrasts.counting import pair_votes
from onex_analytics.frames.contrasts.traits import CUTS, Item, Trait, Votes, by_code
from onex_analytics.frames.statistics import Interval, enrichment_p, mantel_haenszel, q_values, risk_ratio

Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[int, int]
"""A trait and one of its items."""
_TELLING_HITS = 5.0
"""With fewer votes of the target outside a pattern, its risk ratio has no upper end to hold others against."""


@dataclass(frozen=True)
class Finding:
    """A pattern with its numbers; `keys` has one entry for each column of the pattern."""

    keys: tuple[Key, ...]
    votes: float
    hits: float
    ratio: float
    low: float
    high: float
    p: float
    q: float = float("nan")
    shadowed_by: str | None = None


class Tables:
    """Votes of items, alone and by two, out of the votes of codes."""

    def __init__(self, traits: Sequence[Trait], votes: Votes, *, pairs: bool) -> None:
        self.traits, self.votes = traits, votes
        self._single = [self._by_code(trait) for trait in traits]
        self._places = {pair: i for i, pair in enumerate(combinations(range(len(traits)), 2))}
        if pairs and len(traits) > 1:
            sizes = np.array([trait.size for trait in traits], dtype=np.int64)
            codes = np.stack([trait.codes.astype(np.uint16) for trait in traits], axis=1)
            self._table, self._begins = pair_votes(codes, votes.of_row, votes.target, sizes)

    def _by_code(self, trait: Trait) -> Floats:
        """(code, [all, target]) summed up from the first code on, so that a range is a difference."""
        all_, hits = by_code(trait.codes, trait.size, self.votes)
        return np.vstack([np.zeros((1, 2)), np.cumsum(np.column_stack([all_, hits]), axis=0)])

    def single(self, i: int, items: Sequence[Item]) -> tuple[Floats, Floats]:
        """Votes and hits of items of one trait."""
        summed = self._single[i]
        low, high = (np.array([getattr(item, end) for item in items], dtype=np.int64) for end in ("low", "high"))
        found = summed[high] - summed[low]
        return found[:, 0], found[:, 1]

    def summed(self, i: int, j: int) -> Floats:
        """(code of i, code of j, [all, target]) of traits i < j, summed up along both codes."""
        place = self._places[i, j]
        shape = (self.traits[i].size, self.traits[j].size, 2)
        cells = self._table[self._begins[place]:self._begins[place + 1]].reshape(shape)
        found = np.zeros((shape[0] + 1, shape[1] + 1, 2))
        found[1:, 1:] = cells.cumsum(axis=0).cumsum(axis=1)
        return found


def _rectangle(summed: Floats, a: Sequence[Item], b: Sequence[Item]) -> tuple[Floats, Floats]:
    """Votes and hits of every item of `a` with every item of `b`."""
    a_low, a_high = (np.array([getattr(item, end) for item in a], dtype=np.int64) for end in ("low", "high"))
    b_low, b_high = (np.array([getattr(item, end) for item in b], dtype=np.int64) for end in ("low", "high"))
    found = (
        summed[np.ix_(a_high, b_high)] - summed[np.ix_(a_low, b_high)]
        - summed[np.ix_(a_high, b_low)] + summed[np.ix_(a_low, b_low)]
    )  # fmt: skip
    return np.maximum(found[..., 0], 0.0), np.maximum(found[..., 1], 0.0)


def findings(
    traits: Sequence[Trait], votes: Votes, *, max_order: int, min_ratio: float, alpha: float
) -> tuple[list[Finding], int]:
    """The findings, best first, and how many tests were tried."""
    tables = Tables(traits, votes, pairs=max_order > 1)
    singles: list[Finding] = []
    parents: list[Interval] = []
    n_tests = 0
    for i, trait in enumerate(traits):
        n, hits = tables.single(i, trait.items)
        interval = _ratio(n, hits, votes)
        parents.append(interval)
        tested = _testable(n, votes)
        widened = _ratio(n, hits, votes, 1 - 0.05 / len(CUTS))
        by_values = np.array([item.direction == 0 for item in trait.items])
        n_tests += int((tested & by_values).sum()) + (trait.p is not None)
        chosen = np.where(by_values, interval.low, widened.low)
        turned = np.array([item.direction * (trait.cliffs_delta or 0.0) < 0 for item in trait.items])
        wanted = tested & ~turned & (interval.estimate >= min_ratio) & (chosen > 1)
        p = enrichment_p(hits, n, votes.hits, votes.total)
        for k in np.flatnonzero(wanted):
            bounds = interval if by_values[k] else widened
            own = float(p[k]) if by_values[k] else trait.p
            if own is not None:
                singles.append(Finding(
                    ((i, int(k)),), float(n[k]), float(hits[k]), float(interval.estimate[k]),
                    float(bounds.low[k]), float(bounds.high[k]), own,
                ))  # fmt: skip
    singles = _best_cuts(singles, traits, votes)
    doubles: list[Finding] = []
    if max_order > 1:
        for i, j in combinations(range(len(traits)), 2):
            found, tried = _pairs(tables, i, j, parents, min_ratio)
            doubles += found
            n_tests += tried
    q = q_values([f.p for f in singles + doubles], n_tests)
    kept = [replace(f, q=float(x)) for f, x in zip(singles + doubles, q, strict=True) if x <= alpha]
    kept = _best_cuts(kept, traits, votes)
    if max_order > 1:
        kept = [_refined(f, tables, parents, min_ratio) if len(f.keys) == 2 else f for f in kept]
        kept = _shadows(kept, tables, min_ratio)
    return sorted(kept, key=lambda f: (-score(f, votes), text(f, traits))), n_tests


def score(finding: Finding, votes: Votes) -> float:
    """What findings are ranked by: the least that the ratio may be, times the share of the target that it covers."""
    return finding.low * finding.hits / votes.hits


def text(finding: Finding, traits: Sequence[Trait]) -> str:
    return " & ".join(traits[i].items[k].text for i, k in finding.keys)


def _ratio(n: Floats, hits: Floats, votes: Votes, level: float = 0.95) -> Interval:
    others, other_hits = votes.total - n, votes.hits - hits
    return risk_ratio(_snapped(hits), n, _snapped(other_hits), _snapped(others), level)


def _snapped(votes: Floats) -> Floats:
    """Fractions of votes add up to a whole but for rounding: what is left of nothing is nothing."""
    return np.where(votes < 1e-6, 0.0, votes)


def _testable(n: Floats, votes: Votes) -> NDArray[np.bool_]:
    """Common enough, and so are the rows without it; whatever their target."""
    return np.asarray((n >= votes.fewest - 1e-9) & (votes.total - n >= votes.fewest - 1e-9))


def _pairs(
    tables: Tables, i: int, j: int, parents: Sequence[Interval], min_ratio: float
) -> tuple[list[Finding], int]:
    """Combinations of two columns that say more than either alone, and how many were tested."""
    votes = tables.votes
    a, b = (tables.traits[t].items for t in (i, j))
    n, hits = _rectangle(tables.summed(i, j), a, b)
    alone = [tables.single(t, items)[0] for t, items in ((i, a), (j, b))]
    able = [_testable(one, votes) & [item.coarse for item in items] for one, items in zip(alone, (a, b), strict=True)]
    coarse = np.logical_and.outer(*able)
    narrower = n < np.minimum.outer(*alone) - 1e-9
    tested = _testable(n, votes) & coarse & narrower
    interval = _ratio(n, hits, votes)
    parts = _parts(tables, ((i, a), (j, b)), parents, n.shape)
    more, within_p = _says_more(n, hits, interval, parts, votes, min_ratio)
    rows, columns = np.nonzero(tested & (interval.estimate >= min_ratio) & more)
    p = np.maximum(
        enrichment_p(hits[rows, columns], n[rows, columns], votes.hits, votes.total), within_p[rows, columns]
    )
    found = [
        Finding(
            ((i, int(r)), (j, int(c))), float(n[r, c]), float(hits[r, c]), float(interval.estimate[r, c]),
            float(interval.low[r, c]), float(interval.high[r, c]), float(p[k]),
        )
        for k, (r, c) in enumerate(zip(rows, columns, strict=True))
    ]  # fmt: skip
    return found, int(tested.sum())


def _parts(
    tables: Tables, sides: Sequence[tuple[int, Sequence[Item]]], parents: Sequence[Interval], shape: tuple[int, ...],
    chosen: Sequence[Sequence[int]] | None = None,
) -> list[tuple[Floats, Floats, Floats]]:  # fmt: skip
    """Of both parts of every combination of items: votes, hits and upper end of the ratio, in the shape of a table."""
    found = []
    for axis, (i, items) in enumerate(sides):
        high = parents[i].high if chosen is None else parents[i].high[chosen[axis]]
        along = [np.expand_dims(one, 1 - axis) for one in (*tables.single(i, items), high)]
        found.append(tuple(np.broadcast_to(one, shape) for one in along))
    return found  # type: ignore[return-value]


def _says_more(
    n: Floats, hits: Floats, interval: Interval, parts: Sequence[tuple[Floats, Floats, Floats]], votes: Votes,
    min_ratio: float, level: float = 0.95,
) -> tuple[NDArray[np.bool_], Floats]:  # fmt: skip
    """Whether a combination says more than each of its parts, and the p of that where it was asked within the part.

    The ratio of a part that holds all of the target, or nearly all, has no upper end that counts could tell, however
    much the combination stands out in it. Of such a part it is asked whether it does: against the part's other rows.
    """
    more, worst = np.ones(n.shape, dtype=np.bool_), np.zeros(n.shape)
    for part_n, part_hits, high in parts:
        clear = interval.low > high
        other_n, other_hits = _snapped(part_n - n), _snapped(np.maximum(part_hits - hits, 0.0))
        within = risk_ratio(_snapped(hits), n, np.minimum(other_hits, other_n), other_n, level)
        stands_out = (votes.hits - part_hits < _TELLING_HITS) & (within.estimate >= min_ratio) & (within.low > 1)
        p = enrichment_p(hits, n, part_hits, part_n)
        more &= clear | stands_out
        worst = np.where(clear, worst, np.maximum(worst, p))
    return more, worst


def _refined(found: Finding, tables: Tables, parents: Sequence[Interval], min_ratio: float) -> Finding:
    """A combination with its quantities cut at the best of all cuts; its interval is widened for the choice."""
    (i, a), (j, b) = found.keys
    votes, items = tables.votes, [tables.traits[t].items for t in (i, j)]
    ways = [
        [k for k, other in enumerate(mine) if k == one or (other.direction and other.direction == mine[one].direction)]
        for mine, one in zip(items, (a, b), strict=True)
    ]
    tried = len(ways[0]) * len(ways[1])
    if tried == 1:
        return found
    n, hits = _rectangle(tables.summed(i, j), [items[0][k] for k in ways[0]], [items[1][k] for k in ways[1]])
    level = 1 - 0.05 / tried
    interval = _ratio(n, hits, votes, level)
    sides = [(t, [mine[k] for k in way]) for t, mine, way in zip((i, j), items, ways, strict=True)]
    more, _ = _says_more(n, hits, interval, _parts(tables, sides, parents, n.shape, ways), votes, min_ratio, level)
    scores = np.where(_testable(n, votes) & more, interval.low * hits / votes.hits, 0.0)
    r, c = np.unravel_index(int(np.argmax(scores)), scores.shape)
    if scores[r, c] <= score(found, votes):
        return found
    return replace(
        found, keys=((i, ways[0][r]), (j, ways[1][c])), votes=float(n[r, c]), hits=float(hits[r, c]),
        ratio=float(interval.estimate[r, c]), low=float(interval.low[r, c]), high=float(interval.high[r, c]),
    )  # fmt: skip


def _best_cuts(found: Sequence[Finding], traits: Sequence[Trait], votes: Votes) -> list[Finding]:
    """Of findings that differ only in where a quantity is cut, the best."""
    best: dict[tuple[Any, ...], Finding] = {}
    for finding in found:
        kind = tuple((i, traits[i].items[k].direction or f"={k}") for i, k in finding.keys)
        if kind not in best or score(finding, votes) > score(best[kind], votes):
            best[kind] = finding
    return list(best.values())


def _shadows(found: Sequence[Finding], tables: Tables, min_ratio: float) -> list[Finding]:
    """Single patterns that another finding explains away, marked with it."""
    traits, votes = tables.traits, tables.votes
    singles = [f for f in found if len(f.keys) == 1]
    shadow: dict[tuple[Key, ...], Finding] = {}
    for child in sorted(found, key=lambda f: -score(f, votes)):
        for parent in singles:
            if parent.keys in shadow or parent.keys == child.keys:
                continue
            if len(child.keys) == 2:
                key = parent.keys[0]
                mine = [k for k in child.keys if k[0] == key[0] and _like(traits, k, key)]
                if mine and _explained(parent, child, _common(tables, child.keys, key), votes, min_ratio):
                    shadow[parent.keys] = child
            elif child.keys[0][0] != parent.keys[0][0]:
                both = _common(tables, child.keys, parent.keys[0])
                if _explained(parent, child, both, votes, min_ratio) and not _explained(
                    child, parent, both, votes, min_ratio
                ):
                    shadow[parent.keys] = child
    return [replace(f, shadowed_by=text(shadow[f.keys], traits)) if f.keys in shadow else f for f in found]


def _like(traits: Sequence[Trait], one: Key, other: Key) -> bool:
    """The same value, or cuts of one quantity in one direction."""
    a, b = traits[one[0]].items[one[1]], traits[other[0]].items[other[1]]
    return one == other or (a.direction != 0 and a.direction == b.direction)


def _common(tables: Tables, keys: tuple[Key, ...], other: Key) -> tuple[float, float]:
    """Votes and hits of the rows that fit all of `keys` and `other`."""
    ranges: dict[int, tuple[int, int]] = {}
    for i, k in (*keys, other):
        item = tables.traits[i].items[k]
        low, high = ranges.get(i, (0, tables.traits[i].size))
        ranges[i] = max(low, item.low), min(high, item.high)
    (i, a), (j, b) = sorted(ranges.items())
    n, hits = _rectangle(tables.summed(i, j), [Item("", *a)], [Item("", *b)])
    return float(n[0, 0]), float(hits[0, 0])


def _explained(
    parent: Finding, child: Finding, both: tuple[float, float], votes: Votes, min_ratio: float
) -> bool:
    """Whether nothing notable is left of `parent` within `child` and within all other rows (Mantel–Haenszel)."""
    n, hits = both
    exposed = np.array([[n, parent.votes - n], [hits, parent.hits - hits]])
    rest_n, rest_hits = votes.total - child.votes, votes.hits - child.hits
    others = np.array([
        [child.votes - n, rest_n - (parent.votes - n)], [child.hits - hits, rest_hits - (parent.hits - hits)],
    ])  # fmt: skip
    exposed, others = _snapped(exposed), _snapped(others)
    left = mantel_haenszel(exposed[1], exposed[0], others[1], others[0])
    return bool(np.isnan(left.estimate) or not left.low > 1 or left.estimate < min_ratio)
