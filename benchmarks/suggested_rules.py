"""General rules, tuned on the first half of a log and scored on the rest, as docs/alerting.md tells.

`python -m benchmarks.suggested_rules [DAYS SEED …]`: one line a log of 200,000 events; by default all nine of the page.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from onex_analytics import EventStore, generate
from onex_analytics.alerting import suggest

ALL = product((14, 28, 7), (51, 52, 53))


def scores(days: int, seed: int) -> pl.DataFrame:
    log = generate(200_000, seed=seed, days=days)
    with TemporaryDirectory() as folder:
        log.write(Path(folder) / "log.jsonl")
        store = EventStore(f"{folder}/store")
        store.append(f"{folder}/log.jsonl")
        found = suggest(None, store.scan(), log.labels)
    print(f"{days} days, seed {seed}: {found.verdict}", flush=True)
    return found.scores.filter((pl.col("part") == "report") & pl.col("rule").is_null())


given = [int(word) for word in sys.argv[1:]]
for days, seed in zip(given[::2], given[1::2], strict=True) if given else ALL:
    print("    ", {name: value for name, value in scores(days, seed).row(0, named=True).items() if value is not None})
