"""Explanations of gradients: every step of a computation and of its backward pass, with the numbers put in.

``tg.explain(loss)`` explains any computation, ``model.explain(x, y)`` one example's way through a small network.
"""

from tinygrad_edu.explanations.explaining import explain
from tinygrad_edu.explanations.explanation import Explanation
from tinygrad_edu.explanations.step import ExplanationStep, StepKind
from tinygrad_edu.explanations.view import View

__all__ = ["Explanation", "ExplanationStep", "StepKind", "View", "explain"]
