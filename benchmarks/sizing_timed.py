"""Sizes and payloads: `python -m benchmarks.sizing_timed PROGRAM FILE [EVENTS]`.

`type` and `field` are `size_report` of the whole file. `duckdb` asks DuckDB the same by type, where it is given the
fields as a store has them: it writes each event as JSON from its columns, nulls among them. `loop` is the plain Python
that one would write by field, over the first EVENTS texts. `encode`, `dictionary` and `dumps` write EVENTS events, one
at a time: by `encode` as it is, by `encode` with a dictionary, and by `json.dumps`.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import Any

import polars as pl

from benchmarks.timed import timed
from onex_analytics import sizing
from onex_analytics.model.shapes import WIRE_FIELDS

program, file = sys.argv[1:3]
few = int(sys.argv[3]) if len(sys.argv) > 3 else None


def report() -> dict[str, Any]:
    table = sizing.size_report(events, program if program == "field" else "event_type").collect()
    return {"events": events.height, "bytes": int(table["total_bytes"].sum())}


def asked() -> dict[str, Any]:
    rows = connection.sql(
        "select event_type, count(*), sum(n), avg(n), quantile_disc(n, [0.5, 0.95, 0.99]), max(n), "
        "count(*) filter (n > 65536) from "
        f"(select event_type, strlen(json_object({members})) as n from texts) group by 1"
    ).fetchall()
    return {"events": sum(row[1] for row in rows), "bytes": int(sum(row[2] for row in rows))}


def loop() -> dict[str, Any]:
    sizes = defaultdict(list)
    for text in texts:
        for name, value in json.loads(text).items():
            size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) + len(name) + 4
            if name == "metadata" and isinstance(value, dict):
                for key, inner in value.items():
                    own = len(json.dumps(inner, ensure_ascii=False, separators=(",", ":")).encode()) + len(key) + 4
                    sizes[f"metadata.{key}"].append(own)
                    size -= own
            sizes[name].append(size)
    for values in sizes.values():
        values.sort()
    return {"events": len(texts), "bytes": sum(map(sum, sizes.values())) + len(texts)}


def encode() -> dict[str, Any]:
    return {"events": len(wires), "bytes": sum(len(sizing.encode(wire, policy).payload) for wire in wires)}


def dumps() -> dict[str, Any]:
    written = (json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode() for wire in wires)
    return {"events": len(wires), "bytes": sum(map(len, written))}


if program in ("type", "field"):
    events = pl.read_parquet(file)
    sizing.size_report(events.head(1000), "field").collect()
    timed(report)
elif program == "duckdb":
    import duckdb

    connection = duckdb.connect()
    fields = [name for name in WIRE_FIELDS if name != "metadata"]
    members = ", ".join(f"'{name}', {name}" for name in fields) + ", 'metadata', json(metadata)"
    connection.execute(f"create table texts as select {', '.join(fields)}, metadata from read_parquet('{file}')")
    timed(asked)
elif program == "loop":
    texts = pl.read_parquet(file, columns=["text"], n_rows=few)["text"].to_list()
    timed(loop)
else:
    wires = [json.loads(text) for text in pl.read_parquet(file, columns=["text"], n_rows=few)["text"]]
    policy = sizing.SizePolicy()
    if program == "dictionary":
        whole = pl.read_parquet(file, n_rows=20_000)
        policy = sizing.SizePolicy(compress_over=0, dictionary=sizing.train_dictionary(whole))
    if program != "dumps":
        sizing.encode(wires[0], policy)
    timed(dumps if program == "dumps" else encode)
