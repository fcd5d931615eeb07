"""A log that is still being written, or a pipe, read as it grows: whole lines as events, in the order of the file.

A file is known by its inode and a digest of its first bytes, so that it is found again after a restart, under another
name where it was rotated meanwhile. A last line without its end waits for it; once the file was rotated away, it is
taken as it is. A file that was cut short or written anew under the same inode is read from its beginning.
"""

from __future__ import annotations

import io
import os
import re
import select
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import polars as pl
import xxhash

from onex_analytics.exceptions import SourceError
from onex_analytics.model.shapes import REJECTED
from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.clocks import repair_clocks
from onex_analytics.sources.compression import GZIP, ZSTD
from onex_analytics.sources.layout import Dimension
from onex_analytics.sources.streams import UTF8_BOM, open_stream

AT_ONCE_BYTES = 4 << 20
LONGEST_LINE = 1 << 26
"""A line that is longer is cut here, and its parts are rejected."""
_HEAD_BYTES = 1024
_ROTATED = re.compile(r"[._-](.*[0-9].*|old|prev|bak)")
"""What stands behind a log's name once it was rotated away: a number or a date, or a word for the last one. A state
file beside the log, `events.jsonl.state`, is none of them."""
_COMPRESSED = re.compile(r".*\.(gz|zst|bz2|xz|lz4|zip)")
_ATTEMPTS = 5
"""How often the files are looked for while somebody renames them."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Followed:
    """What came next.

    Args:
        events: rows of the canonical frame, in the order of the lines.
        rejected: one row of `model.REJECTED` a line that gave no event.
        notes: what befell the source, in words: rotated, cut short, a part that is lost.
    """

    events: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[str, ...] = ()


class Follower(Protocol):
    """A source that is read as it grows."""

    name: str

    def read(self, wait_s: float = 0.0) -> Followed | None:
        """What came since; None where nothing did, after waiting for at most `wait_s`."""

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""

    def position(self) -> dict[str, Any] | None:
        """Where the next line begins, as data for JSON; a new follower goes on there."""

    def close(self) -> None:
        """Let the source go."""


@dataclass
class _Lines:
    """Bytes on their way to becoming events: what is carried of a line, where it lies, and the producers' clocks."""

    name: str
    dimensions: Mapping[str, Dimension]
    clock: Clock
    offset: int = 0
    line: int = 1
    carried: bytes = b""
    offsets_ms: dict[str, int] = field(default_factory=dict)

    def take(self, data: bytes, *, final: bool) -> Followed | None:
        """The whole lines of what was carried and what came; all of it where nothing more can come."""
        held = self.carried + data
        cut = len(held) if final or len(held) > LONGEST_LINE else held.rfind(b"\n") + 1
        self.carried = held[cut:]
        if not cut:
            return None
        begin = len(UTF8_BOM) if self.offset == 0 and held.startswith(UTF8_BOM) else 0
        block = block_of_bytes(
            held[begin:cut], self.name, offset=self.offset + begin, first_line=self.line, ends_source=final
        )
        self.offset += cut
        self.line += held.count(b"\n", 0, cut)
        batch = Gate(self.clock(), self.dimensions).read(block)
        events, self.offsets_ms = repair_clocks(batch.events, self.offsets_ms)
        return Followed(events, batch.rejected)

    def restart(self) -> None:
        """The next byte is the first of a file."""
        self.offset, self.line, self.carried = 0, 1, b""


class FollowedFile:
    """A file that grows.

    Args:
        path: the file; it need not be there yet.
        position: what `position()` said; None begins at the file's start.
        dimensions: declared columns to lift, as `parse_dimensions` gives them.
        clock: tells the time that stands in `ingested_at`.

    Raises:
        SourceError: it is a folder, may not be read, or is compressed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        position: Mapping[str, Any] | None = None,
        dimensions: Mapping[str, Dimension] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.path, self.name = Path(path), str(path)
        self._lines = _Lines(self.name, dimensions or {}, clock)
        self._file: io.FileIO | None = None
        self._head = b""
        self._notes: list[str] = []
        self._gone = False
        if position is not None:
            self._take_up(position)
        elif self.path.exists():
            self._open(self.path)

    @property
    def ended(self) -> bool:
        """Never: more can be written at any time."""
        return False

    def position(self) -> dict[str, Any]:
        """Where the next line begins: inode, digest of the first bytes, offset, number of the line."""
        inode = os.fstat(self._file.fileno()).st_ino if self._file is not None else None
        lines = self._lines
        head = self._head[: lines.offset]
        return {
            "inode": inode, "offset": lines.offset, "line": lines.line, "head_bytes": len(head),
            "head": xxhash.xxh3_128_hexdigest(head), "offsets_ms": dict(lines.offsets_ms),
        }  # fmt: skip

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def read(self, wait_s: float = 0.0) -> Followed | None:
        """What came since; None where nothing did.

        Raises:
            SourceError: the file can no longer be read.
        """
        try:
            found = self._next()
        except OSError as problem:
            mend = "check the disk and the permissions, and run it again"
            raise SourceError(self.name, f"cannot be read ({problem})", mend) from problem
        if found is None and wait_s > 0:
            select.select([], [], [], wait_s)
            return self.read()
        if self._notes:
            notes, self._notes = tuple(self._notes), []
            if found is None:
                events = Gate(self._lines.clock(), self._lines.dimensions).no_events()
                found = Followed(events, pl.DataFrame(schema=REJECTED))
            return Followed(found.events, found.rejected, notes)
        return found

    # ------------------------------------------------------------------ the file

    def _next(self) -> Followed | None:
        if self._file is None:
            try:
                self._open(self.path)
            except SourceError:
                if self.path.exists():
                    raise
                return None  # it is not there yet, or no longer: it is just being renamed
            assert self._file is not None
        if self._was_cut_short():
            self._notes.append(f"{self.name} was cut short or written anew; it is read from its beginning")
            self._file.seek(0)
            self._lines.restart()
            self._head = b""
        data = self._file.read(AT_ONCE_BYTES)
        if data:
            self._gone = False
            self._keep_head(data)
            return self._lines.take(data, final=False)
        if self._was_rotated():
            # who wrote it may still have it open: it is left only when it has not grown between two looks
            if not self._gone:
                self._gone = True
                return None
            found = self._lines.take(b"", final=True)
            self._leave()
            return found if found is not None else self._next()
        return None

    def _open(self, path: Path) -> None:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise SourceError(self.name, "is no file", 'read a pipe from standard input: "-"')
        with open_stream(path):  # what cannot be opened is refused in its words
            pass
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        first = os.pread(file.fileno(), 4, 0)
        if first[:2] == GZIP or first == ZSTD:
            file.close()
            raise SourceError(self.name, "is compressed, and does not grow line by line", "`ingest` it")
        self._file, self._head, self._gone = file, b"", False

    def _keep_head(self, data: bytes) -> None:
        """Remember how the file begins."""
        if len(self._head) < _HEAD_BYTES and len(self._head) == self._lines.offset + len(self._lines.carried):
            self._head = (self._head + data)[:_HEAD_BYTES]

    def _was_cut_short(self) -> bool:
        assert self._file is not None
        place = self._lines.offset + len(self._lines.carried)
        if os.fstat(self._file.fileno()).st_size < place:
            return True
        return os.pread(self._file.fileno(), len(self._head), 0) != self._head

    def _was_rotated(self) -> bool:
        """Whether another file stands where it stood."""
        assert self._file is not None
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False  # the next one is not there yet
        own = os.fstat(self._file.fileno())
        return (there.st_ino, there.st_dev) != (own.st_ino, own.st_dev)

    def _leave(self) -> None:
        """Go on with the next file: those rotated away since, the one under the name at last."""
        left = self._file
        assert left is not None
        own = os.fstat(left.fileno())
        for attempt in range(_ATTEMPTS):
            try:
                following, notes = self._following(own)
                self._open(following)
                break
            except OSError:  # renamed in this very moment
                if attempt == _ATTEMPTS - 1 and self.path.exists():
                    raise
        else:
            return
        left.close()
        self._lines.restart()
        self._notes += [*notes, f"{self.name} was rotated; reading goes on in {following.name}"]

    def _following(self, own: os.stat_result) -> tuple[Path, list[str]]:
        """The file after that which is `own`, and what is to be said of those that are passed over."""
        places = [
            p for p in self._places()
            if p == self.path or _ROTATED.fullmatch(p.name[len(self.path.name) :]) or p.stat().st_ino == own.st_ino
        ]  # fmt: skip
        inodes = [place.stat().st_ino for place in places]
        if own.st_ino in inodes:
            after = places[inodes.index(own.st_ino) + 1 :]
        else:  # it was removed
            after = [p for p in places if p.stat().st_mtime_ns > own.st_mtime_ns]
        compressed = [p for p in after if p != self.path and _COMPRESSED.fullmatch(p.name)]
        following = next((p for p in after if p not in compressed), self.path)
        passed = after[: after.index(following)] if following in after else compressed
        return following, [f"{p.name} was compressed before it was read; `ingest` it" for p in passed]

    def _take_up(self, position: Mapping[str, Any]) -> None:
        """Find the file of a position again, under whatever name."""
        lines = self._lines
        lines.offsets_ms = dict(position["offsets_ms"])
        if position["inode"] is None:
            if self.path.exists():
                self._open(self.path)
            return
        places = self._places()
        for place in places:
            if self._is_that(place, position):
                self._open(place)
                assert self._file is not None
                lines.offset, lines.line = position["offset"], position["line"]
                self._head = os.pread(self._file.fileno(), min(_HEAD_BYTES, lines.offset), 0)
                self._file.seek(lines.offset)
                if place != self.path:
                    self._notes.append(f"{self.name} was rotated; its rest is read from {place.name}")
                return
        if self.path.exists():
            self._notes.append(f"{self.name} is another file than before; what came between is not here")
            self._open(self.path)

    def _places(self) -> list[Path]:
        """The files that stood under the name one after the other, as far as they are here, the present one last."""
        rotated = [p for p in self.path.parent.glob(f"{_escaped(self.path.name)}*") if p.is_file() and p != self.path]
        rotated.sort(key=lambda p: p.stat().st_mtime_ns)
        return [*rotated, self.path] if self.path.exists() else rotated

    def _is_that(self, place: Path, position: Mapping[str, Any]) -> bool:
        try:
            with open(place, "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                head = os.pread(file.fileno(), position["head_bytes"], 0)
        except OSError:
            return False
        known = (position["inode"], position["head"])
        return (status.st_ino, xxhash.xxh3_128_hexdigest(head)) == known and status.st_size >= int(position["offset"])


class FollowedPipe:
    """Standard input, or any other pipe, until its end. It has no position: what went through it is gone."""

    def __init__(
        self,
        pipe: BinaryIO | None = None,
        *,
        name: str = "-",
        dimensions: Mapping[str, Dimension] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.name = name
        self._handle = (pipe if pipe is not None else sys.stdin.buffer).fileno()
        self._lines = _Lines(name, dimensions or {}, clock)
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether the other side has closed it."""
        return self._ended

    def position(self) -> None:
        return None

    def close(self) -> None:
        pass

    def read(self, wait_s: float = 0.0) -> Followed | None:
        """What came since; None where nothing did."""
        if self._ended or not select.select([self._handle], [], [], wait_s)[0]:
            return None
        parts, size = [], 0
        while size < AT_ONCE_BYTES and (part := os.read(self._handle, AT_ONCE_BYTES - size)):
            parts.append(part)
            size += len(part)
            if not select.select([self._handle], [], [], 0)[0]:
                break
        self._ended = not parts
        return self._lines.take(b"".join(parts), final=self._ended)


def _escaped(name: str) -> str:
    """A name as a glob that means itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
