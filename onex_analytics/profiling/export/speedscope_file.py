"""speedscope's file format: one sampled profile of all call paths, and traces one by one as they ran."""

from __future__ import annotations

import json

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.spans import complete_spans
from onex_analytics.profiling.export.placing import placed, told
from onex_analytics.profiling.export.weighed_stacks import WeighedStacks, weighed_stacks

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
LONGEST = 20


def speedscope(
    profile: pl.LazyFrame | pl.DataFrame, *, weight: str | None = None, by: str = "name", traces: int = LONGEST
) -> str:
    """A file for speedscope.

    Args:
        profile, weight, by: as `folded` takes them.
        traces: of spans, how many traces are told one by one, the longest first; 0 or more.

    Returns:
        JSON text: a sampled profile of all call paths by their weight, and for each chosen trace an evented profile a
        lane (spans that overlap stand on lanes of their own; inside another only what was called by it), in
        microseconds from the trace's first start. The file's name says how many traces there are and how many spans
        of those chosen are not drawn, and why.

    Raises:
        MissingColumns: neither a frame of spans nor of stacks, or the weight is absent.
        InvalidOption: the weight is no number, the path no list of names, or `traces` is below 0.

    Source: speedscope's file-format-schema.json.

    >>> stacks = pl.DataFrame({"path": [["page"], ["page", "query"]], "own_ms": [0.5, 1.5]})
    >>> file = json.loads(speedscope(stacks))
    >>> file["shared"]["frames"], file["profiles"][0]["samples"], file["profiles"][0]["weights"]
    ([{'name': 'page'}, {'name': 'query'}], [[0], [0, 1]], [500, 1500])
    """
    if traces < 0:
        raise InvalidOption("traces", traces, "0 or more")
    stacks = weighed_stacks(profile, weight, by)
    of_spans = "path" not in profile.lazy().collect_schema()
    drawn, name = _chosen(complete_spans(profile), traces) if of_spans else (None, "stacks")
    placing = None if drawn is None else placed(drawn, ["trace_id"], with_open=False)
    names = [stacks.rows["path"].explode(empty_as_null=False, keep_nulls=True)]
    if placing is not None:
        names.append(placing.rows[by].cast(pl.String).fill_null("(none)"))
        name += told(placing.left_out)
    frames = pl.concat([part.alias("frame_name") for part in names]).unique().sort()
    index = pl.DataFrame({"frame_name": frames, "frame": range(len(frames))}, schema_overrides={"frame": pl.Int64})
    profiles = [_sampled(stacks, index)]
    if placing is not None:
        profiles += _evented(placing.rows, placing.order, index, by)
    head = {"$schema": SCHEMA, "exporter": "onex_analytics", "name": name, "activeProfileIndex": 0}
    shared = json.dumps({"frames": [{"name": frame} for frame in frames]}, ensure_ascii=False)
    body = ",\n".join(profiles)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "shared": {shared}, "profiles": [\n{body}\n]}}\n'


def _chosen(spans: pl.LazyFrame, traces: int) -> tuple[pl.LazyFrame, str]:
    """The spans of the longest traces, and what the file is called."""
    length = (pl.col("end").max() - pl.col("start").min()).dt.total_microseconds()
    lengths = spans.group_by("trace_id").agg(length.alias("length"), pl.len().alias("spans")).collect()
    longest = lengths.sort("length", "trace_id", descending=[True, False], nulls_last=True).head(traces)
    name = f"{lengths['spans'].sum()} spans in {lengths.height} traces, the {longest.height} longest one by one"
    return spans.join(longest.lazy().select("trace_id"), on="trace_id", how="semi", nulls_equal=True), name


def _sampled(stacks: WeighedStacks, index: pl.DataFrame) -> str:
    rows = stacks.rows.with_row_index("sample")
    samples = (
        rows.select("sample", frame_name="path").explode("frame_name", empty_as_null=False, keep_nulls=True)
        .join(index, on="frame_name", how="left", maintain_order="left")
        .group_by("sample", maintain_order=True).agg("frame")["frame"].to_list()
    )  # fmt: skip
    weights = [int(weight) if weight.is_integer() else weight for weight in rows["weight"].to_list()]
    return json.dumps({
        "type": "sampled", "name": f"all call paths by {stacks.weight}", "startValue": 0, "endValue": sum(weights),
        "unit": "microseconds" if stacks.unit == "microseconds" else "none", "samples": samples, "weights": weights,
    })  # fmt: skip


def _evented(rows: pl.DataFrame, order: pl.DataFrame, index: pl.DataFrame, by: str) -> list[str]:
    """A profile for each lane of each trace, the longest trace first."""
    if rows.is_empty():
        return []
    named = rows.select(
        "trace_id", "_lane", "_start_us", "_end_us", "name",
        frame_name=pl.col(by).cast(pl.String).fill_null("(none)"),
        zero=pl.col("_start_us").min().over("trace_id"), last=pl.col("_end_us").max().over("trace_id"),
    ).join(index, on="frame_name", how="left", maintain_order="left").with_row_index("row")  # fmt: skip
    at = pl.when("opens").then("_start_us").otherwise("_end_us") - pl.col("zero")
    letter = pl.when("opens").then(pl.lit('{"type":"O"')).otherwise(pl.lit('{"type":"C"'))
    lanes = (
        order.with_columns(pl.col("row").cast(pl.UInt32))
        .join(named, on="row", how="left", maintain_order="left")
        .with_columns(event=pl.concat_str(letter, pl.lit(',"frame":'), "frame", pl.lit(',"at":'), at, pl.lit("}")))
        .group_by("trace_id", "_lane", maintain_order=True)
        .agg(pl.col("event").str.join(","), end=(pl.col("last") - pl.col("zero")).first(), name=pl.col("name").first())
        .sort("end", "trace_id", "_lane", descending=[True, False, False])
    )
    made = []
    for trace_id, lane, events, end, name in lanes.select("trace_id", "_lane", "event", "end", "name").rows():
        head = json.dumps({
            "type": "evented", "name": f"{trace_id} · {name}" + (f" · lane {lane + 1}" if lane else ""),
            "unit": "microseconds", "startValue": 0, "endValue": end,
        }, ensure_ascii=False)  # fmt: skip
        made.append(f'{head[:-1]}, "events": [{events}]}}')
    return made
