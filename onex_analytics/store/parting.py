"""Events parted from what is stored, while the units before them are still on their way to the disk.

A unit is parted against the table as it was read last and against the units before it, which wait for their commit.
That holds as long as each of these is committed as it was parted. Where one is not (another process committed first),
it and all that were parted behind it are parted once more, each when its turn to be committed comes; and nothing is
parted ahead of a unit whose events are not settled.
"""

from __future__ import annotations

from threading import Condition
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.store.duplicates import CONTENT, Parted, part_duplicates
from onex_analytics.store.hash_table import Hashes
from onex_analytics.store.known_ids import KnownIds
from onex_analytics.store.storage import Table
from onex_analytics.store.stored_keys import EVENT_KEY, StoredKeys, stored_events


class Stopped(Exception):
    """A unit before this one could not be committed, or the append ends: this one is not taken on."""


class _Waiting(NamedTuple):
    """New events of a unit that is not committed yet."""

    fresh: pl.DataFrame
    hashes: Hashes
    ids: KnownIds


class Parting:
    """What is stored and what waits, by the ids of its events. Units are numbered in their order, from 0.

    `epoch` changes when what was parted ahead does not hold any more.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.ids = StoredKeys(table, EVENT_KEY)
        self.epoch = 0
        self._committed = 0
        self._waiting: dict[int, _Waiting] = {}
        self._turn = Condition()
        self._stopped = False

    def start(self) -> None:
        """Number the units from 0 again, those of a next source; nothing is underway."""
        with self._turn:
            self._committed, self._stopped = 0, False
            self._waiting.clear()

    def part(self, events: pl.DataFrame) -> Parted:
        """Part events from those that are stored, and that alone: for the unit whose turn has come."""
        self.ids.learn()
        return part_duplicates(events, self.ids, lambda rows: stored_events(self.table, rows, CONTENT))

    def part_ahead(self, number: int, events: pl.DataFrame) -> tuple[Parted, int]:
        """Part the events of a unit from those that are stored and from those of the units before it; and the epoch for
        which this holds.

        Raises:
            Stopped: see `stop`.
        """
        with self._turn:
            self._turn.wait_for(lambda: self._stopped or self._all_wait_before(number))
            self._refuse_stopped()
            epoch, before = self.epoch, [self._waiting[n] for n in range(self._committed, number)]
        self.ids.learn()
        parted = part_duplicates(events, _Known(before, self.ids), lambda rows: self._found(rows, before))
        ids = KnownIds()
        ids.add(parted.hashes)
        with self._turn:
            if epoch == self.epoch:
                self._waiting[number] = _Waiting(parted.fresh, parted.hashes, ids)
        return parted, epoch

    def begin_anew(self) -> None:
        """The unit whose turn it is will not be committed as it was parted ahead."""
        with self._turn:
            self.epoch += 1
            self._waiting.clear()

    def took(self, path: str, hashes: Hashes) -> None:
        """Events stand in the log now, in this file."""
        self.ids.took(path, hashes)

    def settled(self, number: int) -> None:
        """All events of a unit are stored."""
        with self._turn:  # only now: whoever looks at what waits first, and then at `ids`, misses nothing
            self._committed = number + 1
            self._waiting.pop(number, None)
            self._turn.notify_all()

    def stop(self) -> None:
        """Take on no unit that is not being committed already."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def refuse_stopped(self) -> None:
        """Raise `Stopped` after `stop`."""
        with self._turn:
            self._refuse_stopped()

    def _all_wait_before(self, number: int) -> bool:
        return all(n in self._waiting for n in range(self._committed, number))

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise Stopped

    def _found(self, suspects: pl.DataFrame, before: list[_Waiting]) -> pl.DataFrame:
        asked = KnownIds()
        asked.add(self.ids.hashes(suspects))
        found = [w.fresh.select(CONTENT)[np.flatnonzero(asked.contains(w.hashes))] for w in before]
        # hashes can collide: from here on ids are compared by their text
        waiting = pl.concat([suspects.clear().select("event_id"), *(rows.select("event_id") for rows in found)])
        ids = suspects["event_id"].implode()
        # what waits is not looked for in the files: not found where its time says, it would be sought in all of them
        rest = suspects.join(waiting, on="event_id", how="anti")
        told = [rows.filter(pl.col("event_id").is_in(ids)) for rows in found]
        return pl.concat([*told, stored_events(self.table, rest, CONTENT)] if rest.height or not told else told)


class _Known(NamedTuple):
    """Hashes of ids that wait or are stored."""

    waiting: list[_Waiting]
    stored: StoredKeys

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        found = np.zeros(hashes.size, np.bool_)
        for unit in self.waiting:
            found |= unit.ids.contains(hashes)
        return found | self.stored.contains(hashes)
