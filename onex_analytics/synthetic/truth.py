"""The truth about each line and about each call, as frames."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.synthetic.blocks import Block, caught
from onex_analytics.synthetic.failures import FAILURES
from onex_analytics.synthetic.incidents import Effect, incident_id
from onex_analytics.synthetic.patterns import PATTERNS, TYPES
from onex_analytics.synthetic.texts import column, hexadecimal, picked, uuids
from onex_analytics.synthetic.topology import HOSTS, SCHEMA_VERSIONS, TENANTS
from onex_analytics.synthetic.traces import Scene
from onex_analytics.synthetic.wire import Writer, correlated, correlated_parents

ROLES = ("event", "duplicate", "conflict", "broken")
UTC = pl.Datetime("us", "UTC")


def line_truth(block: Block, scene: Scene, writer: Writer) -> pl.DataFrame:
    """One row a line of the block; see `SyntheticLog.frames`. `key` orders them."""
    draft, calls, fleet = block.draft, block.draft.operations, scene.fleet
    found = caught(block, writer)
    traps = pl.DataFrame(dict(found)).select(
        traps=pl.concat_list([pl.when(name).then(pl.lit(name)) for name in found]).list.drop_nulls()
    )
    frame = pl.DataFrame({
        "event_id": column(uuids(block.ids.event)),
        "timestamp": pl.Series(draft.time + writer.epoch_us).cast(UTC),
        "node": picked(fleet.names, calls.node[draft.call]),
        "operation": picked(fleet.operations, calls.op[draft.call]),
        "event_type": picked(TYPES, draft.type),
        "call": draft.call + (block.number << 32),
        "incidents": _incidents(scene.effects, calls.touched[draft.call]),
        "traps": traps["traps"],
    })
    further = (block.springs.duplicate, block.springs.conflict, block.springs.broken)
    roles = np.repeat(np.arange(len(ROLES)), [len(draft), *(len(rows) for rows in further)])
    whole = pl.concat([frame, frame[block.again.astype(np.uint32)]])
    return whole.select(picked(ROLES, roles).alias("role"), pl.all(), pl.Series("key", block.keys))


def call_truth(block: Block, scene: Scene, writer: Writer) -> pl.DataFrame:
    """One row a call of the block; see `SyntheticLog.calls`."""
    draft, calls, fleet = block.draft, block.draft.operations, scene.fleet
    ids = block.ids
    n, first = len(calls), block.number << 32
    correlation = pl.DataFrame({
        "uuid": column(uuids(ids.call)), "loose": block.calls.correlation == 2, "told": correlated(draft),
        "row": pl.Series(np.arange(n)).cast(pl.String),
    }).select(
        text=pl.when(~pl.col("told")).then(None).when("loose").then(pl.lit("req-") + pl.col("row")).otherwise("uuid")
    )["text"]
    above = correlated_parents(draft)
    codes = pl.Series([*(f.code for f in FAILURES), None], dtype=pl.String)
    deploys = scene.versions.deploys
    frame = pl.DataFrame({
        "call": first + np.arange(n),
        "parent_call": calls.parent + first,
        "trace_id": column(hexadecimal(ids.trace[calls.trace])),
        "correlation_id": correlation,
        "parent_correlation_id": correlation.gather(pl.Series(np.maximum(above, 0))) if n else correlation,
        "node": picked(fleet.names, calls.node),
        "operation": picked(fleet.operations, calls.op),
        "pattern": picked(PATTERNS, calls.pattern),
        "start": pl.Series(calls.start + writer.epoch_us).cast(UTC),
        "duration_ms": calls.duration / 1000,
        "open": calls.open,
        "error_code": picked(codes, np.where(calls.failure >= 0, calls.failure, len(FAILURES))),
        "soft": block.calls.soft > 0,
        "attempt": calls.attempt + 1,
        "tenant": picked(TENANTS, calls.tenant),
        "host": picked(HOSTS, calls.host),
        "input_bytes": calls.size,
        "node_version": picked([d.node_version for d in deploys], calls.version),
        "schema_version": picked([SCHEMA_VERSIONS[d.schema] for d in deploys], calls.version),
        "incidents": _incidents(scene.effects, calls.touched),
    })
    return frame.with_columns(
        parent_call=pl.when(pl.Series(calls.parent >= 0)).then("parent_call"),
        parent_correlation_id=pl.when(pl.Series(above >= 0)).then("parent_correlation_id"),
    )


def _incidents(effects: tuple[Effect, ...], touched: NDArray[np.uint64]) -> pl.Series:
    distinct, index = np.unique(touched, return_inverse=True)
    lists = [[incident_id(e) for e in effects if int(bits) >> e.index & 1] for bits in distinct]
    return pl.Series("incidents", lists, dtype=pl.List(pl.String)).gather(pl.Series(index.astype(np.uint32)))
