"""Lines: the events of a block as JSON text, in the form that a source would read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import Draws, Ints
from onex_analytics.synthetic.metadata import Scribe
from onex_analytics.synthetic.patterns import CODE, LOG, TYPES, UNDECORATED
from onex_analytics.synthetic.texts import as_uuid4, glued, hexadecimal, joined, picked, replaced, times, uuids
from onex_analytics.synthetic.topology import HOSTS, SCHEMA_VERSIONS, Topology, Versions
from onex_analytics.synthetic.traces import Draft
from onex_analytics.synthetic.traps import CallSprings, NodeQuirks, Springs

FORMS = ("event", "envelope", "capture", "recording", "cloudevents", "core")
UNKNOWN_TYPES = ("TOOL_CACHE_EVICTED", "NODE_HEARTBEAT", "agent.thought.recorded", "Workflow_Paused")
_NEWER_MINOR, _NEWER_MAJOR = "1.9.0", "3.0.0"
_SPELLINGS = ("{}", "OnexEventTypeEnum.{}", "{lower}", "core.{dotted}")
_UNKNOWN_FIELDS = (',"zone":"eu-1"', ',"x_build":{"commit":"4f2a9c1","dirty":false}', ',"ttl":null')
_OBJECT = '{{"major":{},"minor":{},"patch":0,"prerelease":null,"build":null}}'


@dataclass(frozen=True)
class Ids:
    """The random words behind every id of a block; the same for the lines and for the truth."""

    event: NDArray[np.uint16]
    call: NDArray[np.uint16]
    trace: NDArray[np.uint16]

    @classmethod
    def drawn(cls, draft: Draft, draws: Draws) -> Ids:
        calls, traces = len(draft.operations), draft.traces
        event = draws.short(8 * len(draft)).reshape(-1, 8)
        call = draws.short(8 * calls).reshape(-1, 8)
        return cls(as_uuid4(event), as_uuid4(call), draws.short(8 * traces).reshape(-1, 8))


def correlated(draft: Draft) -> NDArray[np.bool_]:
    """Calls whose events carry a correlation id: all but those of undecorated nodes, restarts and lone logs."""
    pattern = draft.operations.pattern
    return np.asarray((pattern != UNDECORATED) & (pattern < LOG))


def correlated_parents(draft: Draft) -> Ints:
    """The nearest caller that has a correlation id, by call; -1 where there is none."""
    has = correlated(draft)
    parents = draft.operations.parent.copy()
    while True:
        climbing = (parents >= 0) & ~has[parents]
        if not climbing.any():
            return parents
        parents[climbing] = draft.operations.parent[parents[climbing]]


class Writer:
    """Writes the lines of blocks, for one fleet and form."""

    def __init__(
        self, fleet: Topology, versions: Versions, quirks: NodeQuirks, form: str, epoch_us: int, middle_us: int
    ) -> None:
        self.fleet, self.versions, self.quirks, self.form = fleet, versions, quirks, form
        self.epoch_us, self.middle_us = epoch_us, middle_us
        self.scribe = Scribe(fleet, [d.node_version for d in versions.deploys])
        names = fleet.names
        uuid = [bytes(row).decode() for row in uuids(as_uuid4(quirks.uuid))]
        by_node = [uuid[i] if quirks.id_form[i] == 4 or form == "core" else name for i, name in enumerate(names)]
        module = "omnibase.nodes.{}.v{}.node"
        by_version = [
            f"{names[d.node]}:{d.node_version}" if quirks.id_form[d.node] == 1
            else module.format(names[d.node], d.node_version.replace(".", "_")) for d in versions.deploys
        ]
        by_host = [f"{name}-{i + 1:03d}" for name in names for i in range(len(HOSTS))]
        self.node_ids = pl.Series(by_node + by_version + by_host)
        spelling = [s.format(t, lower=t.lower(), dotted=t.lower().replace("_", ".")) for s in _SPELLINGS for t in TYPES]
        self.types = pl.Series(spelling + list(UNKNOWN_TYPES))

    def clock_offset(self, draft: Draft) -> Ints:
        """What the clock of each event's writer adds to UTC."""
        node = draft.operations.node[draft.call]
        offset = self.quirks.offset_us[node] + np.where(draft.time >= self.middle_us, self.quirks.summer_us[node], 0)
        if self.form == "core":
            return np.asarray(offset)
        return np.where(draft.type == CODE["TELEMETRY_OPERATION_START"], offset, 0)

    def node_id(self, draft: Draft) -> pl.Series:
        calls = draft.operations
        form = self.quirks.id_form[calls.node]
        by_version = len(self.fleet.names) + calls.version
        node = calls.node.astype(np.int64)
        by_host = len(self.fleet.names) + len(self.versions.deploys) + node * len(HOSTS) + calls.host
        index = np.select([np.isin(form, (1, 3)), form == 2], [by_version, by_host], node)
        return picked(self.node_ids, (node if self.form == "core" else index)[draft.call])

    def lines(self, draft: Draft, ids: Ids, springs: Springs, call_springs: CallSprings, draws: Draws) -> pl.DataFrame:
        """One row an event: its `line`, and `topic` and `partition` where the form is "capture"."""
        calls = draft.operations
        has = correlated(draft)
        schema = self.versions.schema[calls.version]
        own = joined('"', uuids(ids.call), '"')
        rows = np.arange(len(calls))
        loose = np.flatnonzero(call_springs.correlation == 2)
        own = replaced(own, loose, glued('"req-', pl.Series(rows[loose]).cast(pl.String), '"'))
        told = has & (call_springs.correlation != 1)
        correlation = picked(pl.concat([own, pl.Series(["null"])], rechunk=False), np.where(told, rows, len(calls)))
        linked = self._links(draft, ids, own, schema)
        metadata = self.scribe.metadata(draft, ids.call, own, draws, springs, call_springs, schema)
        links = self._versioned(draft, linked.gather(pl.Series(draft.call.astype(np.uint32))), springs, schema)
        stray = np.flatnonzero(springs.unknown_field)
        texts = picked(_UNKNOWN_FIELDS, stray % len(_UNKNOWN_FIELDS))
        fields = replaced(picked([""], np.zeros(len(draft))), stray, texts)
        corr = correlation.gather(pl.Series(draft.call.astype(np.uint32)))
        parts = _Parts(self.node_id(draft), self._type(draft, springs), corr, links, metadata, fields)
        if self.form == "cloudevents":
            return self._cloudevents(draft, ids, springs, parts).to_frame("line")
        if self.form == "core":
            links = picked([""], np.zeros(len(draft)))
        data = ',"data":' if self.form == "core" else ',"metadata":'
        line = glued(
            self._head(draft, ids, springs), ',"node_id":"', parts.node, '","event_type":"', parts.type,
            '","correlation_id":', corr, links, fields, data, metadata, "}",
        )
        if self.form in ("envelope", "capture"):
            return self._enveloped(draft, ids, parts, line, draws)
        return line.to_frame("line")

    def _type(self, draft: Draft, springs: Springs) -> pl.Series:
        spelling = np.where(self.form == "core", 3, springs.spelling).astype(np.int64)
        index = spelling * len(TYPES) + draft.type
        unknown = len(_SPELLINGS) * len(TYPES) + np.arange(len(draft)) % len(UNKNOWN_TYPES)
        return picked(self.types, np.where(springs.unknown_type, unknown, index))

    def _head(self, draft: Draft, ids: Ids, springs: Springs) -> pl.Series:
        """`{"event_id":"…","timestamp":"…"`."""
        at = self.epoch_us + draft.time + self.clock_offset(draft)
        id_ = uuids(ids.event)
        head = joined('{"event_id":"', id_, '","timestamp":"', times(at, " " if self.form == "recording" else "T"), '"')
        odd = np.flatnonzero(springs.timestamp_form)
        if len(odd) == 0:
            return head
        form, at = springs.timestamp_form[odd], at[odd]
        with_t, with_space = times(at), times(at, " ")
        milliseconds = pl.Series(at // 1000).cast(pl.String)
        seconds = glued(pl.Series(at // 1_000_000).cast(pl.String), ".", joined(times(at)[:, 20:]))
        forms = [
            joined('"', with_t, 'Z"'), joined('"', with_t, '+00:00"'), joined('"', with_space, '"'),
            joined('"', with_t[:, :19], '"'), seconds, milliseconds,
        ]
        which = (form - 1).astype(np.int64) * len(odd) + np.arange(len(odd))
        text = pl.concat(forms, rechunk=False).gather(pl.Series(which))
        return replaced(head, odd, glued(joined('{"event_id":"', id_[odd], '","timestamp":'), text))

    def _links(self, draft: Draft, ids: Ids, own: pl.Series, schema: NDArray[Any]) -> pl.Series:
        """By call: schema version, parent correlation id, trace id and what later versions added; nothing on 1.0.0."""
        calls = draft.operations
        n = len(calls)
        newer = np.flatnonzero(schema >= 1)
        index = np.full(n, 0, dtype=np.int64)
        index[newer] = 1 + np.arange(len(newer))
        version = picked([f',"schema_version":"{v}"' for v in SCHEMA_VERSIONS], schema[newer])
        parents = correlated_parents(draft)[newer]
        parent = replaced(
            picked([""], np.zeros(len(newer))), np.flatnonzero(parents >= 0),
            glued(',"parent_correlation_id":', picked(own, parents[parents >= 0])),
        )
        trace = joined(',"trace_id":"', hexadecimal(ids.trace[calls.trace[newer]]), '"')
        more = ["", "", ',"sampling_probability":1.0', ',"sampling_probability":1.0,"is_replay":false',
                ',"registry_subject":"onex.event","registry_version":4']
        later = picked(more, schema[newer])
        text = glued(version, parent, trace, later)
        spans = np.flatnonzero(schema[newer] == 4)
        if len(spans):
            span = joined(',"span_id":"', hexadecimal(ids.call[newer[spans]][:, 4:]), '"')
            text = replaced(text, spans, glued(text.gather(spans), span))
        return picked(pl.concat([pl.Series([""]), text], rechunk=False), index)

    def _versioned(self, draft: Draft, links: pl.Series, springs: Springs, schema: NDArray[Any]) -> pl.Series:
        """`links` by event, with the version as an object or a newer one where a trap says so."""
        as_object = [',"schema_version":' + _OBJECT.format(*v.split(".")[:2]) for v in SCHEMA_VERSIONS]
        plain = r',"schema_version":"[0-9.]+"'
        rows = np.flatnonzero(springs.schema_object)
        if len(rows):
            rest = links.gather(rows).str.replace(plain, "")
            links = replaced(links, rows, glued(picked(as_object, schema[draft.call[rows]]), rest))
        for mask, text in (
            (springs.newer_minor, f',"schema_version":"{_NEWER_MINOR}","priority_hint":7'),
            (springs.newer_major, f',"schema_version":"{_NEWER_MAJOR}","payload_ref":"onex://blob/17"'),
        ):
            rows = np.flatnonzero(mask)
            if len(rows):
                links = replaced(links, rows, glued(text, links.gather(rows).str.replace(plain, "")))
        return links

    def _cloudevents(self, draft: Draft, ids: Ids, springs: Springs, parts: _Parts) -> pl.Series:
        at = self.epoch_us + draft.time + self.clock_offset(draft)
        head = joined('{"specversion":"1.0","id":"', uuids(ids.event), '","time":"', times(at), 'Z","source":"onex/')
        return glued(
            head, parts.node, '","type":"com.onex.', parts.type.str.to_lowercase(),
            '","data":{"correlation_id":', parts.correlation, parts.links, ',"metadata":', parts.metadata, "}",
            parts.fields, "}",
        )

    def _enveloped(self, draft: Draft, ids: Ids, parts: _Parts, line: pl.Series, draws: Draws) -> pl.DataFrame:
        calls = draft.operations
        n = len(draft)
        envelope = as_uuid4(draws.short(8 * n).reshape(n, 8))
        arrived = self.epoch_us + draft.time + 200 + draws.below(n, 4000)
        names = picked([f'"{t}"' for t in TYPES] + ["null"], np.where(draws.hits(n, 0.8), draft.type, len(TYPES)))
        trace = np.flatnonzero(self.versions.schema[calls.version[draft.call]] >= 1)
        trace_id = replaced(
            pl.Series(["null"]).new_from_index(0, n), trace,
            joined('"', hexadecimal(ids.trace[calls.trace[draft.call[trace]]]), '"'),
        )
        text = glued(
            joined('{"envelope_id":"', uuids(envelope), '","envelope_timestamp":"', times(arrived)),
            '+00:00","correlation_id":', parts.correlation, ',"event_type":', names, ',"trace_id":', trace_id,
            ',"span_id":null,"parent_span_id":null,"source_tool":"', parts.node,
            '","priority":"normal","onex_version":{"major":1,"minor":0,"patch":0},"payload":', line, "}",
        )
        if self.form == "envelope":
            return text.to_frame("line")
        node = calls.node[draft.call]
        topics = [f"onex.evt.{name}.{t.lower()}.v1".replace("_", "-") for name in self.fleet.names for t in TYPES]
        topic = picked(topics, node.astype(np.int64) * len(TYPES) + draft.type)
        return pl.DataFrame({"line": text, "topic": topic, "partition": (node % PARTITIONS).astype(np.int8)})


PARTITIONS = 3
"""Partitions of a captured bus; a node always writes to the same one."""


@dataclass(frozen=True)
class _Parts:
    node: pl.Series
    type: pl.Series
    correlation: pl.Series
    links: pl.Series
    metadata: pl.Series
    fields: pl.Series
