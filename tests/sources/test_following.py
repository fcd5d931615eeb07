"""A log that is still being written, read as it grows."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import SourceError
from onex_analytics.model import EVENTS
from onex_analytics.sources.following import FollowedFile, FollowedPipe
from onex_analytics.sources.layout import parse_dimensions
from tests.laws import examples


def line(number: int, **more: object) -> str:
    return json.dumps({
        "event_id": f"e{number}", "timestamp": f"2026-01-01T00:00:{number % 60:02}", "node_id": "n",
        "event_type": "NODE_START", "metadata": None, **more,
    }) + "\n"  # fmt: skip


def ids(follower) -> list[str]:
    """Everything that can be read now."""
    found: list[str] = []
    for _ in range(50):
        if (part := follower.read()) is not None:
            found += part.events["event_id"].to_list()
    return found


def append(path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture
def follow():
    """Makes followers of files, and lets the files go at the end."""
    made = []

    def follower(path, **options):
        made.append(FollowedFile(path, **options))
        return made[-1]

    yield follower
    for one in made:
        one.close()


def test_lines_are_given_as_they_come_and_each_once(log, follow):
    append(log, line(1) + line(2))
    follower = follow(log)
    assert ids(follower) == ["e1", "e2"]
    assert follower.read() is None
    append(log, line(3))
    assert ids(follower) == ["e3"]


def test_events_have_the_canonical_columns_their_place_and_dimensions(log, follow):
    append(log, line(1) + "\n" + line(2, metadata={"input_state": {"tenant": "acme"}}))
    second = datetime(2026, 1, 2, tzinfo=UTC)
    follower = follow(log, dimensions=parse_dimensions({"tenant": "$.input_state.tenant"}), clock=lambda: second)
    found = follower.read()
    assert found is not None
    assert found.events.columns == [*EVENTS, "tenant"]
    assert found.events["tenant"].to_list() == [None, "acme"]
    assert found.events["source"].unique().to_list() == [str(log)]
    assert found.events["source_offset"].to_list() == [0, len(line(1)) + 1]
    assert found.events["ingested_at"].dt.day().to_list() == [2, 2]


def test_half_a_line_waits_for_its_end(log, follow):
    append(log, line(1) + line(2)[:30])
    follower = follow(log)
    assert ids(follower) == ["e1"]
    append(log, line(2)[30:])
    assert ids(follower) == ["e2"]


def test_a_broken_line_is_a_rejected_row_with_its_place(log, follow):
    append(log, line(1) + "{broken\n" + line(2))
    found = follow(log).read()
    assert found is not None
    assert found.events["event_id"].to_list() == ["e1", "e2"]
    assert found.rejected.select("reason", "line", "source_offset").rows() == [("invalid_json", 2, len(line(1)))]


def test_a_file_that_is_not_there_yet_is_waited_for(log, follow):
    follower = follow(log)
    assert follower.read() is None
    append(log, line(1))
    assert ids(follower) == ["e1"]


def test_a_rotated_file_is_read_to_its_end_before_the_next_one(log, follow):
    append(log, line(1))
    follower = follow(log)
    assert ids(follower) == ["e1"]
    with open(log, "a") as old:
        log.rename(log.with_suffix(".jsonl.1"))
        append(log, line(4))
        assert follower.read() is None            # a writer may still hold the old one
        old.write(line(2) + line(3)[:-1])         # and its last line may lack its end
    assert ids(follower) == ["e2", "e3", "e4"]


def test_what_stands_beside_a_rotated_log_and_is_none_is_not_read(log, follow):
    append(log, line(1))
    follower = follow(log)
    assert ids(follower) == ["e1"]
    log.rename(log.with_suffix(".jsonl.1"))
    os.utime(log.with_suffix(".jsonl.1"), (1, 1))
    for name in (".jsonl.state", ".jsonl.state.advances", ".jsonl.swp"):
        log.with_suffix(name).write_text(line(9))
    append(log, line(2))
    assert ids(follower) == ["e2"]


def test_a_rotated_log_that_was_compressed_before_it_was_read_is_said_and_passed_over(log, follow):
    append(log, line(1))
    follower = follow(log)
    assert ids(follower) == ["e1"]
    os.utime(log, (1, 1))
    log.unlink()
    for number, name in ((2, ".jsonl.3.gz"), (3, ".jsonl.2.gz"), (4, ".jsonl.1"), (5, ".jsonl")):
        path = log.with_suffix(name)
        path.write_bytes(gzip.compress(line(number).encode()) if name.endswith("gz") else line(number).encode())
        os.utime(path, (number, number))
    notes, found = [], []
    for _ in range(10):
        if (part := follower.read()) is not None:
            notes += part.notes
            found += part.events["event_id"].to_list()
    assert found == ["e4", "e5"]
    assert [note.split()[0] for note in notes[:2]] == ["events.jsonl.3.gz", "events.jsonl.2.gz"]
    assert "`ingest` it" in notes[0]


def test_a_log_that_is_renamed_while_the_next_one_is_looked_for_is_looked_for_again(log, follow, monkeypatch):
    append(log, line(1))
    follower = follow(log)
    assert ids(follower) == ["e1"]
    log.rename(log.with_suffix(".jsonl.1"))
    append(log, line(2))
    opened = FollowedFile._open

    def rotated_meanwhile(self, path):
        monkeypatch.setattr(FollowedFile, "_open", opened)
        log.rename(log.with_suffix(".jsonl.0"))
        opened(self, path)

    monkeypatch.setattr(FollowedFile, "_open", rotated_meanwhile)
    assert ids(follower) == ["e2"]
    append(log, line(3))
    assert ids(follower) == ["e3"]


def test_a_file_that_is_cut_short_is_read_from_its_beginning(log, follow):
    append(log, line(1) + line(2))
    follower = follow(log)
    assert ids(follower) == ["e1", "e2"]
    log.write_text("")
    append(log, line(3))
    found = follower.read()
    assert found is not None
    assert found.events["event_id"].to_list() == ["e3"]
    assert "cut short or written anew" in found.notes[0]


def test_a_file_that_is_written_anew_and_grows_beyond_the_old_place_is_noticed(log, follow):
    append(log, line(1))
    follower = follow(log)
    assert ids(follower) == ["e1"]
    log.write_text(line(7) + line(8) + line(9))
    assert ids(follower) == ["e7", "e8", "e9"]


def test_a_restart_goes_on_at_the_position_even_within_a_line(log, follow):
    append(log, line(1) + line(2) + line(3)[:20])
    first = follow(log)
    assert ids(first) == ["e1", "e2"]
    position = json.loads(json.dumps(first.position()))
    append(log, line(3)[20:] + line(4))
    assert ids(follow(log, position=position)) == ["e3", "e4"]


def test_a_restart_finds_what_was_rotated_away_and_all_files_since(log, follow):
    append(log, line(1) + line(2))
    first = follow(log)
    assert ids(first) == ["e1", "e2"]
    position = first.position()
    append(log, line(3))
    for number, name in ((4, ".jsonl.2"), (5, ".jsonl.1")):
        log.rename(log.with_suffix(name))
        os.utime(log.with_suffix(name), (number, number))
        append(log, line(number))
    assert ids(follow(log, position=position)) == ["e3", "e4", "e5"]


def test_a_restart_with_another_file_says_that_something_is_lost(log, follow):
    append(log, line(1))
    first = follow(log)
    assert ids(first) == ["e1"]
    position = first.position()
    log.unlink()
    append(log.with_suffix(".new"), line(5))
    log.with_suffix(".new").rename(log)
    found = follow(log, position=position).read()
    assert found is not None
    assert found.events["event_id"].to_list() == ["e5"]
    assert "what came between is not here" in found.notes[0]


def test_a_folder_a_compressed_file_and_a_pipe_are_refused_with_the_mend(tmp_path, follow):
    packed = tmp_path / "events.jsonl.gz"
    packed.write_bytes(gzip.compress(line(1).encode()))
    os.mkfifo(tmp_path / "fifo")
    for path, mend in ((tmp_path, "folder"), (packed, "ingest"), (tmp_path / "fifo", "standard input")):
        with pytest.raises(SourceError, match=mend):
            follow(path)


def test_a_clock_that_was_found_to_be_off_is_known_after_a_restart(log, follow):
    def pair(number):
        said = {"operation": "put", "function": "put"}
        return line(number, timestamp="2026-01-01T07:00:00", event_type="TELEMETRY_OPERATION_START",
                    correlation_id=f"c{number}", metadata=said), line(
            number + 1, timestamp="2026-01-01T12:00:00.010", event_type="TELEMETRY_OPERATION_SUCCESS",
            correlation_id=f"c{number}", metadata={**said, "execution_time_ms": 10.0})  # fmt: skip

    append(log, "".join(pair(1)))
    first = follow(log)
    found = first.read()
    assert found is not None
    assert found.events["timestamp"].dt.hour().to_list() == [12, 12]
    assert first.position()["offsets_ms"] == {"n": -5 * 3_600_000}


def test_a_pipe_ends_when_it_is_closed_and_a_last_line_needs_no_newline():
    read, write = os.pipe()
    with open(read, "rb") as pipe:
        follower = FollowedPipe(pipe)
        assert follower.read(0.01) is None
        os.write(write, (line(1) + line(2)[:10]).encode())
        assert ids(follower) == ["e1"]
        os.write(write, line(2)[10:-1].encode())
        os.close(write)
        assert not follower.ended
        assert ids(follower) == ["e2"]
        assert follower.ended
        assert follower.position() is None


@given(st.lists(st.sampled_from(["line", "half", "rest", "read", "restart", "rotate"]), max_size=30))
@settings(max_examples=examples(60))
def test_whatever_befalls_a_file_every_whole_line_is_given_once_and_in_order(tmp_path_factory, doings):
    folder = tmp_path_factory.mktemp("log")
    log = folder / "events.jsonl"
    append(log, line(0))
    written, begun, rotations, found = ["e0"], False, 0, []
    follower = FollowedFile(log)
    for doing in [*doings, "rest", "read"]:
        number = len(written)
        if doing in ("line", "half") and not begun:
            begun = doing == "half"
            append(log, line(number)[: 25 if begun else None])
            written.append(f"e{number}")
        elif doing == "rest" and begun:
            append(log, line(number - 1)[25:])
            begun = False
        elif doing == "read":
            found += ids(follower)
        elif doing == "restart":
            position = follower.position()
            follower.close()
            follower = FollowedFile(log, position=position)
        elif doing == "rotate" and not begun:
            rotations += 1
            log.rename(folder / f"events.jsonl.{100 - rotations}")
            os.utime(folder / f"events.jsonl.{100 - rotations}", (rotations, rotations))
            append(log, line(number))
            written.append(f"e{number}")
    found += ids(follower)
    follower.close()
    assert found == written
