"""Bytes come out whole, or as far as they are whole."""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zstandard

from onex_analytics.exceptions import SourceError
from onex_analytics.sources.streams import Stream, log_files, open_stream
from tests.sources.reading import ids, lines, read_source, written

LINES = lines(2000)


def all_of(stream: Stream) -> bytes:
    parts, buffer = [], np.empty(10_007, np.uint8)
    while count := stream.read_into(buffer):
        parts.append(buffer[:count].tobytes())
    return b"".join(parts)


def packed(data: bytes, form: str) -> bytes:
    if form == "gz":
        return gzip.compress(data, mtime=0)
    if form == "zst":
        return zstandard.ZstdCompressor(write_checksum=True).compress(data)
    if form == "zst, streamed":
        out = io.BytesIO()
        with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
            writer.write(data)
        return out.getvalue()
    return data


@pytest.mark.parametrize("form", ["plain", "gz", "zst", "zst, streamed"])
@pytest.mark.parametrize("content", ["empty", "one byte", "lines", "zeros", "noise"])
def test_what_was_written_is_read(tmp_path, form, content):
    noise = random.Random(1).randbytes(700_000)
    data = {"empty": b"", "one byte": b"\n", "lines": LINES, "zeros": bytes(3_000_000), "noise": noise}[content]
    with open_stream(written(tmp_path, "log", packed(data, form))) as stream:
        assert all_of(stream) == data
        assert stream.damage is None


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_members_one_behind_the_other_are_one_stream(tmp_path, form):
    whole = packed(LINES, form) + packed(b"", form) + packed(b"more\n", form)
    with open_stream(written(tmp_path, "log", whole)) as stream:
        assert all_of(stream) == LINES + b"more\n"


def test_zeros_behind_a_gzip_file_are_padding(tmp_path):
    with open_stream(written(tmp_path, "log", packed(LINES, "gz") + bytes(512))) as stream:
        assert all_of(stream) == LINES
        assert stream.damage is None


def test_a_skippable_frame_holds_nothing(tmp_path):
    frame = (0x184D2A53).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"hello"
    with open_stream(written(tmp_path, "log", packed(b"a\n", "zst") + frame + packed(b"b\n", "zst"))) as stream:
        assert all_of(stream) == b"a\nb\n"


@pytest.mark.parametrize("form", ["gz", "zst"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_compressed_stream_that_is_cut_gives_what_stands_before_the_cut(tmp_path, form, share):
    data = random.Random(2).randbytes(600_000)
    whole = packed(data, form)
    with open_stream(written(tmp_path, "log", whole[: int(len(whole) * share)])) as stream:
        found = all_of(stream)
        assert stream.damage is not None and "ends" in stream.damage
    assert data.startswith(found)
    assert len(found) > share * len(data) - (1 << 17) - 100, "more was lost than one block of Zstandard"


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_a_damaged_byte_loses_only_what_stands_behind_it(tmp_path, form):
    draws = random.Random(3)
    data = b"".join(b"%d %s\n" % (n, draws.randbytes(30).hex().encode()) for n in range(20_000))
    whole = bytearray(packed(data, form))
    middle = len(whole) // 2
    whole[middle : middle + 64] = b"\xff" * 64
    with open_stream(written(tmp_path, "log", bytes(whole))) as stream:
        found = all_of(stream)
        assert stream.damage is not None
    same = next((i for i, (a, b) in enumerate(zip(found, data, strict=False)) if a != b), len(found))
    assert same > len(data) * 0.3


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_something_else_behind_the_compressed_content_is_damage(tmp_path, form):
    with open_stream(written(tmp_path, "log", packed(LINES, form) + b"something else")) as stream:
        assert all_of(stream) == LINES
        assert "behind the compressed content" in stream.damage


def test_a_wrong_checksum_is_damage_but_loses_nothing(tmp_path):
    whole = bytearray(packed(LINES, "gz"))
    whole[-8] ^= 1
    with open_stream(written(tmp_path, "log", bytes(whole))) as stream:
        assert all_of(stream) == LINES
        assert "incorrect data check" in stream.damage


def test_a_byte_order_mark_is_no_part_of_the_first_line_but_of_its_place(tmp_path):
    with open_stream(written(tmp_path, "log", b"\xef\xbb\xbfab")) as stream:
        assert (all_of(stream), stream.begin) == (b"ab", 3)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_refused_with_the_mend(tmp_path, encoding):
    path = written(tmp_path, "log", LINES.decode().encode(encoding))
    with pytest.raises(SourceError, match=r"events are UTF-8\. Mend: convert it: iconv -f UTF-"):
        open_stream(path)


def test_looking_takes_nothing_away(tmp_path):
    with open_stream(written(tmp_path, "log", b"abcdef")) as stream:
        assert (stream.peek(2), stream.peek(5), stream.peek(99)) == (b"ab", b"abcde", b"abcdef")
        assert all_of(stream) == b"abcdef"


def test_progress_is_told_in_bytes_of_the_file_as_it_lies_there(tmp_path):
    path = written(tmp_path, "log.gz", packed(LINES, "gz"))
    with open_stream(path) as stream:
        all_of(stream)
        assert stream.done_bytes() == stream.size_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent", "there is no such file"), (".", "is a folder"), ("a\0b", "cannot be opened"),
        ("x" * 300, "cannot be opened"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_said_with_the_mend(tmp_path, name, problem):
    with pytest.raises(SourceError, match=f"{problem}.*Mend: "):
        open_stream(f"{tmp_path}/{name}")


def test_a_file_that_may_not_be_read_is_said_with_the_mend(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(SourceError, match=r"may not be read.*Mend: .*chmod"):
        open_stream(tmp_path / "log")


def test_a_failing_disk_is_said_with_the_mend(tmp_path):
    with open_stream(written(tmp_path, "log", LINES)) as stream:
        stream._decoded = _FailingDisk()
        with pytest.raises(SourceError, match=r"cannot be read.*Mend: check the disk"):
            all_of(stream)


class _FailingDisk(io.RawIOBase):
    def readinto(self, _: object) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("form", ["plain", "gz"])
def test_standard_input_is_read_like_a_file(form):
    program = (
        "from tests.sources.reading import read_source\n"
        "read = read_source('-')\n"
        "assert len(read.rejected) == 0 and set(read.events['source']) == {'-'}\n"
        "print(len(read.events))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=packed(LINES, form), capture_output=True, check=True)
    assert done.stdout.split() == [b"2000"]


def test_what_the_buffer_of_standard_input_holds_already_is_not_lost():
    program = (
        "import sys\nfrom tests.sources.reading import read_source\n"
        "first = sys.stdin.buffer.readline()\nprint(len(read_source('-').events))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=lines(300), capture_output=True, check=True)
    assert done.stdout.split() == [b"299"]


def test_a_named_pipe_is_read_like_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(packed(lines(3), "gz"),))
    writer.start()
    assert read_source(pipe).ids == ids(0, 1, 2)
    writer.join()


def test_a_named_pipe_whose_writer_comes_late_and_writes_slowly_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        time.sleep(0.3)
        with pipe.open("wb", buffering=0) as into:
            for line in lines(3).splitlines(keepends=True):
                into.write(line)
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_source(pipe).ids == ids(0, 1, 2)
    writer.join()


def test_logs_in_a_folder_are_found_in_order_without_hidden_files_and_stores(tmp_path: Path):
    hidden = (".hidden.jsonl", ".git/x.json", "_parts/0.json")
    store = ("store/events/_delta_log/0.json", "store/events/part-0.parquet", "store/events/day=1/part-1.parquet")
    for name in ("b.jsonl", "a/z.jsonl.gz", "a/y.LOG", *hidden, *store, "notes.md", "t.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.json").mkdir()
    found = [str(p.relative_to(tmp_path)) for p in log_files(tmp_path)]
    assert found == ["a/y.LOG", "a/z.jsonl.gz", "b.jsonl", "t.csv"]
