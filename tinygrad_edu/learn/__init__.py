"""Gradient descent to look at: minimise a formula and keep every step.

``minimize`` follows the slope of a formula or function downhill and gives a ``Trace`` of its ``Step``s.
"""

from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.learn.minimize import minimize
from tinygrad_edu.learn.trace import Step, StopReason, Trace

__all__ = ["Formula", "Step", "StopReason", "Trace", "formula", "minimize"]
