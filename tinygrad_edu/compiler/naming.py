"""What the values of a program are called."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Origin
    from tinygrad_edu.ops import Op

__all__ = ["identifier", "name_of"]


@functools.cache
def identifier(name: str) -> str:
    """Make a Python name of a path: ``0.weight`` becomes ``weight_0``.

    Examples
    --------
    >>> identifier("0.weight"), identifier("encoder.2.bias"), identifier("momentum.0.weight")
    ('weight_0', 'encoder_bias_2', 'momentum_weight_0')
    """
    parts = ["".join(c if c.isalnum() else "_" for c in part) for part in name.split(".")]
    words = [part for part in parts if not part.isdigit()]
    return "_".join([*words, *(part for part in parts if part.isdigit())]) or "x"


def name_of(op: Op, origin: Origin) -> str:
    """Name the result of a row after it, and after the number of the layer that it is in."""
    number = origin.layer.split(" ")[0].split(".")[-1] if " (" in origin.layer else ""
    return f"{op.name}_{number}" if number.isdigit() else op.name
