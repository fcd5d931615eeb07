"""Events parted from what is stored, while the units before them are still on their way to the disk.

A unit is parted against the table as it was read last and against the units that wait for their commit. That holds as
long as nobody else commits; whoever commits a unit asks `is_true` first, and parts again where it is not.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.store.duplicates import CONTENT, Parted, part_duplicates
from onex_analytics.store.hash_table import Hashes
from onex_analytics.store.known_ids import KnownIds
from onex_analytics.store.storage import Table
from onex_analytics.store.stored_keys import EVENT_KEY, StoredKeys, stored_events


class _Waiting(NamedTuple):
    """New events of a unit that is not committed yet."""

    fresh: pl.DataFrame
    ids: KnownIds


class Parting:
    """What is stored and what waits, by the ids of its events."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.ids = StoredKeys(table, EVENT_KEY)
        self._waiting: deque[_Waiting] = deque()

    def part(self, events: pl.DataFrame, *, waits: bool = False) -> Parted:
        """Part events from those that are stored.

        Args:
            waits: the events follow the units that wait, and wait then themselves, until `committed` is told;
                otherwise they are the next to be committed, and what waits comes behind them.
        """
        self.ids.learn()
        before = list(self._waiting) if waits else []
        parted = part_duplicates(events, _Known(before, self.ids), lambda rows: self._stored(rows, before))
        if waits:
            ids = KnownIds()
            ids.add(parted.hashes)
            self._waiting.append(_Waiting(parted.fresh, ids))
        return parted

    def committed(self, path: str | None, parted: Parted) -> None:
        """The first unit that waits, or events that never waited, stand in the log now, in the file `path` if any."""
        if path is not None:
            self.ids.took(path, parted.hashes)
        if self._waiting:  # only now: whoever looks here first and then at `ids` misses nothing
            self._waiting.popleft()

    def _stored(self, suspects: pl.DataFrame, before: list[_Waiting]) -> pl.DataFrame:
        asked = pl.col("event_id").is_in(suspects["event_id"].implode())
        found = [waiting.fresh.select(CONTENT).filter(asked) for waiting in before]
        # what waits is not looked for in the files: not found where its time says, it would be sought in all of them
        rest = suspects.join(pl.concat(found), on="event_id", how="anti") if found else suspects
        return pl.concat([*found, stored_events(self.table, rest, CONTENT)]) if rest.height else pl.concat(found)


class _Known(NamedTuple):
    """Hashes of ids that wait or are stored."""

    waiting: list[_Waiting]
    stored: StoredKeys

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        found = np.zeros(hashes.size, np.bool_)
        for unit in self.waiting:
            found |= unit.ids.contains(hashes)
        return found | self.stored.contains(hashes)
