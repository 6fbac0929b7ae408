"""Numba source as plain Python: what machine code calls, done by NumPy, so that hundreds of programs need no compiling.

The source is Python; only the functions that it imports exist in machine code alone. Every index is looked at here, and
every piece of memory has exactly the shape that it is read with.
"""

import ctypes
import math
import types

import numpy as np


def strided(memory, offset, shape, strides, dtype):
    dtype = np.dtype(dtype)
    if 0 in shape:
        return np.empty(shape, dtype)
    steps = [(n - 1) * s * dtype.itemsize for n, s in zip(shape, strides, strict=True)]
    low, high = sum(s for s in steps if s < 0), sum(s for s in steps if s > 0) + dtype.itemsize
    address = memory.__array_interface__["data"][0] + offset + low
    room = (ctypes.c_char * (high - low)).from_address(address)
    array = np.ndarray(shape, dtype, room, -low, [s * dtype.itemsize for s in strides])
    _ALIVE.append((room, memory))
    return array


_ALIVE = []


def part(memory, offset, shape, dtype):
    strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    return strided(memory, offset, shape, strides, dtype)


def rows(examples, order, first, room):
    room[...] = examples[order[first : first + len(room)]]
    return room


def turned(x, flag):
    return x.T if flag == "t" else x


def gemm(how, a, b, c, alpha, beta):
    c[...] = alpha * (turned(a, how[0]) @ turned(b, how[1])) + (beta * c if beta else 0)


def product(how, a, b, c, m, n, k):
    a = turned(a, how[0])
    assert (a.shape, b.shape, c.shape) == ((m, k), (k, n), (m, n))
    assert n == 1 or b.strides[1] == b.itemsize, "its rows do not lie side by side"
    c[...] = a @ b


def descend(how, a, b, weight, rate, gradient, keep, m, n, k):
    found = np.empty((m, n), weight.dtype)
    product(how, a, b, found, m, n, k)
    weight[...] -= rate * found
    if keep:
        gradient[...] = found


def turn(x, y, m, n):
    assert x.shape == (m, n)
    assert x.strides[1] == x.itemsize
    y[...] = x.T


def uniform(rng, out, dtype):
    out[...] = rng.random(out.shape, dtype)


def normal(rng, out, dtype):
    out[...] = rng.standard_normal(out.shape, dtype)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


_FUNCTIONS = {
    "INNER": {},
    "OPTIONS": {},
    "descend": descend,
    "exp": np.exp,
    "expm1": np.expm1,
    "gemm": gemm,
    "larger": np.maximum,
    "njit": lambda **_: lambda function: function,
    "normal": normal,
    "part": part,
    "product": product,
    "reciprocal": np.reciprocal,
    "rows": rows,
    "several": int,
    "sigmoid": sigmoid,
    "sign": np.sign,
    "smaller": np.minimum,
    "square": np.square,
    "strided": strided,
    "tanh": np.tanh,
    "turn": turn,
    "uniform": uniform,
    "upto": range,
}
_MATH = {name: getattr(np, name) for name in ("sqrt", "log", "log1p", "sin", "cos", "inf", "nan")}
_MATH |= {"erf": lambda x: type(x)(math.erf(x)), "erfc": lambda x: type(x)(math.erfc(x))}


def load(source):
    """Do what `cache.load` does, without compiling."""
    lines = [line for line in source.splitlines() if line != "import math"]
    start = next(k for k, line in enumerate(lines) if "machine.functions import" in line)
    stop = next(k for k in range(start, len(lines)) if lines[k] == "")
    names = dict(_FUNCTIONS, math=types.SimpleNamespace(**_MATH))
    with np.errstate(all="ignore"):
        exec(compile("\n".join([*lines[:start], *lines[stop:]]), "<interpreted step>", "exec"), names)  # noqa: S102 - what the package wrote

    def epoch(*arguments):
        _ALIVE.clear()
        with np.errstate(all="ignore"):
            return names["epoch"](*arguments)

    return types.SimpleNamespace(epoch=epoch)
