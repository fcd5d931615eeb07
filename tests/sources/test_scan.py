"""The scan against Python's json made strict."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.layout import event_paths
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.paths import compile_paths
from onex_analytics.sources.scan import (
    ABSENT,
    ARRAY,
    BAD_UTF8,
    DUPLICATE_KEY,
    ESCAPED,
    FALSE,
    HAS_SPACE,
    INVALID,
    NOT_AN_OBJECT,
    NULL,
    NUMBER,
    OBJECT,
    OK,
    STRING,
    TOO_DEEP,
    TRUE,
    TRUNCATED,
    Scan,
    is_compiled,
    scan,
)  # fmt: skip
from tests.laws import examples
from tests.sources import oracle

PATHS = event_paths()
MEASURED = (PATHS["metadata.input_state"], PATHS["metadata.output_state"])
REASONS = {
    OK: None, INVALID: "invalid_json", TRUNCATED: "invalid_json", BAD_UTF8: "invalid_utf8", TOO_DEEP: "too_deep",
    DUPLICATE_KEY: "duplicate_key", NOT_AN_OBJECT: "not_an_object",
}  # fmt: skip


def scanned(*lines: bytes) -> tuple[np.ndarray, Scan]:
    buffer = np.zeros(sum(map(len, lines)) + len(lines) + PADDING, np.uint8)
    joined = b"\n".join(lines)
    buffer[: len(joined)] = np.frombuffer(joined, np.uint8)
    ends = np.cumsum([len(line) + 1 for line in lines]) - 1
    starts = ends - [len(line) for line in lines]
    return buffer, scan(buffer, starts.astype(np.int32), ends.astype(np.int32), PATHS, MEASURED)


def status_of(line: bytes) -> int:
    return int(scanned(line)[1].status[0])


def value_of(buffer: np.ndarray, found: Scan, slot: int, line: int) -> object:
    """What the scan says of a slot, in the words of the oracle."""
    kind = found.kind[slot, line]
    if kind == ABSENT:
        return ...
    begin, size = int(found.offset[slot, line]), int(found.length[slot, line])
    raw = buffer[begin : begin + size].tobytes().decode()
    if kind in (STRING, ESCAPED):
        assert ("\\" in raw) == (kind == ESCAPED)
        return json.loads(f'"{raw}"')
    if kind == NUMBER:
        return oracle.Number(raw)
    if kind in (OBJECT, ARRAY):
        return json.loads(
            raw, parse_float=oracle.Number, parse_int=oracle.Number, object_pairs_hook=oracle.Object
        )
    assert raw == {NULL: "null", TRUE: "true", FALSE: "false"}[int(kind)]
    return {NULL: None, TRUE: True, FALSE: False}[int(kind)]


def depth(value: object) -> int:
    below = [v for _, v in value] if isinstance(value, oracle.Object) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(depth, below), default=0)


@settings(max_examples=examples(250))
@given(oracle.files)
@example(b'{"event_id":"a","metadata":{"input_state":{"a":[')
@example(b'{"a":"\xe2\x82')
def test_a_line_is_read_as_strict_json_reads_it(data):
    block = block_of_bytes(data, "x")
    raws = list(oracle.lines_of(data))
    assert [block.raw(i) for i in range(len(block))] == raws
    assert block.lines.tolist() == [n for n, line in enumerate(data.split(b"\n"), 1) if line.strip(b" \t\r")]
    found = scan(block.buffer, block.starts, block.ends, PATHS, MEASURED)
    for line, raw in enumerate(raws):
        try:
            value = oracle.strict_json(raw, PATHS)
        except oracle.Refused as refused:
            status = int(found.status[line])
            assert status != OK
            if status != DUPLICATE_KEY and refused.args[0] != "duplicate_key":
                cut = status == TRUNCATED and refused.args[0] == "invalid_utf8"
                assert cut or REASONS[status] == refused.args[0]
            assert not (found.kind[:, line] >= OBJECT).any()
            continue
        assert found.status[line] == OK
        for path, slot in PATHS.slots.items():
            if path:
                assert value_of(block.buffer, found, slot, line) == oracle.at(value, path), path
        for i, state in enumerate(("input_state", "output_state")):
            nested = oracle.at(value, ("metadata", state))
            assert found.depth[i, line] == (0 if nested is ... else depth(nested))
        first, last = (found.unknown_end[line - 1] if line else 0), found.unknown_end[line]
        unknown = [block.buffer[a:b].tobytes() for a, b in found.unknown[first:last]]
        members = [key for key, _ in value if (key,) not in PATHS.slots]
        assert [json.loads(b"{" + member + b"}").popitem()[0] for member in unknown] == members


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"{}", OK), (b"[]", NOT_AN_OBJECT), (b"1", NOT_AN_OBJECT), (b'"a"', NOT_AN_OBJECT), (b"null", NOT_AN_OBJECT),
        (b"{", TRUNCATED), (b'{"a', TRUNCATED), (b'{"a":tr', TRUNCATED), (b'{"a":"\\u00', TRUNCATED),
        (b'{"a":-', TRUNCATED), (b'{"a":"\xc3', TRUNCATED), (b'{"a":"\xc3"}', BAD_UTF8),
        (b'{"a":"\xed\xa0\x80"}', BAD_UTF8),
        (b"{}{}", INVALID), (b"\xef\xbb\xbf{}", INVALID), (b'{"a":\x00}', INVALID), (b"{'a':1}", INVALID),
        (b'{"event_id":1,"event_id":1}', DUPLICATE_KEY), (b'{"event_id":1,"event\\u005fid":1}', DUPLICATE_KEY),
        (b'{"a":1,"a":1}', OK), (b'{"metadata":{"error":{"code":1,"code":2}}}', DUPLICATE_KEY), (b'{"a":1}//', INVALID),
    ],
)  # fmt: skip
def test_a_line_has_one_status(line, status):
    assert status_of(line) == status


@pytest.mark.parametrize(("levels", "status"), [(999, OK), (1000, OK), (1001, TOO_DEEP), (100_000, TOO_DEEP)])
def test_a_thousand_levels_and_no_more(levels, status):
    line = b'{"metadata":' * (levels - 1) + b"{}" + b"}" * (levels - 1)
    assert status_of(line) == status


def test_a_line_with_many_unknown_keys_keeps_them_all():
    line = json.dumps({f"k{i}": i for i in range(5000)}).encode()
    buffer, found = scanned(b'{"a":1}', line, b"{}", b'{"b":2}')
    assert found.unknown_end.tolist() == [1, 5001, 5001, 5002]
    assert buffer[slice(*found.unknown[5000])].tobytes() == b'"k4999": 4999'


def test_white_space_between_tokens_is_noted():
    flags = scanned(b'{"a b":1}', b'{"a":[ ]}', b'{"a": 1}')[1].flags
    assert [int(flag) & HAS_SPACE for flag in flags] == [0, HAS_SPACE, HAS_SPACE]


@given(st.binary(max_size=12))
def test_what_is_utf8_is_told_as_python_tells_it(data):
    line = b'{"a":"' + data.translate(None, b'"\\' + bytes(range(32))) + b'"}'
    try:
        line.decode()
        wanted = False
    except UnicodeDecodeError:
        wanted = True
    assert (status_of(line) == BAD_UTF8) == wanted


def test_a_scan_that_has_run_is_kept_compiled():
    paths = compile_paths([("a",)])
    scan(np.frombuffer(b'{"a":1}' + bytes(PADDING), np.uint8), np.array([0], np.int32), np.array([7], np.int32), paths)
    assert is_compiled()
