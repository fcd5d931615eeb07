"""The spans that are kept, as an update looks through them: hashes of all, whole rows of those that are asked for."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.frames.spans.linking import innermost_of
from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.store.failures import in_our_words
from onex_analytics.store.storage import StoredFile, Table

INDEX = ("_work", "_exact", "_name", "_span", "_parent", "_parent_span", "_root")
"""Hashes by which an update finds spans: of what its events pair within, of an uncorrelated key, of the correlation id,
of the span id, of the parent's correlation id and of its span id, as they are named, and of the root where that is
another span."""

ROW_GROUP_ROWS = 1 << 12
"""Few, because an update looks for single rows."""
_TIMES = ("start", "end", "_first", "_last")
_LINKS = ("_name", "_span")
_WORK = ("node", "telemetry", "profile")
_SEPARATOR = "\x1f"


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
                groups = part["_row"].unique().sort() // ROW_GROUP_ROWS
                for group in groups.unique().to_list():
                    rows = self._lazy(int(place)).slice(group * ROW_GROUP_ROWS, ROW_GROUP_ROWS)
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
            work=work_text("span_id"), exact=_exact_text("operation", "input_hash"),
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
        texts = among_themselves.select(work=work_text("_given_span_id"), whole=_is_whole())
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
        _work=work_text("_given_span_id"),
        _exact=pl.when(~correlated()).then(_exact_text("_operation", "_input_hash")),
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


def work_text(span_id: str) -> pl.Expr:
    """What events pair within, as text; `span_id` is the column of the id that was given."""
    whose = pl.when(pl.col("family").is_in(_WORK)).then(pl.col("node").fill_null("")).otherwise(
        pl.concat_str(pl.lit(_SEPARATOR), "family")
    )  # fmt: skip
    correlated = pl.concat_str(pl.coalesce("correlation_id", span_id), whose, separator=_SEPARATOR)
    pool = pl.concat_str(pl.lit("\x1e"), pl.col("node").fill_null(""), "family", separator=_SEPARATOR)
    return pl.coalesce(correlated, pool)


def correlated() -> pl.Expr:
    return correlation().is_not_null()


def correlation() -> pl.Expr:
    return pl.coalesce("correlation_id", "_given_span_id")


def correlations(events: pl.DataFrame) -> pl.Series:
    return events.select(pl.coalesce("correlation_id", "span_id")).to_series().drop_nulls().unique()


def _exact_text(operation: str, input_hash: str) -> pl.Expr:
    """What uncorrelated events of one key have in common, as text."""
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in ("node", "family", operation, input_hash)]
    return pl.concat_str(parts, separator=_SEPARATOR)


def _hash(texts: pl.Series) -> pl.Series:
    """xxh64 of each text; null stays null."""
    hashes = pl.Series(xxh64_texts(texts).view(np.int64))
    return hashes if texts.null_count() == 0 else pl.select(pl.when(texts.is_not_null()).then(hashes)).to_series()
