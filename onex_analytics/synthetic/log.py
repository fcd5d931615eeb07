"""A synthetic log: its lines, chunk by chunk, and the truth about them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
import polars as pl
import zstandard

from onex_analytics.synthetic.blocks import Block, Tally, blocks
from onex_analytics.synthetic.draws import Draws
from onex_analytics.synthetic.incidents import labels
from onex_analytics.synthetic.texts import glued, plain_bytes
from onex_analytics.synthetic.topology import SCHEMA_VERSIONS
from onex_analytics.synthetic.traces import Scene
from onex_analytics.synthetic.traps import Traps
from onex_analytics.synthetic.truth import UTC, call_truth, line_truth
from onex_analytics.synthetic.wire import PARTITIONS, Writer

CHUNK_LINES = 20_000


class Written(NamedTuple):
    """What `write` wrote: lines = events + duplicates + conflicts + broken. `bytes` are counted before compression."""

    path: Path
    lines: int
    events: int
    duplicates: int
    conflicts: int
    broken: int
    bytes: int


@dataclass(frozen=True, eq=False)
class SyntheticLog:
    """A log that is drawn when it is asked for, and drawn anew, to the same bytes, each time. Made by `generate`."""

    _scene: Scene = field(repr=False)
    _writer: Writer = field(repr=False)
    traps: Traps
    n_events: int
    start: datetime
    span_us: int
    _blocks: int = field(repr=False)

    def __repr__(self) -> str:
        span = f"{self.n_events:,} events from {self.start:%Y-%m-%d %H:%M}"
        return f"SyntheticLog({span}, {self.span_us / 8.64e10:.3g} days)"

    # ------------------------------------------------------------------ the log

    def chunks(self) -> Iterator[bytes]:
        """The log as bytes: whole lines, in the order of arrival, at most 20,000 at a time, in flat memory.

        Of the form "recording" the chunks together are one JSON array, one element a line.

        >>> from onex_analytics.synthetic import generate
        >>> b"".join(generate(3, traps=None).chunks()).count(b"\\n")
        3
        """
        array = self._writer.form == "recording"
        first = True
        offsets = [0] * PARTITIONS
        if array:
            yield b"[\n"
        for frame in self._arrived(self._lines):
            for part in frame.iter_slices(CHUNK_LINES):
                if self._writer.form == "capture":
                    part = _captured(part, offsets)
                if array:
                    yield (b"" if first else b",\n") + plain_bytes(part["line"], ",\n")[:-2]
                    first = False
                else:
                    yield _bytes_of(part)
        if array:
            yield b"\n]\n"

    def write(self, path: str | os.PathLike[str]) -> Written:
        """Write the log to a file, plain or compressed by its suffix (`.gz`, `.zst`).

        Returns:
            The counts of what was written. The same log gives the same bytes, compressed ones too.

        >>> import tempfile
        >>> from onex_analytics.synthetic import generate
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = generate(100, traps=None).write(f"{folder}/events.jsonl.gz")
        >>> written.lines, written.events
        (100, 100)
        """
        target = Path(path)
        size = 0
        with _opened(target) as stream:
            for chunk in self.chunks():
                stream.write(chunk)
                size += len(chunk)
        counts = self.trap_counts
        return Written(
            target, self.n_lines, self.n_events, counts["duplicates"], counts["conflicts"], counts["broken"], size
        )

    # ------------------------------------------------------------------ the truth

    @property
    def labels(self) -> pl.DataFrame:
        """The incidents as a frame of `model.LABELS`. `events` counts those of the operations that it touched;
        0 where an incident is a silence or a mark.

        >>> from onex_analytics.synthetic import Incident, generate
        >>> burst = Incident(kind="error_burst", node="cli_node", start=0.2, end=0.4)
        >>> generate(2000, incidents=[burst]).labels["incident_id"].to_list()
        ['error_burst-1']
        """
        return labels(self._scene.effects, self.start, self._tally.touched.tolist())

    @property
    def trap_counts(self) -> dict[str, int]:
        """By trap: the event lines that it caught. `two_witnesses` counts failures (two lines each); `duplicates`,
        `conflicts` and `broken` count the lines that come on top of the events.
        """
        return dict(self._tally.traps)

    @property
    def n_lines(self) -> int:
        """Lines of the log: events, duplicates, conflicts and broken lines."""
        counts = self._tally.traps
        return self.n_events + counts["duplicates"] + counts["conflicts"] + counts["broken"]

    @property
    def deploys(self) -> pl.DataFrame:
        """Every version of every node: `node`, `at` (UTC; the first of a node lies before the log), `node_version`
        and the `schema_version` of the events that it emits."""
        found = self._scene.versions.deploys
        return pl.DataFrame({
            "node": [self._scene.fleet.names[d.node] for d in found],
            "at": pl.Series([self._writer.epoch_us + d.at for d in found], dtype=pl.Int64).cast(UTC),
            "node_version": [d.node_version for d in found],
            "schema_version": [SCHEMA_VERSIONS[d.schema] for d in found],
        })

    def frames(self) -> Iterator[pl.DataFrame]:
        """The truth about each line, one row a line, in the order of the lines.

        Columns: `role` (event, duplicate, conflict, broken), `event_id`, `timestamp` (true, UTC), `node`,
        `operation`, `event_type`, `call` (see `calls`), `incidents` (ids), `traps` (those that caught this event).
        """
        for frame in self._arrived(lambda block: line_truth(block, self._scene, self._writer)):
            yield frame.drop("key")

    def calls(self) -> Iterator[pl.DataFrame]:
        """The truth about each call of an operation, one row a call, block by block, in no order.

        Columns: `call` and `parent_call` (numbers; null at a root), `trace_id`, `correlation_id` (null where the node
        has none), `parent_correlation_id` (of the nearest caller that has one), `node`, `operation`, `pattern`,
        `start` (UTC), `duration_ms` (of an open call: what its caller waited), `open`, `error_code` (null where it
        went well), `soft`, `attempt` (1, or 2 for a retry), `tenant`, `host`, `input_bytes`, `node_version`,
        `schema_version`, `incidents` (ids).
        """
        for block in self._drawn():
            yield call_truth(block, self._scene, self._writer)

    @cached_property
    def truth(self) -> pl.DataFrame:
        """All of `frames`, at once."""
        return pl.concat(self.frames())

    # ------------------------------------------------------------------ within

    @cached_property
    def _tally(self) -> Tally:
        tally = Tally(len(self._scene.effects))
        for block in self._drawn():
            tally.count(block, self._writer)
        return tally

    def _drawn(self) -> Iterator[Block]:
        return blocks(self._scene, self.traps, self.n_events, self._blocks, self.span_us)

    def _arrived(self, framed: Callable[[Block], pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames of all blocks in the order of arrival: what comes late waits for the block it belongs to."""
        tally = None if "_tally" in self.__dict__ else Tally(len(self._scene.effects))
        waiting: pl.DataFrame | None = None
        for block in self._drawn():
            if tally is not None:
                tally.count(block, self._writer)
            frame = framed(block)
            whole = frame if waiting is None else pl.concat([waiting, frame])
            key = whole["key"].to_numpy()
            order = np.argsort(key, kind="stable")
            last = block.number == self._blocks - 1
            ready = len(key) if last else int(np.searchsorted(key[order], block.end_us))
            waiting = whole[order[ready:].astype(np.uint32)].rechunk()
            if ready:
                yield whole[order[:ready].astype(np.uint32)]
        if tally is not None:
            self.__dict__["_tally"] = tally

    def _lines(self, block: Block) -> pl.DataFrame:
        """The lines of a block. `garbage` seeds the noise that stands in place of a line; -1 for none."""
        found = block.springs
        draws = block.draws(4)
        lines = self._writer.lines(block.draft, block.ids, found, block.calls, draws)
        conflicts, broken = len(found.duplicate), len(found.duplicate) + len(found.conflict)
        key = '"data":{' if self._writer.form == "core" else '"metadata":{'
        cut = np.concatenate([np.ones(broken), 0.2 + 0.6 * draws.shares(len(found.broken))])
        row, line = pl.int_range(pl.len()), pl.col("line")
        again = lines[block.again.astype(np.uint32)].with_columns(line=(
            pl.when(row >= broken).then(line.str.head((line.str.len_bytes() * pl.Series(cut)).cast(pl.Int64)))
            .when(row >= conflicts).then(line.str.replace(key, key + '"revision":2,', literal=True))
            .otherwise("line")
        ))
        whole = pl.concat([lines, again])
        noise = len(lines) + broken + np.arange(0, len(found.broken), 2)  # every other broken line is no text at all
        garbage = np.full(len(whole), -1, dtype=np.int32)
        garbage[noise] = draws.below(len(noise), 1 << 30)
        return whole.with_columns(key=pl.Series(block.keys), garbage=pl.Series(garbage))


def _bytes_of(frame: pl.DataFrame) -> bytes:
    """The lines of a frame as bytes, with the noise in its places."""
    noise = {}
    for row in np.flatnonzero(frame["garbage"].to_numpy() >= 0).tolist():
        seed = int(frame["garbage"][row])
        words = Draws(seed).raw(3 + seed % 9).astype("<u8").tobytes()
        noise[row] = b"\xff\x00" + words.replace(b"\n", b"\xfe").replace(b"\r", b"\xfe")
    return plain_bytes(frame["line"], instead=noise)


def _captured(frame: pl.DataFrame, offsets: list[int]) -> pl.DataFrame:
    """Every line within `{topic, partition, offset, envelope}`; offsets count on from `offsets`."""
    partition = frame["partition"].to_numpy()
    offset = np.zeros(len(frame), dtype=np.int64)
    for i in range(PARTITIONS):
        here = partition == i
        count = int(here.sum())
        offset[here] = offsets[i] + np.arange(count)
        offsets[i] += count
    line = glued(
        '{"topic":"', frame["topic"], '","partition":', pl.Series(partition).cast(pl.String), ',"offset":',
        pl.Series(offset).cast(pl.String), ',"envelope":', frame["line"], "}",
    )
    return frame.with_columns(line=line)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
                yield cast(IO[bytes], stream)
        elif path.suffix in (".zst", ".zstd"):
            with zstandard.ZstdCompressor(level=6).stream_writer(file) as stream:
                yield cast(IO[bytes], stream)
        else:
            yield file
