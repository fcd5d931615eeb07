"""`python -m benchmarks.template_quality [folder]`: grouping accuracy of mined templates beside Drain3, log by log.

The logs are the labelled ones of Loghub, `*_2k.csv` in the named folder (`LOGHUB` of the environment, else left out),
those that tests/error_patterns/labelled_logs.py draws, and the harsher ones of benchmarks/makes: those that the rules
were made on (tuning) and those that they were not (held_out, fresh). One setting for every log, on both sides.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from benchmarks.drain import drain_templates
from benchmarks.drawn_logs import SPLITS, drawn_logs
from onex_analytics.error_patterns import mine_templates
from tests.error_patterns.labelled_logs import labelled_logs

DRAWN_LINES = 2000


class Score(NamedTuple):
    """Shares from 0 to 1."""

    grouping_accuracy: float
    group_f1: float


def score(truth: pl.Series, found: pl.Series) -> Score:
    """Grouping accuracy: share of lines whose group is exactly their true group. F1 of groups: over groups instead.

    Sources: Zhu et al., ICSE-SEIP 2019 (GA); Jiang et al., ISSTA 2024 (FGA).

    >>> score(pl.Series([1, 1, 2, 3]), pl.Series(["a", "a", "b", "b"]))
    Score(grouping_accuracy=0.5, group_f1=0.4)
    """
    both = pl.DataFrame({"truth": truth, "found": found}).with_columns(
        true_size=pl.len().over("truth"), found_size=pl.len().over("found")
    )
    pairs = both.group_by("truth", "found").agg(pl.len(), pl.col("true_size", "found_size").first())
    exact = pairs.filter((pl.col("len") == pl.col("true_size")) & (pl.col("len") == pl.col("found_size")))
    groups = truth.n_unique() + found.n_unique()
    return Score(exact["len"].sum() / max(len(truth), 1), 2 * exact.height / max(groups, 1))


def loghub(folder: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    for path in sorted(folder.glob("*_2k.csv")):
        rows = pl.read_csv(path, infer_schema=False)
        yield path.stem, rows.select(error_message="content", truth="event_id")


def logs(folder: Path | None) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Each log with the set that it is of and its name."""
    if folder is not None:
        yield from (("loghub", *log) for log in loghub(folder))
    yield from (("drawn", *log) for log in labelled_logs(DRAWN_LINES))
    for split in SPLITS:
        yield from ((split, *log) for log in drawn_logs(split))


def scores(folder: Path | None) -> pl.DataFrame:
    """One row a log: GA and FGA of ours and of Drain3."""
    rows = []
    for name_of_set, name, log in logs(folder):
        messages = log["error_message"]
        ours = score(log["truth"], mine_templates(messages).transform(messages)["template_id"])
        drain = score(log["truth"], pl.Series(drain_templates(messages.to_list())))
        rows.append((name_of_set, name, log["truth"].n_unique(), *ours, *drain))
    return pl.DataFrame(rows, ["set", "log", "templates", "GA", "FGA", "Drain3 GA", "Drain3 FGA"], orient="row")


def behind() -> pl.Expr:
    """How far a log is below Drain3, in GA or in FGA."""
    return pl.max_horizontal(pl.col("Drain3 GA") - pl.col("GA"), pl.col("Drain3 FGA") - pl.col("FGA"))


def folder_of_loghub() -> Path | None:
    named = sys.argv[1] if sys.argv[1:] else os.environ.get("LOGHUB")
    return Path(named) if named else None


if __name__ == "__main__":
    found = scores(folder_of_loghub())
    with pl.Config(tbl_rows=-1, float_precision=3, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(found)
        means = pl.col("GA", "FGA", "Drain3 GA", "Drain3 FGA").mean()
        print(
            found.group_by("set", maintain_order=True).agg(
                pl.len().alias("logs"), means, furthest_behind=behind().max(), far_behind=(behind() > 0.02).sum()
            )
        )
