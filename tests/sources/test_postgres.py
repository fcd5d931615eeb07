"""The upstream tables, read from a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from onex_analytics.exceptions import InvalidOption, MissingExtra, SourceError
from onex_analytics.sources import postgres
from onex_analytics.sources.clocks import repair_clocks
from onex_analytics.sources.formats import source_units
from onex_analytics.sources.postgres import postgres_units
from tests.sources.conftest import Server
from tests.sources.reading import Read, ids, read_units

EVENTS_TABLE = """create table onex_events (
    event_id uuid primary key, timestamp timestamptz not null, node_id text not null, event_type text not null,
    metadata jsonb)"""
LEDGER_TABLE = """create table event_ledger (
    ledger_entry_id uuid primary key default gen_random_uuid(), topic text not null, partition int not null,
    kafka_offset bigint not null, event_key bytea, event_value bytea not null, onex_headers jsonb not null default '{}',
    envelope_id uuid, correlation_id uuid, event_type text, source text, event_timestamp timestamptz,
    ledger_written_at timestamptz not null default '2026-11-23 12:00:05+00', unique (topic, partition, kafka_offset))"""
FILLED = """insert into onex_events select format('%s-0000-4000-8000-000000000000', lpad(n::text, 8, '0'))::uuid,
    timestamptz '2026-11-23 12:00:00.000001+00' + n * interval '1 second', 'stamper_node', 'NODE_START',
    jsonb_build_object('input_state', jsonb_build_object('n', n)) from generate_series(0, {last}) n order by random()"""


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Server]:
    """The server with both tables, empty."""
    postgres_server.run("drop schema public cascade", "create schema public", EVENTS_TABLE, LEDGER_TABLE)
    yield postgres_server


def read(server: Server, table: str | None = None, **options: object) -> Read:
    return read_units(postgres_units(server.address(), table, **options))  # type: ignore[arg-type]


def ledger_row(offset: int, value: bytes, topic: str = "onex.evt.node.node-start.v1", **columns: str) -> str:
    names = ["topic", "partition", "kafka_offset", "event_value", *columns]
    values = [f"'{topic}'", "3", str(offset), f"'\\x{value.hex()}'::bytea", *(f"'{c}'" for c in columns.values())]
    return f"insert into event_ledger ({', '.join(names)}) values ({', '.join(values)})"


def test_the_event_table_is_read_in_the_order_of_its_times(database):
    database.run(FILLED.format(last=2))
    found = read(database)
    assert (found.ids, found.reasons) == (ids(0, 1, 2), [])
    row = found.events.row(1, named=True)
    assert row["timestamp"] == datetime(2026, 11, 23, 12, 0, 1, 1, tzinfo=UTC)
    assert (row["source"], row["source_offset"], row["node_id"]) == ("postgres:onex_events", 2, "stamper_node")
    assert json.loads(row["metadata"]) == {"input_state": {"n": 1}}


def test_the_zone_is_the_database_s_and_not_the_producer_s_so_a_mixed_clock_is_still_repaired(database):
    database.run(
        """insert into onex_events values
        ('00000001-0000-4000-8000-000000000000', '2026-11-23 07:00:00+00', 'n', 'TELEMETRY_OPERATION_START',
         '{"operation": "o", "correlation_id": "c"}'),
        ('00000002-0000-4000-8000-000000000000', '2026-11-23 12:00:01+00', 'n', 'TELEMETRY_OPERATION_SUCCESS',
         '{"operation": "o", "correlation_id": "c", "execution_time_ms": 1000}')"""
    )
    repaired = repair_clocks(read(database).events).events
    assert repaired["clock_offset_ms"].to_list() == [-18_000_000, None]
    assert repaired["timestamp"][0] == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("time", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "12026-01-01 00:00:00+00"])
def test_a_time_that_is_none_of_ours_is_a_rejected_row(database, time):
    database.run(f"insert into onex_events values (gen_random_uuid(), '{time}', 'n', 'NODE_START', null)")
    assert read(database).reasons == ["invalid_timestamp"]


def test_rows_are_streamed_in_batches_and_cut_into_units_at_the_same_places(database):
    database.run(FILLED.format(last=4999))
    first = list(postgres_units(database.address(), batch_bytes=20_000, unit_bytes=100_000))
    again = list(postgres_units(database.address(), batch_bytes=20_000, unit_bytes=100_000))
    assert [u.key for u in first] == [u.key for u in again]
    assert len(first) > 5 and sum(map(len, first)) == 5000
    assert max(len(block) for unit in first for block in unit.blocks) < 1000
    assert read_units(first).ids == ids(*range(5000))


def test_what_is_written_while_we_read_is_not_seen(database):
    database.run(FILLED.format(last=4999))
    units = postgres_units(database.address(), batch_bytes=10_000, unit_bytes=20_000)
    first = next(units)
    database.run("delete from onex_events")
    assert len(first) + sum(map(len, units)) == 5000


def test_reading_writes_nothing(database, monkeypatch):
    monkeypatch.setitem(postgres._EVENTS_COLUMNS, "node_id", "nextval('counter')::text")
    database.run("create sequence counter", FILLED.format(last=1))
    with pytest.raises(SourceError, match="read-only transaction"):
        read(database)


def test_only_what_came_since_is_read(database):
    database.run(FILLED.format(last=9))
    since = datetime(2026, 11, 23, 12, 0, 8, 1, tzinfo=UTC)
    assert read(database, since=since).ids == read(database, since=since.replace(tzinfo=None)).ids == ids(8, 9)
    _, units = source_units(f"{database.address()}&since=2026-11-23T12:00:08Z")
    assert read_units(units).ids == ids(8, 9)


@pytest.mark.parametrize("named", ["?table=event_ledger&", "?", "#"])
def test_an_address_is_a_source_and_may_name_the_table(database, named):
    database.run(FILLED.format(last=0), ledger_row(7, b"null"))
    address = database.address().replace("postgresql:", "postgres:")
    stream, units = source_units(f"{address}#event_ledger" if named == "#" else address.replace("?", named))
    found = read_units(units)
    assert stream is None
    assert (found.ids, found.reasons) == ((ids(0), []) if named == "?" else ([], ["not_an_object"]))


def test_a_table_in_another_schema_is_named_with_it(database):
    database.run("create schema \"O'Neill\"", 'alter table onex_events set schema "O\'Neill"', "truncate event_ledger")
    with pytest.raises(SourceError, match=r"no such table.*Mend: name another with \?table="):
        read(database)
    assert read(database, "O'Neill.onex_events").units == []


# ---------------------------------------------------------------------------------------------- the ledger


def test_a_ledger_gives_its_events_with_their_place_in_the_bus(database):
    event = b'{"event_id":"e1","timestamp":"2026-11-23T12:00:00.5","node_id":"n","event_type":"NODE_START"}'
    database.run(ledger_row(8, event), ledger_row(7, event.replace(b"e1", b"e0")))
    found = read(database, "event_ledger")
    assert found.ids == ["e0", "e1"]
    row = found.events.row(1, named=True)
    assert (row["source"], row["source_offset"]) == ("onex.evt.node.node-start.v1/3", 8)
    assert row["arrived_at"] == datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
    assert row["size_bytes"] == len(event)


def test_a_ledger_s_columns_speak_where_the_event_is_silent(database):
    known, correlation = "0000000a-0000-4000-8000-000000000000", "0000000b-0000-4000-8000-000000000000"
    database.run(
        ledger_row(
            1, b'{"metadata":{}}', envelope_id=known, correlation_id=correlation, source="reducer",
            event_timestamp="2026-11-23 12:00:01+00",
        ),
        ledger_row(
            2, b'{"event_id":"mine","timestamp":"2026-11-23T12:00:02","node_id":"n","event_type":"NODE_SUCCESS"}',
            envelope_id=known, correlation_id=correlation, source="reducer", event_type="NODE_FAILURE",
        ),
    )  # fmt: skip
    found = read(database, "event_ledger")
    names = ["event_id", "node_id", "correlation_id"]
    assert found.events.select(names).rows() == [(known, "reducer", correlation), ("mine", "n", correlation)]
    assert found.events["event_type"].to_list() == ["NODE_START", "NODE_SUCCESS"]
    assert found.events["timestamp"][0] == datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)


def test_an_envelope_in_a_ledger_is_opened(database):
    inner = {"event_id": "e1", "timestamp": "2026-11-23T12:00:00.5", "node_id": "n", "event_type": "NODE_START"}
    envelope = {"envelope_id": "v", "envelope_timestamp": "2026-11-23T12:00:01Z", "payload": inner}
    database.run(ledger_row(5, json.dumps(envelope, indent=1).encode()))
    found = read(database, "event_ledger")
    assert found.ids == ["e1"]
    assert found.events["source_offset"].to_list() == [5]
    assert found.events["arrived_at"][0] == datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)


def test_a_malformed_event_of_a_ledger_is_never_dropped(database):
    values = [b"{", b"\xff\xfe\x00", b"", b" \n", b"[1]", b'{"a":\x00}', b"\\x7b7d"]
    database.run(*(ledger_row(n, value) for n, value in enumerate(values)))
    found = read(database, "event_ledger")
    assert found.ids == []
    assert found.rejected.sort("source_offset").select("raw", "source", "source_offset").rows() == [
        (value, "onex.evt.node.node-start.v1/3", n) for n, value in enumerate(values)
    ]
    assert dict(zip(found.rejected["source_offset"], found.reasons, strict=True)) == {
        0: "invalid_json", 1: "invalid_utf8", 2: "not_an_object", 3: "not_an_object", 4: "not_an_object",
        5: "invalid_json", 6: "invalid_json",
    }  # fmt: skip


def test_a_ledger_without_the_columns_that_may_be_absent_is_read(database):
    database.run("alter table event_ledger drop source, drop event_type, drop envelope_id", ledger_row(0, b"{}"))
    assert read(database, "event_ledger").reasons == ["missing_event_id"]


def test_a_ledger_without_the_columns_that_it_needs_is_refused(database):
    database.run("alter table event_ledger drop event_value")
    with pytest.raises(SourceError, match=r"postgres:event_ledger: lacks the columns \['event_value'\]"):
        read(database, "event_ledger")


# ---------------------------------------------------------------------------------------------- what goes wrong


def test_a_server_that_is_not_there_is_said_with_the_mend_and_without_the_password(tmp_path):
    address = f"postgresql://onex:secret@/postgres?host={tmp_path}"
    with pytest.raises(SourceError, match=r"postgres:onex_events: the server cannot be reached.*Mend: ") as caught:
        list(postgres_units(address))
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_said(database):
    with pytest.raises(SourceError, match='database "elsewhere" does not exist'):
        list(postgres_units(database.address("elsewhere")))


@pytest.mark.parametrize("named", ["users", "a.b.users", "onex_events; drop table onex_events"])
def test_another_table_is_refused(named):
    with pytest.raises(InvalidOption, match=r"the table is .*wanted one of onex_events, event_ledger"):
        postgres_units("postgresql:///x", named)


def test_a_time_that_is_none_is_refused():
    with pytest.raises(InvalidOption, match="since is 'yesterday'"):
        postgres_units("postgresql:///x?since=yesterday")


def test_without_the_driver_the_install_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(MissingExtra, match=r"pip install 'onex-analytics\[postgres\]'"):
        postgres_units("postgresql:///x")


def test_an_empty_table_holds_nothing(database):
    assert read(database).units == read(database, "event_ledger").units == []
