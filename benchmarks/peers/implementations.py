"""Who competes: the module that makes each one, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Implementation:
    """One way to train.

    Parameters
    ----------
    module, variant
        ``benchmarks.peers.MODULE.make(workload, VARIANT)`` makes it; without the variant where there is one only.
    slow
        It is timed in a few rounds only, and on one thread.
    losses
        How many first losses are compared.
    """

    module: str
    variant: str = ""
    slow: bool = False
    losses: int = 20


IMPLEMENTATIONS = {
    "ours eager": Implementation("ours", "eager"),
    "ours NumPy": Implementation("ours", "numpy"),
    "ours NumPy, epoch": Implementation("ours", "numpy epoch"),
    "ours Numba, by batch": Implementation("ours", "numba"),
    "ours Numba": Implementation("ours", "numba epoch"),
    "PyTorch eager": Implementation("with_pytorch", "eager"),
    "torch.compile": Implementation("with_pytorch", "compile"),
    "JAX jit": Implementation("with_jax", "step"),
    "JAX lax.scan": Implementation("with_jax", "scan"),
    "scikit-learn": Implementation("with_sklearn"),
    "tinygrad": Implementation("with_tinygrad", slow=True, losses=5),
    "autograd": Implementation("with_autograd", slow=True),
    "MyGrad": Implementation("with_mygrad", slow=True),
    "micrograd": Implementation("with_micrograd", slow=True, losses=3),
}
