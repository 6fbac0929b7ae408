"""The parts of Numba and LLVM that machine code is made with; a missing one says how it is installed.

Importing this costs most of a second, so nothing does that is not itself loaded when machine code is asked for.
"""

from __future__ import annotations

from tinygrad_edu.errors import optional_import

__all__ = ["binding", "cgutils", "extending", "ir", "numba", "options", "target", "types"]

_PURPOSE = "Compiling to machine code"
numba = optional_import("numba", extra="jit", purpose=_PURPOSE)
extending = optional_import("numba.extending", extra="jit", purpose=_PURPOSE)
cgutils = optional_import("numba.core.cgutils", extra="jit", purpose=_PURPOSE)
options = optional_import("numba.core.options", extra="jit", purpose=_PURPOSE)
target = optional_import("numba.core.cpu", extra="jit", purpose=_PURPOSE)
ir = optional_import("llvmlite.ir", extra="jit", purpose=_PURPOSE)
binding = optional_import("llvmlite.binding", extra="jit", purpose=_PURPOSE)
optional_import("scipy.linalg.cython_blas", extra="jit", purpose=_PURPOSE)  # whose BLAS is called
types = numba.types
