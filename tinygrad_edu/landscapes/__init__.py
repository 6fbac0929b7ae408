"""The loss landscape of a network: slices of it, the path of a descent on them, and what happens in the layers.

A network has as many directions as weights, and a picture shows one or two of them. What is computed here are such
slices, as records that figures draw; each says how little of the landscape it is.
"""

from tinygrad_edu.landscapes.boundaries import Boundary, boundary
from tinygrad_edu.landscapes.layer_records import Dead, Histograms, LayerHistory, Updates
from tinygrad_edu.landscapes.layers import layer_history
from tinygrad_edu.landscapes.paths import Path
from tinygrad_edu.landscapes.planes import Line, Plane
from tinygrad_edu.landscapes.slice import Slice
from tinygrad_edu.landscapes.slices import slice_1d, slice_2d
from tinygrad_edu.landscapes.vectors import flat_weights, random_direction

__all__ = [
    "Boundary",
    "Dead",
    "Histograms",
    "LayerHistory",
    "Line",
    "Path",
    "Plane",
    "Slice",
    "Updates",
    "boundary",
    "flat_weights",
    "layer_history",
    "random_direction",
    "slice_1d",
    "slice_2d",
]
