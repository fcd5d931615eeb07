"""Event types, and the one table that says the family and the outcome of each."""

from __future__ import annotations

import re
from enum import StrEnum

import polars as pl


class OnexEventType(StrEnum):
    """The 27 event types of upstream, and PERFORMANCE_PROFILE, which is ours. Name equals value."""

    NODE_START = "NODE_START"
    NODE_SUCCESS = "NODE_SUCCESS"
    NODE_FAILURE = "NODE_FAILURE"
    NODE_REGISTER = "NODE_REGISTER"
    TELEMETRY_OPERATION_START = "TELEMETRY_OPERATION_START"
    TELEMETRY_OPERATION_SUCCESS = "TELEMETRY_OPERATION_SUCCESS"
    TELEMETRY_OPERATION_ERROR = "TELEMETRY_OPERATION_ERROR"
    STRUCTURED_LOG = "STRUCTURED_LOG"
    INTROSPECTION_REQUEST = "INTROSPECTION_REQUEST"
    INTROSPECTION_RESPONSE = "INTROSPECTION_RESPONSE"
    NODE_DISCOVERY_REQUEST = "NODE_DISCOVERY_REQUEST"
    NODE_DISCOVERY_RESPONSE = "NODE_DISCOVERY_RESPONSE"
    NODE_ANNOUNCE = "NODE_ANNOUNCE"
    NODE_ANNOUNCE_ACCEPTED = "NODE_ANNOUNCE_ACCEPTED"
    NODE_ANNOUNCE_REJECTED = "NODE_ANNOUNCE_REJECTED"
    TOOL_DISCOVERY_REQUEST = "TOOL_DISCOVERY_REQUEST"
    TOOL_DISCOVERY_RESPONSE = "TOOL_DISCOVERY_RESPONSE"
    TOOL_PROXY_INVOKE = "TOOL_PROXY_INVOKE"
    TOOL_PROXY_ACCEPTED = "TOOL_PROXY_ACCEPTED"
    TOOL_PROXY_REJECTED = "TOOL_PROXY_REJECTED"
    TOOL_PROXY_RESULT = "TOOL_PROXY_RESULT"
    TOOL_PROXY_ERROR = "TOOL_PROXY_ERROR"
    TOOL_PROXY_TIMEOUT = "TOOL_PROXY_TIMEOUT"
    SCENARIO_STARTED = "SCENARIO_STARTED"
    SCENARIO_PASSED = "SCENARIO_PASSED"
    SCENARIO_FAILED = "SCENARIO_FAILED"
    SCENARIO_SUMMARY = "SCENARIO_SUMMARY"
    PERFORMANCE_PROFILE = "PERFORMANCE_PROFILE"


FAMILIES = (
    "node", "telemetry", "log", "announce", "discovery", "introspection", "proxy", "scenario", "profile", "other",
)  # fmt: skip
"""What an event is about, by its type."""
OUTCOMES = ("start", "success", "soft_failure", "failure", "other")
"""What an event says became of the work."""

FAMILY_AND_OUTCOME: dict[str, tuple[str, str]] = {
    "NODE_START": ("node", "start"),
    "NODE_SUCCESS": ("node", "success"),
    "NODE_FAILURE": ("node", "failure"),
    "NODE_REGISTER": ("announce", "other"),
    "TELEMETRY_OPERATION_START": ("telemetry", "start"),
    "TELEMETRY_OPERATION_SUCCESS": ("telemetry", "success"),
    "TELEMETRY_OPERATION_ERROR": ("telemetry", "failure"),
    "STRUCTURED_LOG": ("log", "other"),
    "INTROSPECTION_REQUEST": ("introspection", "start"),
    "INTROSPECTION_RESPONSE": ("introspection", "success"),
    "NODE_DISCOVERY_REQUEST": ("discovery", "start"),
    "NODE_DISCOVERY_RESPONSE": ("discovery", "success"),
    "NODE_ANNOUNCE": ("announce", "start"),
    "NODE_ANNOUNCE_ACCEPTED": ("announce", "success"),
    "NODE_ANNOUNCE_REJECTED": ("announce", "failure"),
    "TOOL_DISCOVERY_REQUEST": ("discovery", "start"),
    "TOOL_DISCOVERY_RESPONSE": ("discovery", "success"),
    "TOOL_PROXY_INVOKE": ("proxy", "start"),
    "TOOL_PROXY_ACCEPTED": ("proxy", "other"),
    "TOOL_PROXY_REJECTED": ("proxy", "failure"),
    "TOOL_PROXY_RESULT": ("proxy", "success"),
    "TOOL_PROXY_ERROR": ("proxy", "failure"),
    "TOOL_PROXY_TIMEOUT": ("proxy", "failure"),
    "SCENARIO_STARTED": ("scenario", "start"),
    "SCENARIO_PASSED": ("scenario", "success"),
    "SCENARIO_FAILED": ("scenario", "failure"),
    "SCENARIO_SUMMARY": ("scenario", "other"),
    "PERFORMANCE_PROFILE": ("profile", "other"),
}
"""Family and outcome of every known type; any other type is ("other", "other")."""

SOFT_FAILURE_STATUSES = ("error", "warning", "failure")
"""A success event whose status is one of these, or whose `success` is false, is a soft failure."""

RESULT_STATUSES = ("success", "warning", "error", "skipped", "fixed", "partial", "info", "unknown", "failure")
"""The words that `output_state.status` of upstream's nodes holds."""

_ALIASES = {
    "NODE_STARTED": "NODE_START",
    "NODE_COMPLETED": "NODE_SUCCESS",
    "NODE_FAILED": "NODE_FAILURE",
}
_ENUM_PREFIX = re.compile(r"^\w*(?:Event\w*Type|EventType)\w*\.", re.ASCII)
_CLOUDEVENTS_PREFIX = "com.onex."
_CORE_PREFIX = "core."
_TOPIC_KINDS = frozenset({"evt", "cmd", "intent", "snapshot", "dlq"})
_TOPIC_VERSION = re.compile(r"^v\d+$")


def normalise_event_type(text: str) -> str:
    """The canonical spelling of an event type; an unknown type only loses its case and dots.

    Reads `OnexEventTypeEnum.NODE_START` (an f-string of the enum), `node_start`, `core.node.start`,
    the CloudEvents form `com.onex.node_start`, and bus topics such as `onex.evt.stamper.node-start.v1`.

    >>> [normalise_event_type(t) for t in ("OnexEventTypeEnum.NODE_START", "core.node.start", "Tool.Custom")]
    ['NODE_START', 'NODE_START', 'TOOL_CUSTOM']
    """
    name = text.strip()
    if (from_topic := event_type_of_topic(name)) is not None:
        return from_topic
    name = _ENUM_PREFIX.sub("", name)
    for prefix in (_CLOUDEVENTS_PREFIX, _CORE_PREFIX):
        if name.lower().startswith(prefix):
            name = name[len(prefix):]
    name = name.replace(".", "_").replace("-", "_").replace(" ", "_").upper()
    return _ALIASES.get(name, name)


def event_type_of_topic(topic: str) -> str | None:
    """The event type that a bus topic names, or None where it names none.

    A topic is `onex.<kind>.<producer>.<event>.v<N>`; exceptions have four segments (no version, or no
    producer) and six (an environment in front, or a dotted event).

    >>> event_type_of_topic("onex.evt.stamper.node-start.v1")
    'NODE_START'
    >>> event_type_of_topic("dev.onex.evt.stamper.node-success.v2")
    'NODE_SUCCESS'
    """
    segments = topic.split(".")
    if "onex" not in segments[:2]:
        return None
    rest = segments[segments.index("onex") + 1:]
    if len(rest) < 2 or rest[0] not in _TOPIC_KINDS:
        return None
    rest = rest[1:]
    if _TOPIC_VERSION.match(rest[-1]):
        rest = rest[:-1]
    event = rest[1:] if len(rest) > 1 else rest
    if not event:
        return None
    name = "_".join(event).replace("-", "_").upper()
    return _ALIASES.get(name, name)


def family_and_outcome(
    event_type: str, result_status: str | None = None, success: bool | None = None
) -> tuple[str, str]:
    """Family and outcome of one event, by the printed table.

    >>> family_and_outcome("NODE_SUCCESS", "warning")
    ('node', 'soft_failure')
    """
    family, outcome = FAMILY_AND_OUTCOME.get(event_type, ("other", "other"))
    if outcome == "success" and (result_status in SOFT_FAILURE_STATUSES or success is False):
        outcome = "soft_failure"
    return family, outcome


def outcome_table() -> pl.DataFrame:
    """The printed table: family and outcome of every known type with every status.

    Returns:
        One row a pair: `event_type`, `result_status` (null where the event gives none, else one of
        `RESULT_STATUSES`), `family`, `outcome`. The last row, of a null type, stands for every other type. Beside
        it holds: a success whose `success` is false is a soft failure, whatever its status.

    >>> outcome_table().filter(event_type="NODE_SUCCESS", result_status="warning").rows()
    [('NODE_SUCCESS', 'warning', 'node', 'soft_failure')]
    """
    rows = [
        (event_type, status, *family_and_outcome(event_type, status))
        for event_type in FAMILY_AND_OUTCOME
        for status in (None, *RESULT_STATUSES)
    ]
    columns = dict.fromkeys(("event_type", "result_status", "family", "outcome"), pl.String())
    return pl.DataFrame([*rows, (None, None, "other", "other")], schema=columns, orient="row")
