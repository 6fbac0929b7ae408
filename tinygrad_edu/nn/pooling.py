"""Pooling as layers: windows made one entry, their largest or their average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import functional
from tinygrad_edu.nn.module import Module

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]

Size = int | tuple[int, ...]


class _Pool(Module):
    """What all pooling has: windows."""

    def __init__(self, kernel_size: Size, stride: Size | None, padding: Size) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def extra_repr(self) -> str:
        """Word the window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride or self.kernel_size}, padding={self.padding}"


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def _options(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }


class MaxPool1d(_MaxPool):
    """The largest entry of each window of a sequence: (N, C, L) to (N, C, L').

    Parameters
    ----------
    kernel_size
        The length of a window.
    stride
        How far the next window is; the window's own length if None.
    padding
        How many places at both ends belong to windows, without ever being the largest.
    dilation
        How far the entries of one window are apart.
    ceil_mode
        Whether a window that is cut off by the end counts.

    Examples
    --------
    >>> MaxPool1d(2)([[[1.0, 3.0, 2.0, 0.0]]])
    tensor([[[3., 2.]]])
    """

    def forward(self, x: Any) -> Tensor:
        """Take the largest entries."""
        return functional.max_pool1d(x, self.kernel_size, **self._options())


class MaxPool2d(_MaxPool):
    """The largest entry of each window of an image: (N, C, H, W) to (N, C, H', W'). Parameters as in `MaxPool1d`.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d(2)(np.zeros((32, 16, 8, 8), np.float32)).shape
    (32, 16, 4, 4)
    """

    def forward(self, x: Any) -> Tensor:
        """Take the largest entries."""
        return functional.max_pool2d(x, self.kernel_size, **self._options())


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def _options(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "ceil_mode": self.ceil_mode,
            "count_include_pad": self.count_include_pad,
        }


class AvgPool1d(_AvgPool):
    """The average of each window of a sequence: (N, C, L) to (N, C, L').

    Parameters
    ----------
    kernel_size
        The length of a window.
    stride
        How far the next window is; the window's own length if None.
    padding
        How many zeros stand at both ends.
    ceil_mode
        Whether a window that is cut off by the end counts.
    count_include_pad
        Whether the zeros count in the average.

    Examples
    --------
    >>> AvgPool1d(2)([[[1.0, 3.0, 2.0, 0.0]]])
    tensor([[[2., 1.]]])
    """

    def forward(self, x: Any) -> Tensor:
        """Average."""
        return functional.avg_pool1d(x, self.kernel_size, **self._options())


class AvgPool2d(_AvgPool):
    """The average of each window of an image: (N, C, H, W) to (N, C, H', W'). Parameters as in `AvgPool1d`.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d(2)(np.zeros((32, 16, 8, 8), np.float32)).shape
    (32, 16, 4, 4)
    """

    def forward(self, x: Any) -> Tensor:
        """Average."""
        return functional.avg_pool2d(x, self.kernel_size, **self._options())


class _AdaptiveAvgPool(Module):
    def __init__(self, output_size: Size) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Word the size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Averages of as many windows as `output_size` says, whatever the length: (N, C, L) to (N, C, output_size).

    Examples
    --------
    >>> AdaptiveAvgPool1d(2)([[[1.0, 3.0, 2.0, 0.0]]])
    tensor([[[2., 1.]]])
    """

    def forward(self, x: Any) -> Tensor:
        """Average."""
        return functional.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Averages of as many windows as `output_size` says, whatever the image's size: (N, C, H, W) in and out.

    Examples
    --------
    >>> import numpy as np
    >>> AdaptiveAvgPool2d(1)(np.ones((32, 16, 7, 5), np.float32)).shape
    (32, 16, 1, 1)
    """

    def forward(self, x: Any) -> Tensor:
        """Average."""
        return functional.adaptive_avg_pool2d(x, self.output_size)
