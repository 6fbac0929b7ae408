"""Pooling, under PyTorch's names and with its arguments: the largest entry or the average of each window.

Inputs are ``(N, C, *spatial)``, or ``(C, *spatial)`` for one example; Tensors, arrays or lists. An option is one whole
number, or a tuple of one for each spatial axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import ops
from tinygrad_edu.functional.signal import over_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

    Input = Tensor | ArrayLike
    Ints = int | Sequence[int]
    Sizes = int | Sequence[int | None] | None

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]


# --------------------------------------------------------------------------------------- the largest
def max_pool1d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> Tensor:
    """Take the largest entry of each window along one spatial axis: `max_pool2d` of sequences.

    Examples
    --------
    >>> max_pool1d([[1.0, 3.0, 2.0, 5.0]], 2)
    tensor([[3., 5.]])
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": ceil_mode,
    }
    return over_axes("max_pool1d", ops.max_pool, 1, x, **options)


def max_pool2d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> Tensor:
    """Take the largest entry of each window over two spatial axes.

    Where entries tie, the first of them takes the gradient.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.
    kernel_size
        The size of a window.
    stride
        From one window to the next; None: they stand side by side.
    padding
        On both sides, at most half of a window. It is never the largest, as if it were -inf.
    dilation
        From one entry of the window to the next.
    ceil_mode
        Whether a last window may hang over the end.

    Returns
    -------
    (N, C, H', W'), or (C, H', W'), with H' = (H + 2 padding - dilation (kH - 1) - 1) / stride + 1, rounded down, or up
    in `ceil_mode`; but no window begins in the padding at the end.

    Raises
    ------
    ShapeError
        If x has another number of axes, or no window fits.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> max_pool2d([[[1.0, 2.0, 5.0], [4.0, 3.0, 6.0]]], 2, stride=1)
    tensor([[[4., 6.]]])
    >>> max_pool2d([[[1.0, 2.0, 5.0], [4.0, 3.0, 6.0]]], 2, ceil_mode=True)
    tensor([[[4., 6.]]])
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": ceil_mode,
    }
    return over_axes("max_pool2d", ops.max_pool, 2, x, **options)


def max_pool3d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> Tensor:
    """Take the largest entry of each window over three spatial axes: `max_pool2d` of volumes.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool3d(np.ones((2, 3, 4, 6, 6)), (1, 2, 2)).shape
    (2, 3, 4, 3, 3)
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": ceil_mode,
    }
    return over_axes("max_pool3d", ops.max_pool, 3, x, **options)


# --------------------------------------------------------------------------------------- the average
def avg_pool1d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    count_include_pad: bool = True,  # noqa: FBT001, FBT002
) -> Tensor:
    """Average each window along one spatial axis: `avg_pool2d` of sequences.

    Examples
    --------
    >>> avg_pool1d([[1.0, 3.0, 2.0, 6.0]], 2)
    tensor([[2., 4.]])
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
    }
    return over_axes("avg_pool1d", ops.avg_pool, 1, x, **options)


def avg_pool2d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    count_include_pad: bool = True,  # noqa: FBT001, FBT002
    divisor_override: int | None = None,
) -> Tensor:
    """Average each window over two spatial axes.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.
    kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`.
    count_include_pad
        Whether padding counts as zeros; what hangs over the end in `ceil_mode` never counts.
    divisor_override
        What to divide the sums by, instead of the number of entries.

    Returns
    -------
    (N, C, H', W'), or (C, H', W'), as for `max_pool2d`.

    Raises
    ------
    ShapeError
        If x has another number of axes, or no window fits.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> avg_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 2)
    tensor([[[3.]]])
    >>> avg_pool2d([[[4.0]]], 2, stride=1, padding=1, count_include_pad=False)
    tensor([[[4., 4.],
             [4., 4.]]])
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
        "divisor_override": divisor_override,
    }
    return over_axes("avg_pool2d", ops.avg_pool, 2, x, **options)


def avg_pool3d(
    x: Input,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    count_include_pad: bool = True,  # noqa: FBT001, FBT002
    divisor_override: int | None = None,
) -> Tensor:
    """Average each window over three spatial axes: `avg_pool2d` of volumes.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool3d(np.ones((2, 3, 4, 6, 6)), (1, 2, 2)).shape
    (2, 3, 4, 3, 3)
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
        "divisor_override": divisor_override,
    }
    return over_axes("avg_pool3d", ops.avg_pool, 3, x, **options)


# --------------------------------------------------------------------------- as many as asked for
def adaptive_avg_pool1d(x: Input, output_size: Sizes) -> Tensor:
    """Average `output_size` windows over one spatial axis: `adaptive_avg_pool2d` of sequences.

    Examples
    --------
    >>> adaptive_avg_pool1d([[1.0, 3.0, 2.0, 4.0]], 2)
    tensor([[2., 3.]])
    """
    return over_axes("adaptive_avg_pool1d", ops.adaptive_avg_pool, 1, x, output_size=output_size)


def adaptive_avg_pool2d(x: Input, output_size: Sizes) -> Tensor:
    """Average as many windows as asked for, which together cover the input: any size becomes the same.

    Window i of n over m entries runs from i m / n, rounded down, to (i + 1) m / n, rounded up.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.
    output_size
        How many windows along each axis; one number for both; None for as many as there are entries.

    Returns
    -------
    (N, C, *output_size), or (C, *output_size).

    Raises
    ------
    ShapeError
        If x has another number of axes.
    OptionError
        If `output_size` is no such number, or x is empty.

    Examples
    --------
    >>> adaptive_avg_pool2d([[[1.0, 3.0, 5.0], [1.0, 3.0, 5.0]]], (1, 2))
    tensor([[[2., 4.]]])
    """
    return over_axes("adaptive_avg_pool2d", ops.adaptive_avg_pool, 2, x, output_size=output_size)


def adaptive_avg_pool3d(x: Input, output_size: Sizes) -> Tensor:
    """Average as many windows as asked for, over three spatial axes: `adaptive_avg_pool2d` of volumes.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_avg_pool3d(np.ones((2, 3, 5, 6, 7)), (None, 3, 3)).shape
    (2, 3, 5, 3, 3)
    """
    return over_axes("adaptive_avg_pool3d", ops.adaptive_avg_pool, 3, x, output_size=output_size)


def adaptive_max_pool1d(x: Input, output_size: Sizes) -> Tensor:
    """Take the largest entries of `output_size` windows over one spatial axis: `adaptive_max_pool2d` of sequences.

    Examples
    --------
    >>> adaptive_max_pool1d([[1.0, 3.0, 2.0]], 2)
    tensor([[3., 3.]])
    """
    return over_axes("adaptive_max_pool1d", ops.adaptive_max_pool, 1, x, output_size=output_size)


def adaptive_max_pool2d(x: Input, output_size: Sizes) -> Tensor:
    """Take the largest entries of as many windows as asked for; these lie as `adaptive_avg_pool2d` says.

    Examples
    --------
    >>> adaptive_max_pool2d([[[1.0, 2.0, 5.0], [4.0, 3.0, 6.0]]], (1, 2))
    tensor([[[4., 6.]]])
    """
    return over_axes("adaptive_max_pool2d", ops.adaptive_max_pool, 2, x, output_size=output_size)


def adaptive_max_pool3d(x: Input, output_size: Sizes) -> Tensor:
    """Take the largest entries of as many windows as asked for, over three spatial axes.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_max_pool3d(np.ones((2, 3, 5, 6, 7)), 1).shape
    (2, 3, 1, 1, 1)
    """
    return over_axes("adaptive_max_pool3d", ops.adaptive_max_pool, 3, x, output_size=output_size)
