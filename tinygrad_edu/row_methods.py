"""The methods of a Tensor that are rows of the table: ``x.sum(axis=0)``, ``x.exp()``, ``x.cumsum(0)``.

Each takes the arguments of NumPy's function in its order and means what it means; PyTorch's names stand beside them
where learners will type those, and ``dim`` is understood as ``axis``. Nothing here works in place: ``x.sort()`` gives a
sorted copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.ops import Composition, Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["RowMethods"]


def _method(op: Op | Composition) -> Callable[..., Tensor]:
    """Make a row a method, with the arguments of NumPy's function in its order."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return op(self)
        inputs, options = op.bind((self, *args), kwargs)
        return op(*inputs, **options)

    call.__name__, call.__doc__ = op.name, op.doc
    return call


def _several(op: Op | Composition) -> Callable[..., tuple[Tensor, ...]]:
    """Make what gives several arrays a method."""
    call: Any = _method(op)
    method: Callable[..., tuple[Tensor, ...]] = call
    return method


class RowMethods(Node):
    """What a Tensor computes."""

    __slots__ = ()

    # ----------------------------------------------------------------------------------------------------- reductions
    sum = _method(ops.sum)
    prod = _method(ops.prod)
    mean = _method(ops.mean)
    var = _method(ops.var)
    std = _method(ops.std)
    max = _method(ops.max)
    min = _method(ops.min)
    amax = _method(ops.max)
    amin = _method(ops.min)
    ptp = _method(ops.ptp)
    median = _method(ops.median)
    quantile = _method(ops.quantile)
    nansum = _method(ops.nansum)
    nanmean = _method(ops.nanmean)
    logsumexp = _method(ops.logsumexp)
    norm = _method(ops.norm)
    argmax = _method(ops.argmax)
    argmin = _method(ops.argmin)
    all = _method(ops.all)
    any = _method(ops.any)
    count_nonzero = _method(ops.count_nonzero)
    allclose = _method(ops.allclose)

    # ------------------------------------------------------------------------------------------------- scans, sorting
    cumsum = _method(ops.cumsum)
    cumprod = _method(ops.cumprod)
    logcumsumexp = _method(ops.logcumsumexp)
    cummax = _method(ops.cummax)
    cummin = _method(ops.cummin)
    diff = _method(ops.diff)
    sort = _method(ops.sort)
    argsort = _method(ops.argsort)
    topk = _several(ops.topk)

    # ----------------------------------------------------------------------------------------------------- arithmetic
    add = _method(ops.add)
    subtract = _method(ops.subtract)
    sub = _method(ops.subtract)
    multiply = _method(ops.multiply)
    mul = _method(ops.multiply)
    divide = _method(ops.divide)
    div = _method(ops.divide)
    negative = _method(ops.negative)
    neg = _method(ops.negative)
    reciprocal = _method(ops.reciprocal)
    square = _method(ops.square)
    sqrt = _method(ops.sqrt)
    cbrt = _method(ops.cbrt)
    pow = _method(ops.power)
    abs = _method(ops.absolute)
    absolute = _method(ops.absolute)
    sign = _method(ops.sign)
    remainder = _method(ops.remainder)
    fmod = _method(ops.fmod)
    hypot = _method(ops.hypot)
    lerp = _method(ops.lerp)
    floor = _method(ops.floor)
    ceil = _method(ops.ceil)
    round = _method(ops.round)
    trunc = _method(ops.trunc)

    # ------------------------------------------------------------------------------------------- exponentials, angles
    exp = _method(ops.exp)
    exp2 = _method(ops.exp2)
    expm1 = _method(ops.expm1)
    log = _method(ops.log)
    log1p = _method(ops.log1p)
    log2 = _method(ops.log2)
    log10 = _method(ops.log10)
    logaddexp = _method(ops.logaddexp)
    sin = _method(ops.sin)
    cos = _method(ops.cos)
    tan = _method(ops.tan)
    arcsin = _method(ops.arcsin)
    arccos = _method(ops.arccos)
    arctan = _method(ops.arctan)
    arctan2 = _method(ops.arctan2)
    sinh = _method(ops.sinh)
    cosh = _method(ops.cosh)
    tanh = _method(ops.tanh)
    arcsinh = _method(ops.arcsinh)
    arccosh = _method(ops.arccosh)
    arctanh = _method(ops.arctanh)
    asin = _method(ops.arcsin)
    acos = _method(ops.arccos)
    atan = _method(ops.arctan)
    atan2 = _method(ops.arctan2)
    asinh = _method(ops.arcsinh)
    acosh = _method(ops.arccosh)
    atanh = _method(ops.arctanh)
    sinc = _method(ops.sinc)
    erf = _method(ops.erf)
    erfc = _method(ops.erfc)

    # ------------------------------------------------------------------------------------- activations, probabilities
    sigmoid = _method(ops.sigmoid)
    relu = _method(ops.relu)
    softplus = _method(ops.softplus)
    softmax = _method(ops.softmax)
    log_softmax = _method(ops.log_softmax)

    # --------------------------------------------------------------------------------------------- choices, questions
    clip = _method(ops.clip)
    clamp = _method(ops.clip)
    clamp_min = _method(ops.clamp_min)
    clamp_max = _method(ops.clamp_max)
    maximum = _method(ops.maximum)
    minimum = _method(ops.minimum)
    fmax = _method(ops.fmax)
    fmin = _method(ops.fmin)
    copysign = _method(ops.copysign)
    nan_to_num = _method(ops.nan_to_num)
    isfinite = _method(ops.isfinite)
    isnan = _method(ops.isnan)
    isinf = _method(ops.isinf)
    isclose = _method(ops.isclose)
    eq = _method(ops.equal)
    ne = _method(ops.not_equal)
    lt = _method(ops.less)
    le = _method(ops.less_equal)
    gt = _method(ops.greater)
    ge = _method(ops.greater_equal)
    logical_and = _method(ops.logical_and)
    logical_or = _method(ops.logical_or)
    logical_xor = _method(ops.logical_xor)
    logical_not = _method(ops.logical_not)

    # --------------------------------------------------------------------------------------------- products, matrices
    dot = _method(ops.dot)
    matmul = _method(ops.matmul)
    mm = _method(ops.mm)
    bmm = _method(ops.bmm)
    mv = _method(ops.mv)
    inner = _method(ops.inner)
    outer = _method(ops.outer)
    vecdot = _method(ops.vecdot)
    trace = _method(ops.trace)
    diagonal = _method(ops.diagonal)
    diag = _method(ops.diag)
    triu = _method(ops.triu)
    tril = _method(ops.tril)
    kron = _method(ops.kron)
    cross = _method(ops.cross)
    inv = _method(ops.inv)
    inverse = _method(ops.inv)
    matrix_power = _method(ops.matrix_power)
    solve = _method(ops.solve)
    det = _method(ops.det)
    slogdet = _several(ops.slogdet)
    cholesky = _method(ops.cholesky)

    # ---------------------------------------------------------------------------------------------------------- shape
    astype = _method(ops.astype)
    swapaxes = _method(ops.swapaxes)
    moveaxis = _method(ops.moveaxis)
    movedim = _method(ops.moveaxis)
    squeeze = _method(ops.squeeze)
    expand_dims = _method(ops.expand_dims)
    unsqueeze = _method(ops.expand_dims)
    ravel = _method(ops.ravel)
    flatten = _method(ops.flatten)
    flip = _method(ops.flip)
    roll = _method(ops.roll)
    rot90 = _method(ops.rot90)
    repeat = _method(ops.repeat)
    repeat_interleave = _method(ops.repeat)
    tile = _method(ops.tile)
    unstack = _several(ops.unstack)
    unbind = _several(ops.unstack)

    # -------------------------------------------------------------------------------------------------------- entries
    take = _method(ops.take)
    take_along_axis = _method(ops.take_along_axis)
