"""Tensors must go as soon as nothing holds them, without the garbage collector."""

import gc
from contextlib import contextmanager

import tinygrad_edu as tg


@contextmanager
def no_cycles():
    """Fail if what happens inside leaves Tensors behind that only the garbage collector finds."""
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert [thing for thing in gc.garbage if isinstance(thing, tg.Tensor)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
