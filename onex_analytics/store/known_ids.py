"""Which event ids may be stored already: exact in the end, in bounded memory.

The 64-bit hashes (xxh64) of all stored ids are held in one table, 11 to 22 bytes an event, in memory up to
`MEMORY_HASHES`; beyond that they move to sorted files that are mapped, not read. A hash that is not there proves that
an id is new; one that is there makes the id a suspect, and suspects are compared by their text.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onex_analytics.store.failures import translated
from onex_analytics.store.hash_table import Hashes, find, insert

MEMORY_HASHES = 3 << 23
"""Hashes kept in memory (in a table of 256 MB); they move to disk where there are more."""
_SMALLEST = 1 << 10
_FULLEST = 0.75
"""Share of a table's places that may be taken: beyond it a search passes ever more of them."""


class KnownIds:
    """A growing set of 64-bit hashes.

    >>> import numpy as np
    >>> known = KnownIds()
    >>> known.add(np.array([3, 1, 2], np.uint64))
    >>> known.contains(np.array([2, 9], np.uint64)).tolist()
    [True, False]
    """

    def __init__(self, *, memory_hashes: int = MEMORY_HASHES) -> None:
        self._table: Hashes = np.zeros(_SMALLEST, np.uint64)
        self._held = 0
        self._has_zero = False
        self._on_disk: list[Hashes] = []
        self._memory_hashes = memory_hashes
        self._folder: Path | None = None

    def add(self, hashes: Hashes) -> None:
        """Take in hashes, in any order."""
        if not hashes.size:
            return
        self._has_zero |= bool((hashes == 0).any())
        if self._held and self._held + hashes.size > self._memory_hashes:
            self._spill()
        self._make_room(self._held + hashes.size)
        self._held += int(insert(self._table, hashes))
        if self._held > self._memory_hashes:
            self._spill()

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """True where a hash was taken in before."""
        found: NDArray[np.bool_] = (hashes == 0) & self._has_zero
        find(self._table, hashes, found)
        if self._on_disk:
            order = np.argsort(hashes)  # what is searched in order touches each page once
            ordered = hashes[order]
            for run in self._on_disk:
                at = np.searchsorted(run, ordered)
                at[at == run.size] = 0
                found[order] |= run[at] == ordered
        return found

    def _make_room(self, wanted: int) -> None:
        size = self._table.size
        while wanted > _FULLEST * size:
            size *= 2
        if size > self._table.size:
            smaller, self._table = self._table, np.zeros(size, np.uint64)
            insert(self._table, smaller)

    def _spill(self) -> None:
        folder = Path(tempfile.gettempdir())
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="onex-known-ids-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            folder = self._folder
            path = folder / f"{len(self._on_disk)}.u64"
            np.sort(self._table[self._table != 0]).tofile(path)
        except OSError as problem:
            raise translated(str(folder), problem) from problem
        self._on_disk.append(np.memmap(path, np.uint64, mode="r"))
        self._table[:] = 0
        self._held = 0
