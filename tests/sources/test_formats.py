"""A source is read by what it begins with, whatever its name; and the real logs are read whole."""

from __future__ import annotations

import gzip
import io
import json
import random

import polars as pl
import pytest
import zstandard

from onex_analytics.exceptions import SourceError, UnknownFormat
from onex_analytics.sources.formats import FORMATS, detect_format, source_units
from tests.sources.reading import event, ids, lines, read_source, stream_of, written

ARRAY = json.dumps([event(1), event(2)])
EVENTS = {"omnibase_main_v1.0.0.jsonl": 3028, "omnibase_dev_telemetry.jsonl": 240, "recording_300.json": 300}
HEADER = b"event_id,timestamp,node_id,event_type,metadata\n"


def table(form: str) -> bytes:
    out = io.BytesIO()
    frame = pl.DataFrame({"event_id": ["a"]})
    {"parquet": frame.write_parquet, "file": frame.write_ipc, "stream": frame.write_ipc_stream}[form](out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "jsonl"),
        (b"\n \n", "jsonl"),
        (lines(2), "jsonl"),
        (lines(1)[:-9], "jsonl"),
        (b"\n" + lines(1), "jsonl"),
        (b"{\n" + lines(1), "jsonl"),
        (b"[1]\n[2]\n", "jsonl"),
        (b"what is this\n", "jsonl"),
        (b"\x7fELF\x02\x01", "jsonl"),
        (ARRAY.encode(), "json"),
        (ARRAY.encode() + b"\n", "json"),
        (json.dumps([event(n) for n in range(999)]).encode(), "json"),
        (json.dumps([event(1)], indent=2).encode(), "json"),
        (b"[]", "json"),
        (b"[", "json"),
        (json.dumps(event(1), indent="\t").encode(), "json"),
        (b'{"event_id": "a",\n "timestamp": "b"}\n', "json"),
        (HEADER, "csv"),
        (HEADER.replace(b",", b";"), "csv"),
        (b'"event_id"\t"node_id"\r\n', "csv"),
        (table("parquet"), "parquet"),
        (table("file"), "arrow"),
        (table("stream"), "arrow"),
    ],
)
def test_a_format_is_told_by_the_first_bytes(data, found):
    assert detect_format(stream_of(data)) == found


@pytest.mark.parametrize("magic", [b"BZh91AY", b"\xfd7zXZ\x00", b"PK\x03\x04", b"\x04\x22\x4d\x18", b"7z\xbc\xaf\x27"])
def test_a_compression_that_we_do_not_read_is_named_with_the_mend(tmp_path, magic):
    path = written(tmp_path, "log", magic + bytes(20))
    with pytest.raises(SourceError, match=r"is compressed with .*Mend: decompress it first"):
        source_units(path)


def test_a_format_that_is_none_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(UnknownFormat, match=", ".join(sorted(FORMATS))):
        source_units(tmp_path / "log", format="xml")


def test_a_format_that_is_named_is_taken(tmp_path):
    path = written(tmp_path, "log", ARRAY.encode())
    assert read_source(path).ids == ids(1, 2)
    assert read_source(path, format="jsonl").reasons == ["not_an_object"]


@pytest.mark.parametrize("form", ["plain", "gz", "zst"])
@pytest.mark.parametrize("name", EVENTS)
def test_the_real_logs_are_read_whole(shared_data, tmp_path, name, form):
    data = (shared_data / "onex" / name).read_bytes()
    packed = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.compress}[form](data)
    read = read_source(written(tmp_path, "log", packed))
    assert (len(read.events), read.reasons) == (EVENTS[name], [])
    assert read.events["event_id"].n_unique() == EVENTS[name]


def test_the_recording_holds_the_first_events_of_its_log(shared_data):
    recorded = read_source(shared_data / "onex" / "recording_300.json").events
    logged = read_source(shared_data / "onex" / "omnibase_main_v1.0.0.jsonl").events
    same = ["event_id", "timestamp", "event_type", "node_id", "outcome", "metadata", "input_hash", "execution_time_ms"]
    assert recorded.select(same).equals(logged.head(300).select(same))


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_an_empty_compressed_file_holds_nothing(tmp_path, form):
    packed = {"gz": gzip.compress, "zst": zstandard.compress}[form](b"")
    assert read_source(written(tmp_path, "log", packed)).units == []


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_the_head_of_a_compressed_file_is_damage_and_no_traceback(tmp_path, form):
    packed = {"gz": gzip.compress, "zst": zstandard.compress}[form](lines(9))
    for size in range(4, 12):
        read = read_source(written(tmp_path, "log", packed[:size]))
        assert (read.ids, read.reasons) == ([], ["corrupt_compression"])


def test_random_bytes_are_rejected_line_by_line_and_nothing_of_them_is_lost(tmp_path):
    data = random.Random(4).randbytes(20_000)
    read = read_source(written(tmp_path, "log", data))
    assert set(read.reasons) <= {"invalid_json", "invalid_utf8", "truncated"}
    assert list(read.rejected["raw"]) == [t for t in (line.strip(b" \t\r") for line in data.split(b"\n")) if t]
