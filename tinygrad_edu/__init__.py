"""tinygrad_edu: a small deep-learning framework on NumPy, to learn gradient descent from and to keep using.

``import tinygrad_edu as tg`` loads NumPy and the Tensor; every other part loads when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# At once, and not on first use: `tensor` is also the name of the module that it lives in, and whatever imports that
# first would put it in the function's place.
from tinygrad_edu.random import default_rng, seed
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor, tensor

if TYPE_CHECKING:
    from tinygrad_edu import (
        checkpoint,
        data,
        functional,
        landscapes,
        learn,
        lessons,
        losses,
        metrics,
        nn,
        ops,
        optim,
        structures,
        traces,
        training,
        visualize,
    )
    from tinygrad_edu.autodiff import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from tinygrad_edu.checking import gradcheck
    from tinygrad_edu.custom import custom_op
    from tinygrad_edu.debugging import debug, detect_anomaly
    from tinygrad_edu.diagnosis.diagnose import diagnose
    from tinygrad_edu.explanations import explain
    from tinygrad_edu.functional import (
        arange,
        at,
        eye,
        full,
        full_like,
        linspace,
        one_hot,
        ones,
        ones_like,
        rand,
        randn,
        zeros,
        zeros_like,
    )
    from tinygrad_edu.learn.minimize import minimize
    from tinygrad_edu.reasons import why
    from tinygrad_edu.training.fit import fit

__version__ = "0.1.0"

# Where the other public names live.
_HOME = {
    **dict.fromkeys(("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"), "autodiff"),
    "compile": "compiler",
    "gradcheck": "checking",
    "custom_op": "custom",
    "debug": "debugging",
    "detect_anomaly": "debugging",
    "diagnose": "diagnosis",
    "explain": "explanations",
    "fit": "training",
    "minimize": "learn",
    "why": "reasons",
    **dict.fromkeys(("arange", "at", "eye", "full", "full_like", "linspace", "one_hot", "ones"), "functional"),
    **dict.fromkeys(("ones_like", "rand", "randn", "zeros", "zeros_like"), "functional"),
}
_MODULES = (
    "checkpoint",
    "compiler",
    "data",
    "functional",
    "landscapes",
    "learn",
    "lessons",
    "losses",
    "metrics",
    "nn",
    "ops",
    "optim",
    "structures",
    "traces",
    "training",
    "visualize",
)

__all__ = [
    "Tensor",
    "arange",
    "at",
    "checkpoint",
    "custom_op",
    "data",
    "debug",
    "default_rng",
    "detect_anomaly",
    "diagnose",
    "explain",
    "eye",
    "fit",
    "full",
    "full_like",
    "functional",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "landscapes",
    "learn",
    "lessons",
    "linspace",
    "losses",
    "metrics",
    "minimize",
    "nn",
    "no_grad",
    "one_hot",
    "ones",
    "ones_like",
    "ops",
    "optim",
    "rand",
    "randn",
    "seed",
    "structures",
    "tensor",
    "traces",
    "training",
    "value_and_grad",
    "visualize",
    "vjp",
    "why",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"tinygrad_edu.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"tinygrad_edu.{name}")
    elif not name.startswith("_") and hasattr(functional := importlib.import_module(f"{__name__}.functional"), name):
        value = getattr(functional, name)  # tg.exp, tg.einsum, tg.cat: what is a function of Tensors, as in PyTorch
    else:
        raise AttributeError(f"module 'tinygrad_edu' has no attribute {name!r}")
    globals()[name] = value  # found once, it is there from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
