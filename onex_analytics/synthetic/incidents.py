"""What goes wrong on purpose: labelled incidents, where they lie and whom they touch.

| kind | what happens in [start, end) | magnitude (default) |
|---|---|---|
| latency_regression | the chosen operations take longer | factor on the time an operation itself takes (5) |
| error_burst | the chosen operations fail with `error_code` | share that fails (0.5) |
| new_error | they fail with a code that the fleet never used before | share that fails (0.2) |
| stuck_node | they start and never end | share that never ends (0.7) |
| silent_node | the node is not called, and emits nothing | – |
| crash_loop | the node restarts again and again: NODE_REGISTER, NODE_START, NODE_FAILURE | restarts a minute (3) |
| cascade | the operations fail, and every caller up to the root fails with them | share that fails (0.6) |
| deploy | nothing but a new version, which stays | – |
| coverage_hole | events of the node (or of all, or of one host) were lost on the way | – |

`cause` narrows an incident to the operations that it names, as column=value: `node_version=1.4.0` deploys that
version at the start (and rolls it back at the end), `host=onex-03`, `tenant=globex`, `input_bytes>=65536`.
`DIMENSIONS` says where those columns lie in the metadata.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import LABELS
from onex_analytics.synthetic.draws import Ints, Mask
from onex_analytics.synthetic.failures import FAILURES, INDEX_OF
from onex_analytics.synthetic.topology import HOSTS, TENANTS, Topology

Kind = Literal[
    "latency_regression", "error_burst", "new_error", "stuck_node", "silent_node", "crash_loop", "cascade", "deploy",
    "coverage_hole",
]

DIMENSIONS = {
    "tenant": "$.input_state.tenant:str",
    "host": "$.input_state.host:str",
    "input_bytes": "$.input_state.size:i64",
}
"""The dimensions that the fleet's events carry in their metadata, as a store declares them."""

LARGE_INPUT_BYTES = 65_536
_CAUSE = re.compile(r"^(node_version|host|tenant)=(\S+)$|^(input_bytes)>=(\d+)$")
_DEFAULT_MAGNITUDE = {
    "latency_regression": 5.0, "error_burst": 0.5, "new_error": 0.2, "stuck_node": 0.7, "crash_loop": 3.0,
    "cascade": 0.6,
}
_DEFAULT_CODE = {
    "new_error": "ONEX_REG_202_REGISTRY_CORRUPTED",
    "error_burst": "ONEX_SYS_902_NETWORK_UNAVAILABLE",
    "cascade": "ONEX_SYS_904_RESOURCE_EXHAUSTED",
    "crash_loop": "ONEX_RT_400_NODE_INITIALIZATION_FAILED",
}


class Incident(BaseModel):
    """One thing that goes wrong; see the table of kinds at the top of this module.

    >>> Incident(kind="error_burst", node="stamper_node", start=0.5, end=0.6, cause="host=onex-03").share
    0.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    node: str | None = Field(default=None, description="name of a node of the fleet; None: any node")
    operation: str | None = Field(default=None, description="name of an operation; None: any")
    start: float | datetime = Field(description="a share of the span, 0 to 1, or a time with a zone")
    end: float | datetime = Field(description="exclusive; a share of the span, 0 to 1, or a time with a zone")
    magnitude: float | None = Field(default=None, gt=0, description="factor, share or rate; None: the kind's default")
    cause: str | None = Field(default=None, pattern=_CAUSE.pattern, description="column=value that explains it")
    error_code: str | None = Field(default=None, description="long form; None: the kind's default")

    @property
    def share(self) -> float:
        """The magnitude, or the default of the kind."""
        return self.magnitude if self.magnitude is not None else _DEFAULT_MAGNITUDE.get(self.kind, 1.0)

    @property
    def code(self) -> str | None:
        return self.error_code or _DEFAULT_CODE.get(self.kind)


DEFAULT_INCIDENTS: tuple[Incident, ...] = (
    Incident(kind="deploy", node="cli_node", start=0.08, end=0.081, cause="node_version=1.5.0"),
    Incident(kind="latency_regression", node="stamper_node", start=0.196, end=0.25, cause="node_version=1.4.0"),
    Incident(kind="error_burst", node="registry_loader_node", operation="load_registry", start=0.345, end=0.365,
             error_code="ONEX_REGISTRY_022_REGISTRY_FILE_PARSE_ERROR"),
    Incident(kind="new_error", node="artifact_store_node", start=0.375, end=0.405),
    Incident(kind="stuck_node", node="schema_generator_node", start=0.482, end=0.503),
    Incident(kind="silent_node", node="metadata_extractor_node", start=0.512, end=0.53),
    Incident(kind="crash_loop", node="parity_validator_node", start=0.625, end=0.634),
    Incident(kind="cascade", node="file_reader_node", start=0.643, end=0.655),
    Incident(kind="latency_regression", node="contract_validator_node", start=0.661, end=0.732, magnitude=8.0,
             cause=f"input_bytes>={LARGE_INPUT_BYTES}"),
    Incident(kind="error_burst", start=0.762, end=0.792, magnitude=0.35, cause="host=onex-03",
             error_code="ONEX_SYS_904_RESOURCE_EXHAUSTED"),
    Incident(kind="coverage_hole", start=0.804, end=0.822),
    Incident(kind="error_burst", node="hash_calculator_node", start=0.9, end=0.96, magnitude=0.6,
             cause=f"input_bytes>={LARGE_INPUT_BYTES}", error_code="ONEX_VALID_102_VALIDATION_FAILED"),
)
"""One of each kind, and one for each sort of cause, apart in time; in the working hours of the default week."""


@dataclass(frozen=True)
class Effect:
    """An incident laid on the arrays of one fleet; times are microseconds after the start of the span."""

    index: int
    incident: Incident
    start_us: int
    end_us: int
    operations: NDArray[np.bool_]
    node: int
    failure: int
    column: str | None
    value: str | None

    def overlaps(self, start_us: int, end_us: int) -> bool:
        return self.start_us < end_us and start_us < self.end_us

    def touches(
        self, time_us: Ints, op: NDArray[Any], host: NDArray[Any], tenant: NDArray[Any], size: Ints,
        version: NDArray[Any], version_names: Sequence[str],
    ) -> Mask:
        """True for each operation that the incident is about."""
        chosen: Mask = (time_us >= self.start_us) & (time_us < self.end_us) & self.operations[op]
        if self.column == "host":
            chosen &= host == HOSTS.index(str(self.value))
        elif self.column == "tenant":
            chosen &= tenant == TENANTS.index(str(self.value))
        elif self.column == "input_bytes":
            chosen &= size >= int(str(self.value))
        elif self.column == "node_version":
            chosen &= np.array([name == self.value for name in version_names])[version]
        return chosen


def effects(
    incidents: Sequence[Incident], fleet: Topology, start: datetime, span_us: int
) -> tuple[Effect, ...]:
    """The incidents, checked against the fleet and the span."""
    if len(incidents) > 63:
        raise InvalidOption("incidents", len(incidents), "at most 63 of them")
    found = []
    for i, incident in enumerate(incidents):
        begin, end = (_microseconds(t, start, span_us) for t in (incident.start, incident.end))
        if not 0 <= begin < end <= span_us:
            raise InvalidOption("incident", incident, "a start before its end, both within the span of the log")
        if incident.code is not None and incident.code not in INDEX_OF:
            raise InvalidOption("error_code", incident.code, f"one of {', '.join(INDEX_OF)}")
        if incident.kind in ("silent_node", "crash_loop", "deploy") and incident.node is None:
            raise InvalidOption("incident", incident, "the name of a node for this kind")
        if incident.kind not in ("latency_regression", "crash_loop") and incident.share > 1:
            raise InvalidOption("magnitude", incident.magnitude, "a share above 0 and at most 1 for this kind")
        column = value = None
        if incident.cause and (match := _CAUSE.match(incident.cause)):
            column, value = match[1] or match[3], match[2] or match[4]
            known = {"host": HOSTS, "tenant": TENANTS}.get(column, (value,))
            if value not in known:
                raise InvalidOption("cause", incident.cause, f"a {column} of the fleet: {', '.join(known)}")
            if column == "node_version" and incident.node is None:
                raise InvalidOption("incident", incident, "the name of a node whose version this is")
        found.append(Effect(
            index=i, incident=incident, start_us=begin, end_us=end,
            operations=fleet.operations_of(incident.node, incident.operation),
            node=fleet.names.index(incident.node) if incident.node else -1,
            failure=INDEX_OF.get(incident.code or "", 0), column=column, value=value,
        ))
    return tuple(found)


def default_incidents(fleet: Topology) -> tuple[Incident, ...]:
    """`DEFAULT_INCIDENTS`, told of the nodes that the fleet has where it lacks those of the default one."""
    found = []
    for i, incident in enumerate(DEFAULT_INCIDENTS):
        if incident.node is not None and incident.node not in fleet.names:
            incident = incident.model_copy(update={"node": fleet.names[i % len(fleet.names)], "operation": None})
        found.append(incident)
    return tuple(found)


def _microseconds(time: float | datetime, start: datetime, span_us: int) -> int:
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidOption("incident time", time, "a time with a zone, such as datetime(…, tzinfo=UTC)")
        since = time.astimezone(UTC) - start
        return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
    return round(span_us * time)


def incident_id(effect: Effect) -> str:
    return f"{effect.incident.kind}-{effect.index + 1}"


def labels(found: Sequence[Effect], start: datetime, touched: Sequence[int]) -> pl.DataFrame:
    """The truth as a frame of LABELS, one row an incident."""
    base = round(start.timestamp()) * 1_000_000
    rows = [
        {
            "incident_id": incident_id(e), "kind": e.incident.kind, "start": base + e.start_us,
            "end": base + e.end_us, "node": e.incident.node, "operation": e.incident.operation,
            "error_code": FAILURES[e.failure].code if e.incident.code else None, "cause": e.incident.cause,
            "magnitude": e.incident.share if e.incident.kind in _DEFAULT_MAGNITUDE else None, "events": n,
        }
        for e, n in zip(found, touched, strict=True)
    ]
    physical = {name: pl.Int64() if dtype == pl.Datetime("us", "UTC") else dtype for name, dtype in LABELS.items()}
    return pl.DataFrame(rows, schema=physical).cast(dict(LABELS))  # type: ignore[arg-type]
