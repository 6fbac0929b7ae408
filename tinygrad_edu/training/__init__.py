"""Training: the loop, its record, and what can be hooked into it."""

from tinygrad_edu.training.callbacks import Callback, EarlyStopping
from tinygrad_edu.training.evaluation import evaluate, switched
from tinygrad_edu.training.fit import fit, gradient_norm
from tinygrad_edu.training.history import Epoch, History, Recorder, StopReason
from tinygrad_edu.training.tracing import Tracing

__all__ = [
    "Callback",
    "EarlyStopping",
    "Epoch",
    "History",
    "Recorder",
    "StopReason",
    "Tracing",
    "evaluate",
    "fit",
    "gradient_norm",
    "switched",
]
