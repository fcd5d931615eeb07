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

import numpy as np
import polars as pl
from deltalake import Schema
from deltalake.transaction import AddAction, RemoveAction

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.spans import build_spans
from onex_analytics.frames.spans.linking import innermost_of
from onex_analytics.frames.spans.materialising import EVENT_COLUMNS, KEPT, events_again, link_spans, pair_events
from onex_analytics.model.shapes import EVENTS, SPANS
from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.store.failures import in_our_words, retry_lost
from onex_analytics.store.grouped import write_grouped
from onex_analytics.store.rest import stored_schema
from onex_analytics.store.selection import Selection
from onex_analytics.store.storage import StoredFile, Table

INDEX = ("_work", "_exact", "_name", "_span", "_parent", "_parent_span", "_root")
"""Hashes by which an update finds spans: of what its events pair within, of an uncorrelated key, of the correlation id,
of the span id, of the parent's correlation id and of its span id, as they are named, and of the root where that is
another span."""

_SETTLED_ROWS = 1 << 17
_RECENT_ROWS = 1 << 14
_SMALL_FILES = 32
_ROW_GROUP_ROWS = 1 << 12
"""Few, because an update looks for single rows."""
_TIMES = ("start", "end", "_first", "_last")
_LINKS = ("_name", "_span")
_WORK = ("node", "telemetry", "profile")
_GAP = timedelta(minutes=10)
_SEPARATOR = "\x1f"
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
        return write_grouped(self.table, rows.select([*self.table.schema]), _ROW_GROUP_ROWS)

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
        same_text = _correlation().is_in(_correlations(events).implode())
        apart = apart.filter(pl.col("_is_loose_row") | ~_correlated() | same_text)
        again = [events]
        single_loose = apart.filter(pl.col("_is_loose_row") & pl.col("_single"))
        if single_loose.height:
            again.append(events_again(single_loose, self.dimensions))
        told = apart.filter(~(pl.col("_is_loose_row") & pl.col("_single")))
        if told.height:
            read = self._read(self._holding(told, old_files), self._told_of(told))
            works = told.select(_work_text("_given_span_id")).to_series()
            again.append(read.filter(_work_text("span_id").is_in(works.implode())))
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
        ids = pl.concat([told.filter(~_correlated())[n] for n in ("start_event_id", "end_event_id")]).drop_nulls()
        asked = pl.col("event_id").is_in(ids.implode())
        ids = told.select(_correlation()).to_series().drop_nulls()
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


class Kept:
    """The spans that are kept: the hashes of all, the rows of those that are asked for."""

    def __init__(self, table: Table, files: list[StoredFile], loose_files: list[StoredFile]) -> None:
        self.table, self.files, self.loose_files = table, files, loose_files
        self._whole: dict[int, pl.DataFrame] = {}
        self.loose = table.read(loose_files).with_row_index("_row").with_columns(
            _file=pl.lit(-1, pl.Int32), _is_loose_row=pl.lit(True)
        )  # fmt: skip
        columns = {name: table.schema[name] for name in (*INDEX, *_TIMES, "_single", "_loose", "_whole")}
        lazies = [
            table.scan([file], columns).with_row_index("_row").with_columns(_file=pl.lit(place, pl.Int32))
            for place, file in enumerate(files)
        ]
        with in_our_words(table.uri):
            parts = pl.collect_all(lazies)
        parts.append(self.loose.select(["_row", *columns, "_file"]))
        self.index = pl.concat(parts)

    def whole(self, place: int) -> pl.DataFrame:
        """All rows of one settled file."""
        if place not in self._whole:
            with in_our_words(self.table.uri):
                self._whole[place] = self._lazy(place).collect()
        return self._whole[place]

    def rows(self, chosen: pl.DataFrame) -> pl.DataFrame:
        """Whole rows for some of the index."""
        found, lazies = [self.loose.clear()], []
        for (place,), part in chosen.partition_by("_file", as_dict=True).items():
            mine = pl.col("_row").is_in(part["_row"].implode())
            if place == -1:
                found.append(self.loose.filter(mine))
            elif place in self._whole:
                found.append(self._whole[int(place)].filter(mine).select(self.loose.columns))
            else:
                groups = part["_row"].unique().sort() // _ROW_GROUP_ROWS
                for group in groups.unique().to_list():
                    rows = self._lazy(int(place)).slice(group * _ROW_GROUP_ROWS, _ROW_GROUP_ROWS)
                    lazies.append(rows.filter(mine).select(self.loose.columns))
        with in_our_words(self.table.uri):
            return pl.concat([*found, *pl.collect_all(lazies)])

    def _lazy(self, place: int) -> pl.LazyFrame:
        lazy = self.table.scan([self.files[place]]).with_row_index("_row")
        return lazy.with_columns(_file=pl.lit(place, pl.Int32), _is_loose_row=pl.lit(False))

    def touched_by(self, events: pl.DataFrame, among_themselves: pl.DataFrame) -> pl.DataFrame:
        """The spans that new events may change by pairing (see rules 1 and 2 of the module).

        `among_themselves` are the spans that the new events make alone.
        """
        told = events.select(
            pl.col("timestamp").cast(pl.Int64), correlated=pl.coalesce("correlation_id", "span_id").is_not_null(),
            work=_work_text("span_id"), exact=_exact_text("operation", "input_hash"),
            profile=pl.col("family") == "profile",
        )  # fmt: skip
        told = told.with_columns(_hash(told["work"]).alias("_work"), _hash(told["exact"]).alias("_exact"))
        alone = told.filter(~pl.col("correlated") & ~pl.col("profile"))
        keys = alone.group_by("_exact").agg(since=pl.col("timestamp").min())
        same_key = self.index.filter(pl.col("_exact").is_not_null()).join(keys, on="_exact", how="inner")
        later = same_key.filter(~pl.col("_loose") & (pl.col("_last") >= pl.col("since")))
        undone = same_key.filter("_loose", ~pl.col("_single"))
        pool_times = pl.concat([
            alone.select("_work", "timestamp"), later.select("_work", timestamp="_first"),
            undone.select("_work", timestamp="_first"),
        ]).group_by("_work").agg(since=pl.col("timestamp").min())  # fmt: skip
        loose = self.loose.join(pool_times, on="_work", how="inner")
        waiting = pl.col("_single") & (pl.col("outcome") == "start")
        undone_rows = pl.col("_row").is_in(undone["_row"].implode())
        loose = loose.filter(waiting | (pl.col("_last") >= pl.col("since")) | undone_rows)
        chosen = [self._of_correlations(told, among_themselves), later, loose]
        return pl.concat(part.select(self.index.columns) for part in chosen).unique(["_file", "_row"])

    def _of_correlations(self, told: pl.DataFrame, among_themselves: pl.DataFrame) -> pl.DataFrame:
        """The spans of correlations and nodes with new events, but for those that were over and done with."""
        works = told.filter("correlated").group_by("_work").agg(since=pl.col("timestamp").min())
        texts = among_themselves.select(work=_work_text("_given_span_id"), whole=_is_whole())
        unsure = texts.filter(~pl.col("whole"))["work"]
        unsure_hashes = pl.concat([_hash(unsure), told.filter("profile")["_work"]]).unique()
        found = self.index.filter(~pl.col("_loose")).join(works, on="_work", how="inner")
        done = (pl.col("_whole").all() & (pl.col("_last").max() < pl.col("since").first())).over("_work")
        return found.filter(~done | pl.col("_work").is_in(unsure_hashes.implode()))

    def to_link_again(self, fresh: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
        """The other spans whose parents, traces or states may differ now (rule 3 of the module)."""
        rest = self.index.join(apart.select("_file", "_row"), on=["_file", "_row"], how="anti")
        rest = rest.with_columns(tree=pl.coalesce("_root", "_span"))
        trees = apart.select(pl.coalesce("_root", "_span")).to_series()
        changed = pl.concat([fresh.select(_LINKS), apart.select(_LINKS)])
        by_span = rest.filter(
            pl.col("_parent_span").is_in(changed["_span"].implode())
            | pl.col("_span").is_in(fresh["_parent_span"].drop_nulls().implode())
        )
        parted = self._chosen(rest, fresh, changed["_name"].drop_nulls().unique(), trees)
        trees = pl.concat([trees, by_span["tree"], parted]).unique()
        return rest.filter(pl.col("tree").is_in(trees.implode()).fill_null(False)).select(self.index.columns)

    def _chosen(self, rest: pl.DataFrame, fresh: pl.DataFrame, names: pl.Series, trees: pl.Series) -> pl.Series:
        """The trees of spans that come to be parents or children by a correlation id: by their times alone.

        Of spans that begin together all are taken: their ids decide, and those are not here.
        """
        changed_children = fresh.filter(pl.col("_parent").is_not_null())
        children = rest.filter(pl.col("_parent").is_in(names.implode()).fill_null(False))
        wanted = pl.concat([children["_parent"], changed_children["_parent"]]).unique()
        parents = rest.filter(pl.col("_name").is_in(wanted.implode()).fill_null(False))
        if parents.is_empty() and children.is_empty():
            return trees.clear()

        def part(rows: pl.DataFrame, key: str, *, is_child: bool, is_new: bool) -> pl.DataFrame:
            tree = pl.coalesce("_root", "_span")
            return rows.select(
                pl.col(key).alias("key"), pl.col("start", "end").cast(pl.Int64), tree.alias("tree"),
                is_child=pl.lit(is_child), is_new=pl.lit(is_new),
            )  # fmt: skip

        new_parents = fresh.filter(pl.col("_name").is_in(wanted.implode()).fill_null(False))
        rows = pl.concat([
            part(parents, "_name", is_child=False, is_new=False),
            part(new_parents, "_name", is_child=False, is_new=True),
            part(children, "_parent", is_child=True, is_new=False),
            part(changed_children, "_parent", is_child=True, is_new=True),
        ])  # fmt: skip
        parent = innermost_of(rows["key"], rows["start"], rows["end"], rows["is_child"])
        linked = rows.with_row_index("place").with_columns(parent=parent).filter(pl.col("parent") >= 0)
        numbered = rows.with_row_index("parent").with_columns(pl.col("parent").cast(pl.Int32))
        linked = linked.join(numbered, on="parent", suffix="_of_parent")
        moved = linked.filter("is_new", ~pl.col("is_new_of_parent"))["tree_of_parent"]
        adopted = linked.filter(~pl.col("is_new") & pl.col("is_new_of_parent"))["tree"]
        left = linked.filter(~pl.col("is_new") & pl.col("tree").is_in(trees.implode()))["tree_of_parent"]
        twins = linked.filter(pl.col("is_new") | pl.col("is_new_of_parent") | pl.col("tree").is_in(trees.implode()))
        at = twins.select("key", start="start_of_parent").unique()
        together = rows.filter(~pl.col("is_child") & ~pl.col("is_new")).join(at, on=["key", "start"], how="semi")
        tied_children = linked.join(
            rows.filter("is_new", ~pl.col("is_child")).select("key", start_of_parent="start").unique(),
            on=["key", "start_of_parent"], how="semi",
        ).filter(~pl.col("is_new"))  # fmt: skip
        return pl.concat([moved, adopted, left, together["tree"], tied_children["tree"]])


def indexed(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans with the hashes by which an update finds them."""
    texts = spans.select(
        _work=_work_text("_given_span_id"),
        _exact=pl.when(~_correlated()).then(_exact_text("_operation", "_input_hash")),
        _name="correlation_id",
        _span="span_id",
        _parent=pl.when(
            pl.col("_given_parent_span_id").is_null()
            & pl.col("_parent_correlation_id").ne_missing(pl.col("correlation_id"))
        ).then("_parent_correlation_id"),
        _parent_span="_given_parent_span_id",
        _root=pl.when(pl.col("_root_id") != pl.col("span_id")).then("_root_id"),
    )  # fmt: skip
    return spans.with_columns(*(_hash(texts[name]).alias(name) for name in INDEX), _whole=_is_whole())


def _is_whole() -> pl.Expr:
    """True for a span that nothing later can change by pairing, where nothing else of its key is left over."""
    told = pl.col("start_event_id").is_not_null() & pl.col("end_event_id").is_not_null()
    return told & (pl.col("_paired_state") == "closed") & (pl.col("family") != "profile")


def _work_text(span_id: str) -> pl.Expr:
    """What events pair within, as text; `span_id` is the column of the id that was given."""
    whose = pl.when(pl.col("family").is_in(_WORK)).then(pl.col("node").fill_null("")).otherwise(
        pl.concat_str(pl.lit(_SEPARATOR), "family")
    )  # fmt: skip
    correlated = pl.concat_str(pl.coalesce("correlation_id", span_id), whose, separator=_SEPARATOR)
    pool = pl.concat_str(pl.lit("\x1e"), pl.col("node").fill_null(""), "family", separator=_SEPARATOR)
    return pl.coalesce(correlated, pool)


def _correlated() -> pl.Expr:
    return _correlation().is_not_null()


def _correlation() -> pl.Expr:
    return pl.coalesce("correlation_id", "_given_span_id")


def _correlations(events: pl.DataFrame) -> pl.Series:
    return events.select(pl.coalesce("correlation_id", "span_id")).to_series().drop_nulls().unique()


def _exact_text(operation: str, input_hash: str) -> pl.Expr:
    """What uncorrelated events of one key have in common, as text."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in ("node", "family", operation, input_hash)]
    return pl.concat_str(parts, separator=_SEPARATOR)


def _hash(texts: pl.Series) -> pl.Series:
    """xxh64 of each text; null stays null."""
    hashes = pl.Series(xxh64_texts(texts).view(np.int64))
    return hashes if texts.null_count() == 0 else pl.select(pl.when(texts.is_not_null()).then(hashes)).to_series()


def spans_of(newest: Table, events: Table) -> pl.LazyFrame:
    """The spans of a table of events as it was at some version; `newest` is the same table as it is now."""
    kept = SpanTable(newest, [name for name in events.schema if name not in EVENTS])
    version = events.delta.version()
    if version == newest.delta.version():
        return kept.newest()
    found = kept.kept_at(version)
    return build_spans(events.scan(events.files())) if found is None else found
