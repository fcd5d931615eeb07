"""Compressed bytes given back as far as they are whole: what stands before damage is never lost to it.

The readers at hand (`gzip`, `zstandard.stream_reader`, Arrow's) lose what one call had given when a later part of it
fails, and the second takes a cut file for a whole one. Here each small part is given before the next is looked at.
Sources: RFC 1952 (gzip), RFC 8878 (Zstandard frames and blocks).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK, _ROOM = 1 << 18, 1 << 20
_WIDEST_WINDOW = 1 << 31


class Damage(Exception):
    """A compressed stream is cut or damaged from here on; all that came before was given."""


class Readable(Protocol):
    def read(self, count: int, /) -> bytes | None: ...


class Decompressed(io.RawIOBase):
    """A stream of the chunks of `gzip_chunks` or `zstd_chunks`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Fill some of `target`; 0 at the end.

        Raises:
            Damage: nothing can be read from here on.
        """
        while not self._held:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._held = memoryview(chunk)
        count = min(len(target), len(self._held))
        target[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


def gzip_chunks(raw: Readable) -> Iterator[bytes]:
    """The content of a gzip file, of all its members. Zeros behind the last member are padding."""
    data = raw.read(_CHUNK)
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            data = data or raw.read(_CHUNK) or b""
            before = member.copy()
            try:
                text = member.decompress(data, _ROOM)
            except zlib.error as problem:
                yield from _salvaged(before, data)
                raise Damage(str(problem)) from problem
            if not data and not text and not member.eof:
                raise Damage("the file ends before its compressed content does")
            data = member.unconsumed_tail
            yield text
        data = member.unused_data.lstrip(b"\0")
        while not data and (more := raw.read(_CHUNK)):
            data = more.lstrip(b"\0")
        if len(data) == 1:
            data += raw.read(_CHUNK) or b""
        if data and data[:2] != GZIP:
            raise Damage("something that is not gzip stands behind the compressed content")


def _salvaged(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What can be had of a part that fails as a whole."""
    step = len(data)
    while data:
        before = member.copy()
        try:
            yield member.decompress(data[:step])
        except zlib.error:
            if step == 1:
                return
            member, step = before, max(1, step // 2)
        else:
            data = data[step:]


def zstd_chunks(raw: Readable) -> Iterator[bytes]:
    """The content of a Zstandard file, of all its frames, block by block."""
    source = _Exact(raw)
    while magic := source.take(4, "frame", may_end=True):
        number = int.from_bytes(magic, "little")
        if number & ~0xF == 0x184D2A50:
            source.skip(int.from_bytes(source.take(4, "frame"), "little"))
            continue
        if magic != ZSTD:
            raise Damage("something that is not Zstandard stands behind the compressed content")
        flags = source.take(1, "frame")
        single = bool(flags[0] & 0x20)
        content_size = (1 if single else 0, 2, 4, 8)[flags[0] >> 6]
        header = source.take((not single) + (0, 1, 2, 4)[flags[0] & 3] + content_size, "frame")
        frame = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW).decompressobj()
        try:
            yield frame.decompress(magic + flags + header)
            last = False
            while not last:
                head = source.take(3, "block")
                word = int.from_bytes(head, "little")
                last, kind, size = bool(word & 1), word >> 1 & 3, word >> 3
                yield frame.decompress(head + source.take(1 if kind == 1 else size, "block"))
            if flags[0] & 4:
                yield frame.decompress(source.take(4, "checksum"))
        except zstandard.ZstdError as problem:
            raise Damage(str(problem)) from problem


class _Exact:
    """Reads exactly as many bytes as are asked for."""

    def __init__(self, raw: Readable) -> None:
        self._raw, self._held, self._at = raw, b"", 0

    def take(self, count: int, part: str, *, may_end: bool = False) -> bytes:
        while len(self._held) - self._at < count:
            more = self._raw.read(_CHUNK)
            if not more:
                if may_end and self._at == len(self._held):
                    return b""
                raise Damage(f"the file ends inside a compressed {part}")
            self._held, self._at = self._held[self._at :] + more, 0
        taken = self._held[self._at : self._at + count]
        self._at += count
        return taken

    def skip(self, count: int) -> None:
        while count:
            count -= len(self.take(min(count, _CHUNK), "frame"))
