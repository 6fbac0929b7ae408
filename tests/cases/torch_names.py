"""Cases of PyTorch's products of matrices, which refuse any other number of axes."""

import numpy as np

from tests.cases.case import case

CASES = [
    case("mm", "matrices", (2, 3), (3, 4), reference=np.matmul),
    case("mm", "over nothing", (2, 0), (0, 3), reference=np.matmul),
    case("bmm", "stacks of matrices", (4, 2, 3), (4, 3, 2), reference=np.matmul),
    *(
        case("flatten", form, shape, reference=lambda x, new=new: x.reshape(new), **options)
        for form, (shape, new, options) in {
            "all": ((2, 3, 4), 24, {}),
            "from the second axis": ((2, 3, 4), (2, 12), {"start_dim": 1}),
            "between": ((2, 3, 4), (6, 4), {"start_dim": -3, "end_dim": 1}),
            "0-d": ((), 1, {}),
            "empty": ((0, 3), (0,), {}),
        }.items()
    ),
    case("mv", "matrix and vector", (2, 3), (3,), reference=np.matmul),
]
