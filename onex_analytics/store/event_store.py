"""The store: events in Parquet files under a Delta log, rejected lines beside them."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import polars as pl

from onex_analytics.exceptions import InvalidOption, NotAStore, SourceError
from onex_analytics.frames.coverage import coverage
from onex_analytics.model.shapes import EVENTS, REJECTED
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.formats import source_units
from onex_analytics.sources.layout import Dimension, parse_dimensions
from onex_analytics.sources.streams import STDIN, Stream, log_files
from onex_analytics.sources.units import Unit
from onex_analytics.store import dimensions as _dimensions
from onex_analytics.store import maintenance
from onex_analytics.store.appending import Appender
from onex_analytics.store.exports import write_jsonl
from onex_analytics.store.frame_units import frame_units
from onex_analytics.store.report import IngestReport, Tally
from onex_analytics.store.storage import Table

Progress = Callable[[int, int | None, int], None]
"""Called with bytes done, bytes in all (None if unknown) and lines read so far."""

Source = str | Path | pl.DataFrame | pl.LazyFrame


class EventStore:
    """Events in a folder, or under an `s3://` address: lossless, versioned, readable by anything that reads Delta Lake.

    Args:
        uri: a folder or an object store's address. It is made by the first `append`.
        dimensions: columns to lift out of the metadata, such as `{"tenant": "$.input_state.tenant:str"}`; only for a
            new store, later ones come by `add_dimension`.
        storage_options: keys of the object store (`aws_access_key_id`, `aws_endpoint_url`, …).

    Raises:
        NotAStore: `uri` holds something else.
        StoreVersionError: it was written by a newer onex_analytics.

    >>> import tempfile, polars as pl
    >>> store = EventStore(tempfile.mkdtemp() + "/events")
    >>> line = '{"event_id":"e1","timestamp":"2026-11-01T00:00:00","node_id":"n","event_type":"NODE_START","metadata":{}}'
    >>> path = tempfile.mkdtemp() + "/log.jsonl"
    >>> _ = open(path, "w").write(line + "\\n")
    >>> print(store.append(path))
    read 1 = stored 1 + duplicate 0 + rejected 0
    >>> store.scan().select("event_id", "outcome").collect().rows()
    [('e1', 'start')]
    """

    def __init__(self, uri: str | Path, *, dimensions: Mapping[str, str] | None = None, storage_options: Mapping[str, str] | None = None) -> None:
        self.uri = str(uri).rstrip("/") or str(uri)
        self._options = dict(storage_options or {})
        self._declared = parse_dimensions(dimensions or {})
        self._events = self._table("events", EVENTS)
        self._rejected = self._table("rejected", REJECTED)
        self._refuse_foreign_folder()
        if self._events.exists():
            held = self._stored_dimensions()
            unlike = {n: d.text for n, d in self._declared.items() if n not in held or held[n].text != d.text}
            if unlike:
                raise InvalidOption("dimensions", unlike, f"those of the store, {[d.text for d in held.values()]}; add one by `add_dimension`")
            self._use_dimensions(held)
        else:
            self._use_dimensions(self._declared)

    def __repr__(self) -> str:
        return f"EventStore({self.uri!r})"

    # ------------------------------------------------------------------ in

    def append(
        self, source: Source | Iterable[Source], *, format: str | None = None, strict: bool = False, repair_clocks: bool = True,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Read events and store those that are new.

        Args:
            source: a file, a glob, a folder, "-" for standard input, a `postgresql://` address, a frame, or several.
                A frame has the columns of `model.EVENTS` or of a raw event.
            format: one of `sources.formats.FORMATS`; found out where it is None.
            strict: reject events that break a rule, instead of listing their violations.
            repair_clocks: repair times that were stamped with local time (see `sources.clocks`).
            progress: called after each unit.

        Returns:
            What became of every line: read = stored + duplicate + rejected.

        Raises:
            SourceError: a source is missing or may not be read; nothing of it was stored.
            UnknownFormat: `format` is none of the formats.
            StoreFull: no space is left; units that were committed stay, and the same call goes on from there.
            StoreConflict: other writers committed first, too often.
        """
        began = time.perf_counter()
        sources = self._sources(source)
        self._begin()
        gate = Gate(datetime.now(UTC), self._dimensions, strict)
        appender = Appender(self._events, self._rejected, gate, repair_clocks=repair_clocks)
        total, done_before = Tally(), 0
        sizes = [Path(s).stat().st_size if isinstance(s, str) and Path(s).is_file() else None for s in sources]
        in_all = sum(s for s in sizes if s is not None) if None not in sizes else None
        for item, size in zip(sources, sizes, strict=True):
            stream, units = self._units(item, format)

            def tell(unit: Unit, tally: Tally, stream: Stream | None = stream, before: int = done_before, so_far: int = total.read) -> None:
                nonlocal lines
                lines += tally.read
                if progress is not None:
                    progress(before + (stream.done_bytes() if stream is not None else 0), in_all, so_far + lines)

            lines = 0
            try:
                total.add(appender.run(units, tell))
            finally:
                if stream is not None:
                    stream.close()
            done_before += size or 0
        return total.report(files=len(sources), seconds=time.perf_counter() - began, version=self._events.delta.version())

    def retry_rejected(self, *, strict: bool = False) -> IngestReport:
        """Read all rejected lines again, after a fix; those that give events now move over.

        Conflicts stay what they are: their id is stored with other content.
        """
        return maintenance.retry_rejected(self._events, self._rejected, Gate(datetime.now(UTC), self._dimensions, strict))

    # ------------------------------------------------------------------ out

    def scan(
        self, since: datetime | str | None = None, until: datetime | str | None = None, *, event_types: Sequence[str] | None = None,
        nodes: Sequence[str] | None = None, version: int | None = None,
    ) -> pl.LazyFrame:
        """Events as a lazy frame of `model.EVENTS` and the dimensions. Rows are in no order that may be relied on.

        Args:
            since, until: the events of [since, until), as aware times or ISO text (naive means UTC).
            event_types, nodes: only these; files that cannot hold them are not opened.
            version: the store as it was at this version (see `history`).

        Raises:
            NotAStore: nothing was stored here yet, or the version does not exist.
        """
        since, until = _time("since", since), _time("until", until)
        only = {name: list(values) for name, values in (("event_type", event_types), ("node", nodes)) if values is not None}
        files = self._events.files(version=version, since=since, until=until, only=only)
        lazy = self._events.scan(files)
        if since is not None:
            lazy = lazy.filter(pl.col("timestamp") >= since)
        if until is not None:
            lazy = lazy.filter(pl.col("timestamp") < until)
        for name, values in only.items():
            lazy = lazy.filter(pl.col(name).is_in(values))
        return lazy

    def rejected(self, *, version: int | None = None) -> pl.LazyFrame:
        """Every line that gave no event, as a lazy frame of `model.REJECTED`.

        `version` is one of the rejected table's own (0 is the empty table).
        """
        return self._rejected.scan(self._rejected.files(version=version))

    def to_jsonl(
        self, target: str | Path | IO[bytes], *, since: datetime | str | None = None, until: datetime | str | None = None,
        event_types: Sequence[str] | None = None, nodes: Sequence[str] | None = None, version: int | None = None,
    ) -> int:
        """Write events as they came, one a line by time; returns how many.

        The events are equal to those that were read, field by field (a missing field stays missing, null stays
        null, metadata keeps its text). `target` may end in .gz or .zst.
        """
        since, until = _time("since", since), _time("until", until)
        only = {name: list(values) for name, values in (("event_type", event_types), ("node", nodes)) if values is not None}
        files = self._events.files(version=version, since=since, until=until, only=only)
        return write_jsonl(self._events, files, target, since=since, until=until, only=only)

    def sql(self, query: str, *, version: int | None = None) -> pl.DataFrame:
        """Answer a question in SQL over the tables `events` and `rejected`.

        >>> # store.sql("select node, count(*) as n from events group by node order by n desc")
        """
        with pl.SQLContext(events=self.scan(version=version), rejected=self.rejected()) as context:
            return context.execute(query, eager=True)

    def coverage(self, **options: Any) -> pl.LazyFrame:
        """Where events are missing: silent producers and holes; see `frames.coverage.coverage`."""
        return coverage(self.scan(), **options)

    # ------------------------------------------------------------------ dimensions

    @property
    def dimensions(self) -> dict[str, str]:
        """Declared dimensions, such as `{"tenant": "$.input_state.tenant:str"}`."""
        return {name: d.text for name, d in self._dimensions.items()}

    def add_dimension(self, name: str, path: str) -> int:
        """Lift one more column out of the metadata, for all stored events too; returns how many have a value.

        Args:
            name: the column.
            path: JSON path within the metadata and a type, such as `$.input_state.size:i64`.

        Raises:
            InvalidOption: the name is taken, or the path or type is none.
        """
        added = _dimensions.add(self._events, self._dimensions, name, path)
        self._use_dimensions(self._stored_dimensions())
        return added

    # ------------------------------------------------------------------ keeping

    def compact(self) -> dict[str, Any]:
        """Rewrite small files as few large ones, sorted by time. Old versions stay readable until `vacuum`."""
        return maintenance.compact(self._events)

    def vacuum(self, *, full: bool = False, keep_hours: float = 168.0) -> dict[str, Any]:
        """Delete files that no version of the last `keep_hours` needs; `full` takes those that were never committed too."""
        return maintenance.vacuum([self._events, self._rejected], full=full, keep_hours=keep_hours)

    def retain(self, before: datetime | str) -> dict[str, Any]:
        """Forget events older than `before`; whole files are dropped, files across the border are rewritten."""
        border = _time("before", before)
        assert border is not None
        return maintenance.retain(self._events, border)

    def history(self) -> pl.DataFrame:
        """One row a version, the newest first: `version`, `at` (UTC), `operation`, `source`, `read`, `stored`,
        `duplicate`, `rejected`."""
        return maintenance.history(self._events)

    def info(self) -> dict[str, Any]:
        """Size, time span, version, layout and dimensions at a glance."""
        return maintenance.info(self.uri, self._events, self._rejected, self.dimensions)

    # ------------------------------------------------------------------ inside

    def _table(self, name: str, schema: Mapping[str, pl.DataType]) -> Table:
        return Table(f"{self.uri}/{name}", schema, self._options)

    def _use_dimensions(self, dimensions: dict[str, Dimension]) -> None:
        self._dimensions = dimensions
        self._events.schema = {**EVENTS, **{n: d.dtype for n, d in dimensions.items()}}

    def _stored_dimensions(self) -> dict[str, Dimension]:
        return _dimensions.stored(self._events)

    def _begin(self) -> None:
        if not self._events.exists():
            self._events.create(dimensions=self.dimensions)
            self._use_dimensions(self._stored_dimensions())
        else:
            self._events.refresh()
            self._use_dimensions(self._stored_dimensions())
        if not self._rejected.exists():
            self._rejected.create()
        else:
            self._rejected.refresh()

    def _refuse_foreign_folder(self) -> None:
        if self._events.is_remote:
            return
        folder = Path(self.uri)
        if folder.is_file():
            raise NotAStore(self.uri, "it is a file")
        if folder.is_dir() and not (folder / "events").exists() and any(folder.iterdir()):
            raise NotAStore(self.uri, f"the folder holds other things, such as {sorted(p.name for p in folder.iterdir())[0]}")

    def _sources(self, source: Source | Iterable[Source]) -> list[Source]:
        """Files and frames, one by one."""
        if isinstance(source, pl.DataFrame | pl.LazyFrame):
            return [source]
        if not isinstance(source, str | Path):
            return [each for one in source for each in self._sources(one)]
        text = str(source)
        if text == STDIN or text.startswith(("postgresql://", "postgres://")):
            return [text]
        path = Path(text)
        if path.is_dir():
            if (path / "_delta_log").exists() or (path / "events" / "_delta_log").exists():
                raise SourceError(text, "is a store, not logs", "append `EventStore(…).scan()`, or name the logs")
            found = [str(p) for p in log_files(path)]
            if not found:
                raise SourceError(text, "the folder holds no logs", "name a folder with .jsonl, .json, .log, .csv or .parquet files (also .gz, .zst)")
            return list(found)
        if not path.exists() and glob.has_magic(text):
            found = sorted(p for p in glob.glob(text, recursive=True) if Path(p).is_file())
            if not found:
                raise SourceError(text, "nothing matches the pattern", "check the pattern; `**` reaches into folders")
            return list(found)
        return [text]

    def _units(self, item: Source, format: str | None) -> tuple[Stream | None, Iterator[Unit]]:
        if isinstance(item, pl.DataFrame | pl.LazyFrame):
            return None, frame_units(item)
        return source_units(item, format=format)


def _time(name: str, value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as problem:
            raise InvalidOption(name, value, "an ISO time such as 2026-11-01T12:00") from problem
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value

