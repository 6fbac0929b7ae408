"""Rows of convolution, over any number of spatial axes: three rows that are each other's gradients.

One number ties an input x, a weight and a result y together: the sum, over each window and each tap of it, of
``x[entry under the tap] * weight[tap] * y[window]``. Its derivative by y is the convolution of x with the weight, that
by x the transposed convolution of y, and that by the weight the correlation of x with y. So the gradients of each row
are the other two, to any order.

Each is a matrix product. What a window sees is laid out as a column; but not along the first spatial axis, the *rows*:
the columns of adjacent rows that lie one behind the other in memory are there without a copy. For a 3 × 3 kernel that
copies each entry 3 times, not 9, and each row of windows is a product that fits into the cache.

    x (N, C, H, W)  ->  buffer (H, 3 C, W N)  ->  columns (rows, 3 · 3 C, W N), a view  ->  y (rows, F, W N)

The result stays in this order in memory, whatever its shape says, and the next convolution has less to rearrange. To
put it in the order N, C, H, W would take 7% of a step's time (32 examples of 16 channels, 14 × 14, to 32 channels).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops import reductions
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.room import room, strided
from tinygrad_edu.ops.shape import arraylike
from tinygrad_edu.ops.table import Op, define
from tinygrad_edu.ops.windows import Windows, meet, settings, spatial, taps, whole_numbers

_ALL = slice(None)
# A row of windows with fewer columns than this is too small a product: then all taps are copied, for one product.
_FEW_COLUMNS = 24
# Slices along a short last axis are short runs in memory. With this many examples behind it, the runs are long.
_SHORT_AXIS, _MANY_EXAMPLES = 16, 8


# ------------------------------------------------------------------------------------- order in memory
class _Layout:
    """The order in which products have the axes: (groups, rows, C, *across, N), or with N before `across`."""

    def __init__(self, n: int, groups: int, windows: Windows) -> None:
        self.n, self.groups = n, groups
        self.examples_last = windows.counts[-1] <= _SHORT_AXIS and n >= _MANY_EXAMPLES

    def arrange(self, x: Any, sizes: tuple[int, ...]) -> Any:
        """See (N, groups C, *sizes) in this order."""
        x = x.reshape(self.n, self.groups, x.shape[1] // self.groups, *sizes)
        across = range(4, x.ndim)
        return x.transpose(1, 3, 2, *((*across, 0) if self.examples_last else (0, *across)))

    def restore(self, x: Any, shape: tuple[int, ...]) -> Any:
        """See what is in this order as (N, groups C, ...), which is `shape`."""
        examples, across = (x.ndim - 1, range(3, x.ndim - 1)) if self.examples_last else (3, range(4, x.ndim))
        return x.transpose(examples, 0, 2, 1, *across).reshape(shape)

    def tail(self, across: tuple[Any, ...], examples: Any) -> tuple[Any, ...]:
        """Order what is said of the axes across the rows, and of the examples."""
        return (*across, examples) if self.examples_last else (examples, *across)


def _copy(source: Any, into: Any) -> None:
    # Entries a power of two apart share a few places in the cache, often 8. More of them than that push each other out,
    # and to turn 32 × 32 × 16 × 16 took 3 times as long in one go.
    length = source.shape[-1]
    step = 8 if source.strides[-1] % 2048 == 0 else max(length, 1)
    for start in range(0, length, step):
        into[..., start : start + step] = source[..., start : start + step]


def _in_order(x: Any) -> Any:
    if x.flags.c_contiguous:
        return x
    out = room(np.empty(x.shape, x.dtype), x, filled=False)
    _copy(x, out)
    return out


def _with_rows(windows: Windows, n: int, *, transposed: bool = False) -> Windows:
    """Give windows a first axis along which they see adjacent rows: their own, or a new one with a single row."""
    apart = windows.dilation[0] > 1 or (transposed and windows.stride[0] > 1)
    if len(windows.sizes) > 1 and not apart and n * math.prod(windows.counts[1:]) >= _FEW_COLUMNS:
        return windows
    return Windows(*((one, *part) for one, part in zip((1, 1, 1, (0, 0), 1, 1), windows, strict=True)))  # type: ignore[arg-type]


def _across_rows(windows: Windows) -> Windows:
    return Windows(*(part[1:] for part in windows))  # type: ignore[arg-type]


def _adjacent(rows: Any, k: int, stride: int, count: int) -> Any:
    """See rows (G, rows, A, M), contiguous, as matrices (G, count, k A, M) of k rows each, `stride` rows apart."""
    groups, _, height, width = rows.shape
    by_group, by_row, *inner = rows.strides
    return strided(rows, (groups, count, k * height, width), (by_group, by_row * stride, *inner))


def _columns(x: Any, windows: Windows, layout: _Layout) -> Any:
    """Lay out what each window sees as a column: (groups, rows of windows, taps C, windows in a row and examples)."""
    across, channels = _across_rows(windows), x.shape[1] // layout.groups
    before, behind = windows.padding[0]
    n_rows = windows.sizes[0] + before + behind
    rows, at_rows = meet(-before, 1, windows.sizes[0], n_rows)
    source = _in_order(layout.arrange(x, windows.sizes))  # once, not for each tap
    shape = layout.groups, n_rows, *across.kernel, channels, *layout.tail(across.counts, layout.n)
    buffer = room(np.zeros(shape, x.dtype), x)
    for tap, inside, at in taps(across):
        entries = source[(_ALL, rows, _ALL, *layout.tail(inside, _ALL))]
        buffer[(_ALL, at_rows, *tap, _ALL, *layout.tail(at, _ALL))] = entries
    seen, columns = math.prod(across.kernel) * channels, math.prod(across.counts) * layout.n
    buffer = buffer.reshape(layout.groups, n_rows, seen, columns)
    return _adjacent(buffer, windows.kernel[0], windows.stride[0], windows.counts[0])


# -------------------------------------------------------------------------------------------- products
def _conv(x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    return _conv_bias(x, weight, None, stride, padding, dilation, groups)


def _conv_bias(
    x: Any, weight: Any, bias: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    windows = _windows(x, weight, stride, padding, dilation)
    features, channels = _channels(x, weight, groups)
    shape = (len(x), len(weight), *windows.counts)
    windows = _with_rows(windows, len(x))
    layout = _Layout(len(x), groups, windows)
    rows, *across = windows.counts
    k, others = windows.kernel[0], math.prod(windows.kernel[1:])
    kernels = weight.reshape(groups, features, channels, k, others).transpose(0, 1, 3, 4, 2)
    y = np.matmul(kernels.reshape(groups, 1, features, k * others * channels), _columns(x, windows, layout))
    if bias is not None:
        if bias.shape != shape[1:2]:
            raise ShapeError(f"A weight of shape {weight.shape} takes a bias of shape {shape[1:2]}, not {bias.shape}.")
        add_in_place = np.result_type(y, bias) == y.dtype
        y = np.add(y, bias.reshape(groups, 1, features, 1), out=y if add_in_place else None)
    return layout.restore(y.reshape(groups, rows, features, *layout.tail(tuple(across), len(x))), shape)


def _conv_transpose(y: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    windows = _windows_onto(y, weight, stride, padding, dilation)
    features, channels = _channels(y, weight, groups, transposed=True)
    shape = (len(y), groups * channels, *windows.sizes)
    windows = _with_rows(windows, len(y), transposed=True)
    layout, across = _Layout(len(y), groups, windows), _across_rows(windows)
    k, others, n_rows = windows.kernel[0], math.prod(across.kernel), windows.sizes[0]
    # Row r was seen by the k adjacent rows of windows up to r + before, by the last of them with its first tap.
    source = layout.arrange(y, windows.counts)
    padded = room(np.zeros((groups, n_rows + k - 1, *source.shape[2:]), y.dtype), y)
    rows, at_rows = meet(windows.padding[0][0] - k + 1, 1, windows.counts[0], n_rows + k - 1)
    _copy(source[:, rows], padded[:, at_rows])
    padded = padded.reshape(groups, n_rows + k - 1, features, math.prod(across.counts) * len(y))
    kernels = weight.reshape(groups, features, channels, k, others)[:, :, :, ::-1].transpose(0, 4, 2, 3, 1)
    parts = np.matmul(kernels.reshape(groups, 1, others * channels, k * features), _adjacent(padded, k, 1, n_rows))
    parts = parts.reshape(groups, n_rows, *across.kernel, channels, *layout.tail(across.counts, len(y)))
    # An array of its own that lies in memory like this view: the tape copies views that become the gradient of a leaf.
    like = layout.restore(np.empty((1, n_rows, shape[1], *layout.tail(across.sizes, len(y))), bool), shape)
    x = room(np.zeros_like(like, dtype=parts.dtype), parts)
    out = layout.arrange(x, windows.sizes)
    for tap, inside, at in taps(across):
        out[(_ALL, _ALL, _ALL, *layout.tail(inside, _ALL))] += parts[(_ALL, _ALL, *tap, _ALL, *layout.tail(at, _ALL))]
    return x


def _conv_weight(x: Any, y: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    windows = _windows_between(x, y, groups, stride, padding, dilation)
    features, channels = y.shape[1] // groups, x.shape[1] // groups
    shape = (y.shape[1], channels, *windows.kernel)
    windows = _with_rows(windows, len(x))
    layout = _Layout(len(x), groups, windows)
    ys = _in_order(layout.arrange(y, windows.counts))
    ys = ys.reshape(groups, windows.counts[0], features, math.prod(windows.counts[1:]) * len(x))
    # The columns are laid out anew, which takes 5% of a step's time. To keep them from the forward pass would take
    # three times the memory of the input until backward, and a place on the tape that is neither input nor result.
    weight = np.matmul(_columns(x, windows, layout), ys.swapaxes(2, 3)).sum(axis=1)
    weight = weight.reshape(groups, windows.kernel[0], math.prod(windows.kernel[1:]), channels, features)
    return weight.transpose(0, 4, 3, 1, 2).reshape(shape)


# ---------------------------------------------------------------------------------------------- shapes
def _windows(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any) -> Windows:
    sizes = spatial(x)
    _same_axes(x, weight, "(F, C / groups, *kernel)")
    return Windows.over(sizes, weight.shape[2:], stride=stride, padding=padding, dilation=dilation)


def _windows_onto(y: Any, weight: Any, stride: Any, padding: Any, dilation: Any) -> Windows:
    """Find the sizes of the input that y, one entry for each window, covers exactly."""
    counts, kernel = spatial(y), weight.shape[2:]
    _same_axes(y, weight, "(C, F / groups, *kernel)")
    strides, pads, dilations = settings(len(counts), stride, padding, dilation)
    sizes = tuple(
        (count - 1) * s + d * (k - 1) + 1 - before - behind
        for count, k, s, (before, behind), d in zip(counts, kernel, strides, pads, dilations, strict=True)
    )
    if min(sizes) < 0:
        raise ShapeError(
            f"A transposed convolution of {y.shape} with a weight {weight.shape} would leave the spatial shape "
            f"{sizes}. Take less padding, which it cuts off."
        )
    return Windows(sizes, kernel, strides, pads, dilations, counts)


def _windows_between(x: Any, y: Any, groups: int, stride: Any, padding: Any, dilation: Any) -> Windows:
    """Find the kernel whose windows, one for each entry of y, cover x exactly."""
    counts, sizes = spatial(y), spatial(x)
    strides, pads, dilations = settings(len(sizes), stride, padding, dilation)
    reach = [
        size + before + behind - 1 - (count - 1) * s
        for size, count, s, (before, behind) in zip(sizes, counts, strides, pads, strict=False)
    ]
    apart = x.ndim != y.ndim or len(x) != len(y) or x.shape[1] % groups or y.shape[1] % groups
    if apart or any(r < 0 or r % d for r, d in zip(reach, dilations, strict=True)):
        raise ShapeError(
            f"No convolution with these options makes {y.shape} from {x.shape}: there is no weight to find. Give both "
            f"the options and the shapes of a convolution that leaves no entries over."
        )
    kernel = tuple(r // d + 1 for r, d in zip(reach, dilations, strict=True))
    return Windows(sizes, kernel, strides, pads, dilations, counts)


def _same_axes(x: Any, weight: Any, form: str) -> None:
    if weight.ndim != x.ndim:
        raise ShapeError(
            f"An input (N, C, *spatial) of shape {x.shape} takes a weight {form} of {x.ndim} axes, but its shape is "
            f"{weight.shape}. Reshape one of them."
        )


def _channels(x: Any, weight: Any, groups: int, *, transposed: bool = False) -> tuple[int, int]:
    """Give the channels in a group of weight.shape[0], and of weight.shape[1]."""
    (groups,) = whole_numbers("groups", groups, 1)
    if len(weight) % groups:
        raise ShapeError(
            f"groups={groups} does not divide the {len(weight)} channels of a weight of shape {weight.shape}. "
            f"Take a number of groups that divides them."
        )
    taken = len(weight) if transposed else weight.shape[1] * groups
    if x.shape[1] != taken:
        formula = "weight.shape[0]" if transposed else f"weight.shape[1] * groups = {weight.shape[1]} * {groups}"
        raise ShapeError(
            f"An input of shape {x.shape} has {x.shape[1]} channels, but a weight of shape {weight.shape} takes "
            f"{taken}, {formula}. Change the one or the other."
        )
    return len(weight) // groups, weight.shape[1]


# ------------------------------------------------------------------------------------------------ rows
def _exact(x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """Leave out what no window covers at the end, so that any two of the three shapes tell the third."""
    windows = _windows(x, weight, stride, padding, dilation)
    exact = tuple(
        (before, (count - 1) * s + d * (k - 1) + 1 - size - before)
        for size, k, s, (before, _), d, count in zip(*windows, strict=True)
    )
    return {"stride": windows.stride, "padding": exact, "dilation": windows.dilation, "groups": groups}


conv: Op = define(
    "conv",
    lambda g, _y, _x, weight, **options: conv_transpose(g, weight, **_exact(_x, weight, **options)),
    lambda g, _y, x, _weight, **options: conv_weight(x, g, **_exact(x, _weight, **options)),
    forward=_conv,
    doc="The convolution of (N, C, *spatial) with a weight (F, C / groups, *kernel), which is not turned around.",
    gradient="the transposed convolution of g with the weight; the correlation of x with g",
)
# With a bias, as a layer has it. Two rows, a convolution and an addition, would take a tenth longer where images are
# small, and keep the sum without the bias until backward.
conv_bias: Op = define(
    "conv_bias",
    lambda g, _y, _x, weight, _bias, **options: conv_transpose(g, weight, **_exact(_x, weight, **options)),
    lambda g, _y, x, _weight, _bias, **options: conv_weight(x, g, **_exact(x, _weight, **options)),
    lambda g, _y, _x, _weight, _bias, **options: reductions.sum(g, axis=(0, *range(2, g.ndim))),
    forward=_conv_bias,
    doc="conv, and to each channel of the result an entry of a bias (F,) added.",
    gradient="the transposed convolution of g with the weight; the correlation of x with g; Σ g of each channel",
)
conv_transpose: Op = define(
    "conv_transpose",
    lambda g, _y, _x, weight, **options: conv(g, weight, **options),
    lambda g, _y, x, _weight, **options: conv_weight(g, x, **options),
    forward=_conv_transpose,
    doc="The transposed convolution: what conv's input receives from (N, F, *windows) through a weight.",
    gradient="the convolution of g with the weight; the correlation of g with x",
)
conv_weight: Op = define(
    "conv_weight",
    lambda g, _y, _x, y, **options: conv_transpose(y, g, **options),
    lambda g, _z, x, _y, **options: conv(x, g, **options),
    forward=_conv_weight,
    doc="The correlation of conv's input (N, C, *spatial) with (N, F, *windows): what its weight receives.",
    gradient="the transposed convolution of y with g; the convolution of x with g",
)


# --------------------------------------------------------------------------------- NumPy's, of sequences
@compose(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """The sums of the products of two sequences, one of which slides backwards over the other."""
    a, v = _sequences(a, v)
    return _slide(a, v[::-1], mode) if len(a) >= len(v) else _slide(v, a[::-1], mode)


@compose(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The sums of the products of two sequences, one of which slides over the other."""
    a, v = _sequences(a, v)
    return _slide(a, v, mode) if len(a) >= len(v) else _slide(v, a, mode)[::-1]


def _sequences(a: Any, v: Any) -> tuple[Any, Any]:
    a, v = arraylike(a), arraylike(v)
    if max(a.ndim, v.ndim) > 1 or not (a.size and v.size):
        raise ShapeError(f"Sequences that are not empty are convolved, but the shapes are {a.shape} and {v.shape}.")
    return a.reshape(-1), v.reshape(-1)


def _slide(a: Any, v: Any, mode: str) -> Any:
    """Multiply v with what it covers of a, at each of its places."""
    m = len(v)
    ends = {"valid": (0, 0), "same": (m // 2, m - 1 - m // 2), "full": (m - 1, m - 1)}
    if mode not in ends:
        raise OptionError(f"Sequences are convolved with mode='full', 'same' or 'valid', not {mode!r}.")
    return conv(a.reshape(1, 1, -1), v.reshape(1, 1, -1), padding=(ends[mode],)).reshape(-1)
