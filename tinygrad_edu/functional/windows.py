"""The windows of an image as columns, and back, under PyTorch's names: what convolution multiplies with its weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.functional.basic import as_tensor
from tinygrad_edu.functional.signal import over_axes
from tinygrad_edu.ops.windows import whole_numbers

if TYPE_CHECKING:
    from tinygrad_edu.functional.signal import Input, Ints
    from tinygrad_edu.tensor import Tensor

__all__ = ["fold", "unfold"]


def unfold(x: Input, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Tensor:
    """Take out all windows of an image, each as a column: a convolution is the product of the weight with them.

    Parameters
    ----------
    x
        (N, C, H, W), or (C, H, W) for one example.

    Returns
    -------
    (N, C kH kW, L), or (C kH kW, L), for L windows.

    Raises
    ------
    ShapeError
        If x has another number of axes, or no window fits.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> unfold([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], kernel_size=2)
    tensor([[1., 2.],
            [2., 3.],
            [4., 5.],
            [5., 6.]])
    """
    options = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    return over_axes("unfold", ops.unfold, 2, x, **options)


def fold(
    x: Input, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Add columns, as `unfold` gives them, back into an image; where windows overlap, entries add up.

    Parameters
    ----------
    x
        (N, C kH kW, L), or (C kH kW, L) for one example.
    output_size
        H and W of the image.

    Returns
    -------
    (N, C, H, W), or (C, H, W).

    Raises
    ------
    ShapeError
        If the columns are not those of such an image.
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> fold(unfold([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], kernel_size=2), output_size=(2, 3), kernel_size=2)
    tensor([[[ 1.,  4.,  3.],
             [ 4., 10.,  6.]]])
    """
    x = as_tensor(x)
    if x.ndim not in (2, 3):
        raise ShapeError(f"fold takes columns (N, C kH kW, L), or (C kH kW, L), but was given shape {x.shape}.")
    out: Tensor = ops.fold(
        x if x.ndim == 3 else x.reshape(1, *x.shape),
        output_size=whole_numbers("output_size", output_size, 2),
        kernel_size=kernel_size,
        dilation=dilation,
        padding=padding,
        stride=stride,
    )
    return out if x.ndim == 3 else out.reshape(out.shape[1:])
