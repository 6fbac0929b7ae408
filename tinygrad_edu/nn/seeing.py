"""Looking into a model: its graph, and one example's way through it and back."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_edu.explanations import Explanation
    from tinygrad_edu.graphs import Graph

__all__ = ["Seeing"]


class Seeing:
    """What a Module can show of itself."""

    def graph(
        self,
        *inputs: Any,
        y: Any = None,
        loss: Any = None,
        collapse: bool | int = False,
        values: bool = True,
        gradients: bool = True,
        limit: int = 200,
    ) -> Graph:
        """Show what the model computes as a graph, with its layers as boxes; in Jupyter it draws itself.

        Running statistics, random generators and ``grad`` stay as they are. ``save("model.svg")`` writes a file.

        Parameters
        ----------
        inputs
            What the model takes.
        y, loss
            A target, to see the loss and the gradients too; by default `CrossEntropyLoss` for whole numbers, `MSELoss`
            for others.
        collapse
            Draw each layer as one box (True, or 1), or the modules at a depth.
        values, gradients
            Whether each box shows what it holds, and the gradient of the loss with respect to it.
        limit
            With more boxes than this it is drawn as a summary.

        Raises
        ------
        OptionError
            If the model does not return one Tensor, a loss is given without y, or the depth is none.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_edu import nn
        >>> graph = nn.Sequential(nn.Linear(2, 3), nn.Tanh()).graph(np.ones((1, 2), np.float32))
        >>> [group.label for group in graph.groups]
        ['0 (Linear 2→3)', '1 (Tanh)']
        """
        # This layer of the package knows nothing of drawing and explaining, which are built on it.
        drawing = importlib.import_module("tinygrad_edu.graphs.drawing")
        graph: Graph = drawing.graph_of_model(
            self, inputs, y, loss, collapse=collapse, values=values, gradients=gradients, limit=limit
        )
        return graph

    def explain(self, x: Any, y: Any, *, loss: Any = None, digits: int = 6) -> Explanation:
        """Go through one example line by line: each unit and the loss, then the chain rule back to each weight.

        Running statistics, random generators and ``grad`` stay as they are. Of a network with more than 200
        parameters the steps are shown layer by layer, with arrays in short.

        Parameters
        ----------
        x, y
            One example and its target: a whole number is a class, others are what to predict.
        loss
            By default `CrossEntropyLoss` for a class, else `MSELoss`.
        digits
            How many significant digits numbers are shown with.

        Raises
        ------
        OptionError
            If there is more than one example.

        Examples
        --------
        >>> from tinygrad_edu import nn
        >>> model = nn.Linear(1, 1)
        >>> model.load_state_dict({"weight": [[2.0]], "bias": [1.0]})
        >>> explanation = model.explain([3.0], [5.0])
        >>> print(explanation[4], explanation[-2], explanation[-1], sep=chr(10))
        z = w·x + b = 2·3 + 1 = 7
        dL/dw = δ·x = 4·3 = 12
        dL/db = δ = 4
        """
        network = importlib.import_module("tinygrad_edu.explanations.network")
        explanation: Explanation = network.explain_model(self, x, y, loss=loss, digits=digits)
        return explanation
