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

A row that is replaced stays in its file, and a list of such rows beside it, until they are a fifth of the file. Other
files beside the spans hold what an update looks through, loose spans, and the events of loose pairs; so the folder is
read by `EventStore.spans` alone.

A commit makes all of it visible at once; who loses a race looks again. A store whose events name causes
(`causation_id`), that lost events (`retain`) or gained a dimension is paired anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from deltalake import Schema
from deltalake.transaction import AddAction, RemoveAction

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.spans import build_spans
from onex_analytics.frames.spans.materialising import (
    EVENT_COLUMNS,
    KEPT,
    LINKED_BY,
    MADE_BY_LINKING,
    events_again,
    link_spans,
    pair_events,
)
from onex_analytics.frames.spans.pairing import NO_TIME
from onex_analytics.model.shapes import EVENTS, SPANS
from onex_analytics.store.beside import read_beside, write_beside
from onex_analytics.store.failures import retry_lost
from onex_analytics.store.grouped import Compression, write_grouped
from onex_analytics.store.kept_spans import INDEXED, REPLACED, ROW_GROUP_ROWS, SIDES, Kept, Numbers
from onex_analytics.store.rest import stored_schema
from onex_analytics.store.span_choosing import to_link_again, touched_by
from onex_analytics.store.span_keys import INDEX, correlated, correlation, correlations, keyed, rooted, work_text
from onex_analytics.store.storage import StoredFile, Table

_SETTLED_ROWS = 1 << 17
_SMALL_FILES = 32
_QUICKLY_ROWS = 1 << 14
"""Rows up to which a file is not compressed: small files are soon written anew as larger ones."""
_MOST_REPLACED = 0.2
"""Share of the rows of a file from which on it is written anew without those that were replaced."""
_GAP_US = 600_000_000
_FILES_AT_ONCE = 5
"""More than processors: most of the time a file waits for the disk."""
_LAYOUT = 5


class SpanTable:
    """The spans of one store, as they were last brought up to date."""

    def __init__(self, events: Table, dimensions: Sequence[str]) -> None:
        self.events = events
        self.dimensions = {name: f"dimension_{name}" if name in SPANS else name for name in dimensions}
        self.shape = pl.Schema(
            {**SPANS, **{name: events.schema[column] for column, name in self.dimensions.items()}}
        )
        stored = {**self.shape, "witnesses": pl.Int16(), **KEPT}
        self.whole_shape = {**stored, **dict.fromkeys(INDEX, pl.Int64()), "_whole": pl.Boolean()}
        self.table = Table(f"{events.uri.rsplit('/', 1)[0]}/spans", stored, events.options)
        self.event_schema = {name: events.schema[name] for name in (*EVENT_COLUMNS, *self.dimensions)}

    # ------------------------------------------------------------------ out

    def newest(self) -> pl.LazyFrame:
        """The spans of the events as they are now in `events`."""
        if not self.table.exists():
            self.table.create(spans_layout=_LAYOUT)
        said = retry_lost(self.table.uri, self._bring_up_to_date)
        return self._scan(self.table, said)

    def kept_at(self, version: int) -> pl.LazyFrame | None:
        """The spans of an older version of the events, where they were kept."""
        if not self.table.exists():
            return None
        self.table.refresh()
        for commit in self.table.history():
            said = commit.get("onex") or {}
            asked = {"layout": _LAYOUT, "events": version, "dimensions": [*self.dimensions]}
            if asked.items() <= {name: said.get(name) for name in asked}.items():
                with suppress(InvalidOption):  # `vacuum` may have taken its files
                    return self._scan(self.table.at(int(commit["version"])), said)
        return None

    def _scan(self, table: Table, said: dict[str, Any]) -> pl.LazyFrame:
        """The rows of all files but for those that were replaced."""
        files = {file.path: file for file in table.files()}
        settled = [files[path] for path in said["settled"]]
        replaced = read_beside(table, [files[said["replaced"]]] if said["replaced"] else [], REPLACED)
        gone = {path: part["row"] for (path,), part in replaced.partition_by("file", as_dict=True).items()}
        schema = {name: table.schema[name] for name in self.shape}
        parts = [table.scan([file for file in settled if file.path not in gone], schema)]
        for file in settled:
            if file.path in gone:
                stays = ~pl.col("_row").is_in(gone[file.path].cast(pl.UInt32).implode())
                parts.append(table.scan([file], schema, row_index="_row").filter(stays).drop("_row"))
        if said["loose"]:
            parts.append(read_beside(table, [files[said["loose"]]], schema).lazy())
        return pl.concat(parts).with_columns(pl.col("witnesses").cast(SPANS["witnesses"]))

    # ------------------------------------------------------------------ in

    def _said(self) -> dict[str, Any] | None:
        """What the last update said of itself; None where there was none, or one that kept spans otherwise."""
        version = self.table.delta.version()
        for limit in (8, None):  # the newest commits are enough, hardly ever are they not
            for commit in self.table.history(limit):
                said = commit.get("onex")
                if int(commit["version"]) <= version and isinstance(said, dict) and "events" in said:
                    return said if said.get("layout") == _LAYOUT else None
        return None

    def _bring_up_to_date(self) -> dict[str, Any]:
        """One try; what is then said of the spans.

        Raises:
            Lost: another process committed meanwhile.
        """
        self.table.refresh()
        said, version, files = self._said(), self.events.delta.version(), self.events.files()
        if said and said["events"] >= version and said["dimensions"] == [*self.dimensions]:
            return said
        try:
            added = self._added(said, files)
            if said is None or added is None:
                return self._pair_anew(files, version)
            return self._update(said, files, added, version)
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
        takes_part = (pl.col("outcome") != "other") | (pl.col("family") == "profile")
        return self.events.read(files, self.event_schema, takes_part if asked is None else takes_part & asked)

    def _pair_anew(self, files: list[StoredFile], version: int) -> dict[str, Any]:
        events = self._read(files)
        causes = events["causation_id"].null_count() < events.height
        spans = rooted(link_spans(keyed(self._paired(events))))
        self._use_columns()
        made = _Made(self, {})
        made.keep_loose(spans.filter("_loose"), events)
        del events
        made.keep(spans.filter(~pl.col("_loose")).sort("start", "span_id"))
        made.removed = self.table.files()
        return self._commit(made, files, version, causes)

    def _paired(self, events: pl.DataFrame) -> pl.DataFrame:
        return pair_events(events, self.dimensions).with_columns(pl.col("witnesses").cast(pl.Int16))

    def _commit(self, made: _Made, files: list[StoredFile], version: int, causes: bool) -> dict[str, Any]:
        """Exchange files, in one commit that says which events these spans are of; what it says."""
        made.write()
        now = int(time.time() * 1000)
        removed = [RemoveAction(file.path, True, now, file.size_bytes) for file in made.removed]
        said = {
            "operation": "spans", "layout": _LAYOUT, "events": version, "files": [file.path for file in files],
            "dimensions": [*self.dimensions], "causes": causes, "settled": made.settled, **made.sides,
        }  # fmt: skip
        before = self.table.delta.version()
        after = self.table.commit([*made.added, *removed], metadata=said)
        said_now = said if after == before + 1 else self._said()  # somebody may have gone on from there at once
        assert said_now is not None
        return said_now

    def _use_columns(self) -> None:
        """Make the columns that the table does not have yet: a dimension came."""
        there = {field.name for field in self.table.delta.schema().fields}
        missing = {name: dtype for name, dtype in self.table.schema.items() if name not in there}
        if missing:
            fields = Schema.from_arrow(pl.DataFrame(schema=stored_schema(missing)).to_arrow().schema).fields
            self.table.alter(lambda delta: delta.alter.add_columns(list(fields)))

    # ------------------------------------------------------------------ what is new

    def _update(
        self, said: dict[str, Any], files: list[StoredFile], added: list[StoredFile], version: int
    ) -> dict[str, Any]:
        with ThreadPoolExecutor(1) as meanwhile:
            reading = meanwhile.submit(Kept, self.table, self.whole_shape, said)
            events = self._read(added)
            kept = reading.result()
        if events["causation_id"].null_count() < events.height:
            return self._pair_anew(files, version)
        if events.is_empty():
            return self._commit(_Made(self, said), files, version, False)
        apart = kept.whole_rows(touched_by(kept, events))
        same_text = correlation().is_in(correlations(events).implode())
        apart = apart.filter(pl.col("_loose") | ~correlated() | same_text)
        before = {file.path for file in files} - {file.path for file in added}
        old = self._events_of(kept, apart, [file for file in files if file.path in before])
        if len(old) > 1:  # none of the new events is among them
            old = [pl.concat(old, how="diagonal").unique("event_id", keep="first")]
        events = pl.concat([events, *old], how="diagonal")
        gone, fresh = _differing(apart, self._paired(events))
        fresh = keyed(fresh)
        beside = kept.linking_rows(to_link_again(kept, fresh, gone))
        links = link_spans(pl.concat([fresh.select(LINKED_BY), beside.select(LINKED_BY)])).select(MADE_BY_LINKING)
        fresh = fresh.with_columns(links.head(fresh.height).get_columns())
        linked_before, linked = _linked_otherwise(kept, beside, links.slice(fresh.height))
        fresh = rooted(pl.concat([fresh, linked.select(fresh.columns)]))
        at_gone = pl.concat([gone["_at"], linked_before]).to_numpy()
        return self._exchange(kept, at_gone, fresh, events, files, version)

    def _events_of(self, kept: Kept, apart: pl.DataFrame, files: list[StoredFile]) -> list[pl.DataFrame]:
        """The events of spans that were taken apart: as they tell them, as they were kept, or as they are stored."""
        found = []
        single, several = apart.filter("_single"), apart.filter(~pl.col("_single"))
        if single.height:
            found.append(events_again(single, self.dimensions))
        loose, told = several.filter("_loose"), several.filter(~pl.col("_loose"))
        if loose.height:
            is_of_them = pl.col("event_id").is_in(_event_ids(loose).implode())
            found.append(kept.loose_events(self.event_schema).filter(is_of_them))
        if told.height:
            read = self._read(self._holding(told, files), self._told_of(told))
            works = told.select(work_text("_given_span_id")).to_series()
            found.append(read.filter(work_text("span_id").is_in(works.implode())))
        return found

    def _told_of(self, told: pl.DataFrame) -> pl.Expr:
        """The events that tell of some spans, and others of the same correlations."""
        ids = told.select(correlation()).to_series().drop_nulls()
        of_them = pl.coalesce("correlation_id", "span_id").is_in(ids.implode())
        alone = _event_ids(told.filter(~correlated()))
        return of_them | pl.col("event_id").is_in(alone.implode()) if len(alone) else of_them  # a column less to read

    def _holding(self, told: pl.DataFrame, files: list[StoredFile]) -> list[StoredFile]:
        """The files of events that may hold those of some spans, by their times."""
        times = told.select(first="_first", last="_last").sort("first")
        apart = (pl.col("first") - pl.col("last").cum_max().shift()) > _GAP_US
        stretches = times.group_by(apart.fill_null(True).cum_sum().alias("stretch")).agg(
            pl.col("first").min(), pl.col("last").max()
        )
        first, last = (np.sort(stretches[name].to_numpy()) for name in ("first", "last"))  # they do not overlap
        files_times = self.events.times().with_columns(pl.col("first", "last").cast(pl.Int64))
        from_, until = files_times["first"].fill_null(NO_TIME).to_numpy(), files_times["last"]
        ahead = np.searchsorted(last, from_)
        begins = np.append(first, np.iinfo(np.int64).max)[ahead]
        may = pl.Series(ahead < last.size) & pl.Series(begins <= until.fill_null(np.iinfo(np.int64).max).to_numpy())
        held = set(files_times["path"].filter(may))
        return [file for file in files if file.path in held]

    def _exchange(
        self, kept: Kept, gone: Numbers, fresh: pl.DataFrame, events: pl.DataFrame, files: list[StoredFile],
        version: int,
    ) -> dict[str, Any]:  # fmt: skip
        """Put the rows that came out differently beside those that they replace."""
        made = _Made(self, kept.said)
        loose = fresh.filter("_loose")
        if loose.height or (gone >= kept.settled).any():
            stays = kept.loose.filter(~pl.col("_at").is_in(pl.Series(gone).implode()))
            made.keep_loose(
                pl.concat([stays.select(loose.columns), loose]), kept.loose_events(self.event_schema), events
            )
            made.removed += [*kept.sides["loose"], *kept.sides["loose_events"]]
        gone = np.sort(gone[gone < kept.settled])
        settled = fresh.filter(~pl.col("_loose"))
        parts = [settled]
        again = self._to_write_again(kept, gone, settled.height)
        for place in again:
            parts.append(kept.whole_file(place, gone).select(settled.columns))
            made.removed += [kept.files[place], kept.indexes[place]]
            del made.settled[kept.files[place].path]
        made.keep(pl.concat(parts).sort("start", "span_id"))
        rewritten = {kept.files[place].path for place in again}
        replaced = pl.concat([kept.replaced, _places(kept, gone)]).filter(~pl.col("file").is_in([*rewritten]))
        if replaced.height != kept.replaced.height or rewritten:
            made.removed += kept.sides["replaced"]
            made.keep_replaced(replaced)
        return self._commit(made, files, version, False)

    def _to_write_again(self, kept: Kept, gone: Numbers, more: int) -> list[int]:
        """The files of which too much was replaced, and small ones where they are many."""
        replaced = np.concatenate([kept.gone, gone])
        counts = np.histogram(replaced, kept.begins)[0] if len(kept.files) else np.empty(0, np.int64)
        again = {i for i, f in enumerate(kept.files) if counts[i] > _MOST_REPLACED * f.rows}
        small = {i for i, f in enumerate(kept.files) if f.rows < _SETTLED_ROWS // 2}
        return sorted(again | small if len(small) > _SMALL_FILES else again)


class _Made:
    """What an update makes: the files that it adds and removes, and what it says of those that stay."""

    def __init__(self, spans: SpanTable, said: Mapping[str, Any]) -> None:
        self.spans = spans
        self.added: list[AddAction] = []
        self.removed: list[StoredFile] = []
        self.settled: dict[str, tuple[str, int]] = dict(said.get("settled", {}))
        self.sides: dict[str, str | None] = {side: said.get(side) for side in SIDES}
        self._parts: list[pl.DataFrame] = []
        self._beside: dict[str, pl.DataFrame] = {}

    def keep(self, settled: pl.DataFrame) -> None:
        """Add settled spans, in the order that they have."""
        self._parts += [part for part in settled.iter_slices(_SETTLED_ROWS) if part.height]

    def keep_loose(self, loose: pl.DataFrame, *events: pl.DataFrame) -> None:
        """Keep these loose spans and no others, and the events of those that have several."""
        self._beside["loose"] = loose.select([*self.spans.whole_shape])
        ids = _event_ids(loose.filter(~pl.col("_single")))
        of_them = [part.filter(pl.col("event_id").is_in(ids.implode())) for part in events]
        of_them = [part.select([*self.spans.event_schema]) for part in of_them]
        self._beside["loose_events"] = pl.concat(of_them).unique("event_id", keep="first")

    def keep_replaced(self, replaced: pl.DataFrame) -> None:
        """Say which rows of settled files were replaced, of all that stay."""
        self._beside["replaced"] = replaced

    def write(self) -> None:
        """Write the files, several at a time: beside each file of spans one of what an update looks through."""
        table, own = self.spans.table, [*self.spans.table.schema]
        sides = [(side, rows) for side, rows in self._beside.items() if rows.height]
        jobs: list[Callable[[], AddAction]] = []
        for part in self._parts:
            is_small = part.height <= _QUICKLY_ROWS and not table.is_remote
            compression: Compression = "uncompressed" if is_small else "zstd"
            jobs.append(partial(write_grouped, table, part.select(own), ROW_GROUP_ROWS, compression))
            jobs.append(partial(write_beside, table, part.select(INDEXED)))
        jobs += [partial(write_beside, table, rows, "lz4") for _, rows in sides]
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            self.added = [*pool.map(lambda job: job(), jobs)]
        paths = [action.path for action in self.added]
        for place, part in enumerate(self._parts):
            latest = int(part["_last"].max())  # type: ignore[arg-type]
            self.settled[paths[2 * place]] = paths[2 * place + 1], latest
        self.sides |= dict.fromkeys(self._beside)
        self.sides |= {side: path for (side, _), path in zip(sides, paths[2 * len(self._parts) :], strict=True)}


def _event_ids(spans: pl.DataFrame) -> pl.Series:
    return pl.concat([spans["start_event_id"], spans["end_event_id"]]).drop_nulls()


def _places(kept: Kept, at: Numbers) -> pl.DataFrame:
    """Where the rows of some settled spans stand."""
    place = np.searchsorted(kept.begins, at, side="right") - 1
    paths = pl.Series([file.path for file in kept.files], dtype=pl.String)
    return pl.DataFrame({"file": paths.gather(pl.Series(place)), "row": at - kept.begins[place]}, schema=REPLACED)


def _differing(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The spans that pairing made otherwise than they were: those that are gone, and those that are new."""
    names = [name for name in after.columns if name not in MADE_BY_LINKING]
    told = ("_single", "_paired_state", "outcome")
    first = pl.coalesce("start_event_id", "end_event_id").alias("first")
    before_told, after_told = before.select(first, *told), after.select(first, *told)
    pairs = before_told.with_row_index("old").join(after_told.with_row_index("new"), on="first")
    alike = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_right")) for name in told)
    pairs = pairs.filter(alike)
    several = pairs.filter(~pl.col("_single"))  # what one event tells is the same if the event is
    old, new = before.select(names)[several["old"]], after.select(names)[several["new"]]
    same = pl.concat([pairs.filter("_single"), several.filter(_same_rows(old, new))])
    stays, came = np.zeros(before.height, np.bool_), np.zeros(after.height, np.bool_)
    stays[same["old"].to_numpy()] = True
    came[same["new"].to_numpy()] = True
    return before.filter(pl.Series(~stays)), after.filter(pl.Series(~came))


def _same_rows(one: pl.DataFrame, other: pl.DataFrame) -> pl.Series:
    """True for the rows of which every column is the same in both frames."""
    both = one.hstack(other.rename(lambda name: f"{name}_of_other"))
    alike = (pl.col(name).eq_missing(pl.col(f"{name}_of_other")) for name in one.columns)
    return both.select(same=pl.all_horizontal(alike)).to_series()


def _linked_otherwise(kept: Kept, beside: pl.DataFrame, links: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """The spans that were linked again and came out differently: their numbers, and their rows as they are now."""
    changed = beside.select("_at").hstack(links).filter(~_same_rows(beside.select(links.columns), links))
    rows = kept.whole_rows(changed["_at"].to_numpy()).drop(MADE_BY_LINKING)
    return changed["_at"], rows.join(changed, on="_at", how="inner", validate="1:1")


def spans_of(newest: Table, events: Table) -> pl.LazyFrame:
    """The spans of a table of events as it was at some version; `newest` is the same table as it is now."""
    kept = SpanTable(newest, [name for name in events.schema if name not in EVENTS])
    version = events.delta.version()
    if version == newest.delta.version():
        return kept.newest()
    found = kept.kept_at(version)
    return build_spans(events.scan(events.files())) if found is None else found
