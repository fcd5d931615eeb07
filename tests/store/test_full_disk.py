from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onex_analytics import EventStore
from onex_analytics.exceptions import StoreFull
from tests.store.lines import adds_up, ids, line, lines, small_units, write


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 3 MB."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small file system can be mounted only by root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Take the room there is but some bytes."""
    room = os.statvfs(folder)
    path = folder / "ballast"
    path.write_bytes(b"x" * max(0, room.f_bavail * room.f_bsize - leave))
    return path


@pytest.mark.parametrize("leave", [0, 4096, 8192, 16384, 24576, 40960, 65536, 98304])
def test_a_full_disk_stops_an_append_that_can_go_on_once_there_is_room(small_disk, tmp_path, monkeypatch, leave):
    small_units(monkeypatch, 3000)
    store = EventStore(small_disk / "s")
    adds_up(store.append(write(tmp_path / "first.jsonl", lines(range(10)), b"bad\n")))
    parts = [lines(range(n, n + 10)) + f"bad {n}\n".encode() + line(n, node_id="x") for n in range(10, 310, 10)]
    log = write(tmp_path / "log.jsonl", *parts)
    ballast = fill(small_disk, leave)
    with pytest.raises(StoreFull, match="Mend: make room"):
        store.append(log)
    again = EventStore(small_disk / "s")
    there = ids(again)
    assert len(set(there)) == len(there) >= 10
    again.rejected().collect()

    ballast.unlink()
    report = adds_up(again.append(log))
    assert report.read == len(b"".join(parts).splitlines())
    assert len(ids(again)) == 310
    kept = again.rejected().collect()
    assert kept.select("source", "line").is_unique().all()
    assert kept.height == 61
    used = {f.path for f in again._events.files()}
    assert {p.name for p in (small_disk / "s" / "events").glob("part-*")} == used


def test_a_full_disk_where_a_store_should_begin_is_said(small_disk, tmp_path):
    ballast = fill(small_disk, 0)
    with pytest.raises(StoreFull):
        EventStore(small_disk / "s").append(write(tmp_path / "log.jsonl", line(1)))
    ballast.unlink()
    assert EventStore(small_disk / "s").append(tmp_path / "log.jsonl").stored == 1


def test_a_limit_on_the_size_of_files_is_said_like_a_full_disk(store, tmp_path):
    store.append(write(tmp_path / "first.jsonl", lines(range(10))))
    log = write(tmp_path / "log.jsonl", *(line(n, metadata={"x": os.urandom(40).hex()}) for n in range(2000)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(StoreFull):
            store.append(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(ids(store)) == 10
    assert adds_up(store.append(log)).stored == 1990
