"""What compiled source calls: pieces of memory, batches, and functions that machine code computes many at a time.

Compiled source imports it; nothing else does, so that Numba is loaded only where it is used.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from tinygrad_edu.compiler.machine.blas import gemm
from tinygrad_edu.compiler.machine.library import cgutils, extending, ir, numba, options, target, types
from tinygrad_edu.compiler.machine.products import descend, product, turn

__all__ = [
    "INNER",
    "OPTIONS",
    "descend",
    "exp",
    "expm1",
    "gemm",
    "larger",
    "njit",
    "normal",
    "part",
    "product",
    "reciprocal",
    "rows",
    "several",
    "sigmoid",
    "sign",
    "smaller",
    "square",
    "strided",
    "tanh",
    "turn",
    "uniform",
    "upto",
]

# Sums may be taken in another order, and a product added unrounded; NaN and infinity stay what they are.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
OPTIONS: dict[str, Any] = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}


def _without_alias() -> dict[str, Any]:
    """Let machine code know that no two arrays that it is given overlap, if this version of Numba can be told.

    Otherwise each loop begins by comparing addresses, and is there twice. Numba knows the flag, but no option for it.
    """
    try:
        target.CPUTargetOptions.noalias = options.TargetOptions.Mapping("noalias")
    except AttributeError:
        return {}
    return {"noalias": True}


OPTIONS |= _without_alias()
INNER = OPTIONS | {"no_cpython_wrapper": True}  # of what compiled code alone calls
njit = numba.njit
_helper = numba.njit(**INNER | {"forceinline": True})


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
    number = context.get_value_type(types.intp)  # which an array without axes does not tell
    array.shape = cgutils.pack_array(builder, shape, number)
    array.strides = cgutils.pack_array(builder, [builder.mul(s, itemsize) for s in strides], number)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()  # noqa: SLF001 - how Numba's own arrays are built


def _begin(context: Any, builder: Any, kind: Any, value: Any, offset: Any) -> Any:
    """Find the byte at which a piece begins."""
    whole = context.make_array(kind)(context, builder, value)
    byte = ir.IntType(8)
    return builder.gep(builder.bitcast(whole.data, byte.as_pointer()), [offset], source_etype=byte)


@extending.intrinsic
def part(_typing: Any, memory: Any, offset: Any, shape: Any, dtype: Any) -> Any:
    """Give the piece of memory that begins `offset` bytes on, as an array in row-major order."""
    kind = types.Array(dtype.dtype, len(shape), "C")

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _begin(context, builder, signature.args[0], args[0], args[1])
        lengths = cgutils.unpack_tuple(builder, args[2])
        strides = [context.get_constant(types.intp, 1)]
        for n in reversed(lengths[1:]):
            strides.insert(0, builder.mul(strides[0], n))
        return _array(context, builder, kind, data, lengths, strides[: len(lengths)])

    return kind(memory, offset, shape, dtype), make


@extending.intrinsic
def strided(_typing: Any, memory: Any, offset: Any, shape: Any, strides: Any, dtype: Any) -> Any:
    """Give the piece of memory that begins `offset` bytes on, as an array with these strides, in entries."""
    kind = types.Array(dtype.dtype, len(shape), "A")

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _begin(context, builder, signature.args[0], args[0], args[1])
        lengths, steps = (cgutils.unpack_tuple(builder, arg) for arg in args[2:4])
        return _array(context, builder, kind, data, lengths, steps)

    return kind(memory, offset, shape, strides, dtype), make


@_helper
def rows(examples: Any, order: Any, first: Any, room: Any) -> Any:
    """Give the examples order[first], ...: where they lie, if side by side; else copied into `room`."""
    n, width = room.shape
    start = order[first]
    together = True
    for k in range(1, n):
        together &= order[first + k] == start + k
    if together:
        return part(examples, start * width * examples.itemsize, (n, width), examples.dtype)
    for k in range(n):
        row = order[first + k]
        for j in range(width):
            room[k, j] = examples[row, j]
    return room


@numba.njit(error_model="numpy")  # exactly as NumPy computes it
def uniform(rng: Any, out: Any, dtype: Any) -> None:
    """Draw numbers in [0, 1), the same that ``rng.random`` draws."""
    drawn, flat = rng.random(out.size, dtype), out.reshape(out.size)
    for k in range(out.size):
        flat[k] = drawn[k]


@numba.njit(error_model="numpy")
def normal(rng: Any, out: Any, dtype: Any) -> None:
    """Draw from the normal distribution, the same that ``rng.standard_normal`` draws."""
    drawn, flat = rng.standard_normal(out.size, dtype), out.reshape(out.size)
    for k in range(out.size):
        flat[k] = drawn[k]


@_helper
def upto(n: Any) -> Any:
    """Count from 0 to n - 1 in numbers without a sign: an index that cannot be negative is not looked at."""
    return range(types.uint64(n))


@extending.intrinsic(prefer_literal=True)
def several(_typing: Any, n: Any) -> Any:
    """Give a number that the compiler cannot see, only that it is a multiple of 8, if it is one.

    So few rounds of a loop it would write out one by one, and not do several at a time.
    """
    mask = -8 if n.literal_value % 8 == 0 else -1

    def make(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = args[0].type
        hidden = builder.call(ir.InlineAsm(ir.FunctionType(kind, [kind]), "", "=r,0"), args)
        return builder.and_(hidden, ir.Constant(kind, mask))

    return types.int64(n), make


# ------------------------------------------------------------------------------------------- functions
def _of_two(name: str) -> Any:
    """Give NumPy's maximum or minimum, where NaN wins, as the one instruction that it is."""

    @extending.intrinsic
    def function(_typing: Any, x: Any, y: Any) -> Any:
        if x != y or not isinstance(x, types.Float):
            return None

        def make(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.call(_llvm(builder, name, args[0].type, 2), args)

        return x(x, y), make

    return function


def _llvm(builder: Any, name: str, kind: Any, n: int) -> Any:
    """Declare one of LLVM's own functions of numbers."""
    return cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * n), f"llvm.{name}.{kind.intrinsic_name}"
    )


larger, smaller = _of_two("maximum"), _of_two("minimum")


def _series(builder: Any, x: Any) -> tuple[Any, Any, Any]:
    """Give exp(r) - 1 and two factors whose product is 2**n, for x = n log 2 + r with |r| <= log(2) / 2.

    Taylor's series is exact to the last bit or two there; a power of two is written as the exponent's bits.
    """
    single = isinstance(x.type, ir.FloatType)
    bits, mantissa, bias, terms, fine = (32, 23, 127, 7, 9) if single else (64, 52, 1023, 13, 32)
    bottom, top = (-104.0, 89.0) if single else (-746.0, 710.0)

    def number(value: Any) -> Any:
        return ir.Constant(x.type, float(value))

    def call(name: str, *args: Any) -> Any:
        return builder.call(_llvm(builder, name, x.type, len(args)), args)

    inside = call("maxnum", call("minnum", x, number(top)), number(bottom))
    n = call("rint", builder.fmul(inside, number(1 / _LOG_2)))
    high = Fraction(round(_LOG_2 * 2**fine), 2**fine)  # times n without rounding
    r = call("fma", n, number(-high), inside)
    r = call("fma", n, number(high - _LOG_2), r)
    total = number(1 / math.factorial(terms))
    for k in range(terms - 1, 0, -1):
        total = call("fma", total, r, number(1 / math.factorial(k)))
    half = call("rint", builder.fmul(n, number(0.5)))
    factors = []
    for part_of_n in (half, builder.fsub(n, half)):
        whole = ir.IntType(bits)
        exponent = builder.add(builder.fptosi(part_of_n, whole), ir.Constant(whole, bias))
        factors.append(builder.bitcast(builder.shl(exponent, ir.Constant(whole, mantissa)), x.type))
    return builder.fmul(total, r), factors[0], factors[1]


_LOG_2 = Fraction("0.69314718055994530941723212145817656807")


def _exp(builder: Any, x: Any) -> Any:
    q, first, second = _series(builder, x)
    result = builder.fmul(builder.fmul(builder.fadd(q, _one(x)), first), second)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, result)


def _expm1(builder: Any, x: Any) -> Any:
    """exp(x) - 1 without cancellation near 0."""
    q, first, second = _series(builder, x)
    scale = builder.fmul(first, second)
    near = builder.fadd(builder.fmul(q, scale), builder.fsub(scale, _one(x)))
    far = builder.fsub(builder.fmul(builder.fmul(builder.fadd(q, _one(x)), first), second), _one(x))
    result = builder.select(builder.fcmp_ordered(">", x, _one(x)), far, near)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, result)


def _tanh(builder: Any, x: Any) -> Any:
    size = builder.call(_llvm(builder, "fabs", x.type, 1), [x])
    t = _expm1(builder, builder.fmul(size, ir.Constant(x.type, -2.0)))
    y = builder.fdiv(t, builder.fadd(t, ir.Constant(x.type, 2.0)))
    return builder.call(_llvm(builder, "copysign", x.type, 2), [y, x])


def _sigmoid(builder: Any, x: Any) -> Any:
    return builder.fdiv(_one(x), builder.fadd(_one(x), _exp(builder, builder.fneg(x))))


def _sign(builder: Any, x: Any) -> Any:
    zero, one = ir.Constant(x.type, 0.0), _one(x)
    negative = builder.select(builder.fcmp_ordered("<", x, zero), builder.fneg(one), x)
    return builder.select(builder.fcmp_ordered(">", x, zero), one, negative)


def _one(x: Any) -> Any:
    return ir.Constant(x.type, 1.0)


def _of_one(build: Any) -> Any:
    """Make a function that compiled source calls of one that builds it."""

    @extending.intrinsic
    def function(_typing: Any, x: Any) -> Any:
        if not isinstance(x, types.Float):
            return None
        return x(x), lambda _context, builder, _signature, args: build(builder, args[0])

    return function


exp, expm1, sigmoid, sign, tanh = map(_of_one, (_exp, _expm1, _sigmoid, _sign, _tanh))
reciprocal = _of_one(lambda builder, x: builder.fdiv(_one(x), x))
square = _of_one(lambda builder, x: builder.fmul(x, x))
