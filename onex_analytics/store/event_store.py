"""The store: events in Parquet files under a Delta log, rejected lines beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import polars as pl

from onex_analytics.exceptions import InputError, InvalidOption, NotAStore, SourceError, StoreUnavailable
from onex_analytics.frames.coverage import coverage
from onex_analytics.model.shapes import EVENTS, REJECTED
from onex_analytics.progress import working
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.formats import source_units
from onex_analytics.sources.layout import Dimension, parse_dimensions
from onex_analytics.sources.streams import Stream
from onex_analytics.sources.tables import units_of_frame
from onex_analytics.sources.units import Unit
from onex_analytics.store import dimensions as _dimensions
from onex_analytics.store import maintenance
from onex_analytics.store.appending import Appender
from onex_analytics.store.exports import write_jsonl
from onex_analytics.store.failures import in_our_words, said
from onex_analytics.store.inputs import Source, inputs, refuse_unreadable, size_on_disk, told_of_the_others
from onex_analytics.store.report import IngestReport, Tally
from onex_analytics.store.retrying import retry_rejected
from onex_analytics.store.selection import Time, selection, time_of
from onex_analytics.store.storage import Table

Progress = Callable[[int, int | None, int], None]
"""Called with bytes done, bytes in all (None if unknown) and lines read so far."""


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
    >>> path = tempfile.mkdtemp() + "/log.jsonl"
    >>> with open(path, "w") as log:
    ...     _ = log.write('{"event_id":"e1","timestamp":"2026-11-01T00:00:00","node_id":"n","event_type":"NODE_START"}')
    >>> print(store.append(path))
    read 1 = stored 1 + duplicate 0 + rejected 0
    >>> store.scan().select("event_id", "outcome").collect().rows()
    [('e1', 'start')]
    """

    def __init__(
        self, uri: str | Path, *, dimensions: Mapping[str, str] | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.uri = str(uri).removeprefix("file://").rstrip("/") or str(uri)
        self._options = dict(storage_options or {})
        self._declared = parse_dimensions(dimensions or {})
        self._events = self._table("events", EVENTS)
        self._rejected = self._table("rejected", REJECTED)
        self._refuse_foreign_folder()
        self._use_dimensions(self._stored_dimensions() if self._events.exists() else self._declared)

    def __repr__(self) -> str:
        return f"EventStore({self.uri!r})"

    # ------------------------------------------------------------------ in

    def append(
        self, source: Source | Iterable[Source], *, format: str | None = None, strict: bool = False,
        repair_clocks: bool = True, progress: Progress | None = None,
    ) -> IngestReport:  # fmt: skip
        """Read events and store those that are new.

        Args:
            source: a file, a glob, a folder, "-" for standard input, a `postgresql://` address, a frame, or several.
                A frame has the columns of `model.EVENTS` or of a raw event.
            format: one of `sources.formats.FORMATS`; found out where it is None.
            strict: reject events that break a rule, instead of listing their violations.
            repair_clocks: repair times that were stamped with local time (see `sources.clocks`).
            progress: called after each unit; where it is None, a notebook or terminal that shows work shows this.

        Returns:
            What became of every line: read = stored + duplicate + rejected.

        Raises:
            SourceError: a source is missing or may not be read. Files are opened before anything is stored, and
                before a new store is made; what breaks while it is read says how many sources were stored before it.
            UnknownFormat: `format` is none of the formats.
            MissingColumns: a table can hold no events.
            StoreFull: no space is left; units that were committed stay, and the same call goes on from there.
            StoreConflict: other writers committed first, too often.
        """
        if progress is not None:
            return self._appended(source, format, strict, repair_clocks, progress)
        with working("reading", "bytes") as tell:
            return self._appended(source, format, strict, repair_clocks, lambda done, in_all, _: tell(done, in_all))

    def _appended(
        self, source: Source | Iterable[Source], format: str | None, strict: bool, repair_clocks: bool,
        progress: Progress,
    ) -> IngestReport:  # fmt: skip
        began = time.perf_counter()
        sources = inputs(source)
        refuse_unreadable(sources, format)
        opened = self._units(sources[0], format) if sources else None  # a store is made for what could be opened only
        with ExitStack() as opening:
            if opened and opened[0] is not None:
                opening.callback(opened[0].close)
            self._begin()
            gate = Gate(datetime.now(UTC), self._dimensions, strict)
            appender = Appender(self._events, self._rejected, gate, repair_clocks=repair_clocks)
            opening.pop_all()  # the store is there: the stream stays open
        sizes = [size_on_disk(s) for s in sources]
        in_all = None if None in sizes else sum(s or 0 for s in sizes)
        total, done_before = Tally(), 0
        for number, (item, size) in enumerate(zip(sources, sizes, strict=True)):
            here = Tally()

            def tell(
                stream: Stream | None, _: Unit, tally: Tally, here: Tally = here, before: int = done_before
            ) -> None:
                here.add(tally)
                done = before + (stream.done_bytes() if stream is not None else 0)
                progress(done, in_all, total.read + here.read)

            stream = None
            try:
                stream, units = opened or self._units(item, format)
                opened = None
                appender.run(units, partial(tell, stream))
            except (SourceError, InputError) as problem:
                raise told_of_the_others(problem, number, len(sources)) from problem.__cause__
            finally:
                if stream is not None:
                    stream.close()
            total.add(here)
            done_before += size or 0
        self._use_dimensions(self._stored_dimensions())
        version = self._events.delta.version()
        return total.report(files=len(sources), seconds=time.perf_counter() - began, version=version)

    def retry_rejected(self, *, strict: bool = False) -> IngestReport:
        """Read all rejected lines again, after a fix; those that give events now move over.

        Conflicts stay what they are: their id is stored with other content.
        """
        self._begin()
        return retry_rejected(self._events, self._rejected, Gate(datetime.now(UTC), self._dimensions, strict))

    # ------------------------------------------------------------------ out

    def scan(
        self, since: Time | None = None, until: Time | None = None, *, event_types: Sequence[str] | None = None,
        nodes: Sequence[str] | None = None, version: int | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Events as a lazy frame of `model.EVENTS` and the dimensions. Rows are in no order that may be relied on.

        Args:
            since, until: the events of [since, until), as aware times or ISO text (naive means UTC).
            event_types, nodes: only these; files that cannot hold them are not opened.
            version: the store as it was at this version (see `history`); the newest that anyone committed where None.

        Raises:
            NotAStore: nothing was stored here yet.
            InvalidOption: the version does not exist (any more), or a time is none.
        """
        table, asked = self._at(version), selection(since, until, event_types, nodes)
        lazy, rows = table.scan(table.files(asked)), asked.rows()
        return lazy if rows is None else lazy.filter(rows)

    def spans(self, *, version: int | None = None) -> pl.LazyFrame:
        """The spans of the events: `build_spans(scan(version=version))`, paired once and kept beside the events.

        They are brought up to date here, by what is new since the last call; whoever was killed meanwhile, or works at
        the same time, does no harm. An older version that was never asked for is paired for this call.

        Args:
            version: of the events (see `history`); the newest that anyone committed where None.

        Returns:
            One row an operation: `model.SPANS` and the dimensions, in no order that may be relied on.

        Raises:
            NotAStore: nothing was stored here yet.
            InvalidOption: the version does not exist (any more).
        """
        from onex_analytics.store.spans import spans_of  # compiled kernels, which only spans need

        return spans_of(self._events, self._at(version))

    def rejected(self, *, version: int | None = None) -> pl.LazyFrame:
        """Every line that gave no event, as a lazy frame of `model.REJECTED`.

        `version` is one of the rejected table's own (0 is the empty table).
        """
        if not self._rejected.exists() and self._events.exists():
            return pl.LazyFrame(schema=REJECTED)
        table = self._rejected.at(version)
        return table.scan(table.files())

    def to_jsonl(
        self, target: str | Path | IO[bytes], *, since: Time | None = None, until: Time | None = None,
        event_types: Sequence[str] | None = None, nodes: Sequence[str] | None = None, version: int | None = None,
    ) -> int:  # fmt: skip
        """Write events as they came, one a line, by time within each stored file; returns how many.

        The events are equal to those that were read, field by field (a missing field stays missing, null stays
        null, metadata keeps its text). `target` may end in .gz or .zst.
        """
        return write_jsonl(self._at(version), target, selection(since, until, event_types, nodes))

    def sql(self, query: str, *, version: int | None = None) -> pl.DataFrame:
        """Answer a question in SQL over the tables `events` and `rejected`.

        >>> # store.sql("select node, count(*) as n from events group by node order by n desc")
        """
        with pl.SQLContext(events=self.scan(version=version), rejected=self.rejected()) as context:
            try:
                with in_our_words(self.uri):
                    return context.execute(query, eager=True)
            except StoreUnavailable as problem:
                cause = problem.__cause__
                if isinstance(cause, pl.exceptions.PolarsError) and not isinstance(cause, pl.exceptions.ComputeError):
                    wanted = "SQL that Polars reads, over the tables `events` and `rejected`"
                    raise InvalidOption("query", query, f"{wanted} ({said(cause)})") from cause
                raise

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
        added = _dimensions.add(self._events, name, path)
        self._use_dimensions(self._stored_dimensions())
        return added

    # ------------------------------------------------------------------ keeping

    def compact(self) -> dict[str, Any]:
        """Rewrite small files as few large ones, sorted by time. Old versions stay readable until `vacuum`."""
        return maintenance.compact(self._events)

    def vacuum(self, *, full: bool = False, keep_hours: float = 168.0) -> dict[str, Any]:
        """Delete files that no version of the last `keep_hours` needs.

        `full` takes those too that were never committed and are older than `keep_hours`. Keep more hours than the
        longest append takes: a file that is just being written is one of these.
        """
        tables = [self._events, self._rejected, self._table("spans", {})]
        return maintenance.vacuum(tables, full=full, keep_hours=keep_hours)

    def retain(self, before: datetime | str) -> dict[str, Any]:
        """Forget events older than `before`; whole files are dropped, files across the border are rewritten."""
        border = time_of("before", before)
        if border is None:
            raise InvalidOption("before", before, "a time such as 2026-11-01T12:00")
        return maintenance.retain(self._events, border)

    def version(self) -> int:
        """The newest version that anyone committed: a quick look at the log, which opens no file of events.

        Raises:
            NotAStore: nothing was stored here yet.
        """
        self._events.refresh()
        return self._events.delta.version()

    def parts(self, *, version: int | None = None) -> dict[str, pl.LazyFrame]:
        """The events file by file, the oldest first: the name of each stored file, and its rows as `scan` gives them.

        A file never changes what it holds: whoever keeps what was reckoned of each reckons only of those that are new.
        """
        table = self._at(version)
        return {file.path: table.scan([file]) for file in table.files()}

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
        held = _dimensions.stored(self._events)
        unlike = {n: d.text for n, d in self._declared.items() if n not in held or held[n].text != d.text}
        if unlike:
            wanted = f"those of the store, { {n: d.text for n, d in held.items()} }; add one by `add_dimension`"
            raise InvalidOption("dimensions", unlike, wanted)
        return held

    def _at(self, version: int | None) -> Table:
        """The events as they were at a version, with the dimensions of then."""
        table = self._events.at(version)
        table.schema = {**EVENTS, **{n: d.dtype for n, d in _dimensions.stored(table).items()}}
        return table

    def _begin(self) -> None:
        """Make the tables where they are not, else take in what others have committed."""
        if self._events.exists():
            self._events.refresh()
        else:
            self._events.create(dimensions={name: d.text for name, d in self._declared.items()})
        self._use_dimensions(self._stored_dimensions())
        if self._rejected.exists():
            self._rejected.refresh()
        else:
            self._rejected.create()

    def _refuse_foreign_folder(self) -> None:
        if self._events.is_remote:
            return
        folder, events = Path(self.uri), Path(self.uri) / "events"
        with in_our_words(self.uri):
            if folder.exists() and not folder.is_dir():
                raise NotAStore(self.uri, "it is a file")
            if not folder.is_dir() or (events / "_delta_log").is_dir():
                return
            found = sorted(p.name for p in folder.iterdir() if p != events or any(events.iterdir()))
            if (events / "_delta_log").is_dir():  # another process began this store between the two looks
                return
        if "_delta_log" in found:
            raise NotAStore(self.uri, "it is one Delta table by itself, not the folder of our two")
        if found:
            raise NotAStore(self.uri, f"the folder holds other things, such as {found[0]}")

    def _units(self, item: Source, format: str | None) -> tuple[Stream | None, Iterator[Unit]]:
        if isinstance(item, pl.DataFrame | pl.LazyFrame):
            return None, units_of_frame(item)
        return source_units(item, format=format)
