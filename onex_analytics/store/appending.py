"""Units on their way into a store: read on two threads, repaired, then parted from what is there, written, committed.

While a unit is repaired in one thread, the one before is parted in another, the one before that is written in a third,
and one more is committed in a fourth; each takes the units in their order. What is written is nothing yet: only the
commit says which file belongs to the table, and a file that was written for naught is swept.

Rows rest in the order in which they came; `compact` sorts them by time. (Sorting each unit cost a tenth of an append.)

The order of commits makes a kill harmless at any place: first the events of a unit, then its rejected lines, each under
the unit's own transaction. A unit is skipped only if both stand in the log; running the same append again does what is
missing: events that are there already are known by their ids, rejected lines by their place and their bytes.
"""

from __future__ import annotations

import gc
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from deltalake.transaction import AddAction

from onex_analytics.model.shapes import EVENTS
from onex_analytics.sources.block import Rejection, Rejections
from onex_analytics.sources.canonical import Batch, Gate
from onex_analytics.sources.clocks import repair_clocks
from onex_analytics.sources.layout import Dimension, parse_dimensions
from onex_analytics.sources.lifting import lift
from onex_analytics.sources.units import Unit
from onex_analytics.store.ahead import one_ahead
from onex_analytics.store.duplicates import Parted
from onex_analytics.store.failures import retry_lost
from onex_analytics.store.parting import Parting
from onex_analytics.store.report import Tally
from onex_analytics.store.storage import Table
from onex_analytics.store.stored_keys import PLACE_KEY, StoredKeys, not_kept_yet

READERS = 2
UNDERWAY = 3
"""Units that are being parted, written or committed at once."""
CLOCKS = "clocks"
"""Name under which the log keeps the last clock offset of each producer."""
_CLOCKS_WITHIN = 50
"""Commits that are looked through for it."""


class _Ready(NamedTuple):
    """A unit that waits for its commit: its events with their clocks repaired, its rejected lines, and the last clock
    offset of each producer so far."""

    unit: Unit
    events: pl.DataFrame
    rejected: list[pl.DataFrame]
    offsets_ms: Mapping[str, int]

    def reasons(self) -> Counter[str]:
        counted = Counter(rejection.reason for rejection in self.unit.rejected)
        for rows in self.rejected:
            counted.update(rows["reason"].to_list())
        return counted


class _Seen(NamedTuple):
    learned: int
    dimensions: Mapping[str, str]
    epoch: int


class _Judged(NamedTuple):
    """Events with all dimensions, parted by what had been seen of the table."""

    parted: Parted
    events: pl.DataFrame
    seen: _Seen


class _Written(NamedTuple):
    """Events parted, and the file that holds what is new of them; no file where nothing is."""

    judged: _Judged
    action: AddAction | None


class Appender:
    """One append in progress."""

    def __init__(self, events: Table, rejected: Table, gate: Gate, *, repair_clocks: bool = True) -> None:
        self.events, self.rejected, self.gate, self.repairs = events, rejected, gate, repair_clocks
        self.parting, self.places = Parting(events), StoredKeys(rejected, PLACE_KEY)
        self._log: dict[str, dict[str, Any]] | None = None
        self._offsets = self._last_offsets()
        self._staged: tuple[Parted, AddAction] | None = None

    def run(self, units: Iterable[Unit], on_unit: Callable[[Unit, Tally], None]) -> Tally:
        """Append all units; `on_unit` is told of each one that is done."""
        total = Tally()
        gc.freeze()  # what stands now is not looked through again and again while frames come and go
        try:
            with (
                ThreadPoolExecutor(READERS, thread_name_prefix="onex-reader") as readers,
                ThreadPoolExecutor(1, thread_name_prefix="onex-parter") as parter,
                ThreadPoolExecutor(1, thread_name_prefix="onex-writer") as writer,
                ThreadPoolExecutor(1, thread_name_prefix="onex-committer") as committer,
            ):
                for unit, tally in self._settled(self._read_ahead(units, readers), parter, writer, committer):
                    total.add(tally)
                    on_unit(unit, tally)
        finally:
            gc.unfreeze()
            self.sweep()
        return total

    def _settled(
        self, units: Iterable[tuple[Unit, list[Future[Batch]] | None]], parter: Executor, writer: Executor,
        committer: Executor,
    ) -> Iterator[tuple[Unit, Tally]]:  # fmt: skip
        """Units and what became of them, in their order."""
        underway: deque[tuple[Unit, Future[Tally]]] = deque()
        numbers = itertools.count()
        self.parting.start()
        try:
            for unit, batches in units:
                ready = None if batches is None else self._ready(unit, [batch.result() for batch in batches])
                while underway and (ready is None or len(underway) == UNDERWAY):
                    before, tally = underway.popleft()
                    yield before, tally.result()
                if ready is None:
                    yield unit, self._skip(unit)
                else:
                    number = next(numbers)
                    parting = parter.submit(self._part, ready.events, number)
                    writing = writer.submit(self._write, parting)
                    underway.append((unit, committer.submit(self._store, ready, number, writing)))
                    del ready, batches, parting, writing
            while underway:
                before, tally = underway.popleft()
                yield before, tally.result()
        finally:
            self.parting.stop()
            for _, tally in reversed(underway):
                tally.cancel()

    def sweep(self) -> None:
        """Take away what was written and not committed."""
        self.events.sweep()
        self.rejected.sweep()

    def _read_ahead(
        self, units: Iterable[Unit], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[Unit, list[Future[Batch]] | None]]:
        """Units with their blocks being read, one ahead of what is being stored; a next one's bytes are read too."""
        ahead: deque[tuple[Unit, list[Future[Batch]] | None]] = deque()
        try:
            for unit in one_ahead(units):
                done = self._is_stored(unit)
                ahead.append((unit, None if done else [pool.submit(self.gate.read, block) for block in unit.blocks]))
                if len(ahead) > 1:
                    yield ahead.popleft()
            while ahead:
                yield ahead.popleft()
        finally:
            for _, futures in ahead:
                for future in futures or ():
                    future.cancel()

    # ------------------------------------------------------------------ one unit

    def _ready(self, unit: Unit, batches: list[Batch]) -> _Ready:
        events = self.events_of(batches)
        return _Ready(unit, events, [batch.rejected for batch in batches], self._offsets)

    def _write(self, parting: Future[_Judged]) -> _Written:
        """Write what is new of a unit, before its turn to be committed comes."""
        judged = parting.result()
        self.parting.refuse_stopped()
        return _Written(judged, self._file_of(judged.parted))

    def _store(self, ready: _Ready, number: int, writing: Future[_Written]) -> Tally:
        self.parting.refuse_stopped()
        unit = ready.unit
        try:
            judged, action = writing.result()
            self._staged = (judged.parted, action) if action else None
            tally, conflicts = retry_lost(self.events.uri, lambda: self._commit(ready, judged))
            self.parting.settled(number)
            if tally.reasons:
                rejected = [*ready.rejected, Rejections([*unit.rejected, *conflicts]).frame(self.gate.ingested_at)]
                retry_lost(self.rejected.uri, lambda: self._keep_rejected(unit, pl.concat(rejected)))
        except BaseException:
            self.parting.stop()  # the units behind were parted from events that are not stored
            raise
        return tally

    def events_of(self, batches: list[Batch]) -> pl.DataFrame:
        """The events of some blocks, with the number of their lines, their clocks repaired."""
        if not batches:
            return self.gate.no_events().with_columns(source_line=pl.lit(None, dtype=pl.Int64))
        dimensions = self.gate.dimensions
        events = pl.concat([_lifted(b.events.with_columns(source_line=b.lines), dimensions) for b in batches])
        if self.repairs:
            events, self._offsets = repair_clocks(events, self._offsets)
        return events

    def _commit(self, ready: _Ready, judged: _Judged) -> tuple[Tally, list[Rejection]]:
        unit = ready.unit
        if judged.seen != self._seen():
            self.parting.begin_anew()
            judged = self._part(ready.events)
        parted, events = judged.parted, judged.events
        tally = Tally(
            read=len(unit), stored=parted.fresh.height, duplicate=parted.duplicates, reasons=ready.reasons(),
            size_bytes=unit.size_bytes, units=1,
        )  # fmt: skip
        if parted.conflicts:
            tally.reasons["conflict"] += len(parted.conflicts)
        _count_repairs(parted.fresh, tally)
        key = self._key(unit)
        if not self.events.holds(key):
            said = {"unit": key, "source": unit.source, **tally.as_metadata(), CLOCKS: ready.offsets_ms}
            self.store_fresh(parted, key, said)
            if self._log is not None:
                self._log[key] = said
        return tally, _conflicts(unit, events, parted.conflicts)

    def _seen(self) -> _Seen:
        """What is known of the table and was not brought about by the units in their order: what others have committed,
        and the epoch of what is parted ahead."""
        return _Seen(self.parting.ids.learn(), self.events.described().get("dimensions") or {}, self.parting.epoch)

    def part(self, events: pl.DataFrame) -> tuple[Parted, pl.DataFrame]:
        """Part events from those that are stored, as the table is now; and the events with all its dimensions."""
        judged = self._part(events)
        return judged.parted, judged.events

    def _part(self, events: pl.DataFrame, ahead: int | None = None) -> _Judged:
        """Part the events of the unit whose turn has come, or of one that is so many units behind the first."""
        seen = self._seen()
        events = _lifted(events, self._dimensions(seen.dimensions))
        if ahead is None:
            return _Judged(self.parting.part(events), events, seen)
        parted, epoch = self.parting.part_ahead(ahead, events)
        return _Judged(parted, events, seen._replace(epoch=epoch))

    def store_fresh(self, parted: Parted, key: str | None, metadata: Mapping[str, Any]) -> None:
        """Write and commit what is new; a file written for a race that was lost is used again where it still fits.

        Raises:
            Lost: another writer committed first.
        """
        action = None
        if parted.fresh.height:
            action = self._staged[1] if self._staged and _same_rows(self._staged[0], parted) else self._file_of(parted)
            assert action is not None
            self._staged = parted, action
            self.parting.ids.expect(action.path)
        self.events.commit([action] if action else [], keys=[key] if key else [], metadata=metadata)
        self._staged = None
        if action:
            self.parting.took(action.path, parted.hashes)

    def _file_of(self, parted: Parted) -> AddAction | None:
        return self.events.write(parted.fresh.drop("source_line")) if parted.fresh.height else None

    def _keep_rejected(self, unit: Unit, rows: pl.DataFrame) -> None:
        key = self._key(unit)
        if self.rejected.holds(key):
            return
        rows = not_kept_yet(self.rejected, rows.sort("line", maintain_order=True), self.places)
        action = self.rejected.write(rows) if rows.height else None
        self.rejected.commit([action] if action else [], keys=[key], metadata={"unit": key, "rows": rows.height})
        if action:
            self.places.took(action.path, self.places.hashes(rows))

    # ------------------------------------------------------------------ dimensions

    def _dimensions(self, declared: Mapping[str, str]) -> Mapping[str, Dimension]:
        """Another process may have declared a dimension since: what is committed now must have it, and what is read
        from here on gets it at the gate."""
        dimensions = self.gate.dimensions
        if declared == {name: d.text for name, d in dimensions.items()}:
            return dimensions
        dimensions = parse_dimensions(declared)
        self.gate = replace(self.gate, dimensions=dimensions)
        self.events.schema = {**EVENTS, **{d.name: d.dtype for d in dimensions.values()}}
        return dimensions

    # ------------------------------------------------------------------ what is there

    def _key(self, unit: Unit) -> str:
        """A unit's name in the log: its bytes, its place in its source, and how strictly it was read.

        A copy of a file under another name is the same units; the same bytes twice in one file are two.
        """
        first = unit.blocks[0].lines[0] if unit.blocks else unit.rejected[0].line if unit.rejected else 0
        return f"{unit.key}-{first}{'-strict' if self.gate.strict else ''}"

    def _is_stored(self, unit: Unit) -> bool:
        key = self._key(unit)
        if not self.events.holds(key):
            return False
        counts = self._logged(key)
        return counts is not None and (not counts["reasons"] or self.rejected.holds(key))

    def _skip(self, unit: Unit) -> Tally:
        counts = self._logged(self._key(unit))
        assert counts is not None
        return Tally.of_skipped(counts, unit.size_bytes)

    def _logged(self, key: str) -> dict[str, Any] | None:
        """What the log says of a unit; it is read once."""
        if self._log is None:
            commits = (commit.get("onex") for commit in self.events.history())
            self._log = {c["unit"]: c for c in commits if isinstance(c, dict) and "unit" in c}
        return self._log.get(key)

    def _last_offsets(self) -> dict[str, int]:
        for commit in self.events.history(_CLOCKS_WITHIN):
            said = commit.get("onex")
            if isinstance(said, dict) and CLOCKS in said:
                return dict(said[CLOCKS])
        return {}


def _lifted(events: pl.DataFrame, dimensions: Mapping[str, Dimension]) -> pl.DataFrame:
    """Events with all declared dimensions: blocks may have been read before one was declared."""
    missing = [d for name, d in dimensions.items() if name not in events.columns]
    if not missing:
        return events
    events = events.with_columns(lift(events["metadata"], d) for d in missing)
    return events.select([*EVENTS, *dimensions, "source_line"])


def _same_rows(a: Parted, b: Parted) -> bool:
    return np.array_equal(a.hashes, b.hashes) and a.fresh.columns == b.fresh.columns


def _count_repairs(events: pl.DataFrame, tally: Tally) -> None:
    repaired = events.select(
        clock=pl.col("clock_offset_ms").is_not_null().sum(),
        timestamp=(pl.col("timestamp_original").is_not_null() & pl.col("clock_offset_ms").is_null()).sum(),
        event_type=pl.col("event_type_raw").is_not_null().sum(),
    ).row(0, named=True)
    tally.repaired.update({name: count for name, count in repaired.items() if count})
    violations = events["violations"]
    broken = violations.filter(violations.list.len() > 0).explode()
    for words, count in broken.value_counts().iter_rows():
        tally.violations[words] += count


def _conflicts(unit: Unit, events: pl.DataFrame, rows: list[int]) -> list[Rejection]:
    """Conflicts with the line as it came."""
    found = []
    columns = events.select("event_id", "source", "source_offset", "source_line")
    for row in rows:
        event_id, source, offset, line = columns.row(row)
        detail = f"event id {event_id} is stored with other content"
        found.append(Rejection("conflict", detail, _raw_line(unit, line), source, offset, line, event_id))
    return found


def _raw_line(unit: Unit, line: int) -> bytes:
    for block in unit.blocks:
        at = int(np.searchsorted(block.lines, line))
        if at < len(block) and block.lines[at] == line:
            return block.raw(at)
    return b""
