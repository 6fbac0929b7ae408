"""From rows to single calls of NumPy: each row's forward is run on symbols, which note what it calls.

``rows`` goes through a program; ``symbols`` stand for arrays; ``functions`` are NumPy's functions on them; ``tracer``
collects the instructions.
"""

from tinygrad_edu.compiler.lowering.rows import lower, shadow

__all__ = ["lower", "shadow"]
