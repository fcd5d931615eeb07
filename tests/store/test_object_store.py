"""An object store's address works as a folder does: a server of moto on this machine speaks for S3."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from threading import Thread

import pytest
from polars.testing import assert_frame_equal

from onex_analytics import EventStore, build_spans
from onex_analytics.exceptions import OnexError, StoreUnavailable
from tests.store.lines import adds_up, ids, line, lines, small_units, write


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server with the bucket `logs`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            try:
                request = urllib.request.Request(f"{address}/logs", method="PUT")
                with urllib.request.urlopen(request, timeout=5):
                    break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def options(server) -> dict[str, str]:
    return {
        "aws_access_key_id": "k", "aws_secret_access_key": "s", "aws_region": "us-east-1",
        "aws_endpoint_url": server, "aws_allow_http": "true",
    }  # fmt: skip


@pytest.fixture
def uri(request) -> str:
    return f"s3://logs/{abs(hash(request.node.name))}/events"


def test_a_store_in_a_bucket_does_all_that_one_in_a_folder_does(uri, options, tmp_path, monkeypatch):
    small_units(monkeypatch, 1500)
    store = EventStore(uri, dimensions={"tenant": "$.input_state.tenant"}, storage_options=options)
    log = write(tmp_path / "log.jsonl", lines(range(20)), b"bad\n", lines([3]), line(4, node_id="x"))
    report = adds_up(store.append(log))
    assert (report.stored, report.duplicate) == (20, 1)
    assert report.rejected_by_reason == {"invalid_json": 1, "conflict": 1}
    again = EventStore(uri, storage_options=options)
    assert adds_up(again.append(log)).stored == 0
    assert ids(again) == sorted(f"e{n}" for n in range(20))
    assert ids(again, since="2026-11-01T12:00:18") == ["e18", "e19"]
    assert again.rejected().collect().height == 2
    assert again.scan().collect()["tenant"].unique().to_list() == ["acme"]
    assert again.add_dimension("size", "$.input_state.size:i64") == 20
    version = again.info()["version"]
    assert again.compact()["files_after"] == 1
    assert len(ids(store, version=version)) == 20
    assert again.vacuum(full=True, keep_hours=0)["files_deleted"] > 0
    assert again.retain("2026-11-01T12:00:10")["events_dropped"] == 10
    assert store.info()["events"] == 10
    assert store.to_jsonl(tmp_path / "out.jsonl") == 10
    assert adds_up(store.retry_rejected()).rejected == 2
    assert store.history()["operation"][0] == "retain"


def test_spans_in_a_bucket_are_kept_and_brought_up_to_date(uri, options, tmp_path):
    store = EventStore(uri, storage_options=options)
    started = [line(n, event_type="NODE_START", correlation_id=f"c{n}") for n in range(9)]
    store.append(write(tmp_path / "first.jsonl", *started))
    version = store.history()["version"][0]
    assert set(store.spans().collect()["state"]) == {"open"}
    ended = [line(9 + n, event_type="NODE_SUCCESS", correlation_id=f"c{n}") for n in (1, 7)]
    store.append(write(tmp_path / "rest.jsonl", *ended))
    again = EventStore(uri, storage_options=options)
    assert_frame_equal(
        again.spans().collect(), build_spans(again.scan()).collect(), check_row_order=False, check_exact=True
    )
    assert again.spans().collect()["state"].value_counts(sort=True).rows() == [("open", 7), ("closed", 2)]
    assert set(again.spans(version=version).collect()["state"]) == {"open"}


def test_the_environment_may_say_where_the_bucket_is(uri, options, tmp_path, monkeypatch):
    for name, value in options.items():
        monkeypatch.setenv(name.upper(), value)
    store = EventStore(uri)
    adds_up(store.append(write(tmp_path / "log.jsonl", lines(range(3)), b"bad\n")))
    assert ids(EventStore(uri)) == ["e0", "e1", "e2"]
    assert EventStore(uri).rejected().collect().height == 1


def test_two_writers_to_a_bucket_lose_nothing(uri, options, tmp_path, monkeypatch):
    small_units(monkeypatch, 1000)
    EventStore(uri, storage_options=options).append(write(tmp_path / "first.jsonl", line(0)))
    logs = [write(tmp_path / f"{w}.jsonl", lines(range(w * 10, w * 10 + 30)), f"bad {w}\n".encode()) for w in range(2)]
    reports = []
    threads = [
        Thread(target=lambda log=log: reports.append(EventStore(uri, storage_options=options).append(log)))
        for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2
    store = EventStore(uri, storage_options=options)
    assert ids(store) == sorted(f"e{n}" for n in range(40))
    assert sum(adds_up(r).stored for r in reports) == 39
    assert store.rejected().collect().height == 2


def test_a_file_that_was_not_committed_is_taken_away(uri, options, tmp_path, monkeypatch):
    store = EventStore(uri, storage_options=options)
    store.append(write(tmp_path / "first.jsonl", line(0)))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("onex_analytics.store.storage.Table.commit", stop)
    with pytest.raises(KeyboardInterrupt):
        store.append(write(tmp_path / "log.jsonl", line(1)))
    assert store.vacuum(full=True, keep_hours=0)["files_deleted"] == 0


@pytest.mark.parametrize(
    ("address", "changes"),
    [("s3://absent/events", {}), ("s3://logs/events", {"aws_endpoint_url": "http://127.0.0.1:1"})],
)
def test_a_bucket_that_is_not_there_is_one_clear_error(options, tmp_path, address, changes):
    fast = {"connect_timeout": "1s", "timeout": "2s", "max_retries": "0", "retry_timeout": "1s"}
    log = write(tmp_path / "log.jsonl", line(1))
    with pytest.raises(OnexError, match="Mend:") as problem:
        EventStore(address, storage_options={**options, **fast, **changes}).append(log)
    assert isinstance(problem.value, StoreUnavailable)
    assert "cannot be reached" in str(problem.value)
