"""Chrome's Trace Event Format: every span in its place in time, for chrome://tracing and Perfetto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from onex_analytics.model.shapes import SPANS
from onex_analytics.profiling.export.placing import member, placed, told

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

_IDS = ("trace_id", "span_id", "parent_span_id")
_ELSEWHERE = (*_IDS, "name", "start", "end", "_start_us", "_end_us", "_lane")


def chrome_trace(spans: pl.LazyFrame | pl.DataFrame) -> str:
    """A trace for Chrome's viewer and Perfetto: a process a node, a thread a lane.

    Args:
        spans: one row a span, from anywhere; reads what `complete_spans` gives.

    Returns:
        JSON text: processes by node (number 0, without a name, where it is null); complete events (X) in microseconds
        since 1970; for an open span a begin without an end (B), which the viewers draw as unfinished; and the names of
        nodes and lanes. On a lane a span lies inside another only where it was called by it; spans that overlap stand
        on lanes of their own. `args` hold the ids, null as well, and every other column that is not null, so that
        `sources.chrome_trace.read_spans` gives the spans back; but no bytes, and neither NaN nor infinities, which JSON
        lacks. `otherData` counts the spans that cannot be drawn: those without a start, and those that end before it.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has is absent.

    Source: Trace Event Format, Google, 2016.

    >>> from datetime import datetime
    >>> noon = datetime(1970, 1, 1, 12)
    >>> text = chrome_trace(pl.DataFrame({
    ...     "trace_id": ["t"], "span_id": ["a"], "parent_span_id": [None], "name": ["page"], "service": ["web"],
    ...     "start": [noon], "end": [noon.replace(second=1)]}))
    >>> event = json.loads(text)["traceEvents"][-1]
    >>> event["ph"], event["ts"], event["dur"], event["args"]["trace_id"]
    ('X', 43200000000, 1000000, 't')
    """
    found = placed(spans, ["node"], with_open=True)
    ids = [pl.coalesce(member(name, pl.col(name)), pl.lit(f'"{name}":null')) for name in _IDS]
    unnamed = pl.when(pl.col("name").is_null()).then(pl.lit('"name":null'))
    told_of = [_argument(name, dtype) for name, dtype in found.rows.schema.items() if name not in _ELSEWHERE]
    args = [*ids, unnamed, *told_of]
    rows = found.rows.with_columns(
        _pid=pl.col("node").rank("dense").fill_null(0).cast(pl.Int64), _tid=pl.col("_lane") + 1
    )
    open_ = pl.col("_end_us").is_null()
    members = [
        member("name", pl.col("name").fill_null("")),
        member("cat", pl.col("kind").fill_null("internal")),
        pl.when(open_).then(pl.lit('"ph":"B"')).otherwise(pl.lit('"ph":"X"')),
        member("ts", pl.col("_start_us")),
        member("dur", pl.col("_end_us") - pl.col("_start_us")),
        member("pid", pl.col("_pid")),
        member("tid", pl.col("_tid")),
    ]
    whole = pl.concat_str(
        pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit(',"args":{'),
        pl.concat_str(args, separator=",", ignore_nulls=True), pl.lit("}}"),
    )  # fmt: skip
    events = rows.select(whole).to_series().to_list()
    lanes = rows.select("_pid", "node", "_tid").unique().sort("_pid", "_tid")
    names = [
        {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": node}}
        for pid, node in lanes.select("_pid", "node").unique().drop_nulls().sort("_pid").rows()
    ]
    names += [
        {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": f"lane {tid}"}}
        for pid, tid in lanes.select("_pid", "_tid").rows()
    ]
    made_by = f"onex_analytics: {rows.height} spans{told(found.left_out)}"
    head = json.dumps({"displayTimeUnit": "ms", "otherData": {"exporter": made_by, "left_out": found.left_out}})
    body = ",\n".join([*(json.dumps(name, ensure_ascii=False) for name in names), *events])
    return f'{head[:-1]}, "traceEvents": [\n{body}\n]}}\n'


def _argument(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as a member of `args`; a time of another kind as its text. NaN and infinities are no JSON numbers."""
    value = pl.col(name)
    if dtype.is_float():
        value = pl.when(value.is_finite()).then(value)
    elif dtype == pl.Duration:
        value = value.dt.to_string("iso")
    elif dtype.is_temporal() or (name in SPANS and dtype == pl.String):
        value = value.cast(pl.String)
    elif _holds_bytes(dtype):
        value = pl.lit(None, pl.String)
    return member(name, value)


def _holds_bytes(dtype: PolarsDataType) -> bool:
    """True for what has no JSON text: bytes and Python's objects, in lists and structs as well."""
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_bytes(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(field.dtype) for field in dtype.fields)
    return dtype in (pl.Binary, pl.Object)
