"""Convolutions as layers: a row of the table, and the kernels that go with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError
from tinygrad_edu.nn import init as initializers
from tinygrad_edu.nn.module import Module, Parameter, as_data
from tinygrad_edu.random import default_rng

if TYPE_CHECKING:
    from tinygrad_edu.nn.init import Initializer
    from tinygrad_edu.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Size = int | tuple[int, ...]


class _Convolution(Module):
    """What all convolutions share: their kernels, and how these are drawn."""

    axes: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
        *,
        init: Initializer = initializers.fan_in_uniform,
        rng: np.random.Generator | None = None,
    ) -> None:
        kernel = (kernel_size,) * self.axes if isinstance(kernel_size, int) else tuple(kernel_size)
        self._check(in_channels, out_channels, groups, kernel)
        self.in_channels, self.out_channels, self.kernel_size, self.groups = in_channels, out_channels, kernel, groups
        self.stride, self.dilation = stride, dilation
        self.padding: Any = padding
        rng = rng or default_rng()
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *kernel)
        self.weight = Parameter(init(shape, rng))
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.bias = Parameter(rng.uniform(-bound, bound, out_channels).astype(np.float32)) if bias else None

    def _check(self, in_channels: int, out_channels: int, groups: int, kernel: tuple[int, ...]) -> None:
        name = type(self).__name__
        numbers = (in_channels, out_channels, groups, *kernel)
        if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in numbers):
            raise OptionError(
                f"{name} needs whole numbers of channels, groups and kernel entries, at least 1 of each, but was given "
                f"in_channels={in_channels}, out_channels={out_channels}, groups={groups}, kernel_size={kernel}."
            )
        if len(kernel) != self.axes:
            raise OptionError(f"{name} needs a kernel of {self.axes} lengths, but was given {kernel}.")
        if in_channels % groups or out_channels % groups:
            raise OptionError(
                f"{name} parts its channels into {groups} groups, but {in_channels} and {out_channels} channels do not "
                f"divide by {groups}."
            )

    def forward(self, x: Any) -> Tensor:
        """Map (N, in_channels, *lengths) to (N, out_channels, *lengths)."""
        function = (functional.conv1d, functional.conv2d, functional.conv3d)[self.axes - 1]
        return function(
            as_data(x, self.weight), self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def _label(self) -> str:
        return f"{type(self).__name__} {self.in_channels}→{self.out_channels}"

    def extra_repr(self) -> str:
        """Word the sizes, and the options that are not the usual ones."""
        usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        options = "".join(f", {k}={getattr(self, k)!r}" for k, v in usual.items() if getattr(self, k) != v)
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}{options}{bias}"


class Conv1d(_Convolution):
    """Slide kernels along sequences: (N, in_channels, L) to (N, out_channels, L').

    Parameters
    ----------
    in_channels, out_channels
        Channels before and after.
    kernel_size, stride, dilation
        One number for all axes, or one for each.
    padding
        Zeros at both ends of each axis; or "same" or "valid".
    groups
        Into how many parts the channels are divided, each convolved by itself.
    bias
        Whether a number is added to each output channel.
    init
        What draws the kernels, of shape (out_channels, in_channels / groups, *kernel_size); by default from
        U(±1/√(inputs of one output)), as PyTorch does.
    rng
        Where the numbers come from; the package's generator if None.

    Examples
    --------
    >>> import numpy as np
    >>> Conv1d(2, 4, kernel_size=3, padding=1)(np.zeros((8, 2, 10), np.float32)).shape
    (8, 4, 10)
    """

    axes = 1


class Conv2d(_Convolution):
    """Slide kernels over images: (N, in_channels, H, W) to (N, out_channels, H', W'). Parameters as in `Conv1d`.

    Examples
    --------
    >>> import numpy as np
    >>> Conv2d(1, 16, kernel_size=3, padding=1)(np.zeros((32, 1, 8, 8), np.float32)).shape
    (32, 16, 8, 8)
    """

    axes = 2


class Conv3d(_Convolution):
    """Slide kernels through volumes: (N, in_channels, D, H, W) in and out. Parameters as in `Conv1d`.

    Examples
    --------
    >>> import numpy as np
    >>> Conv3d(1, 2, kernel_size=2)(np.zeros((1, 1, 3, 3, 3), np.float32)).shape
    (1, 2, 2, 2, 2)
    """

    axes = 3


class _TransposedConvolution(_Convolution):
    """A convolution run backwards: each input entry spreads its kernel over the output."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
        dilation: Size = 1,
        *,
        init: Initializer = initializers.fan_in_uniform,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, init=init, rng=rng
        )
        self.output_padding = output_padding

    def forward(self, x: Any) -> Tensor:
        """Map (N, in_channels, *lengths) to (N, out_channels, *lengths)."""
        functions = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
        return functions[self.axes - 1](
            as_data(x, self.weight),
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_TransposedConvolution):
    """Spread kernels along sequences: `Conv1d` run backwards, (N, in_channels, L) to (N, out_channels, L').

    Parameters as in `Conv1d`; `output_padding` lengthens the output at one end, where a stride leaves it open.

    Examples
    --------
    >>> import numpy as np
    >>> ConvTranspose1d(4, 2, kernel_size=2, stride=2)(np.zeros((8, 4, 5), np.float32)).shape
    (8, 2, 10)
    """

    axes = 1


class ConvTranspose2d(_TransposedConvolution):
    """Spread kernels over images: `Conv2d` run backwards. Parameters as in `ConvTranspose1d`.

    Examples
    --------
    >>> import numpy as np
    >>> ConvTranspose2d(4, 1, kernel_size=2, stride=2)(np.zeros((1, 4, 4, 4), np.float32)).shape
    (1, 1, 8, 8)
    """

    axes = 2


class ConvTranspose3d(_TransposedConvolution):
    """Spread kernels through volumes: `Conv3d` run backwards. Parameters as in `ConvTranspose1d`.

    Examples
    --------
    >>> import numpy as np
    >>> ConvTranspose3d(2, 1, kernel_size=2)(np.zeros((1, 2, 2, 2, 2), np.float32)).shape
    (1, 1, 3, 3, 3)
    """

    axes = 3
