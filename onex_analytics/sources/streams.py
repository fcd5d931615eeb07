"""Bytes from where they lie: a file, plain or compressed, or standard input; always as one decompressed stream."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from onex_analytics.exceptions import SourceError
from onex_analytics.sources.compression import GZIP, ZSTD, Damage, Decompressed, gzip_chunks, zstd_chunks

UTF8_BOM = b"\xef\xbb\xbf"
STDIN = "-"


@dataclass
class Stream:
    """A source of bytes being read.

    Args:
        name: as the user gave it; what `source` says of each event.
        size_bytes: of the file as it lies on disk; None for standard input and other pipes.
        compressed: the bytes are decompressed while they are read.
    """

    name: str
    size_bytes: int | None
    compressed: bool
    _decoded: io.RawIOBase
    _raw: io.RawIOBase
    _pushed_back: bytes = b""
    begin: int = 0
    """Place of the first byte that is read: 3 behind a byte order mark."""
    damage: str | None = None
    """What ended a compressed stream early, once it has been met."""

    def read_into(self, target: NDArray[np.uint8]) -> int:
        """Fill `target`; fewer bytes than it holds means the end of the source, or damage (see `damage`)."""
        filled = min(len(self._pushed_back), target.size)
        if filled:
            target[:filled] = np.frombuffer(self._pushed_back[:filled], np.uint8)
            self._pushed_back = self._pushed_back[filled:]
        view = target.data
        while filled < target.size and self.damage is None:
            try:
                count = self._decoded.readinto(view[filled:])
            except Damage as problem:
                self.damage = str(problem)
                break
            except OSError as problem:
                raise _unreadable(self.name, problem) from problem
            if not count:
                break
            filled += count
        return filled

    def peek(self, count: int) -> bytes:
        """The next bytes without taking them; fewer than asked for near the end."""
        if len(self._pushed_back) < count:
            target = np.empty(count - len(self._pushed_back), np.uint8)
            kept, self._pushed_back = self._pushed_back, b""
            more = self.read_into(target)
            self._pushed_back = kept + target[:more].tobytes()
        return self._pushed_back[:count]

    def done_bytes(self) -> int:
        """Bytes of the file as it lies on disk that have been read."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def close(self) -> None:
        self._decoded.close()
        self._raw.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(path: str | Path) -> Stream:
    """Open a file, or standard input for "-", and take off gzip or Zstandard where its first bytes say so.

    Raises:
        SourceError: the file is missing, a folder, may not be read, or is not UTF-8 but UTF-16.
    """
    name = str(path)
    if name == STDIN:
        return _decoded(name, None, _Pipe(*_standard_input(), ours=False))
    try:
        raw = open(path, "rb", buffering=0, opener=_opened)  # noqa: SIM115 - closed by Stream
        status = os.fstat(raw.fileno())
    except FileNotFoundError as problem:
        raise SourceError(name, "there is no such file", "check the path; a glob needs at least one match") from problem
    except IsADirectoryError as problem:
        raise SourceError(name, "is a folder", "name its files, or give the folder to `append`") from problem
    except PermissionError as problem:
        mend = "give yourself the right to read it (chmod), or run as its owner"
        raise SourceError(name, "may not be read", mend) from problem
    except (OSError, ValueError) as problem:
        raise SourceError(name, f"cannot be opened ({problem})", "check the path and the disk") from problem
    if stat.S_ISREG(status.st_mode):
        return _decoded(name, status.st_size, raw)
    return _decoded(name, None, _Pipe(raw, ours=True))


def _opened(path: str, flags: int) -> int:
    """A file. A named pipe is opened without waiting for who writes into it: the system would begin that wait anew
    after each Ctrl-C; `_Pipe` waits in its stead."""
    if not hasattr(os, "mkfifo") or not stat.S_ISFIFO(os.stat(path).st_mode):
        return os.open(path, flags)
    number = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(number, True)
    return number


def _standard_input() -> tuple[BinaryIO | io.RawIOBase, bytes]:
    """Standard input without its buffer, and what the buffer holds already.

    A thread that waits within the buffer would hold its lock, and Python cannot end before it has that lock.
    """
    buffered = sys.stdin.buffer
    if not isinstance(buffered, io.BufferedReader) or not isinstance(buffered.raw, io.FileIO):
        return buffered, b""
    raw = buffered.raw
    if raw.isatty():
        return raw, b""
    blocking = os.get_blocking(raw.fileno())
    os.set_blocking(raw.fileno(), False)
    try:
        held = buffered.peek()  # else it would wait for more where it holds nothing
    finally:
        os.set_blocking(raw.fileno(), blocking)
    return raw, buffered.read(len(held))


class _Pipe(io.RawIOBase):
    """A pipe whose first bytes can be looked at once, and whose bytes are counted."""

    def __init__(self, pipe: BinaryIO | io.RawIOBase, held: bytes = b"", *, ours: bool) -> None:
        self._pipe, self._ours, self._held, self._count = pipe, ours, held, 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        data = self._held[: len(target)] or self._next(min(len(target), 1 << 20))
        self._held = self._held[len(data) :]
        target[: len(data)] = data
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        return self._count

    def look(self, count: int) -> bytes:
        while len(self._held) < count and (more := self._next(count - len(self._held))):
            self._held += more
        return self._held

    def _next(self, count: int) -> bytes:
        """The next bytes. Ctrl-C ends the wait for them: Polars has the system begin a `read` anew after a signal, but
        a `select` is never begun anew."""
        with suppress(OSError, ValueError, TypeError):  # what is no file of the system does not wait
            select.select([self._pipe], [], [])
        return self._pipe.read(count) or b""

    def close(self) -> None:
        if self._ours:
            self._pipe.close()
        super().close()


def _decoded(name: str, size: int | None, raw: io.FileIO | _Pipe) -> Stream:
    try:
        head = raw.look(4) if isinstance(raw, _Pipe) else os.pread(raw.fileno(), 4, 0)
    except OSError as problem:
        raw.close()
        raise _unreadable(name, problem) from problem
    decoded: io.RawIOBase = raw
    if head[:2] == GZIP:
        decoded = Decompressed(gzip_chunks(raw))
    elif head == ZSTD:
        decoded = Decompressed(zstd_chunks(raw))
    stream = Stream(name, size, decoded is not raw, decoded, raw)
    first = stream.peek(4)
    if first[:3] == UTF8_BOM:
        stream._pushed_back = stream._pushed_back[3:]
        stream.begin = 3
    elif encoding := _wide_encoding(first):
        stream.close()
        mend = f"convert it: iconv -f {encoding} -t UTF-8 {name} > converted.jsonl"
        raise SourceError(name, f"is {encoding}, and events are UTF-8", mend)
    return stream


def _wide_encoding(first: bytes) -> str | None:
    """UTF-16 or UTF-32, told by a byte order mark or by JSON's own ASCII between zeros (RFC 4627, section 3)."""
    if first in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "UTF-32"
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    zeros = [byte == 0 for byte in first]
    if zeros == [False, True, False, True] and first[:1] in b"{[":
        return "UTF-16LE"
    if zeros == [True, False, True, False] and first[1:2] in b"{[":
        return "UTF-16BE"
    return None


def _unreadable(name: str, problem: OSError) -> SourceError:
    return SourceError(name, f"cannot be read ({problem})", "check the disk and the permissions, and run it again")


LOG_SUFFIXES = (
    ".jsonl", ".ndjson", ".json", ".log", ".txt", ".csv", ".tsv", ".parquet", ".arrow", ".ipc", ".feather",
    ".gz", ".zst",
)  # fmt: skip
"""How the name of a file ends that a folder gives, in large or small letters."""
HIDDEN = (".", "_")
"""How the name of a file or folder begins that is left out of a folder."""


def log_files(folder: str | Path) -> Iterator[Path]:
    """Files in a folder, at any depth and in order of their paths, that look like logs; hidden ones are left out, and
    so are those of a Delta table, such as a store's.

    Raises:
        SourceError: a folder in it may not be read.
    """
    found: list[Path] = []

    def refuse(problem: OSError) -> None:
        raise folder_unreadable(problem.filename or folder, problem) from problem

    for place, folders, files in os.walk(folder, onerror=refuse):
        if "_delta_log" in folders:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        logs = [name for name in files if not name.startswith(HIDDEN) and Path(name).suffix.lower() in LOG_SUFFIXES]
        try:
            found += [path for name in logs if (path := Path(place, name)).is_file()]
        except OSError as problem:
            refuse(problem)
    yield from sorted(found)


def folder_unreadable(name: str | Path, problem: OSError) -> SourceError:
    """What is said of a folder whose files cannot be listed, or of what lies in one."""
    if isinstance(problem, PermissionError):
        mend = "give yourself the right to it and to the folders it lies in (chmod), run as its owner, or leave it out"
        return SourceError(str(name), "may not be read", mend)
    return _unreadable(str(name), problem)
