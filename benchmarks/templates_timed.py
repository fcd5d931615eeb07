"""`python -m benchmarks.templates_timed ours|known|drain file`: templates of the messages in a Parquet file, timed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.timed import timed

program, file = sys.argv[1], Path(sys.argv[2])
messages = pl.read_parquet(file)["error_message"]


def ours() -> dict[str, Any]:
    from onex_analytics.error_patterns import mine_templates

    return {"lines": len(messages), "templates": mine_templates(messages).table.height}


def drain() -> dict[str, Any]:
    from benchmarks.drain import drain_templates

    return {"lines": len(lines), "templates": len(set(drain_templates(lines)))}


if program == "drain":  # as many lines as it reads in some seconds; it takes the same time for each of the rest
    logging.disable(logging.WARNING)
    lines = messages.head(int(sys.argv[3])).to_list()
    timed(drain)
else:
    from onex_analytics.error_patterns import mine_templates

    model = mine_templates(messages.head(20_000))  # the kernels are compiled or read from their cache
    if program == "known":
        model = mine_templates(messages)
        model.transform(messages.head(1000))
        timed(lambda: {"lines": len(messages), "templates": model.transform(messages)["template_id"].n_unique()})
    else:
        timed(ours)
