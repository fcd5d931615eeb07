"""A source is cut at the same places each time, and wherever it is cut, it gives the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.sources import units
from onex_analytics.sources.units import Unit, element_units, line_units, unit_key
from tests.sources.reading import event, ids, lines, read_source, read_units, stream_of, written

LINE = json.dumps(event(1)).encode()
HOSTILE_LINES = st.lists(
    st.one_of(
        st.integers(0, 99).map(lambda n: json.dumps(event(n)).encode()),
        st.sampled_from([b"", b" ", b"\r", b"{", b"[1]", LINE + b"\r", LINE[:-9], b"\0\0", b"\xff\xfe", b"null"]),
        st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
    ),
    max_size=12,
)  # fmt: skip
HOSTILE_ELEMENTS = st.lists(
    st.one_of(
        st.integers(0, 99).map(lambda n: json.dumps(event(n), indent=n % 3 or None).encode()),
        st.sampled_from([b"{", b"}", b"]", b"[", b",", b"[1, 2]", b'"a b"', b'"', b"\\", b"nul l", b'{"a": 1 2}']),
        st.binary(max_size=8),
    ),
    max_size=10,
)  # fmt: skip


def story(units: Iterable[Unit]) -> list[tuple[object, ...]]:
    """All that is told of the lines of a source: bytes, place, number, and whether the source ends within them."""
    told: list[tuple[object, ...]] = []
    for unit in units:
        for block in unit.blocks:
            for row in range(len(block)):
                ends = block.ends_source and row == len(block) - 1
                told.append((block.raw(row), int(block.source_offsets()[row]), int(block.lines[row]), ends))
        told += unit.rejected
    return told


@given(HOSTILE_LINES, st.booleans(), st.integers(1, 400))
@example([LINE, LINE[:-9]], False, 1)
@example([LINE[:-9], b" "], False, 3)
def test_lines_cut_into_units_of_any_size_give_the_same(texts, ends_with_a_newline, size):
    data = b"\n".join(texts) + b"\n" * ends_with_a_newline
    whole = story(line_units(stream_of(data)))
    assert story(line_units(stream_of(data), unit_bytes=size)) == whole
    assert [raw for raw, *_ in whole] == [t.strip(b" \t\r") for t in texts if t.strip(b" \t\r")]


@given(HOSTILE_ELEMENTS, st.sampled_from([b" ", b",", b",\n"]), st.booleans(), st.booleans(), st.integers(1, 400))
@example([b"}"], b",", True, True, 1)
@example([b'{"a": "', LINE, LINE], b",\n", True, True, 7)
def test_elements_cut_into_units_of_any_size_give_the_same(texts, between, opened, closed, size):
    data = b"[" * opened + between.join(texts) + b"]" * closed
    assert story(element_units(stream_of(data), unit_bytes=size)) == story(element_units(stream_of(data)))


@pytest.mark.parametrize("cutter", [line_units, element_units])
def test_units_of_any_size_give_the_same_events_and_rejections(cutter):
    data = lines(30) + b"{\n" * (cutter is line_units) + b"null\n" + lines(30, 30) + LINE[:-9]
    whole = read_units(cutter(stream_of(data)))
    cut = read_units(cutter(stream_of(data), unit_bytes=500))
    assert len(cut.units) > 10
    assert_frame_equal(cut.events, whole.events)
    assert_frame_equal(cut.rejected, whole.rejected)


@given(HOSTILE_ELEMENTS)
def test_every_byte_that_is_no_space_or_comma_of_an_array_lies_in_one_element(texts):
    data = b"[" + b",".join(texts) + b"]"
    covered = bytearray(data)
    for unit in element_units(stream_of(data), unit_bytes=64):
        for block in unit.blocks:
            for begin, size in zip(block.source_offsets(), block.sizes, strict=True):
                assert covered[begin : begin + size] == data[begin : begin + size], "two elements hold one byte"
                covered[begin : begin + size] = bytes(int(size)).replace(b"\0", b" ")
    assert not bytes(covered).strip(b" ,[]\t\r\n")


@given(HOSTILE_LINES, st.integers(1, 200))
def test_an_offset_points_at_the_bytes_of_its_line(texts, size):
    data = b"\xef\xbb\xbf" + b"\n".join(texts)
    stream = stream_of(data[3:])
    stream.begin = 3
    numbered = data[3:].split(b"\n")
    for unit in line_units(stream, unit_bytes=size):
        for block in unit.blocks:
            for row in range(len(block)):
                raw, place = block.raw(row), int(block.source_offsets()[row])
                assert data[place : place + len(raw)] == raw
                assert numbered[int(block.lines[row]) - 1].strip(b" \t\r") == raw


@given(st.lists(st.binary(max_size=9), max_size=3), st.lists(st.binary(max_size=9), max_size=3))
def test_a_key_says_the_bytes_and_how_they_are_read(these, those):
    def key(kind: str, parts: list[bytes]) -> str:
        return unit_key(kind, [np.frombuffer(p, np.uint8) for p in parts])

    assert (key("lines", these) == key("lines", those)) == (b"".join(these) == b"".join(those))
    assert key("lines", these) != key("elements", these)


def test_a_key_is_the_same_on_every_machine():
    (unit,) = line_units(stream_of(b'{"a":1}\n'))
    assert unit.key == "unit-1e40b9e9f54ff573dbd6580af82166bc"


def test_a_file_that_grew_keeps_the_keys_of_its_whole_units():
    before = [u.key for u in line_units(stream_of(lines(100)), unit_bytes=2000)]
    after = [u.key for u in line_units(stream_of(lines(150)), unit_bytes=2000)]
    assert len(before) > 5
    assert after[: len(before) - 1] == before[:-1]


@pytest.mark.parametrize("cutter", [line_units, element_units])
@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\n\t"])
def test_nothing_gives_no_unit(cutter, data):
    assert list(cutter(stream_of(data))) == []


@pytest.mark.parametrize(
    ("data", "found", "reasons"),
    [
        (lines(2), ids(0, 1), []),
        (lines(2).replace(b"\n", b"\r\n"), ids(0, 1), []),
        (lines(2)[:-1], ids(0, 1), []),
        (b"\xef\xbb\xbf" + lines(2), ids(0, 1), []),
        (b"\n\n" + lines(1) + b"  \n" + lines(1, 1), ids(0, 1), []),
        (lines(2)[:-20], ids(0), ["truncated"]),
        (lines(1) + b"\0\0\0\0\n" + lines(1, 1), ids(0, 1), ["invalid_json"]),
        (b"\x80\x02}q\x00.\n" + lines(1), ids(0), ["invalid_utf8"]),
        (b"[[[[[1]]]]]\n" + lines(1), ids(0), ["not_an_object"]),
    ],
    ids=["plain", "CRLF", "no last newline", "BOM", "blank lines", "cut", "NUL", "garbage", "nested arrays"],
)
def test_lines_as_they_come(tmp_path, data, found, reasons):
    read = read_source(written(tmp_path, "log.jsonl", data), format="jsonl")
    assert (read.ids, read.reasons) == (found, reasons)


def test_a_line_of_fifty_megabytes_is_an_event_like_any_other(tmp_path):
    big = json.dumps(event(1, metadata={"input_state": {"text": "x" * 50_000_000}})).encode()
    read = read_source(written(tmp_path, "log.jsonl", lines(1) + big + b"\n" + lines(1, 2)))
    assert read.ids == ids(0, 1, 2)
    assert read.events["size_bytes"][1] == len(big)


def test_a_line_that_no_unit_holds_is_cut_and_its_parts_are_kept(monkeypatch):
    monkeypatch.setattr(units, "LONGEST_LINE", 1000)
    long = b'{"a":"' + b"x" * 3000 + b'"}'
    read = read_units(line_units(stream_of(lines(1) + long + b"\n" + lines(1, 1)), unit_bytes=100))
    assert read.ids == ids(0, 1)
    assert b"".join(read.rejected["raw"]) == long
    assert set(read.rejected["line"]) == {2}


def test_an_element_that_no_unit_holds_is_cut_and_its_parts_are_kept(monkeypatch):
    monkeypatch.setattr(units, "LONGEST_LINE", 1000)
    long = b'{"a":"' + b"x" * 3000 + b'"}'
    read = read_units(element_units(stream_of(b"[" + LINE + b"," + long + b"]"), unit_bytes=100))
    assert read.ids == ids(1)
    assert b"".join(read.rejected["raw"]).replace(b"]", b"") == long


def test_a_compressed_file_that_is_cut_is_one_rejection_that_holds_the_broken_line(tmp_path):
    whole = gzip.compress(lines(5000), mtime=0)
    read = read_source(written(tmp_path, "log.jsonl.gz", whole[:-3000]))
    assert read.reasons == ["corrupt_compression"]
    assert read.ids == ids(*range(len(read.ids))) and 1000 < len(read.ids) < 5000
    assert read.rejected["line"].to_list() == [len(read.ids) + 1]
    assert lines(1, len(read.ids)).startswith(read.rejected["raw"][0])
    assert lines(5000)[read.rejected["source_offset"][0] :].startswith(read.rejected["raw"][0])


def test_a_line_that_is_whole_at_the_cut_of_a_compressed_file_is_read(tmp_path):
    damaged = gzip.compress(lines(3)[:-1], mtime=0)[:-8]
    read = read_source(written(tmp_path, "log.jsonl.gz", damaged))
    assert (read.ids, read.reasons) == (ids(0, 1, 2), ["corrupt_compression"])


def test_a_recording_in_a_compressed_file_that_is_cut_keeps_its_elements(tmp_path):
    recording = json.dumps([event(n) for n in range(5000)], indent=2).encode()
    whole = gzip.compress(recording, mtime=0)
    read = read_source(written(tmp_path, "recording.json.gz", whole[:-3000]))
    assert read.reasons == ["corrupt_compression"]
    assert read.ids == ids(*range(len(read.ids))) and len(read.ids) > 1000
