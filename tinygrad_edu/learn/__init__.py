"""Gradient descent to look at, on formulas and on data.

``minimize`` follows the slope of a formula or function downhill and keeps every step. ``compare`` trains the same
network by batch, stochastic and mini-batch gradient descent, beside scikit-learn's models.
"""

from tinygrad_edu.learn.behaviour import Behaviour, Manner, behaviour
from tinygrad_edu.learn.compare import Comparison, Contestant, Result, compare, contestants
from tinygrad_edu.learn.experiment import Experiment
from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.learn.formula_experiment import FormulaExperiment
from tinygrad_edu.learn.minimize import minimize
from tinygrad_edu.learn.predictor import Predictor
from tinygrad_edu.learn.preparation import REGIMES, Prepared, Regime, Settings, prepare
from tinygrad_edu.learn.recipe import OptimizerRecipe
from tinygrad_edu.learn.training_experiment import TrainingExperiment
from tinygrad_edu.traces import Step, StopReason, Trace

__all__ = [
    "REGIMES",
    "Behaviour",
    "Comparison",
    "Contestant",
    "Experiment",
    "Formula",
    "FormulaExperiment",
    "Manner",
    "OptimizerRecipe",
    "Predictor",
    "Prepared",
    "Regime",
    "Result",
    "Settings",
    "Step",
    "StopReason",
    "Trace",
    "TrainingExperiment",
    "behaviour",
    "compare",
    "contestants",
    "formula",
    "minimize",
    "prepare",
]
