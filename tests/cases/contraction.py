"""Cases of einsum and of what else sums products over axes."""

import numpy as np

from tests.cases.case import case, same_call

# A form, its subscripts and the shapes of its operands.
EINSUMS = {
    "matrices": ("ij,jk->ik", (2, 3), (3, 4)),
    "the result left to the letters": ("ij,jk", (2, 3), (3, 4)),
    "letters in another order, the result too": ("kj,ik", (3, 2), (4, 3)),
    "capital letters come first": ("bA,bA", (2, 3), (2, 3)),
    "matrix and vector": ("ij,j->i", (2, 3), (3,)),
    "vector and matrix, turned": ("j,ij->i", (3,), (2, 3)),
    "vectors": ("i,i->", (3,), (3,)),
    "outer product": ("i,j->ij", (2,), (3,)),
    "outer product, turned": ("i,j->ji", (2,), (3,)),
    "entry by entry": ("ij,ij->ij", (2, 3), (2, 3)),
    "entry by entry, one turned": ("ij,ji->ij", (2, 3), (3, 2)),
    "all of both": ("ij,ij->", (2, 3), (2, 3)),
    "all of both, one turned": ("ij,ji->", (2, 3), (3, 2)),
    "batch": ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    "batch at the end": ("ijb,jkb->ikb", (2, 3, 2), (3, 2, 2)),
    "batch at the end of all but the result": ("ijb,jkb->bik", (2, 3, 2), (3, 2, 2)),
    "batch of vectors": ("bi,bi->b", (3, 2), (3, 2)),
    "batch of vectors over two axes": ("bij,bji->b", (2, 3, 2), (2, 2, 3)),
    "batch of matrices and vectors": ("bij,bj->bi", (2, 2, 3), (2, 3)),
    "attention's scores": ("bhqd,bhkd->bhqk", (2, 1, 2, 3), (2, 1, 2, 3)),
    "attention's scores, heads inside": ("bqhd,bkhd->bhqk", (1, 2, 2, 3), (1, 3, 2, 3)),
    "attention's values": ("bhqk,bkhd->bqhd", (1, 2, 2, 3), (1, 3, 2, 2)),
    "two axes summed": ("abij,ijc->abc", (2, 1, 2, 3), (2, 3, 2)),
    "two axes summed in another order": ("iajb,jci->bca", (2, 1, 3, 2), (3, 2, 2)),
    "three matrices": ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
    "three vectors and a cube": ("i,j,k,ijk", (2,), (3,), (2,), (2, 3, 2)),
    "an index in three operands": ("ij,ik,il->jkl", (2, 2), (2, 3), (2, 1)),
    "one operand": ("ij->ij", (2, 3)),
    "transposed": ("ij->ji", (2, 3)),
    "transposed without an arrow": ("ba", (2, 3)),
    "a cycle of axes": ("ijk->kij", (2, 3, 1)),
    "sum of one axis": ("ij->j", (2, 3)),
    "sum of all": ("ij->", (2, 3)),
    "diagonal": ("ii->i", (3, 3)),
    "trace": ("ii", (3, 3)),
    "trace of a stack": ("bii->b", (2, 2, 2)),
    "diagonal between other axes": ("ijik->kij", (2, 3, 2, 2)),
    "diagonal of a cube": ("iii->i", (2, 2, 2)),
    "two diagonals": ("ijji->ij", (2, 3, 3, 2)),
    "two traces": ("iijj", (2, 2, 3, 3)),
    "diagonal times a vector": ("ii,i->i", (3, 3), (3,)),
    "diagonal times diagonal, summed": ("ii,ii->", (2, 2), (2, 2)),
    "summed alone in one operand": ("ij,k->k", (2, 3), (2,)),
    "summed alone in both": ("ij,kl->", (2, 2), (2, 3)),
    "numbers": (",->", (), ()),
    "number and matrix": (",ij->ji", (), (2, 3)),
    "spaces": (" i j , jk  -> i k ", (2, 3), (3, 2)),
    "dots": ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 2)),
    "dots for nothing": ("...ij,jk->...ik", (2, 3), (3, 2)),
    "dots for two axes": ("...i->...", (2, 1, 2, 2)),
    "dots broadcast": ("...ij,...jk->...ik", (2, 1, 2, 2), (3, 2, 2)),
    "dots at the end": ("i...,i...->...", (2, 3), (2, 3)),
    "dots in the middle, moved": ("i...j->j...i", (2, 3, 2)),
    "dots in the result by themselves": ("...ij,...jk", (2, 2, 2), (2, 2, 2)),
    "dots of one operand alone": ("...ij,j", (2, 2, 3), (3,)),
    "dots and diagonals": ("...ii->...i", (2, 3, 3)),
    "dots alone": ("...,...->...", (2, 3), (3,)),
    "dots summed against 1": ("i...,...->i...", (2, 1, 3), (2, 1)),
    "an axis of 1 stretched": ("ij,jk->ik", (2, 1), (3, 2)),
    "an axis of 1 stretched, then summed alone": ("i,i->", (3,), (1,)),
    "axes of 1": ("ij,jk->ik", (1, 1), (1, 1)),
    "nothing": ("ij,jk->ik", (0, 3), (3, 2)),
    "over nothing": ("ij,jk->ik", (2, 0), (0, 2)),
    "batch over nothing": ("bi,bi->b", (2, 0), (2, 0)),
    "nothing summed": ("ij->i", (2, 0)),
}
LISTS = {
    "lists": (((2, 3), (3, 2)), lambda m, x, y: m.einsum(x, [0, 1], y, [1, 2], [0, 2])),
    "lists without a result": (((2, 3), (3, 2)), lambda m, x, y: m.einsum(x, [7, 5], y, [5, 51])),
    "lists, one operand": (((2, 3),), lambda m, x: m.einsum(x, [1, 0])),
    "lists with dots": (((2, 3), (3,)), lambda m, x, y: m.einsum(x, [..., 0], y, [0], [...])),
    "a constant operand": (((2, 3),), lambda m, x: m.einsum("ij,j->i", x, np.array([1, 2, 4], np.int8))),
    "a number": (((2, 3),), lambda m, x: m.einsum("ij,->ij", x, np.float32(0.5))),
    "the same twice": (((2, 3),), lambda m, x: m.einsum("ij,kj->ik", x, x)),
    "optimize": (((2, 3), (3, 2)), lambda m, x, y: m.einsum("ij,jk", x, y, optimize=True)),
    "optimize, named": (((2, 3), (3, 2)), lambda m, x, y: m.einsum("ij,jk", x, y, optimize="greedy")),
}
CONTRACTIONS = {
    "a product of matrices": ("ij,jk->ik", (2, 3), (3, 2)),
    "an outer product": ("i,j->ij", (2,), (3,)),
    "a sum of products": ("ij,ij->", (2, 3), (2, 3)),
    "a batch": ("ibj,jbk->kib", (2, 2, 3), (3, 2, 2)),
}
AXES = {
    "two axes": ((2, 3, 2), (3, 2, 2), 2),
    "one axis": ((2, 3), (3, 2), 1),
    "no axis": ((2, 2), (3,), 0),
    "all axes": ((2, 3), (2, 3), 2),
    "numbers": ((), (), 0),
    "a pair of axes": ((2, 3), (2, 3), (0, 0)),
    "a pair from the end": ((2, 3), (2, 2, 3), (-1, -1)),
    "pairs": ((2, 3, 2), (3, 2, 2), ([1, 0], [0, 1])),
    "pairs crosswise": ((2, 3, 2), (3, 2, 2), ((0, 1), (2, 0))),
    "no pairs": ((2,), (3,), ((), ())),
    "over nothing": ((2, 0), (0, 3), 1),
}

CASES = [
    *(
        same_call("einsum", form, *shapes, f=lambda m, *xs, s=subscripts: m.einsum(s, *xs))
        for form, (subscripts, *shapes) in EINSUMS.items()
    ),
    *(same_call("einsum", form, *shapes, f=f) for form, (shapes, f) in LISTS.items()),
    *(
        case("contract", form, *shapes, subscripts=s, reference=lambda x, y, s=s: np.einsum(s, x, y))
        for form, (s, *shapes) in CONTRACTIONS.items()
    ),
    *(
        same_call("tensordot", form, a, b, f=lambda m, x, y, axes=axes: m.tensordot(x, y, axes))
        for form, (a, b, axes) in AXES.items()
    ),
    same_call("tensordot", "axes left out", (1, 2, 3), (2, 3), f=lambda m, x, y: m.tensordot(x, y)),
    case(
        "tensordot",
        "of the array API",
        (2, 3),
        (3, 2),
        numpy=lambda x, y: np.linalg.tensordot(x, y, axes=1),
        axes=1,
    ),
]
