"""Keep the memory that one operation frees for the next one.

Linux's malloc hands memory back to the system when more of it lies free than twice the largest block that was freed so
far, and each of its pages then costs a fault when it is used again: together a third of a convolutional network's step.
After one large block is freed, which nothing touched, it keeps up to 64 MiB. Elsewhere this does nothing.
"""

from __future__ import annotations

import numpy as np


def keep_freed_memory() -> None:
    """Allocate and free a block just below 32 MiB, the largest that malloc learns from."""
    np.empty(2**25 - 2**16, np.uint8)


keep_freed_memory()
