"""The upstream event store in PostgreSQL: the tables `onex_events` and `event_ledger`. Extra `postgres`.

Rows are streamed through ADBC in one read-only transaction that sees one state of the table, in an order that is the
same each time. The column of `onex_events.timestamp` has a zone because the database gave it one; the producer said a
naive time, and so it is read, so that a mixed clock is still seen and repaired (`clocks`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import polars as pl
import pyarrow as pa

from onex_analytics.exceptions import InvalidOption, MissingExtra, SourceError
from onex_analytics.sources.rows import numbered, row_blocks
from onex_analytics.sources.tables import Part, units_of_parts
from onex_analytics.sources.units import UNIT_BYTES, Unit

TABLES = ("onex_events", "event_ledger")
SCHEMES = ("postgresql://", "postgres://")
BATCH_BYTES = 8 << 20

_EVENTS_TIME = """case when "timestamp" between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
    then to_char("timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') else "timestamp"::text end"""
_EVENTS_COLUMNS = {
    "event_id": "event_id::text", "timestamp": _EVENTS_TIME, "node_id": "node_id", "event_type": "event_type",
    "metadata": "metadata::text",
}  # fmt: skip
_LEDGER_COLUMNS = {
    "topic": "topic", "partition": "partition::bigint", "kafka_offset": "kafka_offset::bigint",
    "event_value": "event_value", "envelope_id": "envelope_id::text", "correlation_id": "correlation_id::text",
    "event_type": "event_type", "source": "source",
    "event_timestamp": "case when isfinite(event_timestamp) then event_timestamp end",
    "ledger_written_at": "case when isfinite(ledger_written_at) then ledger_written_at end",
}  # fmt: skip
_NEEDED = {
    "onex_events": ("event_id", "timestamp", "node_id", "event_type"),
    "event_ledger": ("topic", "partition", "kafka_offset", "event_value"),
}
_ORDER = {"onex_events": '"timestamp", event_id', "event_ledger": "topic, partition, kafka_offset"}
_SINCE = {"onex_events": '"timestamp"', "event_ledger": "ledger_written_at"}


def is_address(path: object) -> bool:
    """Whether a source is named by an address of a PostgreSQL server."""
    return isinstance(path, str) and path.startswith(SCHEMES)


def postgres_units(
    uri: str, table: str | None = None, *, since: datetime | None = None, batch_bytes: int = BATCH_BYTES,
    unit_bytes: int = UNIT_BYTES,
) -> Iterator[Unit]:  # fmt: skip
    """Units of the rows of a table.

    Args:
        uri: `postgresql://user@host/database`, as libpq reads it. It may name the table, and since when, itself:
            `…/database?table=event_ledger&since=2026-11-01`, or `…/database#event_ledger`.
        table: "onex_events" or "event_ledger", with its schema before a point where that is not on the search path.
            "onex_events" where neither this nor the address says it.
        since: only events of this time and later (of the ledger: written at it and later).
        batch_bytes: what is fetched at once, about.
        unit_bytes: JSON text of a unit, about.

    Returns:
        Units with the source "postgres:<table>"; of the ledger, each event has the source "<topic>/<partition>" and the
        offset of the bus.

    Raises:
        MissingExtra: ADBC's driver is not installed.
        InvalidOption: the table is neither of the two, or `since` is no time.
        SourceError: the server cannot be reached, or has no such table.
    """
    address, named, said_since = _parted(uri)
    name = table or named or TABLES[0]
    schema, _, bare = name.rpartition(".")
    if bare not in TABLES:
        raise InvalidOption("the table", name, f"one of {', '.join(TABLES)}, or schema.table")
    moment = since or said_since
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    connect = _driver()
    parts = _parts(connect, address, schema, bare, moment, batch_bytes)
    return units_of_parts(parts, f"postgres:{name}", unit_bytes)


def _driver() -> Any:
    try:
        return importlib.import_module("adbc_driver_postgresql.dbapi").connect
    except ImportError as problem:
        raise MissingExtra("postgres", "reading from PostgreSQL") from problem


def _parted(uri: str) -> tuple[str, str | None, datetime | None]:
    """The address as libpq wants it, and the table and time that stand in it."""
    parts = urlsplit(uri)
    ours, theirs = {}, []
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key in ("table", "since"):
            ours[key] = value
        else:
            theirs.append((key, value))
    since = None
    if "since" in ours:
        try:
            since = datetime.fromisoformat(ours["since"])
        except ValueError as problem:
            raise InvalidOption("since", ours["since"], "a time such as 2026-11-01T12:00:00Z") from problem
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(theirs), ""))
    return address, ours.get("table") or parts.fragment or None, since


def _parts(
    connect: Any, address: str, schema: str, table: str, since: datetime | None, batch_bytes: int
) -> Iterator[Part]:
    source = f"postgres:{schema + '.' if schema else ''}{table}"
    driver_errors = importlib.import_module("adbc_driver_manager").Error
    try:
        connection = connect(address)
    except driver_errors as problem:
        mend = "check the address, that the server runs, and the password (PGPASSWORD or ~/.pgpass)"
        raise SourceError(source, f"the server cannot be reached ({_first_line(problem, address)})", mend) from None
    with connection:
        try:
            first = 1
            with connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read read only")
            with connection.cursor() as cursor:
                cursor.execute("set local timezone to 'UTC'")
            query = _query(connection, schema, table, since, source)
            with connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(batch_bytes)})
                cursor.execute(query)
                for batch in cursor.fetch_record_batch():
                    frame = pl.DataFrame(pl.from_arrow(batch))
                    yield row_blocks(frame, source, numbered(first, frame.height))
                    first += frame.height
        except SourceError:
            raise
        except (driver_errors, pa.ArrowException, OSError) as problem:
            mend = "check that the server runs and that you may read the table, and run it again"
            raise SourceError(source, f"cannot be read ({_first_line(problem, address)})", mend) from None


def _query(connection: Any, schema: str, table: str, since: datetime | None, source: str) -> str:
    """The query for a table; of the columns that are no part of its key, those that it has."""
    place = f"{_quoted(schema)}.{table}" if schema else table
    with connection.cursor() as cursor:
        cursor.execute(
            "select attname::text from pg_attribute "
            f"where attrelid = to_regclass({_literal(place)}) and attnum > 0 and not attisdropped"
        )
        found = {row[0] for row in cursor.fetchall()}
    if missing := [name for name in _NEEDED[table] if name not in found]:
        problem = f"lacks the columns {missing}" if found else "there is no such table, or you may not see it"
        raise SourceError(source, problem, f"name another with ?table= ({', '.join(TABLES)}, or schema.table)")
    columns = _EVENTS_COLUMNS if table == "onex_events" else _LEDGER_COLUMNS
    selected = ", ".join(f'{sql} as "{name}"' for name, sql in columns.items() if name in found)
    wanted = f"where {_SINCE[table]} >= {_literal(since.isoformat())}::timestamptz" if since is not None else ""
    return f"select {selected} from {place} {wanted} order by {_ORDER[table]}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(problem: Exception, address: str) -> str:
    """What the driver says, without the address and what it holds."""
    text = str(problem).replace(address, "the server").strip()
    parts = urlsplit(address)
    if parts.password:
        text = text.replace(parts.password, "…")
    return " ".join(text.split())[:300].rstrip(".")
