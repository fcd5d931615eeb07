"""The metadata of every type of event, as JSON text: what upstream's emitters write, glued from columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import Draws, Ints
from onex_analytics.synthetic.failures import FAILURES, WORDS
from onex_analytics.synthetic.patterns import CODE, DECORATED, TYPES, UNDECORATED
from onex_analytics.synthetic.texts import column, glued, hexadecimal, joined, picked, replaced
from onex_analytics.synthetic.topology import HOSTS, TENANTS, Topology
from onex_analytics.synthetic.traces import Draft
from onex_analytics.synthetic.traps import CallSprings, Springs

_KINDS = ("", "path", "id", "number", "ms", "host", "word")
_PART = [[text for text, _ in f.parts] + [""] * (3 - len(f.parts)) for f in FAILURES]
_PART_KIND = np.array([[_KINDS.index(kind) for _, kind in f.parts] + [0] * (3 - len(f.parts)) for f in FAILURES])
_FOLDERS = ("docs", "src/core", "src/nodes", "tests/cases", "registry", "schemas")
_STATUSES = (
    *[("success", "")] * 9, ("success", "Stamped (idempotent or updated)"), ("success", "3 of 3"),
    ("success", "cached"),
    ("skipped", "unchanged"), ("fixed", "1 finding mended"), ("info", "nothing to do"), ("partial", "rest deferred"),
)
_SOFT = (("error", "Finished with errors, see log"), ("warning", "No handler registered for file type: .missing"))
_LOGS = (
    ("INFO", "Loaded {} artifacts"), ("INFO", "Cache holds {} entries"), ("DEBUG", "Resolved in {} steps"),
    ("INFO", "Wrote {} bytes"), ("WARNING", "Queue is {} deep"), ("DEBUG", "Heartbeat {}"),
    ("INFO", "Reconnected after {} ms"), ("ERROR", "Dropped {} stale handles"),
)  # fmt: skip
_SECRETS = ("", ',"api_key":"[REDACTED]"', ',"password":"[KEY_REDACTED]"', ',"api_key":null,"access_token":null')
_FAMILY = ("SC001", "FS001", "SC002", "FS003")
TIMED = np.isin(np.arange(len(TYPES)), [CODE[t] for t in (
    "TELEMETRY_OPERATION_SUCCESS", "TELEMETRY_OPERATION_ERROR", "TOOL_PROXY_RESULT", "TOOL_PROXY_ERROR",
    "TOOL_PROXY_TIMEOUT", "SCENARIO_PASSED", "SCENARIO_FAILED", "PERFORMANCE_PROFILE",
)])  # fmt: skip
"""Types that carry a duration, whatever the node; NODE_SUCCESS and NODE_FAILURE do where no telemetry does."""
_FREQUENT = (
    "TELEMETRY_OPERATION_START", "NODE_START", "NODE_SUCCESS", "TELEMETRY_OPERATION_SUCCESS", "NODE_FAILURE",
    "TELEMETRY_OPERATION_ERROR", "STRUCTURED_LOG", "PERFORMANCE_PROFILE",
)
_NODE_ENDS = np.isin(np.arange(len(TYPES)), [CODE["NODE_SUCCESS"], CODE["NODE_FAILURE"]])


def timed(draft: Draft) -> NDArray[np.bool_]:
    """Which events carry a duration."""
    alone = draft.operations.pattern[draft.call] == UNDECORATED
    return np.asarray(TIMED[draft.type] | (_NODE_ENDS[draft.type] & alone))


class Errors(NamedTuple):
    """The failed calls of a block: `row` gives the place of a call's error among them."""

    row: Ints
    code: pl.Series
    message: pl.Series
    error_type: pl.Series


def errors(draft: Draft, draws: Draws, springs: CallSprings) -> Errors:
    """Code, message and exception type of every failed call."""
    calls = draft.operations
    failed = np.flatnonzero(calls.failure >= 0)
    n = len(failed)
    failure = calls.failure[failed]
    words = draws.short(16 * n).reshape(n, 16)
    texts = []
    for half in (words[:, :8], words[:, 8:]):
        digits = column(hexadecimal(half[:, :4]))
        number = pl.Series((half[:, 4] % 4096).astype(np.int64)).cast(pl.String)
        path = glued("/srv/onex/", picked(_FOLDERS, half[:, 5] % len(_FOLDERS)), "/", digits.str.slice(0, 8), ".yaml")
        texts.append(pl.concat([
            picked([""], np.zeros(n)), path, digits, number,
            pl.Series((1000 + half[:, 4] % 29000).astype(np.int64)).cast(pl.String),
            picked(HOSTS, calls.host[failed]), picked(WORDS, half[:, 6] % len(WORDS)),
        ]))
    rows = np.arange(n)
    pieces: list[pl.Series | str] = []
    for i in range(3):
        pieces.append(picked([parts[i] for parts in _PART], failure))
        if i < 2:
            pieces.append(picked(texts[i], _PART_KIND[failure, i] * n + rows))
    message = glued(*pieces)
    shape = springs.error_shape[failed]
    codes = [f.code for f in FAILURES] + [f.short for f in FAILURES] + [f.bare for f in FAILURES] + list(_FAMILY)
    index = np.where(shape < 3, shape * len(FAILURES) + failure, 3 * len(FAILURES) + failure % len(_FAMILY))
    code = picked(codes, index)
    row = np.full(len(calls), -1, dtype=np.int64)
    row[failed] = rows
    return Errors(row, code, message, picked([f.error_type for f in FAILURES], failure))


class Scribe:
    """Writes the metadata of a block's events; holds the small tables that depend on the fleet alone."""

    def __init__(self, fleet: Topology, version_names: Sequence[str]) -> None:
        self.fleet = fleet
        self._tenant_host = [f'{{"tenant":"{t}","host":"{h}","size":' for t in TENANTS for h in HOSTS]
        self._versions = [f',"node_version":"{name}"}}' for name in version_names]
        named = list(zip(fleet.operations, fleet.functions, strict=True))
        self._operation = [f'{{"operation":"{o}","function":"{f}"' for o, f in named]
        self._started = [f'{{"operation":"{o}","function":"{f}","args_count":{1 + len(o) % 3}}}' for o, f in named]
        self._result = [f',"result_type":"{_result_type(fleet.names[n])}","success":true}}' for n in fleet.node]
        self._module = [fleet.names[n] for n in fleet.node]
        self._tool = [
            f'{{"tool":"{m}","operation":"{o}"' for m, o in zip(self._module, fleet.operations, strict=True)
        ]

    def metadata(
        self, draft: Draft, words: NDArray[np.uint16], correlation: pl.Series, draws: Draws, springs: Springs,
        call_springs: CallSprings, schema: NDArray[Any],
    ) -> pl.Series:
        """One JSON text an event. By call: random `words`, the JSON text of its `correlation`, its `schema` version."""
        calls = draft.operations
        wrong = errors(draft, draws, call_springs)
        inputs = self._inputs(draft, words, correlation, call_springs)
        order, texts = [], []
        codes = np.argsort(draft.type, kind="stable")
        bounds = np.searchsorted(draft.type[codes], np.arange(len(TYPES) + 1))
        groups = [(name, codes[bounds[CODE[name]]:bounds[CODE[name] + 1]]) for name in _FREQUENT]
        groups.append(("", codes[~np.isin(draft.type[codes], [CODE[name] for name in _FREQUENT])]))
        for name, rows in groups:
            if len(rows) == 0:
                continue
            call = draft.call[rows]
            op = calls.op[call]
            order.append(rows)
            took = self._took(draft, rows, springs)
            if name == "TELEMETRY_OPERATION_START":
                texts.append(picked(self._started, op))
            elif name == "TELEMETRY_OPERATION_SUCCESS":
                texts.append(glued(picked(self._operation, op), took, picked(self._result, op)))
            elif name == "NODE_START":
                version = picked(self._versions, calls.version[call])
                texts.append(glued('{"input_state":', picked(inputs, call), version))
            elif name == "NODE_SUCCESS":
                soft = call_springs.soft[call]
                which = np.where(soft > 0, len(_STATUSES) + soft - 1, words[call, 0] % len(_STATUSES))
                status = picked([_status(s) for s in (*_STATUSES, *_SOFT)], which)
                bare = np.flatnonzero(calls.pattern[call] == DECORATED)
                texts.append(glued('{"input_state":', picked(inputs, call), status, replaced(took, bare, ""), "}"))
            elif name == "NODE_FAILURE":
                bare = np.flatnonzero(calls.pattern[call] != UNDECORATED)
                texts.append(glued(
                    '{"input_state":', picked(inputs, call), ',"output_state":{"status":"failure"},"error":"',
                    _failure(wrong, call, schema), replaced(took, bare, ""), "}",
                ))
            elif name == "TELEMETRY_OPERATION_ERROR":
                text = _failure(wrong, call, schema)
                texts.append(glued(picked(self._operation, op), took, ',"error_message":"', text, ',"success":false}'))
            elif name == "STRUCTURED_LOG":
                texts.append(self._log(draws, op))
            elif name == "PERFORMANCE_PROFILE":
                texts.append(self._profile(draws, draft, rows, took))
            else:
                texts.append(self._rare(draft, rows, took, wrong, schema))
        rows = np.concatenate(order)
        back = np.empty(len(rows), dtype=np.uint32)
        back[rows] = np.arange(len(rows), dtype=np.uint32)
        whole = pl.concat(texts, rechunk=False).gather(pl.Series(back))
        missing = np.flatnonzero(springs.missing)
        return replaced(whole, missing, picked(["{}", "null"], missing % 2))

    def _inputs(
        self, draft: Draft, words: NDArray[np.uint16], correlation: pl.Series, springs: CallSprings
    ) -> pl.Series:
        """`input_state` of every call."""
        calls = draft.operations
        again = [',"attempt":2}', "}"]
        ends = glued(picked(_SECRETS, springs.redaction), picked(again, (calls.attempt == 0).astype(np.int8)))
        hidden = np.flatnonzero(springs.correlation == 1)
        if len(hidden):
            ends = replaced(ends, hidden, glued(',"correlation_id":', correlation.gather(hidden), ends.gather(hidden)))
        path = joined(',"file":"', hexadecimal(words[:, 1:3]), '.md"')
        start = picked(self._tenant_host, calls.tenant.astype(np.int64) * len(HOSTS) + calls.host)
        return glued(start, pl.Series(calls.size).cast(pl.String), path, ends)

    def _took(self, draft: Draft, rows: Ints, springs: Springs) -> pl.Series:
        """`,"execution_time_ms":22.61` and its odd spellings; empty where an event carries no duration."""
        carrying = (TIMED | _NODE_ENDS)[draft.type[rows]]
        if not carrying.any():
            return picked([""], np.zeros(len(rows)))
        hundredths = np.maximum(draft.operations.duration[draft.call[rows]] // 10, 1)
        number = pl.Series(hundredths / 100).cast(pl.String)
        quoted = np.flatnonzero(springs.number_as_text[rows])
        if len(quoted):
            number = replaced(number, quoted, glued('"', number.gather(quoted), '"'))
        key = [',"execution_time_ms":', ',"duration_ms":']
        took = glued(picked(key, springs.duration_key[rows].astype(np.int8)), number)
        return replaced(took, np.flatnonzero(~carrying), "")

    def _log(self, draws: Draws, op: NDArray[Any]) -> pl.Series:
        n = len(op)
        which = draws.short(n) % len(_LOGS)
        starts = [f'{{"log_entry":{{"message":"{m.split("{}")[0]}' for _, m in _LOGS]
        ends = [f'{m.split("{}")[1]}","level":"{level}","context":{{"calling_module":"' for level, m in _LOGS]
        number = pl.Series((draws.short(n) >> 4).astype(np.int64)).cast(pl.String)
        line = pl.Series((draws.short(n) >> 7).astype(np.int64)).cast(pl.String)
        module = picked(self._module, op)
        function = picked(self.fleet.functions, op)
        return glued(picked(starts, which), number, picked(ends, which), module, '","calling_function":"', function,
                     '","calling_line":', line, "}}}")

    def _profile(self, draws: Draws, draft: Draft, rows: Ints, took: pl.Series) -> pl.Series:
        n = len(rows)
        call = draft.call[rows]
        parts: list[pl.Series | str] = [picked(self._operation, draft.operations.op[call]), took]
        wall = draft.operations.duration[call] / 1000
        cpu = wall * (0.3 + 0.6 * draws.shares(n))
        numbers = {
            "cpu_time_ms": cpu, "cpu_usage_percent": 100 * cpu / wall, "memory_usage_mb": 60 + 200 * draws.shares(n),
            "memory_peak_mb": 280 + 90 * draws.shares(n), "disk_io_mb": 4 * draws.shares(n) ** 3,
            "queue_time_ms": wall * 0.2 * draws.shares(n), "gc_time_ms": wall * 0.04 * draws.shares(n),
        }
        for name, values in numbers.items():
            parts += [f',"{name}":', pl.Series(np.rint(values * 100) / 100).cast(pl.String)]
        for name in ("cache_hits", "cache_misses"):
            parts += [f',"{name}":', pl.Series(draws.below(n, 90)).cast(pl.String)]
        return glued(*parts, "}")

    def _rare(self, draft: Draft, rows: Ints, took: pl.Series, wrong: Errors, schema: NDArray[Any]) -> pl.Series:
        """All other types at once: the tool and operation, the duration, and what a few of them say besides."""
        calls, call, of_type = draft.operations, draft.call[rows], draft.type[rows]
        ends = picked(["}"], np.zeros(len(rows)))

        def here(*names: str) -> Ints:
            return np.flatnonzero(np.isin(of_type, [CODE[name] for name in names]))

        failed = here("TOOL_PROXY_ERROR", "TOOL_PROXY_TIMEOUT", "SCENARIO_FAILED")
        ends = replaced(ends, failed, glued(',"error":"', _failure(wrong, call[failed], schema), "}"))
        for names, state in (
            (("NODE_ANNOUNCE", "NODE_REGISTER"), "ephemeral"), (("NODE_ANNOUNCE_ACCEPTED",), "accepted"),
            (("NODE_ANNOUNCE_REJECTED",), "rejected"),
        ):
            told = here(*names)
            version = picked(self._versions, calls.version[call[told]])
            ends = replaced(ends, told, glued(f',"trust_state":"{state}"', version))
        found = here("NODE_DISCOVERY_RESPONSE", "TOOL_DISCOVERY_RESPONSE", "INTROSPECTION_RESPONSE")
        ends = replaced(ends, found, glued(',"found":', pl.Series(calls.size[call[found]] % 40).cast(pl.String), "}"))
        summed = here("SCENARIO_SUMMARY")
        passed = (calls.failure[call[summed]] < 0).astype(np.int8)
        ends = replaced(ends, summed, picked([',"passed":0,"failed":1}', ',"passed":1,"failed":0}'], passed))
        return glued(picked(self._tool, calls.op[call]), took, ends)


def _failure(wrong: Errors, call: Ints, schema: NDArray[Any]) -> pl.Series:
    """The message, with the code before it on 1.0.0 and beside it from 1.1.0 on, and the exception type."""
    row = wrong.row[call]
    code, message = picked(wrong.code, row), picked(wrong.message, row)
    old = (schema[call] == 0).astype(np.int8)
    before = glued("[", code, "] ")
    after = glued('","error_code":"', code)
    n = np.arange(len(call))
    before = picked(pl.concat([before, pl.Series([""])]), np.where(old == 1, n, len(n)))
    after = picked(pl.concat([after, pl.Series([""])]), np.where(old == 0, n, len(n)))
    return glued(before, message, after, '","error_type":"', picked(wrong.error_type, row), '"')


def _status(status: tuple[str, str]) -> str:
    state = {"status": status[0], "message": status[1]} if status[1] else {"status": status[0]}
    return ',"output_state":' + json.dumps(state, separators=(",", ":"))


def _result_type(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")[:1]) + "State"
