"""Derivatives of functions: ``grad(f)(x)`` is the slope of f at x, ``hessian(f)(x)`` the slope of the slope.

Built on the tape's ``pull``. Nothing is stored on the arguments, so these are free of side effects, and because a
rule handed Tensors is recorded, they nest: ``grad(grad(f))`` is the second derivative. Arguments and results may be
dicts, lists, tuples and namedtuples of arrays (see ``structures``).
"""

from tinygrad_edu.autodiff.gradients import grad, value_and_grad
from tinygrad_edu.autodiff.jacobians import hessian, jacobian
from tinygrad_edu.autodiff.products import hvp, jvp, vjp

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
