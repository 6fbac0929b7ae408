"""Figures, drawn with matplotlib from the records of runs; no figure computes anything of its own."""

from tinygrad_edu.visualize.animation import animate_descent
from tinygrad_edu.visualize.boundary import plot_boundary
from tinygrad_edu.visualize.boundary_animation import animate_boundary
from tinygrad_edu.visualize.confusion import plot_confusion
from tinygrad_edu.visualize.contour import plot_contour
from tinygrad_edu.visualize.curve import plot_curve
from tinygrad_edu.visualize.descent import plot_losses, plot_trace
from tinygrad_edu.visualize.figures import save_figure
from tinygrad_edu.visualize.layers import plot_dead_units, plot_layers, plot_update_ratios
from tinygrad_edu.visualize.learning_rates import plot_learning_rates
from tinygrad_edu.visualize.moving import animate
from tinygrad_edu.visualize.network_landscape import plot_slice_1d, plot_slice_2d, plot_slice_surface
from tinygrad_edu.visualize.regimes import plot_regimes
from tinygrad_edu.visualize.sparks import sparkline
from tinygrad_edu.visualize.surface import plot_surface
from tinygrad_edu.visualize.terminal import terminal_losses, terminal_plot, terminal_trace
from tinygrad_edu.visualize.weights import plot_weights

__all__ = [
    "animate",
    "animate_boundary",
    "animate_descent",
    "plot_boundary",
    "plot_confusion",
    "plot_contour",
    "plot_curve",
    "plot_dead_units",
    "plot_layers",
    "plot_learning_rates",
    "plot_losses",
    "plot_regimes",
    "plot_slice_1d",
    "plot_slice_2d",
    "plot_slice_surface",
    "plot_surface",
    "plot_trace",
    "plot_update_ratios",
    "plot_weights",
    "save_figure",
    "sparkline",
    "terminal_losses",
    "terminal_plot",
    "terminal_trace",
]
