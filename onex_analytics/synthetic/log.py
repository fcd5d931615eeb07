"""A synthetic log: its lines, chunk by chunk, and the truth about them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import polars as pl
import zstandard
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import Draws
from onex_analytics.synthetic.failures import FAILURES
from onex_analytics.synthetic.incidents import labels
from onex_analytics.synthetic.metadata import timed
from onex_analytics.synthetic.texts import column, glued, hexadecimal, picked, plain_bytes, uuids
from onex_analytics.synthetic.topology import HOSTS, PATTERNS, SCHEMA_VERSIONS, TENANTS
from onex_analytics.synthetic.traces import CODE, DECORATED, TYPES, UNDECORATED, Draft, Scene, block_draft
from onex_analytics.synthetic.traps import CallSprings, Springs, Traps, call_springs, springs
from onex_analytics.synthetic.wire import PARTITIONS, Ids, Writer, correlated, correlated_parents

BLOCK_EVENTS = 96_000
"""Events that are drawn at once. It is part of what a seed means."""
CHUNK_LINES = 100_000

_ROLES = ("event", "duplicate", "conflict", "broken")
_NODE_ENDS = ("NODE_SUCCESS", "NODE_FAILURE")
_FAILURES = ("NODE_FAILURE", "TELEMETRY_OPERATION_ERROR", "TOOL_PROXY_ERROR", "TOOL_PROXY_TIMEOUT", "SCENARIO_FAILED")


class Written(NamedTuple):
    """What `write` wrote: lines = events + duplicates + conflicts + broken. `bytes` are counted before compression."""

    path: Path
    lines: int
    events: int
    duplicates: int
    conflicts: int
    broken: int
    bytes: int


@dataclass
class _Tally:
    """What is counted while blocks go by."""

    traps: dict[str, int]
    touched: NDArray[np.int64]


@dataclass(frozen=True)
class _Block:
    draft: Draft
    springs: Springs
    calls: CallSprings
    number: int
    end_us: int


@dataclass(frozen=True)
class SyntheticLog:
    """A log that is drawn when it is asked for, and drawn anew, to the same bytes, each time. Made by `generate`."""

    _scene: Scene = field(repr=False)
    _writer: Writer = field(repr=False)
    traps: Traps
    n_events: int
    start: datetime
    span_us: int
    _blocks: int = field(repr=False)

    # ------------------------------------------------------------------ the log

    def chunks(self) -> Iterator[bytes]:
        """The log as bytes: whole lines, in the order of arrival, at most 100,000 at a time, in flat memory.

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
        for frame in self._arrived(self._line_frame):
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
        further = [counts[name] for name in ("duplicates", "conflicts", "broken")]
        return Written(target, self.n_lines, self.n_events, *further, size)

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
            "at": pl.Series([self._writer.epoch_us + d.at for d in found], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "node_version": [d.node_version for d in found],
            "schema_version": [SCHEMA_VERSIONS[d.schema] for d in found],
        })

    def frames(self) -> Iterator[pl.DataFrame]:
        """The truth about each line, one row a line, in the order of the lines.

        Columns: `role` (event, duplicate, conflict, broken), `event_id`, `timestamp` (true, UTC), `node`, `operation`,
        `event_type`, `call` (see `calls`), `incidents` (ids), `traps` (names of those that caught this very event).
        """
        for frame in self._arrived(self._truth_frame):
            yield frame.drop("key")

    def calls(self) -> Iterator[pl.DataFrame]:
        """The truth about each call of an operation, one row a call, block by block, in no order.

        Columns: `call` and `parent_call` (numbers; null at a root), `trace_id`, `correlation_id` (null where the node
        has none), `parent_correlation_id`, `node`, `operation`, `pattern`, `start` (UTC), `duration_ms` (of an open
        call: what its caller waited), `open`, `error_code` (null where it went well), `soft`, `attempt`, `tenant`, `host`,
        `input_bytes`, `node_version`, `schema_version`, `incidents` (ids).
        """
        for block in self._drafts(None):
            yield self._call_frame(block)

    @cached_property
    def truth(self) -> pl.DataFrame:
        """All of `frames`, at once."""
        return pl.concat(self.frames())

    # ------------------------------------------------------------------ within

    @cached_property
    def _tally(self) -> _Tally:
        tally = self._new_tally()
        for _ in self._drafts(tally):
            pass
        return tally

    def _new_tally(self) -> _Tally:
        return _Tally(dict.fromkeys(Traps.model_fields, 0), np.zeros(len(self._scene.effects), dtype=np.int64))

    def _drafts(self, tally: _Tally | None) -> Iterator[_Block]:
        scene, load = self._scene, self._scene.load
        end_us = 0
        for number in range(self._blocks):
            start_us = end_us
            last = number == self._blocks - 1
            end_us = self.span_us if last else max(start_us + 1, load.time_of_event_share(number + 1, self._blocks))
            quota = self.n_events * (number + 1) // self._blocks - self.n_events * number // self._blocks
            draft = block_draft(scene, number, quota, start_us, end_us)
            draws = Draws(scene.seed, number, 2)
            calls = draft.operations
            works = np.isin(calls.pattern, (DECORATED, UNDECORATED))
            failed = calls.failure >= 0
            of_calls = call_springs(
                self.traps, draws, works & ~failed & ~calls.open, failed, calls.pattern == DECORATED
            )
            of_events = springs(self.traps, draws, len(draft), timed(draft), draft.type == CODE["STRUCTURED_LOG"])
            block = _Block(draft, of_events, of_calls, number, end_us)
            if tally is not None:
                self._count(block, tally)
            yield block

    def _caught(self, block: _Block) -> dict[str, NDArray[np.bool_]]:
        """By trap of events: which it caught."""
        draft, caught, quirks = block.draft, block.springs, self._writer.quirks
        calls, node = draft.operations, draft.operations.node[draft.call]
        is_type: Callable[..., NDArray[np.bool_]] = lambda *names: np.isin(draft.type, [CODE[n] for n in names])  # noqa: E731
        whole = ~caught.missing
        started = is_type("TELEMETRY_OPERATION_START") if self._writer.form != "core" else np.ones(len(draft), np.bool_)
        told = self._writer.form != "core"
        return {
            "mixed_clocks": self._writer.clock_offset(draft) != 0,
            "daylight_saving": started & (quirks.summer_us[node] != 0) & (draft.time >= self._writer.middle_us),
            "timestamp_forms": caught.timestamp_form > 0,
            "type_spellings": (caught.spelling > 0) & ~caught.unknown_type,
            "duration_key": caught.duration_key,
            "numbers_as_text": caught.number_as_text,
            "error_shapes": is_type(*_FAILURES) & (block.calls.error_shape[draft.call] > 0) & whole,
            "soft_failures": is_type("NODE_SUCCESS") & (block.calls.soft[draft.call] > 0) & whole,
            "correlation_forms": block.calls.correlation[draft.call] > 0,
            "node_id_variants": (quirks.id_form[node] > 0) & told,
            "redaction": is_type("NODE_START", *_NODE_ENDS) & (block.calls.redaction[draft.call] > 0) & whole,
            "schema_object": caught.schema_object,
            "missing_metadata": caught.missing,
            "unknown_types": caught.unknown_type,
            "newer_minor": caught.newer_minor,
            "newer_major": caught.newer_major,
            "unknown_fields": caught.unknown_field,
            "out_of_order": caught.delay_us > 0,
            "two_witnesses": (draft.slot == 3) & is_type("TELEMETRY_OPERATION_ERROR") & np.isin(
                draft.call, draft.call[is_type("NODE_FAILURE") & (calls.pattern[draft.call] == DECORATED)]
            ),
        }

    def _count(self, block: _Block, tally: _Tally) -> None:
        for name, mask in self._caught(block).items():
            tally.traps[name] += int(mask.sum())
        tally.traps["duplicates"] += len(block.springs.duplicate)
        tally.traps["conflicts"] += len(block.springs.conflict)
        tally.traps["broken"] += len(block.springs.broken)
        touched = block.draft.operations.touched[block.draft.call]
        for effect in self._scene.effects:
            tally.touched[effect.index] += int(((touched >> np.uint64(effect.index)) & np.uint64(1)).sum())

    def _arrived(self, framed: Callable[[_Block], pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames of all blocks in the order of arrival: what comes late waits for the block it belongs to."""
        tally = self._new_tally() if "_tally" not in self.__dict__ else None
        waiting: pl.DataFrame | None = None
        for block in self._drafts(tally):
            frame = framed(block)
            whole = frame if waiting is None else pl.concat([waiting, frame])
            key = whole["key"].to_numpy()
            order = np.argsort(key, kind="stable")
            ready = len(key) if block.number == self._blocks - 1 else int(np.searchsorted(key[order], block.end_us))
            waiting = whole[order[ready:].astype(np.uint32)].rechunk()
            if ready:
                yield whole[order[:ready].astype(np.uint32)]
        if tally is not None:
            self.__dict__["_tally"] = tally

    def _keys(self, block: _Block) -> NDArray[np.int64]:
        of_events = block.draft.time + block.springs.delay_us
        again = _again(block.springs)
        return np.concatenate([of_events, of_events[again] + block.springs.extra_delay_us])

    def _line_frame(self, block: _Block) -> pl.DataFrame:
        scene, caught = self._scene, block.springs
        ids = Ids.drawn(block.draft, Draws(scene.seed, block.number, 3))
        draws = Draws(scene.seed, block.number, 4)
        lines = self._writer.lines(block.draft, ids, caught, block.calls, draws)
        again = lines[_again(caught).astype(np.uint32)]
        edited, broken = len(caught.duplicate), len(caught.duplicate) + len(caught.conflict)
        key = '"data":{' if self._writer.form == "core" else '"metadata":{'
        cut = 0.2 + 0.6 * draws.shares(len(caught.broken))
        row = pl.int_range(pl.len())
        again = again.with_columns(line=(
            pl.when(row >= broken).then(pl.col("line").str.head((pl.col("line").str.len_bytes() * pl.Series(
                np.concatenate([np.ones(broken), cut]))).cast(pl.Int64)))
            .when(row >= edited).then(pl.col("line").str.replace(key, key + '"revision":2,', literal=True))
            .otherwise("line")
        ))
        whole = pl.concat([lines, again])
        noise = broken + len(lines) + np.arange(0, len(caught.broken), 2)  # every other broken line is no text at all
        garbage = np.full(len(whole), -1, dtype=np.int32)
        garbage[noise] = draws.below(len(noise), 1 << 30)
        return whole.with_columns(key=pl.Series(self._keys(block)), garbage=pl.Series(garbage))

    def _truth_frame(self, block: _Block) -> pl.DataFrame:
        draft, calls, fleet = block.draft, block.draft.operations, self._scene.fleet
        ids = Ids.drawn(draft, Draws(self._scene.seed, block.number, 3))
        caught = self._caught(block)
        names = pl.DataFrame({name: mask for name, mask in caught.items()}).select(
            traps=pl.concat_list([pl.when(name).then(pl.lit(name)) for name in caught]).list.drop_nulls()
        )["traps"]
        frame = pl.DataFrame({
            "event_id": column(uuids(ids.event)),
            "timestamp": pl.Series(draft.time + self._writer.epoch_us).cast(pl.Datetime("us", "UTC")),
            "node": picked(fleet.names, calls.node[draft.call]),
            "operation": picked(fleet.operations, calls.op[draft.call]),
            "event_type": picked(TYPES, draft.type),
            "call": draft.call + (block.number << 32),
            "incidents": self._incidents(calls.touched[draft.call]),
            "traps": names,
        })
        roles = np.repeat(np.arange(4), [len(draft), *(len(x) for x in _further(block.springs))])
        whole = pl.concat([frame, frame[_again(block.springs).astype(np.uint32)]])
        return whole.select(picked(_ROLES, roles).alias("role"), pl.all(), pl.Series("key", self._keys(block)))

    def _call_frame(self, block: _Block) -> pl.DataFrame:
        draft, calls, fleet = block.draft, block.draft.operations, self._scene.fleet
        ids = Ids.drawn(draft, Draws(self._scene.seed, block.number, 3))
        n = len(calls)
        first = block.number << 32
        has = correlated(draft)
        loose = block.calls.correlation == 2
        own = pl.Series(np.arange(n))
        own_id = pl.DataFrame({"uuid": column(uuids(ids.call)), "loose": loose, "has": has}).select(
            pl.when(~pl.col("has")).then(None).when("loose").then(pl.lit("req-") + own.cast(pl.String)).otherwise("uuid")
        ).to_series()
        above = correlated_parents(draft)
        deploys = self._scene.versions.deploys
        return pl.DataFrame({
            "call": first + np.arange(n),
            "parent_call": pl.Series(calls.parent + first).set(pl.Series(calls.parent < 0), None),
            "trace_id": column(hexadecimal(ids.trace[calls.trace])),
            "correlation_id": own_id,
            "parent_correlation_id": own_id.gather(pl.Series(np.maximum(above, 0))).set(pl.Series(above < 0), None),
            "node": picked(fleet.names, calls.node), "operation": picked(fleet.operations, calls.op),
            "pattern": picked(PATTERNS, calls.pattern),
            "start": pl.Series(calls.start + self._writer.epoch_us).cast(pl.Datetime("us", "UTC")),
            "duration_ms": calls.duration / 1000, "open": calls.open,
            "error_code": picked([f.code for f in FAILURES] + [None], np.where(  # type: ignore[list-item]
                calls.failure >= 0, calls.failure, len(FAILURES))),
            "soft": block.calls.soft > 0, "attempt": calls.attempt + 1,
            "tenant": picked(TENANTS, calls.tenant), "host": picked(HOSTS, calls.host), "input_bytes": calls.size,
            "node_version": picked([d.node_version for d in deploys], calls.version),
            "schema_version": picked([SCHEMA_VERSIONS[d.schema] for d in deploys], calls.version),
            "incidents": self._incidents(calls.touched),
        })

    def _incidents(self, touched: NDArray[np.uint64]) -> pl.Series:
        names = [f"{e.incident.kind}-{e.index + 1}" for e in self._scene.effects]
        distinct, index = np.unique(touched, return_inverse=True)
        lists = [[name for i, name in enumerate(names) if int(bits) >> i & 1] for bits in distinct]
        return pl.Series("incidents", lists, dtype=pl.List(pl.String)).gather(pl.Series(index.astype(np.uint32)))


def _further(caught: Springs) -> tuple[NDArray[np.int64], ...]:
    return caught.duplicate, caught.conflict, caught.broken


def _again(caught: Springs) -> NDArray[np.int64]:
    """The events whose lines come again, changed or not."""
    return np.concatenate(_further(caught))


def _bytes_of(frame: pl.DataFrame) -> bytes:
    """The lines of a frame as bytes, with the garbage in its places."""
    noise = np.flatnonzero(frame["garbage"].to_numpy() >= 0)
    if len(noise) == 0:
        return plain_bytes(frame["line"])
    parts, at = [], 0
    for row in noise.tolist():
        parts.append(plain_bytes(frame["line"].slice(at, row - at)))
        words = Draws(int(frame["garbage"][row])).raw(3 + row % 9)
        parts.append(b"\xff\x00" + words.tobytes().replace(b"\n", b"\xfe").replace(b"\r", b"\xfe") + b"\n")
        at = row + 1
    parts.append(plain_bytes(frame["line"].slice(at)))
    return b"".join(parts)


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


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "wb", compresslevel=6, mtime=0)  # type: ignore[return-value]
    if path.suffix in (".zst", ".zstd"):
        return zstandard.open(path, "wb")
    return path.open("wb")
