"""Which errors draw which after them, as a flow that never turns back: links, and where their ends stand."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from onex_analytics.views.groups import name_of

Row = Mapping[str, Any]
DIRECT = 0.5
"""The share of direct traces from which on `cascades` itself takes a pair for a link of chains."""
_ROOT = 0.5


class End(NamedTuple):
    """A group of errors where links begin or end. A copy stands for one that has its place further left."""

    key: Hashable
    is_copy: bool = False


class Link(NamedTuple):
    """A pair A → B, and the row of `cascades` that tells of it."""

    source: End
    target: End
    row: Row

    @property
    def pair(self) -> tuple[End, End]:
        """Which link it is: there are no two between the same ends."""
        return self.source, self.target

    @property
    def traces(self) -> int:
        """In how many they come in this order."""
        return int(self.row["traces"])

    @property
    def is_direct(self) -> bool:
        """Whether mostly no other error comes in between."""
        return bool(self.row["share_direct"] >= DIRECT)


class Flow(NamedTuple):
    """Links without a cycle, and what is not among them."""

    links: list[Link]
    names: dict[Hashable, str]
    over_others: int  # pairs told by a path of direct ones
    left_out: list[Link]  # pairs for which there is no room

    @classmethod
    def of_cascades(cls, cascades: pl.DataFrame, most_links: int, most_ends: int) -> Flow:
        """The pairs of `cascades`, the most frequent first; a pair that would close a cycle ends at a copy."""
        rows = cascades.filter(pl.col("length") == 2).sort("traces", descending=True, maintain_order=True).to_dicts()
        names: dict[Hashable, str] = {}
        pairs = []
        for row in rows:
            first, last = row["chain"]
            ends = []
            for group in (first, last):
                key = tuple(group.items())
                names.setdefault(key, name_of(group, list(group)))
                ends.append(End(key))
            pairs.append(Link(ends[0], ends[1], row))
        direct = _targets(pair for pair in pairs if pair.is_direct)
        beyond = {source: _reached(direct, source) for source in {pair.source for pair in pairs if not pair.is_direct}}
        wanted = [pair for pair in pairs if pair.is_direct or pair.target not in beyond[pair.source]]
        links: list[Link] = []
        left_out: list[Link] = []
        ends_of: set[End] = set()
        for place, pair in enumerate(wanted):
            if len(links) == most_links:
                left_out.extend(wanted[place:])
                break
            closes = pair.source == pair.target or pair.source in _reached(_targets(links), pair.target)
            link = pair._replace(target=pair.target._replace(is_copy=True)) if closes else pair
            with_it = ends_of | {link.source, link.target}
            if len(with_it) > most_ends:
                left_out.append(pair)
            else:
                links.append(link)
                ends_of = with_it
        return cls(links, names, len(pairs) - len(wanted), left_out)

    def layers(self) -> dict[End, int]:
        """How many links lie before each end, on the longest way to it."""
        sources = _targets(Link(link.target, link.source, link.row) for link in self.links)
        found: dict[End, int] = {}

        def layer(end: End) -> int:
            if end not in found:
                found[end] = max((layer(source) + 1 for source in sources.get(end, ())), default=0)
            return found[end]

        for link in self.links:
            layer(link.target)
        return found

    def order(self) -> list[End]:
        """The ends from the top: each below the one from which its strongest link comes."""
        came_from: dict[End, End] = {}
        for link in self.links:
            came_from.setdefault(link.target, link.source)
        below: dict[End, list[End]] = {}
        for target, source in came_from.items():
            below.setdefault(source, []).append(target)
        heads = dict.fromkeys(link.source for link in self.links if link.source not in came_from)
        found: list[End] = []
        waiting = [*reversed(heads)]
        while waiting:
            end = waiting.pop()
            found.append(end)
            waiting.extend(reversed(below.get(end, [])))
        return found

    def roots(self) -> list[End]:
        """Ends before which mostly nothing went wrong, as the strongest link from them tells."""
        strongest: dict[End, Row] = {}
        for link in self.links:
            strongest.setdefault(link.source, link.row)
        return [end for end, row in strongest.items() if row["share_root"] >= _ROOT]

    def called(self, end: End) -> str:
        """What an end is called."""
        return "↺ " * end.is_copy + self.names[end.key]


def _targets(links: Iterable[Link]) -> dict[End, list[End]]:
    found: dict[End, list[End]] = {}
    for link in links:
        found.setdefault(link.source, []).append(link.target)
    return found


def _reached(targets: Mapping[End, Sequence[End]], start: End) -> set[End]:
    """All that can be come to by one link or more."""
    found: set[End] = set()
    waiting = [start]
    while waiting:
        for end in targets.get(waiting.pop(), ()):
            if end not in found:
                found.add(end)
                waiting.append(end)
    return found
