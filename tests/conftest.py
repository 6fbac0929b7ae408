"""What holds for every test: one BLAS thread, Ctrl-C, and the same random numbers each time."""

import os
import signal

# Before NumPy is imported: OpenBLAS reads this once. The tests run side by side in several processes,
# and with one thread a product sums in the same order on every machine.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# A process that is started in the background may be born deaf to it, and so would be those that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import settings

import tinygrad_edu as tg

settings.register_profile("tests", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _seeded():
    """Let layers that are given no generator draw the same weights in each run."""
    tg.seed(0)
