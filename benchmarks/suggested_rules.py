"""General rules, tuned on the first half of a log and scored on the rest: the table of docs/alerting.md, line by line.

`python -m benchmarks.suggested_rules [DAYS SEED …]`: one line a log of 200,000 events; by default all 21 of the page.
"""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from onex_analytics import EventStore, generate
from onex_analytics.alerting import Suggestion, suggest
from onex_analytics.synthetic import DIMENSIONS

ALL = [*product((14, 28, 7), (81, 82, 83)), *((days, seed) for seed in (91, 92, 93, 94) for days in (14, 28, 7))]
HEAD = (
    "days", "seed", "caught (95 %)", "at random", "told in time", "precision (95 %)", "at random", "pages a day",
    "known after", "told after", "missed",
)  # fmt: skip


def suggestion(days: int, seed: int) -> Suggestion:
    log = generate(200_000, seed=seed, days=days)
    with TemporaryDirectory() as folder:
        log.write(Path(folder) / "log.jsonl")
        store = EventStore(f"{folder}/store", dimensions=DIMENSIONS)
        store.append(f"{folder}/log.jsonl")
        return suggest(None, store.scan().collect(), log.labels)


def line(days: int, seed: int) -> str:
    found = suggestion(days, seed)
    result = found.backtest
    (told,) = found.scores.filter((pl.col("part") == "report") & pl.col("rule").is_null()).to_dicts()
    assert result.begin is not None and result.end is not None
    half: datetime = result.begin + (result.end - result.begin) / 2
    late = result.tellings.filter(pl.col("start") >= half)
    missed = ", ".join(late.filter(pl.col("delay_s").is_null())["incident"].to_list()) or "–"
    return _row(
        days, seed, f"{told['caught']} of {told['incidents']} ({_between(told, 'recall')})",
        f"{told['random_recall'] * told['incidents']:.1f}", f"{int(late['in_time'].sum())} of {late.height}",
        f"{100 * told['precision']:.0f} % ({_between(told, 'precision')})", f"{100 * told['random_precision']:.0f} %",
        f"{told['pages_per_day']:.3f}", _median(late["delay_s"]), _median(late["told_s"]), missed,
    )  # fmt: skip


def _between(told: dict[str, float], name: str) -> str:
    return f"{100 * told[f'{name}_low']:.0f} to {100 * told[f'{name}_high']:.0f} %"


def _median(delays_s: pl.Series) -> str:
    """The nearest-rank median, in minutes; what was missed lasts for ever."""
    rank = -(-len(delays_s) // 2)
    found = delays_s.drop_nulls().sort()
    return f"{found[rank - 1] / 60:.0f} min" if rank <= len(found) else "never"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


given = [int(word) for word in sys.argv[1:]]
print(_row(*HEAD), f"|{'---|' * len(HEAD)}", sep="\n")
for days, seed in zip(given[::2], given[1::2], strict=True) if given else ALL:
    print(line(days, seed), flush=True)
