"""Which events an operation emits: the patterns of upstream's emitters, drawn as slots in time."""

from __future__ import annotations

import numpy as np

from onex_analytics.model.event_types import OnexEventType

PATTERNS = (
    "decorated", "undecorated", "scenario", "proxy", "announce", "node_discovery", "tool_discovery", "introspection",
    "log", "restart",
)

TYPES = tuple(t.value for t in OnexEventType)
CODE = {name: i for i, name in enumerate(TYPES)}

# (type when it goes well, type when it fails, anchor); anchors: 0 start, 1 just after, 2 just before the end, 3 the end
_SLOTS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "decorated": (
        ("TELEMETRY_OPERATION_START", "TELEMETRY_OPERATION_START", 0), ("NODE_START", "NODE_START", 1),
        ("NODE_SUCCESS", "NODE_FAILURE", 2), ("TELEMETRY_OPERATION_SUCCESS", "TELEMETRY_OPERATION_ERROR", 3),
    ),
    "undecorated": (("NODE_START", "NODE_START", 0), ("NODE_SUCCESS", "NODE_FAILURE", 3)),
    "scenario": (
        ("SCENARIO_STARTED", "SCENARIO_STARTED", 0), ("SCENARIO_PASSED", "SCENARIO_FAILED", 2),
        ("SCENARIO_SUMMARY", "SCENARIO_SUMMARY", 3),
    ),
    "proxy": (
        ("TOOL_PROXY_INVOKE", "TOOL_PROXY_INVOKE", 0), ("TOOL_PROXY_ACCEPTED", "TOOL_PROXY_ACCEPTED", 1),
        ("TOOL_PROXY_RESULT", "TOOL_PROXY_ERROR", 3),
    ),
    "announce": (("NODE_ANNOUNCE", "NODE_ANNOUNCE", 0), ("NODE_ANNOUNCE_ACCEPTED", "NODE_ANNOUNCE_REJECTED", 3)),
    "node_discovery": (
        ("NODE_DISCOVERY_REQUEST", "NODE_DISCOVERY_REQUEST", 0),
        ("NODE_DISCOVERY_RESPONSE", "NODE_DISCOVERY_RESPONSE", 3),
    ),
    "tool_discovery": (
        ("TOOL_DISCOVERY_REQUEST", "TOOL_DISCOVERY_REQUEST", 0),
        ("TOOL_DISCOVERY_RESPONSE", "TOOL_DISCOVERY_RESPONSE", 3),
    ),
    "introspection": (
        ("INTROSPECTION_REQUEST", "INTROSPECTION_REQUEST", 0), ("INTROSPECTION_RESPONSE", "INTROSPECTION_RESPONSE", 3),
    ),
    "log": (("STRUCTURED_LOG", "STRUCTURED_LOG", 0),),
    "restart": (
        ("NODE_REGISTER", "NODE_REGISTER", 0), ("NODE_START", "NODE_START", 1), ("NODE_SUCCESS", "NODE_FAILURE", 3),
    ),
}
LOG_SLOT, PROFILE_SLOT, SLOT_COUNT = 4, 5, 6
TYPE = np.full((2, len(PATTERNS), SLOT_COUNT), -1, dtype=np.int8)
ANCHOR = np.zeros((len(PATTERNS), SLOT_COUNT), dtype=np.int8)
"""Type by (failed, pattern, slot), -1 for none; and the place of each slot in the time of its operation."""
for _p, _name in enumerate(PATTERNS):
    for _s, (_well, _ill, _anchor) in enumerate(_SLOTS[_name]):
        TYPE[0, _p, _s], TYPE[1, _p, _s], ANCHOR[_p, _s] = CODE[_well], CODE[_ill], _anchor
    TYPE[:, _p, LOG_SLOT], TYPE[:, _p, PROFILE_SLOT] = CODE["STRUCTURED_LOG"], CODE["PERFORMANCE_PROFILE"]
    ANCHOR[_p, LOG_SLOT], ANCHOR[_p, PROFILE_SLOT] = 4, 5
CAN_FAIL = np.array([name not in ("node_discovery", "tool_discovery", "introspection", "log") for name in PATTERNS])
WORKS = np.array([name in ("decorated", "undecorated") for name in PATTERNS])
DECORATED, UNDECORATED, LOG, RESTART = (PATTERNS.index(p) for p in ("decorated", "undecorated", "log", "restart"))
