"""Bytes from where they lie: a file, plain or compressed, or standard input; always as one decompressed stream."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import zstandard
from numpy.typing import NDArray

from onex_analytics.exceptions import SourceError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
UTF8_BOM, UTF16_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
STDIN = "-"


@dataclass
class Stream:
    """A source of bytes being read.

    Args:
        name: as the user gave it; what `source` says of each event.
        size_bytes: of the file as it lies on disk; None for standard input.
    """

    name: str
    size_bytes: int | None
    _decoded: BinaryIO
    _raw: BinaryIO
    _pushed_back: bytes = b""
    damage: str | None = field(default=None)
    """What ended a compressed stream early, once it has been met."""

    def read_into(self, target: NDArray[np.uint8]) -> int:
        """Fill `target`; fewer bytes than it holds means the end of the source, or damage (see `damage`)."""
        filled = min(len(self._pushed_back), target.size)
        if filled:
            target[:filled] = np.frombuffer(self._pushed_back[:filled], np.uint8)
            self._pushed_back = self._pushed_back[filled:]
        view = memoryview(target)
        while filled < target.size and self.damage is None:
            try:
                count = self._decoded.readinto(view[filled:])  # type: ignore[attr-defined]
            except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as problem:
                self.damage = str(problem) or type(problem).__name__
                break
            except OSError as problem:
                raise SourceError(self.name, f"cannot be read ({problem})", "check the disk and the permissions, and run it again") from problem
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
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(path: str | Path) -> Stream:
    """Open a file, or standard input for "-", and take off gzip or Zstandard where its first bytes say so.

    Raises:
        SourceError: the file is missing, a folder, or may not be read.
    """
    name = str(path)
    if name == STDIN:
        return _decoded(name, None, _Peeked(sys.stdin.buffer))
    try:
        raw = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by Stream
        size = os.fstat(raw.fileno()).st_size
    except FileNotFoundError as problem:
        raise SourceError(name, "there is no such file", "check the path; a glob needs at least one match") from problem
    except IsADirectoryError as problem:
        raise SourceError(name, "is a folder", "name its files, or give the folder to `append`") from problem
    except PermissionError as problem:
        raise SourceError(name, "may not be read", "give yourself the right to read it (chmod), or run as its owner") from problem
    except OSError as problem:
        raise SourceError(name, f"cannot be opened ({problem})", "check the path and the disk") from problem
    return _decoded(name, size, raw)


class _Peeked(io.RawIOBase):
    """A pipe whose first bytes can be looked at once."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._held, self._count = pipe, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        data = self._held[: len(target)] or self._pipe.read(min(len(target), 1 << 20))
        self._held = self._held[len(data) :] if self._held else b""
        target[: len(data)] = data
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        return self._count

    def look(self, count: int) -> bytes:
        self._held = self._pipe.read(count)
        return self._held


def _decoded(name: str, size: int | None, raw: BinaryIO | _Peeked) -> Stream:
    if isinstance(raw, _Peeked):
        head = raw.look(4)
    else:
        head = raw.read(4)
        raw.seek(0)
    decoded: object = raw
    if head[:2] == GZIP:
        decoded = gzip.GzipFile(fileobj=raw)  # type: ignore[arg-type]
    elif head == ZSTD:
        decoded = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(raw, read_across_frames=True)  # type: ignore[arg-type]
    stream = Stream(name, size, decoded, raw)  # type: ignore[arg-type]
    bom = stream.peek(3)
    if bom == UTF8_BOM:
        stream._pushed_back = stream._pushed_back[3:]
    elif bom[:2] in UTF16_BOMS:
        stream.close()
        raise SourceError(name, "is UTF-16, and events are UTF-8", f"convert it: iconv -f UTF-16 -t UTF-8 {name} > converted.jsonl")
    return stream


def log_files(folder: str | Path) -> Iterator[Path]:
    """Files in a folder, at any depth and in order of their paths, that look like logs; hidden ones are left out."""
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and path.suffix.lower() in LOG_SUFFIXES and not any(p.startswith((".", "_")) for p in path.relative_to(folder).parts):
            yield path


LOG_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".log", ".txt", ".gz", ".zst", ".parquet", ".arrow", ".ipc", ".feather", ".csv"})
