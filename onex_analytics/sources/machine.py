"""Machine instructions that Numba does not offer by itself."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


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
def count_trailing_zeros(typing_context: Any, word: Any) -> Any:
    """Trailing zero bits of a number that is not zero."""
    signature = types.int64(types.uint64)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return signature, code
