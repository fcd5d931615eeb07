"""Payloads compressed and opened again, each as one frame that ends where its content does.

What is opened has at most the bytes that are allowed, however few it was packed into: a compression bomb is refused
before it takes memory. What we write has a checksum of its content (Zstandard the low 32 bits of XXH64, gzip CRC-32): a
changed byte opens as the same content or not at all, but for one in 2^32. Sources: RFC 8878, RFC 1952.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable
from typing import Final

import zstandard

from onex_analytics.exceptions import BrokenPayload
from onex_analytics.sizing.policies import Codec, SizePolicy, dictionary_id

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
_UNKNOWN = 2**64 - 1
_GZIP_WINDOW = 31
_LEAST_WINDOW = 1 << 23
_RESEND = "have it sent again, or read it from where it was whole"
_TOO_LARGE = "raise `max_bytes` if its sender is to be trusted"

Compressor = Callable[[bytes], bytes]
_local = threading.local()


def compressor_of(policy: SizePolicy) -> Compressor:
    """What compresses by a policy, in this thread."""
    return _kept((policy.codec, policy.level_used, policy.dictionary))


def _kept(wanted: tuple[Codec, int, bytes | None]) -> Compressor:
    if not hasattr(_local, "compressors"):
        _local.compressors = {}
    held: dict[tuple[Codec, int, bytes | None], Compressor] = _local.compressors
    if wanted not in held:
        held[wanted] = _gzip(wanted[1]) if wanted[0] == "gzip" else zstd_compressor(wanted[1], wanted[2]).compress
    return held[wanted]


def _gzip(level: int) -> Compressor:
    return lambda payload: zlib.compress(payload, level, _GZIP_WINDOW)


def zstd_compressor(level: int, dictionary: bytes | None) -> zstandard.ZstdCompressor:
    """Writes frames with their size and a checksum."""
    if dictionary is None:
        return zstandard.ZstdCompressor(level=level, write_checksum=True)
    made = zstandard.ZstdCompressionDict(dictionary)
    made.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=made, write_checksum=True)


def encoding_of(payload: bytes) -> str:
    """zstd, gzip or plain, by what it begins with."""
    return "zstd" if payload.startswith(ZSTD) else "gzip" if payload.startswith(GZIP) else "plain"


def opened(payload: bytes, max_bytes: int, dictionaries: Iterable[bytes] = ()) -> bytes:
    """What was compressed.

    Raises:
        BrokenPayload: it is cut or damaged, larger than allowed, has something behind it, or needs another dictionary.

    >>> from onex_analytics.sizing import SizePolicy
    >>> opened(compressor_of(SizePolicy(codec="gzip"))(b"x" * 1000), 1000) == b"x" * 1000
    True
    """
    encoding = encoding_of(payload)
    if encoding == "zstd":
        return _opened_zstd(payload, max_bytes, dictionaries)
    if encoding == "gzip":
        return _opened_gzip(payload, max_bytes)
    if len(payload) > max_bytes:
        raise BrokenPayload(f"has {len(payload):,} bytes, and {max_bytes:,} are allowed", _TOO_LARGE)
    return payload


def _opened_gzip(payload: bytes, max_bytes: int) -> bytes:
    member = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        content = member.decompress(payload, max_bytes + 1)
    except zlib.error as problem:
        raise BrokenPayload(f"is damaged gzip ({problem})", _RESEND) from problem
    if len(content) > max_bytes:
        raise BrokenPayload(f"opens to more than the {max_bytes:,} bytes that are allowed", _TOO_LARGE)
    if not member.eof:
        raise BrokenPayload("ends before its gzip does", _RESEND)
    if member.unused_data:
        raise BrokenPayload(f"has {len(member.unused_data):,} bytes behind its gzip", _RESEND)
    return content


def _opened_zstd(payload: bytes, max_bytes: int, dictionaries: Iterable[bytes]) -> bytes:
    try:
        frame = zstandard.get_frame_parameters(payload)
    except zstandard.ZstdError as problem:
        raise BrokenPayload(f"is damaged Zstandard ({problem})", _RESEND) from problem
    if frame.content_size != _UNKNOWN and frame.content_size > max_bytes:
        raise BrokenPayload(
            f"says that it opens to {frame.content_size:,} bytes, and {max_bytes:,} are allowed", _TOO_LARGE
        )
    if frame.window_size > max(max_bytes, _LEAST_WINDOW):
        raise BrokenPayload(
            f"asks for {frame.window_size:,} bytes of memory, and {max_bytes:,} are allowed", _TOO_LARGE
        )
    try:
        return _opener(frame.dict_id, dictionaries).decompress(
            payload, max_output_size=max_bytes, allow_extra_data=False
        )
    except zstandard.ZstdError as problem:
        said = f"is damaged or cut Zstandard, or opens to more than the {max_bytes:,} bytes that are allowed"
        raise BrokenPayload(f"{said} ({problem})", f"{_RESEND}; or {_TOO_LARGE}") from problem


def _opener(wanted: int, dictionaries: Iterable[bytes]) -> zstandard.ZstdDecompressor:
    given: dict[int, bytes | None] = {0: None}
    if wanted:
        given |= {dictionary_id(one): one for one in dictionaries}
    if wanted not in given:
        told = ", ".join(str(one) for one in given if one) or "none"
        raise BrokenPayload(
            f"was compressed with dictionary {wanted}, and given are: {told}", "pass that one in `dictionaries`"
        )
    if not hasattr(_local, "openers"):
        _local.openers = {}
    held: dict[bytes | None, zstandard.ZstdDecompressor] = _local.openers
    dictionary = given[wanted]
    if dictionary not in held:
        made = zstandard.ZstdCompressionDict(dictionary) if dictionary is not None else None
        held[dictionary] = zstandard.ZstdDecompressor(dict_data=made)
    return held[dictionary]
