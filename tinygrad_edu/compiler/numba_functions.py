"""What compiled source calls: pieces of memory, batches, and functions that machine code computes many at a time.

Compiled source imports it; nothing else does, so that Numba is loaded only where it is used.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.compiler.blas import gemm
from tinygrad_edu.errors import optional_import

numba = optional_import("numba", extra="jit", purpose="Compiling to machine code")
_extending = optional_import("numba.extending", extra="jit", purpose="Compiling to machine code")
_cgutils = optional_import("numba.core.cgutils", extra="jit", purpose="Compiling to machine code")
_ir = optional_import("llvmlite.ir", extra="jit", purpose="Compiling to machine code")
types = numba.types

__all__ = ["OPTIONS", "gemm", "larger", "njit", "part", "rows", "smaller", "strided"]

# Sums may be taken in another order and a product be added without rounding between; NaN and infinity stay what they are.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
OPTIONS: dict[str, Any] = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}
njit = numba.njit
_helper = numba.njit(**OPTIONS, forceinline=True)


# --------------------------------------------------------------------------------------- pieces of memory
def _array(context: Any, builder: Any, kind: Any, data: Any, shape: list[Any], strides: list[Any]) -> Any:
    """Build an array that owns nothing; shape and strides are constants, which the compiler then knows."""
    make = context.make_array(kind)
    array = make(context, builder)
    size = context.get_constant(types.intp, 1)
    for n in shape:
        size = builder.mul(size, n)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    array.data = builder.bitcast(data, array.data.type)
    array.nitems, array.itemsize = size, itemsize
    array.shape = _cgutils.pack_array(builder, shape)
    array.strides = _cgutils.pack_array(builder, [builder.mul(s, itemsize) for s in strides])
    array.meminfo = _cgutils.get_null_value(array.meminfo.type)
    array.parent = _cgutils.get_null_value(array.parent.type)
    return array._getvalue()  # noqa: SLF001 - how Numba's own arrays are built


def _begin(context: Any, builder: Any, kind: Any, value: Any, offset: Any) -> Any:
    """Find the byte at which a piece begins."""
    whole = context.make_array(kind)(context, builder, value)
    byte = _ir.IntType(8)
    return builder.gep(builder.bitcast(whole.data, byte.as_pointer()), [offset], source_etype=byte)


@_extending.intrinsic
def part(typing: Any, memory: Any, offset: Any, shape: Any, dtype: Any) -> Any:
    """Give the piece of memory that begins `offset` bytes on, as an array in row-major order."""
    kind = types.Array(dtype.dtype, len(shape), "C")

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _begin(context, builder, signature.args[0], args[0], args[1])
        lengths = _cgutils.unpack_tuple(builder, args[2])
        strides = [context.get_constant(types.intp, 1)]
        for n in reversed(lengths[1:]):
            strides.insert(0, builder.mul(strides[0], n))
        return _array(context, builder, kind, data, lengths, strides[: len(lengths)])

    return kind(memory, offset, shape, dtype), make


@_extending.intrinsic
def strided(typing: Any, memory: Any, offset: Any, shape: Any, strides: Any, dtype: Any) -> Any:
    """Give the piece of memory that begins `offset` bytes on, as an array with these strides, in entries."""
    kind = types.Array(dtype.dtype, len(shape), "A")

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _begin(context, builder, signature.args[0], args[0], args[1])
        lengths, steps = (_cgutils.unpack_tuple(builder, arg) for arg in args[2:4])
        return _array(context, builder, kind, data, lengths, steps)

    return kind(memory, offset, shape, strides, dtype), make


@_helper
def rows(examples: Any, order: Any, first: Any, room: Any) -> Any:
    """Give the examples order[first], order[first + 1], ...: where they lie, if side by side; else copied into `room`."""
    n = room.shape[0]
    start = order[first]
    for k in range(1, n):
        if order[first + k] != start + k:
            break
    else:
        return examples[start : start + n]
    for k in range(n):
        room[k] = examples[order[first + k]]
    return room


# ------------------------------------------------------------------------------------------- functions
def _of_two(name: str) -> Any:
    """Give NumPy's maximum or minimum, where NaN wins, as the one instruction that it is."""

    @_extending.intrinsic
    def function(typing: Any, x: Any, y: Any) -> Any:
        if x != y or not isinstance(x, types.Float):
            return None

        def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = args[0].type
            called = _cgutils.get_or_insert_function(
                builder.module, _ir.FunctionType(kind, [kind, kind]), f"llvm.{name}.{kind.intrinsic_name}"
            )
            return builder.call(called, args, fastmath=())

        return x(x, y), make

    return function


larger, smaller = _of_two("maximum"), _of_two("minimum")
_ = math, np
