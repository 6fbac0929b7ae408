"""What the values of a program are called."""

from __future__ import annotations

import functools

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


@functools.lru_cache(maxsize=1024)
def name_of(operation: str, layer: str) -> str:
    """Name the result of a row after it, and after the number of the layer that it is in.

    Examples
    --------
    >>> name_of("exp", ""), name_of("exp", "encoder.2 (Linear 64→128)")
    ('exp', 'exp_2')
    """
    number = layer.split(" ", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1] if " (" in layer else ""
    return f"{operation}_{number}" if number.isdigit() else operation
