"""Operations by number: each label set, node and correlation id once, kept only while it is in use."""

from __future__ import annotations

import os

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.alerting.cells.label_sets import LabelSets
from onex_analytics.alerting.cells.operation_kernels import number_operations, place_operations
from onex_analytics.alerting.cells.runs import Int32, Int64
from onex_analytics.alerting.cells.windows import grown

NONE = -1
"""The number of an event without a correlation id, which stands for itself."""


class OperationNumbers:
    """The operations seen so far, numbered as they come.

    Which number an operation has depends on the order of arrival: they are for arrays only, and never told.
    """

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.many = 0
        self._seed = np.uint64(int.from_bytes(os.urandom(8), "little"))  # so that nobody can choose ids that collide
        self._nodes = LabelSets(("node",))
        self._slots = np.full(1024, NONE, np.int32)
        self._hashes, self._keys = np.zeros(512, np.uint64), np.zeros(512, np.int32)
        self._node_of, self._bounds = np.zeros(512, np.int32), np.zeros(513, np.int64)
        self._texts = np.zeros(2**14, np.uint8)

    def of(self, keys: Int32, nodes: pl.Series, correlation_ids: pl.Series) -> Int32:
        """The number of each row's operation."""
        found = np.full(len(keys), NONE, np.int32)
        here = correlation_ids.is_not_null().to_numpy()
        if not here.all():
            keys, nodes, correlation_ids = keys[here], nodes.filter(here), correlation_ids.filter(here)
        if len(keys):
            found[here] = self._of(np.array(keys, np.int32), self._node_numbers(nodes), correlation_ids)
        return found

    def _node_numbers(self, nodes: pl.Series) -> Int32:
        """No node is another one than a node without a name."""
        found = 2 * self._nodes.of(pl.DataFrame({"node": nodes}))
        return found + nodes.is_null().to_numpy().astype(np.int32) if nodes.null_count() else found

    def _of(self, keys: Int32, nodes: Int32, correlation_ids: pl.Series) -> Int32:
        bounds, text = _bytes(correlation_ids)
        found = np.empty(len(keys), np.int32)
        done = 0
        while True:
            done, self.many = number_operations(
                keys, nodes, bounds, text, done, self.many, self._seed, self._slots, self._hashes, self._keys,
                self._node_of, self._bounds, self._texts, found,
            )  # fmt: skip
            if done == len(keys):
                return found
            self._grow(int(bounds[done + 1] - bounds[done]))

    def _grow(self, more: int) -> None:
        if 2 * self.many >= len(self._slots):
            self._slots = np.full(4 * len(self._slots), NONE, np.int32)
            place_operations(self._hashes, self.many, self._slots)
        if self.many >= len(self._hashes):
            rows = self.many + 1
            self._hashes, self._keys = grown(self._hashes, rows), grown(self._keys, rows)
            self._node_of, self._bounds = grown(self._node_of, rows), grown(self._bounds, 2 * rows + 1)
        self._texts = grown(self._texts, int(self._bounds[self.many]) + more)

    def keep(self, wanted: Int64) -> Int32:
        """Forget all operations but these, in this order; gives the new number of each old one."""
        held, renamed = self.frame()[wanted], np.full(self.many, NONE, np.int32)
        renamed[wanted] = np.arange(len(wanted), dtype=np.int32)
        self.restore(held)
        return renamed

    def frame(self) -> pl.DataFrame:
        """The operations in the order of their numbers."""
        many, numbers = self.many, self._node_of[: self.many]
        names = pl.Series("node", [texts[0] for texts in self._nodes.texts], pl.String).gather(numbers // 2)
        nodes = pl.DataFrame({"node": names}).select(
            pl.when(pl.Series(numbers % 2 == 0)).then(pl.col("node")).alias("node")
        )
        ids = pa.LargeStringArray.from_buffers(
            many, pa.py_buffer(self._bounds[: many + 1].copy()), pa.py_buffer(self._texts[: self._bounds[many]].copy())
        )
        keys = pl.Series("key", self._keys[:many].copy(), pl.Int32)
        return pl.DataFrame([keys, nodes["node"], pl.Series("correlation_id", ids if many else [], pl.String)])

    def restore(self, frame: pl.DataFrame) -> None:
        """Have these operations, numbered in this order, and no others."""
        self._begin_anew()
        self.of(frame["key"].to_numpy(), frame["node"], frame["correlation_id"])


def _bytes(texts: pl.Series) -> tuple[Int64, NDArray[np.uint8]]:
    """Texts one after the other, and where each begins."""
    held = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, bounds, data = held.buffers()
    begins = np.frombuffer(bounds, np.int64)[held.offset :][: len(held) + 1]
    return begins, np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
