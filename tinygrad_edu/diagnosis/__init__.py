"""Looking a model over: what will go wrong in training, the numbers that show it, and the remedy."""

from tinygrad_edu.diagnosis.curvature import Curvature
from tinygrad_edu.diagnosis.diagnose import diagnose
from tinygrad_edu.diagnosis.findings import Finding
from tinygrad_edu.diagnosis.layers import Activation, Layer
from tinygrad_edu.diagnosis.noise import Noise
from tinygrad_edu.diagnosis.report import Diagnosis, Measurements
from tinygrad_edu.diagnosis.trial import Trial

__all__ = ["Activation", "Curvature", "Diagnosis", "Finding", "Layer", "Measurements", "Noise", "Trial", "diagnose"]
