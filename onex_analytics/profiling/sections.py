"""The critical path: which span the root was waiting for, at every moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names
from onex_analytics.frames.quantiles import Share, exact_share
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import ROOTS, Trees, over_trees
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.walks import walk_back

Touching = Literal["inclusive", "strict"]
TOUCHING: tuple[Touching, ...] = ("inclusive", "strict")

_MOST_PARTS = 10**9
_SHAPE = pl.Schema({
    "trace_id": pl.String(),
    "root_span_id": pl.String(),
    "root_name": pl.String(),
    "root": pl.String(),
    "span_id": pl.String(),
    "name": pl.String(),
    "depth": pl.Int32(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "duration_ms": pl.Float64(),
    "ambiguous": pl.Boolean(),
})


@dataclass(frozen=True, slots=True)
class Sections:
    """Sections of critical paths as arrays: tree after tree, by time within a tree."""

    place: NDArray[np.int32]  # of the span in `Trees`
    start: NDArray[np.int64]  # microseconds since 1970
    end: NDArray[np.int64]
    ambiguous: NDArray[np.bool_]

    def microseconds(self, places: int) -> NDArray[np.int64]:
        """For each of the `places` of the trees: its time on the critical path."""
        total = np.zeros(places, np.int64)
        np.add.at(total, self.place, self.end - self.start)
        return total


def critical_path(
    spans: pl.LazyFrame | pl.DataFrame,
    touching: Touching = "inclusive",
    overlap_tolerance: Share = 0.0,
    *,
    keep: str | Iterable[str] = (),
) -> pl.LazyFrame:
    """The critical path of each tree of spans, as sections that tile its root exactly.

    Walked back from the end. `walk(s, lo, hi)`: t = hi; over the children of s, clipped to [lo, hi], latest end first,
    then latest start: if the child ended before t, then s has [its end, t], the child is walked from its start to its
    end, and t becomes its start; last, s has [lo, t]. A child without a share in [lo, hi], which one without a
    duration never has, falls away with all below it. What a consumer does is not followed from its producer.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        touching: whether a child that ends at the very moment t ended before it. "inclusive": yes, so that siblings
            back to back are both on the path. "strict": no, as in Jaeger, wherever t is the start of a later sibling
            (the child that ends with its parent, or outlives it, is on the path in both).
        overlap_tolerance: a child that ends after t by less than this share of its parent's duration counts as before,
            and is walked up to t (CRISP: 0.01, against clocks that are a little off); 0 to 1, read as it is written
            to nine digits. Above zero, touching is an overlap of nothing and always counts as before.
        keep: further columns of the span to carry along, such as "node".

    Returns:
        One row a section, tree after tree in order of their roots' start (then of ids), by time within a tree:
        `trace_id`, `root_span_id`, `root_name`,
        `root` (a word of `ROOTS`: root, orphan or fragment; each is a tree of its own),
        `span_id`, `name`, `depth` (0 for the root), `start`, `end` (exact microseconds, [start, end)),
        `duration_ms` (end − start), `ambiguous` (just before this section's end another child of the same parent was
        running too and was not chosen, so that it might have been the cause: spans cannot encode joins), and the
        columns of `keep`. No section is empty, but a root without a duration has one of length zero. The spans
        that were left out, such as open ones, have no row: `tree_states` counts them, `self_time` names them.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of `keep`, is absent.
        InvalidOption: an unknown word for `touching`, or a tolerance outside 0 to 1.

    Sources: Jaeger UI's critical path; CRISP (Zhang et al., USENIX ATC 2022).

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "render"], "start": [at[0], at[1], at[5]], "end": [at[10], at[5], at[9]],
    ... })
    >>> critical_path(spans).select("name", "duration_ms").collect().rows()
    [('page', 1000.0), ('query', 4000.0), ('render', 4000.0), ('page', 1000.0)]
    """
    policy = Policy.of(touching, overlap_tolerance)
    kept = [name for name in names(keep) if name not in _SHAPE]
    found = complete_spans(spans).collect_schema()
    shape = pl.Schema({**_SHAPE, **{name: found[name] for name in kept if name in found}})
    return over_trees(spans, lambda frame, trees: _rows(frame, trees, policy.walk(trees), kept), shape, keep=kept)


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as before, when a critical path is walked back."""

    inclusive: bool
    tolerance: Fraction

    @classmethod
    def of(cls, touching: Touching, overlap_tolerance: Share) -> Policy:
        """The policy of these words, or `InvalidOption`."""
        if touching not in TOUCHING:
            raise InvalidOption("touching", touching, " or ".join(TOUCHING))
        try:
            share = exact_share(overlap_tolerance)
        except InvalidOption:
            raise InvalidOption("overlap_tolerance", overlap_tolerance, "a share from 0 to 1, such as 0.01") from None
        return cls(touching == "inclusive", share.limit_denominator(_MOST_PARTS))

    def walk(self, trees: Trees) -> Sections:
        """The critical paths of all trees."""
        tolerance, of = self.tolerance.as_integer_ratio()
        return Sections(
            *walk_back(
                trees.first_child, trees.children, trees.depth, trees.start, trees.end, trees.followed, trees.roots,
                self.inclusive, tolerance, of,
            )
        )  # fmt: skip


def _rows(frame: pl.DataFrame, trees: Trees, sections: Sections, kept: list[str]) -> pl.DataFrame:
    tree = trees.tree[sections.place]
    root_row = pl.Series(trees.rows[trees.roots][tree])
    row = pl.Series(trees.rows[sections.place])
    kind = pl.Series(list(ROOTS)).gather(pl.Series(trees.root_kind[tree]))
    return pl.DataFrame([
        frame["trace_id"].gather(root_row),
        frame["span_id"].gather(root_row).alias("root_span_id"),
        frame["name"].gather(root_row).alias("root_name"),
        kind.alias("root"),
        frame["span_id"].gather(row),
        frame["name"].gather(row),
        pl.Series("depth", trees.depth[sections.place]),
        time(sections.start, "start"),
        time(sections.end, "end"),
        pl.Series("duration_ms", (sections.end - sections.start) / 1000),
        pl.Series("ambiguous", sections.ambiguous),
        *(frame[name].gather(row) for name in kept),
    ])


def time(microseconds: NDArray[np.int64], name: str) -> pl.Series:
    """A column of times from microseconds since 1970."""
    return pl.Series(name, microseconds).cast(UTC_MICROSECONDS)
