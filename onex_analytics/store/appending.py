"""Units on their way into a store: read on two threads, repaired, parted from what is there, written, committed.

Rows rest in the order in which they came; `compact` sorts them by time. (Sorting each unit cost a tenth of an append.)

The order of commits makes a kill harmless at any place: first the events of a unit, then its rejected lines, each under
the unit's own transaction. A unit is skipped only if both stand in the log; running the same append again does what is
missing, and what is there already is known by its ids.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from onex_analytics.sources.block import Rejection, Rejections
from onex_analytics.sources.canonical import Batch, Gate
from onex_analytics.sources.clocks import repair_clocks
from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.sources.units import Unit
from onex_analytics.store.duplicates import CONTENT, part_duplicates
from onex_analytics.store.known_ids import KnownIds
from onex_analytics.store.report import Tally
from onex_analytics.store.storage import StoredFile, Table, retry_lost

READERS = 2
CLOCKS = "clocks"
"""Name under which the log keeps the last clock offset of each producer."""


class Appender:
    """One append in progress."""

    def __init__(self, events: Table, rejected: Table, gate: Gate, *, repair_clocks: bool = True) -> None:
        self.events, self.rejected, self.gate, self.repairs = events, rejected, gate, repair_clocks
        self.known = KnownIds()
        self._seen_files: set[str] = set()
        self._log: dict[str, dict[str, Any]] | None = None
        self._offsets = self._last_offsets()

    def run(self, units: Iterable[Unit], on_unit: Callable[[Unit, Tally], None]) -> Tally:
        """Append all units; `on_unit` is told of each one that is done."""
        total = Tally()
        with ThreadPoolExecutor(READERS, thread_name_prefix="onex-reader") as pool:
            for unit, batches in self._read_ahead(units, pool):
                tally = self._skip(unit) if batches is None else self._store(unit, [b.result() for b in batches])
                total.add(tally)
                on_unit(unit, tally)
        return total

    def _read_ahead(self, units: Iterable[Unit], pool: ThreadPoolExecutor) -> Iterator[tuple[Unit, list[Future[Batch]] | None]]:
        """Units with their blocks being read: one unit ahead of the one that is being stored."""
        ahead: deque[tuple[Unit, list[Future[Batch]] | None]] = deque()
        try:
            for unit in units:
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

    def _store(self, unit: Unit, batches: list[Batch]) -> Tally:
        events = pl.concat([b.events.with_columns(source_line=b.lines) for b in batches]) if batches else self.gate.no_events()
        if self.repairs:
            events, self._offsets = repair_clocks(events, self._offsets)
        reasons = Counter(r.reason for r in unit.rejected)
        for batch in batches:
            reasons.update(batch.rejected["reason"].to_list())
        return retry_lost(self.events.uri, lambda: self._commit(unit, events, batches, reasons))  # type: ignore[no-any-return]

    def _commit(self, unit: Unit, events: pl.DataFrame, batches: list[Batch], reasons: Counter[str]) -> Tally:
        self._learn_new_files()
        parted = part_duplicates(events, self.known, self._stored_rows)
        fresh = parted.fresh.drop("source_line")
        tally = Tally(
            read=len(unit), stored=fresh.height, duplicate=parted.duplicates, reasons=reasons.copy(),
            size_bytes=unit.size_bytes, units=1,
        )
        if parted.conflicts:
            tally.reasons["conflict"] += len(parted.conflicts)
        _count_repairs(fresh, tally)
        if not self.events.holds(unit.key):
            action = self.events.write(fresh) if fresh.height else None
            metadata = {"unit": unit.key, "source": unit.source, **tally.as_metadata(), CLOCKS: self._offsets}
            try:
                self.events.commit([action] if action else [], keys=[unit.key], metadata=metadata)
            except BaseException:
                if action:
                    self.events.discard(action)
                raise
            if action:
                self._seen_files.add(action.path)
            self.known.add(parted.hashes)
        self._keep_rejected(unit, batches, self._conflict_rows(unit, events, parted.conflicts))
        return tally

    def _keep_rejected(self, unit: Unit, batches: list[Batch], conflicts: list[Rejection]) -> None:
        more = Rejections([*unit.rejected, *conflicts]).frame(self.gate.ingested_at)
        frame = pl.concat([*(b.rejected for b in batches), more])
        if frame.is_empty():
            return
        action = self.rejected.write(frame.sort("line", maintain_order=True))

        def attempt() -> None:
            if not self.rejected.holds(unit.key):
                self.rejected.commit([action], keys=[unit.key], metadata={"unit": unit.key, "rows": frame.height})

        retry_lost(self.rejected.uri, attempt)

    def _conflict_rows(self, unit: Unit, events: pl.DataFrame, rows: list[int]) -> list[Rejection]:
        """Conflicts with the line as it came."""
        found = []
        columns = events.select("event_id", "source", "source_offset", "source_line")
        for row in rows:
            event_id, source, offset, line = columns.row(row)
            found.append(Rejection("conflict", f"event id {event_id} is stored with other content", _raw_line(unit, line), source, offset, line, event_id))
        return found

    def try_again(self, unit: Unit) -> tuple[Tally, list[bool]]:
        """Store what now can be stored of lines that were rejected before; says for each line whether it still is.

        Nothing is added to the rejected lines: those that stay are there already.
        """
        batches = [self.gate.read(block) for block in unit.blocks]
        events = pl.concat([b.events.with_columns(source_line=b.lines) for b in batches])

        def attempt() -> tuple[Tally, pl.Series]:
            self._learn_new_files()
            parted = part_duplicates(events, self.known, self._stored_rows)
            fresh = parted.fresh.drop("source_line")
            refused = events["source_line"].gather(parted.conflicts)
            reasons = Counter(reason for b in batches for reason in b.rejected["reason"].to_list())
            reasons.update({"conflict": len(parted.conflicts)} if parted.conflicts else {})
            if fresh.height:
                action = self.events.write(fresh)
                self.events.commit([action], metadata={"operation": "retry rejected", "source": unit.source, "stored": fresh.height})
                self._seen_files.add(action.path)
                self.known.add(parted.hashes)
            tally = Tally(read=len(unit), stored=fresh.height, duplicate=parted.duplicates, reasons=reasons, size_bytes=unit.size_bytes, units=1)
            return tally, refused

        tally, refused = retry_lost(self.events.uri, attempt)
        bad = {*refused.to_list(), *(line for b in batches for line in b.rejected["line"].to_list())}
        lines = [int(line) for block in unit.blocks for line in block.lines]
        return tally, [line in bad for line in lines]

    # ------------------------------------------------------------------ what is there

    def _is_stored(self, unit: Unit) -> bool:
        if not self.events.holds(unit.key):
            return False
        counts = self._logged(unit.key)
        return counts is not None and (not counts["reasons"] or self.rejected.holds(unit.key))

    def _skip(self, unit: Unit) -> Tally:
        counts = self._logged(unit.key)
        assert counts is not None
        return Tally.of_skipped(counts, unit.size_bytes)

    def _logged(self, key: str) -> dict[str, Any] | None:
        """What the log says of a unit."""
        if self._log is None or key not in self._log:
            commits = (commit.get("onex") for commit in self.events.history())
            self._log = {c["unit"]: c for c in commits if isinstance(c, dict) and "unit" in c}
        return self._log.get(key)

    def _last_offsets(self) -> dict[str, int]:
        for commit in self.events.delta.history(limit=50):
            said = commit.get("onex")
            if isinstance(said, dict) and CLOCKS in said:
                return dict(said[CLOCKS])
        return {}

    def _learn_new_files(self) -> None:
        """Take in the ids of files that were committed since the last look."""
        fresh = [f for f in self.events.files() if f.path not in self._seen_files]
        for file in fresh:
            ids = self.events.scan([file], {"event_id": pl.String()}).collect()["event_id"]
            self.known.add(xxh64_texts(ids))
            self._seen_files.add(file.path)

    def _stored_rows(self, suspects: pl.DataFrame) -> pl.DataFrame:
        """Stored rows with the ids of some suspects: first where their time says, then, for the rest, everywhere."""
        span = suspects.select(pl.col("timestamp").min().alias("a"), pl.col("timestamp").max().alias("b")).row(0)
        near = self.events.files(since=span[0], until=_just_after(span[1]))
        found = [self._with_ids(near, suspects["event_id"])]
        missing = suspects["event_id"].filter(~suspects["event_id"].is_in(found[0]["event_id"].implode()))
        if len(missing):
            searched = {f.path for f in near}
            found.append(self._with_ids([f for f in self.events.files() if f.path not in searched], missing))
        return pl.concat(found)

    def _with_ids(self, files: list[StoredFile], ids: pl.Series) -> pl.DataFrame:
        schema = {name: self.events.schema[name] for name in CONTENT}
        return self.events.scan(files, schema).filter(pl.col("event_id").is_in(ids.implode())).collect()


def _just_after(time: Any) -> Any:
    return time + np.timedelta64(1, "us").astype(object)


def _count_repairs(events: pl.DataFrame, tally: Tally) -> None:
    repaired = events.select(
        clock=pl.col("clock_offset_ms").is_not_null().sum(),
        timestamp=(pl.col("timestamp_original").is_not_null() & pl.col("clock_offset_ms").is_null()).sum(),
        event_type=pl.col("event_type_raw").is_not_null().sum(),
    ).row(0, named=True)
    tally.repaired.update({name: count for name, count in repaired.items() if count})
    broken = events.filter(pl.col("violations").list.len() > 0).select(pl.col("violations").explode()).to_series()
    for words, count in broken.value_counts().iter_rows():
        tally.violations[words] += count


def _raw_line(unit: Unit, line: int) -> bytes:
    for block in unit.blocks:
        at = int(np.searchsorted(block.lines, line))
        if at < len(block) and block.lines[at] == line:
            return block.raw(at)
    return b""
