"""Convolution, under PyTorch's names and with its arguments.

Inputs are ``(N, C, *spatial)``, or ``(C, *spatial)`` for one example; Tensors, arrays or lists. An option is one whole
number, or a tuple of one for each spatial axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor
from tinygrad_edu.ops.windows import whole_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

    Input = Tensor | ArrayLike
    Ints = int | Sequence[int]

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


def over_axes(name: str, op: Callable[..., Any], n: int, x: Input, *inputs: Any, **options: Any) -> Tensor:
    """Compute an operation on (N, C, *spatial), for one example without N too.

    Raises
    ------
    ShapeError
        If x has not n spatial axes.
    """
    x = as_tensor(x)
    if x.ndim not in (n + 1, n + 2):
        axes = ", ".join("DHW"[-n:]) if n > 1 else "L"
        raise ShapeError(
            f"{name} takes (N, C, {axes}), or (C, {axes}) for one example, but was given shape {x.shape}. "
            f"Reshape it to {n + 2} or {n + 1} axes."
        )
    out: Tensor = op(x if x.ndim == n + 2 else x.reshape(1, *x.shape), *inputs, **options)
    return out if x.ndim == n + 2 else out.reshape(out.shape[1:])


# ---------------------------------------------------------------------------------------- convolution
def _conv(
    n: int, x: Input, weight: Input, bias: Input | None, stride: Ints, padding: Any, dilation: Ints, groups: int
) -> Tensor:
    weight = as_tensor(weight)
    strides, dilations = whole_numbers("stride", stride, n), whole_numbers("dilation", dilation, n)
    if isinstance(padding, str):
        padding = _named_padding(padding, weight.shape[2:], strides, dilations)
    options = {"stride": strides, "padding": padding, "dilation": dilations, "groups": groups}
    if bias is None:
        return over_axes(f"conv{n}d", ops.conv, n, x, weight, **options)
    return over_axes(f"conv{n}d", ops.conv_bias, n, x, weight, as_tensor(bias), **options)


def _named_padding(padding: str, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]) -> Any:
    if padding == "valid":
        return 0
    if padding != "same":
        raise OptionError(f"padding is 'same', 'valid', or whole numbers, but was given as {padding!r}.")
    if any(s != 1 for s in strides):
        raise OptionError(
            f"padding='same' keeps the size of the input, which a stride of {strides} does not. "
            f"Give padding as a number."
        )
    ends = [d * (k - 1) for k, d in zip(kernel, dilations, strict=False)]
    return tuple((end // 2, end - end // 2) for end in ends)


def _conv_transpose(
    n: int,
    x: Input,
    weight: Input,
    bias: Input | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Tensor:
    strides, dilations = whole_numbers("stride", stride, n), whole_numbers("dilation", dilation, n)
    extra = whole_numbers("output_padding", output_padding, n, least=0)
    if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
        raise OptionError(
            f"output_padding must be less than the stride or the dilation, but is {extra} for the stride {strides} and "
            f"the dilation {dilations}. It chooses between the sizes that a strided convolution makes one."
        )
    pads = tuple((p, p - e) for p, e in zip(whole_numbers("padding", padding, n, least=0), extra, strict=True))
    options = {"stride": strides, "padding": pads, "dilation": dilations, "groups": groups}
    y = over_axes(f"conv_transpose{n}d", ops.conv_transpose, n, x, as_tensor(weight), **options)
    if 0 in y.shape[-n:]:
        raise ShapeError(f"Padding of {padding} cuts all off: a result of shape {y.shape} is left. Take less of it.")
    if bias is None:
        return y
    bias, channels = as_tensor(bias), y.shape[-n - 1]
    if bias.shape != (channels,):
        raise ShapeError(f"The result has {channels} channels, so bias is of shape ({channels},), not {bias.shape}.")
    return y + bias.reshape(channels, *(1,) * n)


def conv1d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Slide a weight over one spatial axis: `conv2d` of sequences.

    Examples
    --------
    >>> conv1d([[1.0, 2.0, 4.0, 8.0]], [[[-1.0, 1.0]]])
    tensor([[1., 2., 4.]])
    """
    return _conv(1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Slide a weight over two spatial axes: each entry of the result is its sum of products with a window of x.

    The weight is not turned around, so mathematics would call it a correlation.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.
    weight
        (F, C / groups, kH, kW).
    bias
        (F,), added to each channel of the result; or None.
    stride
        From one window to the next.
    padding
        Zeros on both sides; or ``"same"``, as many as keep the size (with one more at the end where their number is
        odd; needs a stride of 1); or ``"valid"``, none.
    dilation
        From one entry of the window to the next.
    groups
        Into how many groups the channels of x and of the result are divided; each sees its own alone.

    Returns
    -------
    (N, F, H', W'), or (F, H', W'), with H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1.

    Raises
    ------
    ShapeError
        If the number of axes or channels does not fit, or the weight is larger than x with its padding.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> x = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]
    >>> conv2d(x, [[[[1.0, 0.0], [0.0, -1.0]]]], bias=[10.0])
    tensor([[[6., 6.],
             [6., 6.]]])
    >>> conv2d(x, [[[[1.0, 1.0, 1.0]] * 3]], padding="same").shape
    (1, 3, 3)
    """
    return _conv(2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Slide a weight over three spatial axes: `conv2d` of volumes.

    Examples
    --------
    >>> import numpy as np
    >>> conv3d(np.ones((2, 3, 5, 8, 8)), np.ones((4, 3, 2, 3, 3)), stride=(1, 2, 2)).shape
    (2, 4, 4, 3, 3)
    """
    return _conv(3, x, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Spread each entry over a window of the result, along one spatial axis: `conv_transpose2d` of sequences.

    Examples
    --------
    >>> conv_transpose1d([[1.0, 2.0, 3.0]], [[[1.0, 10.0]]], stride=2)
    tensor([[ 1., 10.,  2., 20.,  3., 30.]])
    """
    return _conv_transpose(1, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Spread each entry, times the weight, over a window of the result: what `conv2d` does to gradients.

    With the same options it goes back from the shape of a convolution's result to that of its input.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.
    weight
        (C, F / groups, kH, kW).
    bias
        (F,), or None.
    stride, dilation, groups
        Those of the convolution.
    padding
        What is cut off on both sides of the result.
    output_padding
        What is added to its end: which of the sizes that the convolution makes H it is.

    Returns
    -------
    (N, F, H', W'), or (F, H', W'), with H' = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1.

    Raises
    ------
    ShapeError
        If the number of axes or channels does not fit, or nothing is left.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> conv_transpose2d([[[1.0, 2.0]]], [[[[1.0, 1.0], [1.0, 1.0]]]])
    tensor([[[1., 3., 2.],
             [1., 3., 2.]]])
    """
    return _conv_transpose(2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Input,
    weight: Input,
    bias: Input | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Spread each entry over a window of the result, along three spatial axes: `conv_transpose2d` of volumes.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose3d(np.ones((2, 3, 4, 4, 4)), np.ones((3, 5, 2, 2, 2)), stride=2).shape
    (2, 5, 8, 8, 8)
    """
    return _conv_transpose(3, x, weight, bias, stride, padding, output_padding, groups, dilation)
