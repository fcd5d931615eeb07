"""Spans beside the events: paired once, and brought up to date by what is new.

A Delta table of its own holds the spans of one version of the events; each of its commits says which. An update reads
the new events, finds the spans that they may touch by hashes of what pairs and what links (a hash only chooses; what is
chosen is paired and linked by its texts, as `build_spans` does it), and exchanges the rows that came out differently:

1. **Correlated** events pair within their correlation and node: the spans of one that has new events are taken apart,
   unless all of them were whole before the first of the new ones, and these are whole among themselves.
2. **Uncorrelated** ones pair in order of time, so that a pair whose end is earlier than every new event of its key
   stands: later ones are taken apart, and the loose ends of the node (starts that wait, pairs that only order made).
   Loose spans rest in a file of their own.
3. **Links**: whatever stands in one tree with a span that changed, or becomes its parent or its child, is linked anew.

A commit makes all of it visible at once; who loses a race looks again. A store whose events name causes
(`causation_id`), that lost events (`retain`) or gained a dimension is paired anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import polars as pl
from deltalake import Schema
from deltalake.transaction import AddAction, RemoveAction

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.spans import build_spans
from onex_analytics.frames.spans.materialising import EVENT_COLUMNS, KEPT, events_again, link_spans, pair_events
from onex_analytics.model.shapes import EVENTS, SPANS
from onex_analytics.store.failures import retry_lost
from onex_analytics.store.grouped import write_grouped
from onex_analytics.store.kept_spans import (
    INDEX,
    ROW_GROUP_ROWS,
    Kept,
    correlated,
    correlation,
    correlations,
    indexed,
    work_text,
)
from onex_analytics.store.rest import stored_schema
from onex_analytics.store.selection import Selection
from onex_analytics.store.storage import StoredFile, Table

_SETTLED_ROWS = 1 << 17
_RECENT_ROWS = 1 << 14
_SMALL_FILES = 32
_GAP = timedelta(minutes=10)
_LAYOUT = 1


class SpanTable:
    """The spans of one store, as they were last brought up to date."""

    def __init__(self, events: Table, dimensions: Sequence[str]) -> None:
        self.events = events
        self.dimensions = {name: f"dimension_{name}" if name in SPANS else name for name in dimensions}
        self.shape = pl.Schema(
            {**SPANS, **{name: events.schema[column] for column, name in self.dimensions.items()}}
        )
        hashes = dict.fromkeys(INDEX, pl.Int64())
        stored = {**self.shape, "witnesses": pl.Int16(), **KEPT, **hashes, "_whole": pl.Boolean()}
        self.table = Table(f"{events.uri.rsplit('/', 1)[0]}/spans", stored, events.options)

    # ------------------------------------------------------------------ out

    def newest(self) -> pl.LazyFrame:
        """The spans of the events as they are now in `events`."""
        self._make()
        retry_lost(self.table.uri, self._bring_up_to_date)
        return self._scan(self.table)

    def kept_at(self, version: int) -> pl.LazyFrame | None:
        """The spans of an older version of the events, where they were kept."""
        if not self.table.exists():
            return None
        self.table.refresh()
        for commit in self.table.history():
            said = commit.get("onex") or {}
            if said.get("events") == version and said.get("dimensions") == [*self.dimensions]:
                with suppress(InvalidOption):  # `vacuum` may have taken its files
                    return self._scan(self.table.at(int(commit["version"])))
        return None

    def _scan(self, table: Table) -> pl.LazyFrame:
        lazy = table.scan(table.files(), self.table.schema).select([*self.shape])
        return lazy.with_columns(pl.col("witnesses").cast(SPANS["witnesses"]))

    # ------------------------------------------------------------------ in

    def _make(self) -> None:
        if not self.table.exists():
            self.table.create(spans_layout=_LAYOUT)
        else:
            self.table.refresh()

    def _said(self) -> dict[str, Any] | None:
        """What the last update said of itself."""
        for commit in self.table.history():
            said = commit.get("onex")
            if isinstance(said, dict) and "events" in said:
                return said
        return None

    def _bring_up_to_date(self) -> None:
        """One try.

        Raises:
            Lost: another process committed meanwhile.
        """
        self.table.refresh()
        said, version, files = self._said(), self.events.delta.version(), self.events.files()
        if said and said["events"] >= version and said["dimensions"] == [*self.dimensions]:
            return
        try:
            added = self._added(said, files)
            if said is None or added is None:
                self._pair_anew(files, version)
            else:
                self._update(said, files, added, version)
        finally:
            self.table.sweep()

    def _added(self, said: dict[str, Any] | None, files: list[StoredFile]) -> list[StoredFile] | None:
        """The files of events that are new since; None where more than that happened."""
        if said is None or said["dimensions"] != [*self.dimensions] or said["causes"]:
            return None
        before = set(said["files"])
        if before <= {file.path for file in files}:
            return [file for file in files if file.path not in before]
        since = self.events.history(self.events.delta.version() - said["events"])
        compacted = all((commit.get("onex") or {}).get("operation") == "compact" for commit in since)
        return [] if compacted else None

    def _read(self, files: Sequence[StoredFile], asked: pl.Expr | None = None) -> pl.DataFrame:
        """Events that take part, with the columns that spans are made of."""
        schema = {name: self.events.schema[name] for name in (*EVENT_COLUMNS, *self.dimensions)}
        takes_part = (pl.col("outcome") != "other") | (pl.col("family") == "profile")
        return self.events.read(files, schema, takes_part if asked is None else takes_part & asked)

    def _pair_anew(self, files: list[StoredFile], version: int) -> None:
        events = self._read(files)
        causes = events["causation_id"].null_count() < events.height
        spans = indexed(link_spans(self._paired(events)))
        del events
        self._use_columns()
        loose, settled = spans.filter("_loose"), spans.filter(~pl.col("_loose")).sort("start", "span_id")
        cut = max(settled.height - _RECENT_ROWS, 0)
        parts = [*settled.head(cut).iter_slices(_SETTLED_ROWS), settled.slice(cut)]
        self._commit(self.table.files(), [p for p in parts if p.height], loose, files, version, causes)

    def _paired(self, events: pl.DataFrame) -> pl.DataFrame:
        return pair_events(events, self.dimensions).with_columns(pl.col("witnesses").cast(pl.Int16))

    def _commit(
        self, old: Sequence[StoredFile], parts: Sequence[pl.DataFrame], loose: pl.DataFrame | None,
        files: list[StoredFile], version: int, causes: bool, loose_path: str | None = None,
    ) -> None:  # fmt: skip
        """Exchange files, in one commit that says which events these spans are of."""
        added = [self._write(part) for part in parts]
        if loose is not None:
            loose_path = None
            if loose.height:
                added.append(self._write(loose))
                loose_path = added[-1].path
        now = int(time.time() * 1000)
        removed = [RemoveAction(file.path, True, now, file.size_bytes) for file in old]
        said = {
            "operation": "spans", "events": version, "files": [file.path for file in files], "loose": loose_path,
            "dimensions": [*self.dimensions], "causes": causes,
        }  # fmt: skip
        self.table.commit([*added, *removed], metadata=said)

    def _write(self, rows: pl.DataFrame) -> AddAction:
        return write_grouped(self.table, rows.select([*self.table.schema]), ROW_GROUP_ROWS)

    def _use_columns(self) -> None:
        """Make the columns that the table does not have yet: a dimension came."""
        there = {field.name for field in self.table.delta.schema().fields}
        missing = {name: dtype for name, dtype in self.table.schema.items() if name not in there}
        if missing:
            fields = Schema.from_arrow(pl.DataFrame(schema=stored_schema(missing)).to_arrow().schema).fields
            self.table.alter(lambda delta: delta.alter.add_columns(list(fields)))

    # ------------------------------------------------------------------ what is new

    def _update(self, said: dict[str, Any], files: list[StoredFile], added: list[StoredFile], version: int) -> None:
        events = self._read(added)
        if events["causation_id"].null_count() < events.height:
            self._pair_anew(files, version)
            return
        spans_files = self.table.files()
        if events.is_empty():
            self._commit([], [], None, files, version, False, said["loose"])
            return
        settled_files = [file for file in spans_files if file.path != said["loose"]]
        loose_files = [file for file in spans_files if file.path == said["loose"]]
        kept = Kept(self.table, settled_files, loose_files)
        old_files = [file for file in files if file.path not in {f.path for f in added}]
        touched = kept.touched_by(events, self._paired(events))
        apart = kept.rows(touched)
        same_text = correlation().is_in(correlations(events).implode())
        apart = apart.filter(pl.col("_is_loose_row") | ~correlated() | same_text)
        again = [events]
        single_loose = apart.filter(pl.col("_is_loose_row") & pl.col("_single"))
        if single_loose.height:
            again.append(events_again(single_loose, self.dimensions))
        told = apart.filter(~(pl.col("_is_loose_row") & pl.col("_single")))
        if told.height:
            read = self._read(self._holding(told, old_files), self._told_of(told))
            works = told.select(work_text("_given_span_id")).to_series()
            again.append(read.filter(work_text("span_id").is_in(works.implode())))
        events = pl.concat(again, how="diagonal").unique("event_id", keep="first")
        fresh = self._paired(events)
        linked_too = kept.to_link_again(indexed(fresh), apart)
        beside = kept.rows(linked_too)
        old = pl.concat([apart, beside])
        columns = [name for name in self.table.schema if name not in (*INDEX, "_whole")]
        again_linked = indexed(link_spans(pl.concat([fresh, beside.select(fresh.columns)])))
        self._exchange(kept, old, again_linked, columns, files, version, said["loose"])

    def _told_of(self, told: pl.DataFrame) -> pl.Expr:
        """The events that tell of some spans, and others of the same correlations."""
        ids = pl.concat([told.filter(~correlated())[n] for n in ("start_event_id", "end_event_id")]).drop_nulls()
        asked = pl.col("event_id").is_in(ids.implode())
        ids = told.select(correlation()).to_series().drop_nulls()
        return asked | pl.coalesce("correlation_id", "span_id").is_in(ids.implode())

    def _holding(self, told: pl.DataFrame, files: list[StoredFile]) -> list[StoredFile]:
        """The files of events that may hold those of some spans, by their times."""
        moment = EVENTS["timestamp"]
        times = told.select(first=pl.col("_first").cast(moment), last=pl.col("_last").cast(moment)).sort("first")
        apart = (pl.col("first") - pl.col("last").cum_max().shift()) > _GAP
        stretch = apart.fill_null(True).cum_sum().alias("stretch")
        stretches = times.group_by(stretch).agg(pl.col("first").min(), pl.col("last").max())
        known = {file.path for file in files}
        found: dict[str, StoredFile] = {}
        for first, last in stretches.select("first", "last").iter_rows():
            for file in self.events.files(Selection(first, last + timedelta(microseconds=1))):
                if file.path in known:
                    found[file.path] = file
        return list(found.values())

    def _exchange(
        self, kept: Kept, old: pl.DataFrame, new: pl.DataFrame, columns: list[str], files: list[StoredFile],
        version: int, loose_path: str | None,
    ) -> None:  # fmt: skip
        """Put the rows that came out differently in the place of what they were."""
        stale = old.join(new, on=columns, how="anti", nulls_equal=True)
        fresh = new.join(old, on=columns, how="anti", nulls_equal=True)
        settled = fresh.filter(~pl.col("_loose"))
        gone = stale.filter(~pl.col("_is_loose_row"))
        removed: list[StoredFile] = []
        parts: list[pl.DataFrame] = []
        for (place,), rows in gone.partition_by("_file", as_dict=True).items():
            file = kept.files[int(place)]
            removed.append(file)
            whole = kept.whole(int(place))
            parts.append(whole.filter(~pl.col("_row").is_in(rows["_row"].implode())).select([*self.table.schema]))
        small = [f for f in kept.files if f.rows < _SETTLED_ROWS // 2 and f not in removed]
        if len(small) > _SMALL_FILES:
            removed += small
            parts.append(self.table.read(small))
        settled = settled.select([*self.table.schema])
        if settled.height:
            parts.append(settled)
        if len(parts) > 1:
            parts = [*pl.concat(parts).sort("start", "span_id").iter_slices(2 * _SETTLED_ROWS)]
        loose: pl.DataFrame | None = None
        gone_loose = stale.filter("_is_loose_row")
        fresh_loose = fresh.filter("_loose")
        if gone_loose.height or fresh_loose.height:
            stays = kept.loose.filter(~pl.col("_row").is_in(gone_loose["_row"].implode()))
            loose = pl.concat([stays.select([*self.table.schema]), fresh_loose.select([*self.table.schema])])
            removed += kept.loose_files
        self._commit(removed, [p for p in parts if p.height], loose, files, version, False, loose_path)


def spans_of(newest: Table, events: Table) -> pl.LazyFrame:
    """The spans of a table of events as it was at some version; `newest` is the same table as it is now."""
    kept = SpanTable(newest, [name for name in events.schema if name not in EVENTS])
    version = events.delta.version()
    if version == newest.delta.version():
        return kept.newest()
    found = kept.kept_at(version)
    return build_spans(events.scan(events.files())) if found is None else found
