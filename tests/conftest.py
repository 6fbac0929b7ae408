"""What holds for every test: one BLAS thread, and Hypothesis that draws the same examples each time."""

import os

# Before NumPy is imported: OpenBLAS reads this once. The tests run side by side in several processes,
# and with one thread a product sums in the same order on every machine.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from hypothesis import settings

settings.register_profile("tests", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("tests")
