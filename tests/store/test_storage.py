from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from onex_analytics import EventStore
from onex_analytics.exceptions import NotAStore, OnexError, StoreUnavailable, StoreVersionError
from tests.store.lines import ids, line, lines, write


@pytest.fixture
def full(store, tmp_path):
    store.append(write(tmp_path / "log.jsonl", lines(range(3)), b"bad\n"))
    return store


def test_a_file_is_no_store(tmp_path):
    with pytest.raises(NotAStore, match="it is a file"):
        EventStore(write(tmp_path / "log.jsonl", line(1)))


@pytest.mark.parametrize("inside", ["notes.txt", "events/notes.txt", "events.jsonl"])
def test_a_folder_with_other_things_is_no_store(tmp_path, inside):
    (tmp_path / "f" / inside).parent.mkdir(parents=True)
    (tmp_path / "f" / inside).write_text("x")
    with pytest.raises(NotAStore, match=r"holds other things, such as (events|notes)"):
        EventStore(tmp_path / "f")
    assert [p.name for p in (tmp_path / "f").iterdir()] == [inside.split("/")[0]]


def test_a_store_that_another_process_begins_just_now_is_no_folder_of_other_things(tmp_path, monkeypatch):
    folder, look = tmp_path / "f", Path.iterdir
    folder.mkdir()

    def begun_meanwhile(path: Path) -> Iterator[Path]:
        (folder / "events" / "_delta_log").mkdir(parents=True, exist_ok=True)
        return look(path)

    monkeypatch.setattr(Path, "iterdir", begun_meanwhile)
    EventStore(folder).append(write(tmp_path / "log.jsonl", line(1)))
    assert ids(EventStore(folder)) == ["e1"]


def test_an_empty_folder_and_a_file_address_are_where_a_store_may_begin(tmp_path):
    (tmp_path / "f").mkdir()
    EventStore(f"file://{tmp_path}/f").append(write(tmp_path / "log.jsonl", line(1)))
    assert ids(EventStore(str(tmp_path / "f") + "/")) == ["e1"]


def test_a_delta_table_that_is_not_ours_is_no_store(tmp_path):
    write_deltalake(tmp_path / "f" / "events", pl.DataFrame({"a": [1]}))
    with pytest.raises(NotAStore, match="did not make"):
        EventStore(tmp_path / "f")
    with pytest.raises(NotAStore, match="one Delta table by itself"):
        EventStore(tmp_path / "f" / "events")
    assert DeltaTable(tmp_path / "f" / "events").version() == 0


def test_a_store_of_a_newer_layout_is_refused(full):
    full._events.describe(lambda said: {"onex_layout": 99})
    with pytest.raises(StoreVersionError, match="layout 99; this onex_analytics reads up to 1"):
        EventStore(full.uri)


def broken(full: EventStore, name: str, data: bytes | None) -> None:
    path = Path(full.uri, "events", name)
    path.write_bytes(data) if data is not None else path.unlink()


@pytest.mark.parametrize("data", [b"", b"{", b"\0\xff", b"[]", b'{"add": 5}', b'{"add": {"path": "x"}}', b"null"])
@pytest.mark.parametrize("version", [0, 1])
def test_a_damaged_log_is_one_clear_error(full, tmp_path, data, version):
    broken(full, f"_delta_log/{version:020}.json", data)
    try:
        EventStore(full.uri).scan().collect()
        EventStore(full.uri).append(write(tmp_path / "more.jsonl", line(9)))
    except OnexError as problem:
        assert "Mend:" in str(problem)
        assert "<unknown>" not in str(problem)
        assert len(str(problem)) < 900


def test_a_missing_first_commit_is_one_clear_error(full):
    broken(full, f"_delta_log/{0:020}.json", None)
    with pytest.raises(StoreUnavailable, match="its log is damaged"):
        EventStore(full.uri)


@pytest.mark.parametrize("data", [None, b"", b"PAR1", b"x" * 500])
def test_a_damaged_file_of_events_is_one_clear_error_where_we_read_it(full, tmp_path, data):
    name = full._events.files()[0].path
    broken(full, name, data)
    again = EventStore(full.uri)
    for work in (
        lambda: again.append(write(tmp_path / "more.jsonl", line(9))), lambda: again.to_jsonl(tmp_path / "out.jsonl"),
        lambda: again.sql("select * from events"), lambda: again.add_dimension("tenant", "$.a"), again.info,
    ):  # fmt: skip
        with pytest.raises(StoreUnavailable, match="Mend:"):
            work()


def test_a_store_that_was_broken_off_while_it_was_made_begins_again(tmp_path, monkeypatch):
    store = EventStore(tmp_path / "s")
    store._events.create()
    again = EventStore(tmp_path / "s")
    assert again.rejected().collect().is_empty()
    assert again.sql("select count(*) as n from rejected").item() == 0
    again.append(write(tmp_path / "log.jsonl", line(1), b"bad\n"))
    assert again.info()["rejected"] == 1


MAY_NOT = r"may not be read or written.*Mend: give yourself the right"


@contextmanager
def nobody(*folders: Path) -> Iterator[None]:
    """This process as another user, who may look into some folders."""
    for folder in folders:
        folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user can be made only by root")
@pytest.mark.parametrize(
    ("modes", "scans"),
    [({"": 0o700}, False), ({"events": 0o700}, False), ({"events/_delta_log": 0o700}, False), ({"": 0o755}, True),
     ({"rejected": 0o700}, True)],
)  # fmt: skip
def test_a_store_without_permission_is_one_clear_error(full, tmp_path, modes, scans):
    log = write(tmp_path / "more.jsonl", line(9), b"bad\n")
    EventStore(tmp_path / "warm").append(log)
    for name, mode in modes.items():
        Path(full.uri, name).chmod(mode)
    with nobody(*(p for p in (tmp_path, *tmp_path.parents) if "pytest" in str(p))):
        if scans:
            assert ids(EventStore(full.uri)) == ["e0", "e1", "e2"]
        else:
            with pytest.raises(StoreUnavailable, match=MAY_NOT):
                EventStore(full.uri).scan()
        with pytest.raises(StoreUnavailable, match=MAY_NOT):
            EventStore(full.uri).append(log)
    assert ids(EventStore(full.uri)) == ["e0", "e1", "e2"]


def test_every_word_of_ours_in_the_log_is_there_for_others_to_read(full):
    table = DeltaTable(Path(full.uri) / "events")
    assert json.loads(table.metadata().description)["onex_layout"] == 1
    assert pl.read_delta(str(Path(full.uri) / "events")).height == 3
