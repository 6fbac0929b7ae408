"""The compiler: a training step, recorded once, simplified, laid out in memory, and written as source that can be read.

``capture`` records the rows of the table that a step runs; ``lowering`` takes them apart into calls of NumPy;
``passes`` and ``together`` make fewer of them; ``memory`` decides where each result lies; ``numpy_source`` writes it
down; ``step`` runs it, and compares it with the step itself before it is trusted.
"""

from tinygrad_edu.compiler.step import CompiledStep, compile  # noqa: A004 - the framework's word for it

__all__ = ["CompiledStep", "compile"]
