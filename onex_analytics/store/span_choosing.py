"""Which of the spans that are kept an update looks at: those that new events may pair with, and those linked anew.

The rules are those of the module `spans`. More may be chosen than need be; what is not chosen stands as it is.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.frames.spans.linking import innermost_of
from onex_analytics.frames.spans.materialising import whole_or_not
from onex_analytics.frames.spans.pairing import NO_TIME
from onex_analytics.store.kept_spans import Kept, Numbers
from onex_analytics.store.span_keys import NO_HASH, exact_text, hashed_texts, is_whole, work_text

_LINKS = ("_name", "_span")


def touched_by(kept: Kept, events: pl.DataFrame) -> Numbers:
    """The spans that new events may change by pairing (rules 1 and 2)."""
    told = events.select(
        pl.col("timestamp").cast(pl.Int64), correlated=pl.coalesce("correlation_id", "span_id").is_not_null(),
        work=work_text("span_id"), profile=pl.col("family") == "profile",
    )  # fmt: skip
    told = told.with_columns(hashed_texts(told["work"]).alias("_work"))
    return np.concatenate([_of_correlations(kept, told, events), *_uncorrelated(kept, told, events)])


def _uncorrelated(kept: Kept, told: pl.DataFrame, events: pl.DataFrame) -> list[Numbers]:
    """Pairs that end at or after new events of their key, and the loose spans of the same nodes that may pair anew."""
    is_alone = told.select(~pl.col("correlated") & ~pl.col("profile")).to_series()
    if not is_alone.any():
        return []
    exact = events.filter(is_alone).select(exact_text("operation", "input_hash")).to_series()
    alone = told.filter(is_alone).select("timestamp", "_work", _exact=hashed_texts(exact))
    keys = alone.group_by("_exact").agg(since=pl.col("timestamp").min())
    earliest = int(keys["since"].fill_null(0).to_numpy().min())
    stretches = [kept.settled_bearing("_exact", keys["_exact"], *part) for part in kept.files_until(earliest)]
    at = np.concatenate([np.empty(0, np.int64), *stretches])
    same_key = kept.indexed(at).join(keys, on="_exact", how="inner")
    later = same_key.filter(pl.col("_last") >= pl.col("since"))
    undone = kept.loose.join(keys, on="_exact", how="inner").filter(~pl.col("_single"))
    pool_times = pl.concat([
        alone.select("_work", "timestamp"), later.select("_work", timestamp="_first"),
        undone.select("_work", timestamp="_first"),
    ]).group_by("_work").agg(since=pl.col("timestamp").min())  # fmt: skip
    loose = kept.loose.join(pool_times, on="_work", how="inner")
    waiting = pl.col("_single") & (pl.col("outcome") == "start")
    is_undone = pl.col("_at").is_in(undone["_at"].implode())
    loose = loose.filter(waiting | (pl.col("_last") >= pl.col("since")) | is_undone)
    return [later["_at"].to_numpy(), loose["_at"].to_numpy()]


def _of_correlations(kept: Kept, told: pl.DataFrame, events: pl.DataFrame) -> Numbers:
    """The spans of correlations and nodes with new events, but for those that were over and done with."""
    works = told.filter("correlated").group_by("_work").agg(since=pl.col("timestamp").min())
    at = kept.settled_bearing("_work", works["_work"], 0, kept.settled)
    if not at.size:
        return at
    found = kept.indexed(at).join(works, on="_work", how="inner")
    of_them = told.select(pl.col("correlated") & pl.col("_work").is_in(found["_work"].implode())).to_series()
    among_themselves = whole_or_not(events.filter(of_them))
    unsure = among_themselves.filter(~is_whole()).select(work_text("_given_span_id")).to_series()
    unsure_hashes = pl.concat([hashed_texts(unsure), told.filter("profile")["_work"]]).unique()
    done = (pl.col("_whole").all() & (pl.col("_last").max() < pl.col("since").first())).over("_work")
    return found.filter(~done | pl.col("_work").is_in(unsure_hashes.implode()))["_at"].to_numpy()


def to_link_again(kept: Kept, fresh: pl.DataFrame, gone: pl.DataFrame) -> Numbers:
    """The other spans whose parents, traces or states may differ now (rule 3)."""
    at_gone = gone["_at"].to_numpy()
    changed = pl.concat([fresh.select(_LINKS), gone.select(_LINKS)])
    at_children = kept.bearing("_parent_span", changed["_span"])
    wanted = pl.concat([kept.indexed(at_children)["_parent_span"], fresh["_parent_span"]])
    by_span = np.concatenate([at_children, kept.bearing("_span", wanted)])  # of several of one id the innermost counts
    related = kept.indexed(_without(by_span, at_gone))["_tree"]
    trees = gone["_tree"]
    parted = _parted(kept, fresh, changed["_name"].unique(), trees, at_gone)
    return _without(kept.bearing("_tree", pl.concat([trees, related, parted])), at_gone)


def _without(at: Numbers, gone: Numbers) -> Numbers:
    return at[~np.isin(at, gone)]


def _parted(kept: Kept, fresh: pl.DataFrame, names: pl.Series, trees: pl.Series, gone: Numbers) -> pl.Series:
    """The trees of spans that come to be parents or children by a correlation id: by their times alone.

    Of spans that begin together all are taken: their ids decide, and those are not here.
    """
    at_children = _without(kept.bearing("_parent", names), gone)
    children = kept.indexed(at_children)
    wanted = pl.concat([children["_parent"], fresh["_parent"]])
    at_parents = _without(kept.bearing("_name", wanted), gone)
    if not at_parents.size and not at_children.size:
        return trees.clear()
    parents = kept.indexed(at_parents)
    keys = pl.concat([parents["_name"], children["_parent"]]).unique()

    def part(rows: pl.DataFrame, key: str, tree: str, *, is_child: bool, is_new: bool) -> pl.DataFrame:
        is_one = pl.col(key).is_in(keys.implode()) & (pl.col(key) != NO_HASH)
        return rows.filter(is_one).select(
            pl.col(key).alias("key"), pl.col("start", "end").cast(pl.Int64).fill_null(NO_TIME), tree=pl.col(tree),
            is_child=pl.lit(is_child), is_new=pl.lit(is_new),
        )  # fmt: skip

    rows = pl.concat([
        part(parents, "_name", "_tree", is_child=False, is_new=False),
        part(fresh, "_name", "_span", is_child=False, is_new=True),
        part(children, "_parent", "_tree", is_child=True, is_new=False),
        part(fresh, "_parent", "_span", is_child=True, is_new=True),
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
