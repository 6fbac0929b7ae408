"""Cases of PyTorch's products of matrices, which refuse any other number of axes."""

import numpy as np

from tests.cases.case import case

CASES = [
    case("mm", "matrices", (2, 3), (3, 4), reference=np.matmul),
    case("mm", "over nothing", (2, 0), (0, 3), reference=np.matmul),
    case("bmm", "stacks of matrices", (4, 2, 3), (4, 3, 2), reference=np.matmul),
    case("mv", "matrix and vector", (2, 3), (3,), reference=np.matmul),
]
