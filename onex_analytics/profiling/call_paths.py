"""Call paths: the names from a root down to a span, each way numbered once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.frames.trees import Trees
from onex_analytics.profiling.path_kernels import codes_along, number_paths, preorder, with_all_below


@dataclass(frozen=True, slots=True)
class CallPaths:
    """Paths by number; parents have smaller numbers than those that go on from them."""

    of_place: NDArray[np.int32]  # one a place of the trees (or whatever was numbered)
    parent: NDArray[np.int32]  # one a path, as those below: −1 for the path of a root
    code: NDArray[np.int32]  # of its last name
    depth: NDArray[np.int32]
    names: pl.Series  # by code

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum of the places' values, one a path."""
        total = np.zeros(self.parent.size, np.int64)
        np.add.at(total, self.of_place, values)
        return total

    def with_all_below(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of each path and all paths that go on from it."""
        below: NDArray[np.int64] = with_all_below(self.parent, own)
        return below

    def shown(self, weight: NDArray[np.int64]) -> NDArray[np.int32]:
        """Where each path is shown: before all that go on from it, heavy siblings first, then by name."""
        places: NDArray[np.int32] = preorder(self.parent, np.lexsort((self.code, -weight, self.depth)))
        return places

    def texts(self, which: NDArray[np.int64]) -> pl.Series:
        """The names of some paths from their roots. Of more than 64 levels those in the middle are only counted."""
        offset, along = codes_along(self.parent, self.code, self.depth, which)
        passed = np.unique(along[along < 0])  # rising: the longest first
        words = pl.concat([self.names, pl.Series([f"… {-1 - n:,} levels …" for n in passed.tolist()], dtype=pl.String)])
        at = np.where(along < 0, len(self.names) + np.searchsorted(passed, along), along)
        lists = pa.LargeListArray.from_arrays(offset, words.gather(pl.Series(at)).to_arrow())
        return pl.Series("path", lists, dtype=pl.List(pl.String))


def coded(texts: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """A number for each text, rising with the texts (null is the last), and the texts by number."""
    column = texts.cast(pl.String).alias("text").to_frame().lazy()
    words = column.unique().sort("text", nulls_last=True).collect()
    codes = column.join(
        words.lazy().with_row_index("code"), on="text", how="left", nulls_equal=True, maintain_order="left"
    ).select(pl.col("code").cast(pl.Int32))
    return codes.collect()["code"].to_numpy(), words["text"]


def call_paths(trees: Trees, codes: NDArray[np.int32], names: pl.Series) -> CallPaths:
    """The call paths of all trees; `codes` has one number a row of the frame."""
    of_place, parent, code, depth = number_paths(trees.parent, codes[trees.rows])
    return CallPaths(of_place, parent, code, depth, names)
