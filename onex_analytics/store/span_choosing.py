"""Which of the spans that are kept an update looks at: those that new events may pair with, and those linked anew.

The rules are those of the module `spans`. More may be chosen than need be; what is not chosen stands as it is.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.frames.spans.linking import innermost_of
from onex_analytics.frames.spans.materialising import whole_or_not
from onex_analytics.frames.spans.pairing import NO_TIME, ORDER_SLACK_US
from onex_analytics.frames.spans.telling import LONGEST_MS
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
    """Pairs that end at or after new events of their key, and the loose spans of the same nodes that may pair anew.

    Pairing goes on in order of time, so that what comes later leaves alone what ended before; but for starts that the
    order gave away: an end of their exact key that comes later had the first claim to them.
    """
    is_alone = told.select(~pl.col("correlated") & ~pl.col("profile")).to_series()
    if not is_alone.any():
        return []
    alone = events.filter(is_alone).select(
        "outcome", "input_hash", "execution_time_ms", exact=exact_text("operation", "input_hash")
    ).hstack(told.filter(is_alone).select("timestamp", "_work"))  # fmt: skip
    alone = alone.with_columns(hashed_texts(alone["exact"]).alias("_exact"))
    keys = alone.group_by("_exact").agg(
        pl.col("_work").first(), since=pl.col("timestamp").min(), claims_since=_claims_since().min()
    )
    earliest = int(keys["since"].fill_null(0).to_numpy().min())
    stretches = [kept.settled_bearing("_exact", keys["_exact"], *part) for part in kept.files_until(earliest)]
    at = np.concatenate([np.empty(0, np.int64), *stretches])
    same_key = kept.indexed(at).join(keys, on="_exact", how="inner")
    later = same_key.filter(pl.col("_last") >= pl.col("since"))
    pools = alone.group_by("_work").agg(since=pl.col("timestamp").min())
    came_late = kept.loose.join(pools, on="_work", how="inner").filter(pl.col("_last") >= pl.col("since"))["_work"]
    looked_at_again = pl.concat([came_late, later["_work"]])
    claims_since = pl.when(pl.col("_work").is_in(looked_at_again.implode())).then(NO_TIME).otherwise("claims_since")
    claimed = keys.select("_exact", claims_since=claims_since).drop_nulls()
    undone = kept.loose.filter(~pl.col("_single")).join(claimed, on="_exact", how="inner")
    undone = undone.filter(pl.col("_first") >= pl.col("claims_since"))
    since = pl.concat([
        pools, later.select("_work", since="_first"), undone.select("_work", since="_first"),
    ]).group_by("_work").agg(pl.col("since").min())  # fmt: skip
    loose = kept.loose.join(since, on="_work", how="inner")
    waiting = pl.col("_single") & (pl.col("outcome") == "start")
    is_undone = pl.col("_at").is_in(undone["_at"].implode())
    loose = loose.filter(waiting | (pl.col("_last") >= pl.col("since")) | is_undone)
    return [later["_at"].to_numpy(), loose["_at"].to_numpy()]


def _claims_since() -> pl.Expr:
    """Microseconds from which on an end may take a start of its exact key, whenever that has been; null for none.

    By its input state, however long ago; where there is none, as near as its execution time has it.
    """
    took_us = (pl.col("execution_time_ms") * 1000).round()
    is_told = took_us.is_between(0, LONGEST_MS * 1000)
    slack_us = pl.max_horizontal(took_us / 20, ORDER_SLACK_US) + 1
    nearby = pl.when(is_told).then((pl.col("timestamp") - took_us - slack_us).floor().cast(pl.Int64))
    has_input = pl.col("input_hash").is_not_null()
    return pl.when(pl.col("outcome") != "start").then(pl.when(has_input).then(NO_TIME).otherwise(nearby))


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
