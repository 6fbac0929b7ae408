"""Figures, drawn with matplotlib from the records of runs; no figure computes anything of its own."""

from tinygrad_edu.visualize.figures import save_figure
from tinygrad_edu.visualize.regimes import plot_regimes

__all__ = ["plot_regimes", "save_figure"]
