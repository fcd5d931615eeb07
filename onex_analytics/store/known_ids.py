"""Which event ids may be stored already: exact in the end, in bounded memory.

The 64-bit hashes (xxh64) of all stored ids are held as sorted runs: 8 bytes an event in memory up to
`MEMORY_HASHES`, beyond that in sorted files that are mapped, not read. A hash that is not there proves that an id is
new; one that is there makes the id a suspect, and suspects are compared by their text.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onex_analytics.store.failures import translated

Hashes = NDArray[np.uint64]

MEMORY_HASHES = 1 << 25
"""Hashes kept in memory (256 MB); older runs move to disk."""


class KnownIds:
    """A growing set of 64-bit hashes.

    >>> import numpy as np
    >>> known = KnownIds()
    >>> known.add(np.array([3, 1, 2], np.uint64))
    >>> known.contains(np.array([2, 9], np.uint64)).tolist()
    [True, False]
    """

    def __init__(self, *, memory_hashes: int = MEMORY_HASHES) -> None:
        self._runs: list[Hashes] = []
        self._on_disk: list[Hashes] = []
        self._memory_hashes = memory_hashes
        self._folder: Path | None = None

    def __len__(self) -> int:
        return sum(run.size for run in (*self._runs, *self._on_disk))

    def add(self, hashes: Hashes) -> None:
        """Take in hashes, in any order."""
        if not hashes.size:
            return
        run = np.sort(hashes)
        # runs of similar size are merged, so that their number grows with the logarithm of their sum
        most = self._memory_hashes
        while self._runs and self._runs[-1].size < 2 * run.size and run.size + self._runs[-1].size <= most:
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)
        while sum(r.size for r in self._runs) > self._memory_hashes:
            self._spill(self._runs.pop(0))

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """True where a hash was taken in before. Sorted input is searched fastest."""
        found = np.zeros(hashes.size, np.bool_)
        for run in (*self._runs, *self._on_disk):
            at = np.searchsorted(run, hashes)
            at[at == run.size] = 0
            found |= run[at] == hashes
        return found

    def _spill(self, run: Hashes) -> None:
        folder = Path(tempfile.gettempdir())
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="onex-known-ids-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            folder = self._folder
            path = folder / f"{len(self._on_disk)}.u64"
            run.tofile(path)
        except OSError as problem:
            raise translated(str(folder), problem) from problem
        self._on_disk.append(np.memmap(path, np.uint64, mode="r"))
