"""The peer: DuckDB's one COPY with the same parsing, lifting and keeping: `… LOG PARQUET transform|arrows`.

`transform` lifts everything by one `json_transform`, `arrows` by one `->>` a column. Both leave out what our append
does besides: rejected lines kept, duplicates and conflicts parted, clocks repaired, types and nodes normalised, fields
that no column expresses kept, violations listed.
"""

from __future__ import annotations

import json
import sys

import duckdb

from benchmarks.timed import timed
from onex_analytics.model.shapes import PROFILE_NUMBERS

log, target, way = sys.argv[1:]
TOP = (
    "event_id", "timestamp", "node_id", "event_type", "correlation_id", "parent_correlation_id", "trace_id", "span_id",
    "parent_span_id", "causation_id", "schema_version", "adjusted_count", "replay_id", "is_replay",
)  # fmt: skip
TEXTS = (
    "operation", "function", "error_type", "error_code", "error_message", "error", "severity", "recoverable", "level",
    "log_level", "status", "node_version",
)  # fmt: skip
NUMBERS = ("execution_time_ms", "duration_ms", *PROFILE_NUMBERS)
NESTED = {
    "output_state": ("status", "message", "error_code"), "input_state": ("correlation_id",), "log_entry": ("level",),
}  # fmt: skip

columns = ", ".join(f"{name}: 'VARCHAR'" for name in TOP) + ", metadata: 'JSON'"
source = (
    f"read_json('{log}', format='newline_delimited', ignore_errors=true, columns={{{columns}}}, "
    "maximum_object_size=67108864)"
)
top = ", ".join(name for name in TOP if name != "timestamp") + ", try_cast(timestamp AS TIMESTAMP) AS timestamp"
if way == "transform":
    shape: dict[str, object] = {**dict.fromkeys(TEXTS, "VARCHAR"), **dict.fromkeys(NUMBERS, "DOUBLE")}
    shape |= {"success": "BOOLEAN", **{outer: dict.fromkeys(inner, "VARCHAR") for outer, inner in NESTED.items()}}
    lifted = ", ".join(f"m.{name}" for name in (*TEXTS, *NUMBERS, "success"))
    nested = ", ".join(f"m.{o}.{n} AS {o}_{n}" for o, names in NESTED.items() for n in names)
    query = (
        f"SELECT {top}, {lifted}, {nested}, kept AS metadata FROM (SELECT *, metadata::VARCHAR AS kept, "
        f"json_transform(metadata, '{json.dumps(shape)}') AS m FROM {source})"
    )
else:
    lifted = ", ".join(f"metadata->>'$.{name}' AS {name}" for name in TEXTS)
    numbers = ", ".join(f"try_cast(metadata->>'$.{name}' AS DOUBLE) AS {name}" for name in NUMBERS)
    nested = ", ".join(f"metadata->>'$.{o}.{n}' AS {o}_{n}" for o, names in NESTED.items() for n in names)
    success = "try_cast(metadata->>'$.success' AS BOOLEAN) AS success"
    query = f"SELECT {top}, {lifted}, {numbers}, {success}, {nested}, metadata::VARCHAR AS metadata FROM {source}"

connection = duckdb.connect()
connection.execute("SET threads = 2")
copy = f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
timed(lambda: {"copied": connection.execute(copy).fetchall()[0][0]})
