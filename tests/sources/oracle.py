"""The slow, obvious reading of a line, against which the compiled one is held; and hostile lines to read."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import MAX_DEPTH

sys.setrecursionlimit(20_000)


class Refused(Exception):
    """The line gives no value; the text is the reason."""


class Number(str):
    """A number as it was written."""


class Object(list):  # type: ignore[type-arg]
    """The members of an object, in order and with all their duplicates."""


def _refuse(constant: str) -> None:
    raise Refused("invalid_json", constant)


def strict_json(raw: bytes, paths: PathTable) -> Object:
    """An object, or `Refused` with its reason."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Refused("invalid_utf8") from problem
    if _depth(text) > MAX_DEPTH:
        raise Refused("too_deep")
    try:
        value = json.loads(
            text, parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=Object
        )
    except ValueError as problem:
        raise Refused("invalid_json") from problem
    if not isinstance(value, Object):
        raise Refused("not_an_object")
    _refuse_duplicates(value, (), paths)
    return value


def _depth(text: str) -> int:
    level = deepest = 0
    for bracket in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        level += (bracket in "[{") - (bracket in "]}")
        deepest = max(deepest, level)
    return deepest


def _refuse_duplicates(value: Object, path: tuple[str, ...], paths: PathTable) -> None:
    seen: set[str] = set()
    for key, child in value:
        if (*path, key) in paths.slots:
            if key in seen:
                raise Refused("duplicate_key")
            seen.add(key)
            if isinstance(child, Object):
                _refuse_duplicates(child, (*path, key), paths)


def at(value: Any, path: tuple[str, ...]) -> Any:
    """The value at a path; `...` where there is none."""
    for key in path:
        found = dict(value) if isinstance(value, Object) else {}
        if key not in found:
            return ...
        value = found[key]
    return value


def plain(value: Any) -> Any:
    """The value as `json.loads` gives it."""
    if isinstance(value, Object):
        return {key: plain(child) for key, child in value}
    if isinstance(value, list):
        return [plain(child) for child in value]
    if isinstance(value, Number):
        return float(value) if set(value) & set(".eE") else int(value)
    return value


def lines_of(data: bytes) -> Iterator[bytes]:
    """The lines of a file that are not blank."""
    for line in data.split(b"\n"):
        if stripped := line.strip(b" \t\r"):
            yield stripped


# ------------------------------------------------------------------ hostile lines

SCALARS = [
    "null", "true", "false", "0", "-0", "1E2", "1.5", "01", "1.", ".5", "1e400", "-", "+1", "1e", "1e+", "NaN", "-1e-7",
    "Infinity", "123456789012345678901234567890", "0.1", "2.2250738585072011e-308", "9007199254740993", "tru", "nul",
    '""', '"a"', '"\\u0041"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00x"', '"\\"', '"\\x"', '"\\u00g0"', '"\u00e9"',
    '"\u2028"', '"a\\\\"', '"tab\tin"', '"\\u0000"', "[]", "{}", "[1,[2,{}]]", "[1,]", "{,}", '{"a":1,}', "[,1]",
    '{"a":{"a":[{}]}}', "\u00a0", "/**/", "1 2", '"0.087434"', '" -1 "', '"\\u0031"', '"1e999"', "1e999", "-5", "{]",
    "[}", '"12345678-1234-1234-1234-123456789abc"', '"12345678123412341234123456789ABC"', '"ONEX"', '"error"',
    '"warning"',
]  # fmt: skip
TIMES = [
    '"2026-11-23T12:04:16.364929"', '"2026-11-23T12:04:16"', '"2026-11-23 12:04:16.3"', '"2026-11-23T12:04:16Z"',
    '"2026-02-29T12:04:16"', '"2028-02-29T12:04:16+05:30"', '"2026-11-23T12:04"', "1700000000", "1700000000.25",
    "1700000000123", '"1700000000123456789"', '"1969-12-31T23:59:59"', '"2300-01-01T00:00:00"', '"soon"', "-1", "[]",
    '"2026-11-23T12:04:60"', '"2026-11-23T12:04:16.000000"', '"2026-13-01T00:00:00"', '"\\u0032026-11-23T12:04:16"',
    '"1970-01-01T00:00:00+14:00"', '"2026-11-23t12:04:16,5 -0330"', "1700000000123456", "true", '"1e9"',
]  # fmt: skip
TYPES = [
    '"NODE_START"', '"NODE_SUCCESS"', '"NODE_FAILURE"', '"TELEMETRY_OPERATION_SUCCESS"', '"core.node.start"', '"x y"',
    '"TELEMETRY_OPERATION_ERROR"', '"OnexEventTypeEnum.NODE_START"', '"\\u004eODE_START"', '""', '"  "', "5", "null",
    '"PERFORMANCE_PROFILE"', '"STRUCTURED_LOG"', '"TOOL_PROXY_RESULT"',
]  # fmt: skip
KEYS = [
    "event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata", "schema_version", "trace_id",
    "adjusted_count", "sampling_probability", "is_replay", "replay_id", "data", "payload", "envelope", "tenant", "a",
    "parent_correlation_id", "event\\u005fid", "metad\\u0061ta", "\u00e9", "", "k\\\"ey", "specversion", "id", "topic",
    "envelope_id", "message_id", "source_tool", "type", "time", "source", "batch_id",
]  # fmt: skip
METADATA_KEYS = [
    "operation", "function", "execution_time_ms", "duration_ms", "error", "error_message", "error_code", "success",
    "status", "input_state", "output_state", "message", "cpu_time_ms", "cache_hits", "performance_profile", "level",
    "recoverable", "severity", "error_type", "log_entry", "node_version", "correlation_id", "code", "a",
    "oper\\u0061tion",
]  # fmt: skip

scalars = st.sampled_from(SCALARS)
spaces = st.sampled_from(["", "", "", "", " ", "\t", "\r", " \r ", "\u00a0"])


def _object(keys: list[str], values: st.SearchStrategy[str], most: int = 6) -> st.SearchStrategy[str]:
    parts = st.tuples(spaces, st.sampled_from(keys), spaces, values, spaces)
    member = parts.map(lambda m: f'{m[0]}"{m[1]}"{m[2]}:{m[3]}{m[4]}')
    return st.lists(member, max_size=most).map(lambda members: "{" + ",".join(members) + "}")


metadatas = st.recursive(scalars, lambda inner: _object(METADATA_KEYS, inner), max_leaves=12)
GOOD = {
    "event_id": st.sampled_from(['"12345678-1234-1234-1234-123456789abc"', '"e1"']),
    "timestamp": st.sampled_from(TIMES),
    "node_id": st.sampled_from(['"stamper_node"', '"tree:1.0.0"', '"n-001"', '"n\\u002d001"', '" "']),
    "event_type": st.sampled_from(TYPES),
    "metadata": metadatas,
    "correlation_id": scalars,
    "schema_version": st.sampled_from(
        ['"1.1.0"', '"2.0.0"', '"3.0.0"', '""', "1.1", "null", '"1.1.0\\n"', '"\u0661.0.0"', '{"major":"1"}',
         '{"major":1,"minor":0,"patch":0}', '{"major":9,"minor":0,"patch":0}']
    ),
    "adjusted_count": scalars,
    "sampling_probability": scalars,
    "trace_id": scalars,
    "is_replay": scalars,
    "tenant": scalars,
}  # fmt: skip
_FIRST = ("event_id", "timestamp", "node_id", "event_type", "metadata")


@st.composite
def events(draw: st.DrawFn) -> str:
    """A line that mostly is an event, of odd values."""
    names = [n for n in GOOD if n in _FIRST or draw(st.integers(0, 3)) == 0]
    if draw(st.integers(0, 4)) == 0:
        names = draw(st.permutations(names))[: draw(st.integers(1, len(names)))]
    members = [f'"{name}":{draw(GOOD[name])}' for name in names]
    if draw(st.integers(0, 3)) == 0:
        extra = draw(_object(KEYS, metadatas, 14))[1:-1]
        members += [extra] if extra else []
    return "{" + ",".join(members) + "}"


wild_objects = st.recursive(scalars, lambda inner: _object([*KEYS, *METADATA_KEYS], inner), max_leaves=15)


AROUND = [
    "envelope_id", "message_id", "topic", "partition", "offset", "timestamp", "event_type", "envelope_timestamp",
    "source_tool", "id", "type", "source", "time",
]  # fmt: skip
TOPIC, CLOUD = '"onex.evt.stamper.node-start.v1"', '"specversion":"1.0",'


@st.composite
def wrapped(draw: st.DrawFn) -> str:
    """Envelopes of all kinds around events, and around what is none."""
    line = draw(st.one_of(events(), metadatas))
    for _ in range(draw(st.integers(1, 3))):
        around = draw(_object(AROUND, st.one_of(scalars, st.sampled_from([*TYPES, *TIMES, TOPIC]))))[1:-1]
        inner = draw(st.sampled_from(["payload", "envelope", "data", f'{CLOUD}"data', f'{CLOUD}"x']))
        key = inner if inner.startswith('"') else f'"{inner}'
        line = "{" + (around + "," if around else "") + key + '":' + line + "}"
    return line


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A line with some of its bytes deleted, inserted or changed."""
    line = bytearray(draw(st.one_of(events(), wild_objects, wrapped())).encode())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 4]))):
        place = draw(st.integers(0, max(0, len(line) - 1)))
        doing = draw(st.integers(0, 3))
        byte = draw(st.one_of(st.integers(0, 255), st.sampled_from(list(b'"\\{}[],:0 \r\x00\xef\xbb\xbf\xc3\xed'))))
        if doing == 0:
            del line[place : place + draw(st.integers(1, 3))]
        elif doing == 1:
            line[place:place] = bytes([byte])
        elif doing == 2 and line:
            line[place] = byte
        else:
            del line[place:]
    return bytes(line).replace(b"\n", b" ")


files = st.lists(st.one_of(mutated(), st.binary(max_size=30)), max_size=8).map(b"\n".join)
