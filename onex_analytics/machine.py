"""How kernels are compiled, and machine instructions that Numba does not offer by itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray


def _put_off_blas() -> None:
    """Have Numba load no SciPy before a kernel multiplies matrices.

    With the first kernel it loads SciPy's linear algebra (half of the time that this takes) only to learn whether it is
    there, which a requirement of ours is. A kernel that needs it asks again, when it is compiled.
    """
    linalg: Any = import_module("numba.np.linalg")
    asked, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


_put_off_blas()
lean = njit(nogil=True, cache=True, _nrt=False)
"""Compiles a function that makes no array, without counting references to those that it is given.

Numba counts them by atomic additions, at each call and wherever an array is given another name; two threads that read
the same arrays then wait for each other (an eighth of an append). A function that does make an array is refused when it
is compiled."""


@intrinsic
def load64(typing_context: Any, array: Any, index: Any) -> Any:
    """Eight bytes of a byte array as one little-endian number, at any alignment and without a bounds check."""
    signature = types.uint64(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(64).as_pointer())
        word = builder.load(pointer)
        word.align = 1
        return word

    return signature, code


@intrinsic
def load8(typing_context: Any, array: Any, index: Any) -> Any:
    """One byte of a byte array, without Python's reading of negative positions (which costs a branch a byte)."""
    signature = types.uint8(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return signature, code


@intrinsic
def address(typing_context: Any, array: Any, index: Any) -> Any:
    """Where an item of an array stands in memory, for `load` and `prefetch_at`. The array must outlive its use."""
    signature = types.uint64(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(builder.gep(data, [args[1]]), ir.IntType(64))

    return signature, code


@intrinsic
def load(typing_context: Any, place: Any, size: Any) -> Any:
    """One, four or eight bytes (a literal) at an address as one little-endian number, at any alignment."""
    if not isinstance(size, types.IntegerLiteral):
        return None
    width = 8 * size.literal_value

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = builder.load(builder.inttoptr(args[0], ir.IntType(width).as_pointer()))
        word.align = 1
        return builder.zext(word, ir.IntType(64)) if width < 64 else word

    return types.uint64(types.uint64, size), code


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Have what stands at a place of an array brought near, for reading it soon. The place may be any."""
    signature = types.void(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        _bring_near(builder, builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return signature, code


@intrinsic
def prefetch_at(typing_context: Any, place: Any) -> Any:
    """Have what stands at an address brought near, for reading it soon. The address may be any."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _bring_near(builder, builder.inttoptr(args[0], ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.uint64), code


def _bring_near(builder: Any, place: Any) -> None:
    number = ir.IntType(32)
    shape = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), number, number, number])
    name = "llvm.prefetch.p0"
    instruction = builder.module.globals.get(name) or ir.Function(builder.module, shape, name)
    for_reading, keep_near, data_cache = (ir.Constant(number, n) for n in (0, 3, 1))
    builder.call(instruction, [place, for_reading, keep_near, data_cache])


_WIDE = ir.VectorType(ir.IntType(8), 32)


@intrinsic
def string_stops(typing_context: Any, array: Any, index: Any) -> Any:
    """Which of 32 bytes end or disturb a JSON string, one bit a byte, the first one lowest.

    In the lower half: quotes, backslashes and control characters. In the upper half: bytes that are not ASCII.
    """
    signature = types.uint64(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        word = builder.load(builder.bitcast(builder.gep(data, [args[1]]), _WIDE.as_pointer()))
        word.align = 1
        stops = builder.or_(
            builder.icmp_unsigned("<", word, ir.Constant(_WIDE, [32] * 32)),
            builder.or_(
                builder.icmp_unsigned("==", word, ir.Constant(_WIDE, [34] * 32)),
                builder.icmp_unsigned("==", word, ir.Constant(_WIDE, [92] * 32)),
            ),
        )
        high = builder.icmp_signed("<", word, ir.Constant(_WIDE, [0] * 32))
        low_half, high_half = (
            builder.zext(builder.bitcast(bits, ir.IntType(32)), ir.IntType(64)) for bits in (stops, high)
        )
        return builder.or_(low_half, builder.shl(high_half, ir.Constant(ir.IntType(64), 32)))

    return signature, code


@intrinsic
def newlines(typing_context: Any, array: Any, index: Any) -> Any:
    """Which of 32 bytes are newlines, one bit a byte, the first one lowest."""
    signature = types.uint64(array, types.intp)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        word = builder.load(builder.bitcast(builder.gep(data, [args[1]]), _WIDE.as_pointer()))
        word.align = 1
        bits = builder.icmp_unsigned("==", word, ir.Constant(_WIDE, [10] * 32))
        return builder.zext(builder.bitcast(bits, ir.IntType(32)), ir.IntType(64))

    return signature, code


@intrinsic
def count_trailing_zeros(typing_context: Any, word: Any) -> Any:
    """Trailing zero bits of a number that is not zero."""
    signature = types.int64(types.uint64)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return signature, code


# ---------------------------------------------------------------------- texts, as Arrow holds them

_LOW = np.uint64(0xFFFFFFFF)
_INLINE = np.uint64(12)
"""A view of at most this many bytes holds its text itself. Source: the Arrow columnar format, variable-size views."""
_NO_BITS = np.empty(0, np.uint8)


class TextViews(NamedTuple):
    """One chunk of a column of texts as kernels read it; see `text_place` and `is_text`."""

    begin: int
    """Where the chunk begins in the column."""
    views: NDArray[np.uint64]
    first: np.uint64
    """The address of the first view."""
    texts: NDArray[np.uint64]
    """The addresses of the buffers that hold longer texts."""
    valid: NDArray[np.uint8]
    """One bit a view, behind `skipped` ones; empty where none is null."""
    skipped: int
    held: object
    """What must live as long as the addresses are used."""


def text_views(texts: pl.Series) -> Iterator[TextViews]:
    """The chunks of a column of texts, but for empty ones."""
    column = texts.cast(pl.String).to_frame().to_arrow(compat_level=pl.CompatLevel.newest()).column(0)
    begin = 0
    for chunk in column.chunks:
        lines = len(chunk)
        if not lines:
            continue
        validity, given, *held = chunk.buffers()
        yield TextViews(
            begin, np.frombuffer(given, np.uint64).reshape(-1, 2)[chunk.offset : chunk.offset + lines],
            np.uint64(given.address + 16 * chunk.offset),
            np.array([0 if buffer is None else buffer.address for buffer in held], np.uint64),
            np.frombuffer(validity, np.uint8) if validity is not None and chunk.null_count else _NO_BITS,
            chunk.offset, chunk,
        )  # fmt: skip
        begin += lines


@lean
def text_place(views, first, texts, i):  # type: ignore[no-untyped-def]
    """The address of the text of a view, and its bytes: in the view itself, or in one of the buffers `texts`."""
    size = views[i, 0] & _LOW
    if size <= _INLINE:
        return first + np.uint64(16 * i + 4), size
    return texts[views[i, 1] & _LOW] + (views[i, 1] >> np.uint64(32)), size


@lean
def is_text(valid, skipped, i):  # type: ignore[no-untyped-def]
    """Whether a view is not null."""
    return valid.size == 0 or (valid[(skipped + i) >> 3] >> ((skipped + i) & 7)) & 1
