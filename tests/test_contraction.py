"""einsum reads every notation that NumPy reads, multiplies in an order that saves work, and refuses the rest."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.subscripts import planned, spelled_out

LETTERS = "acBd"


# ------------------------------------------------------------------------------------ any notation at all
@st.composite
def einsums(draw):
    """Draw subscripts, and operands whose entries are small whole numbers: their sums of products are exact."""
    sizes = {c: draw(st.integers(1, 3)) for c in LETTERS}
    dots = draw(st.lists(st.integers(1, 3), max_size=2))
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from(LETTERS), max_size=4))
        stretched = draw(st.sets(st.sampled_from(LETTERS), max_size=1))
        shape = [1 if c in stretched else sizes[c] for c in letters]
        if draw(st.booleans()):
            covered = [draw(st.sampled_from([1, n])) for n in dots[draw(st.integers(0, len(dots))) :]]
            at = draw(st.integers(0, len(letters)))
            letters[at:at], shape[at:at] = ["..."], covered
        terms.append("".join(letters))
        shapes.append(tuple(shape))
    text = ",".join(terms)
    if draw(st.booleans()):
        used = sorted({c for c in text if c in LETTERS})
        output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
        if "..." in text:
            output.insert(draw(st.integers(0, len(output))), "...")
        text += "->" + "".join(output)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return text, [rng.integers(-3, 4, shape).astype(np.float64) for shape in shapes]


@given(einsums())
def test_any_einsum_is_numpys_and_its_gradients_are_exact(drawn):
    text, arrays = drawn
    xs = [tg.tensor(a, requires_grad=True) for a in arrays]
    out = np.einsum(text, *xs)
    expected = np.einsum(text, *arrays)
    np.testing.assert_array_equal(out.numpy(), expected)
    # The result is linear in each operand alone: the gradient foretells any change of it, to the last digit.
    rng = np.random.default_rng(0)
    weights = rng.integers(-9, 10, out.shape).astype(np.float64)
    (out * weights).sum().backward()
    for i, (x, array) in enumerate(zip(xs, arrays, strict=True)):
        change = rng.integers(-99, 100, array.shape).astype(np.float64)
        changed = np.einsum(text, *arrays[:i], array + change, *arrays[i + 1 :])
        assert np.sum(x.grad.numpy() * change) == np.sum((changed - expected) * weights)


# --------------------------------------------------------------------------------------------- notation
SPELLED = {
    "ij,jk": ((2, 2), (("ij", "jk"), "ik")),
    "ba": ((2,), (("ba",), "ab")),
    "bA": ((2,), (("bA",), "Ab")),
    "ii": ((2,), (("ii",), "")),
    "...i,i...->...": ((2, 1), (("Ai", "i"), "A")),
    "...i,...": ((3, 1), (("ABi", "B"), "ABi")),
    "A...,B": ((2, 1), (("AC", "B"), "CAB")),
    "->": ((0,), (("",), "")),
}


@pytest.mark.parametrize(("text", "ndims", "spelled"), [(k, *v) for k, v in SPELLED.items()], ids=SPELLED)
def test_subscripts_are_spelled_out(text, ndims, spelled):
    assert spelled_out(text, ndims) == spelled


X, Y = np.ones((2, 3)), np.ones((4, 3))
UNREADABLE = {
    "too few operands": (lambda x, _y: ("ij,jk", x), "2 operands, but 1 were given"),
    "too many operands": (lambda x, y: ("ij", x, y), "1 operands, but 2 were given"),
    "a digit": (lambda x, _y: ("i1", x), "'1' is no letter"),
    "two dots": (lambda x, _y: ("i..j", x), r"'\.' is no letter"),
    "dots twice": (lambda x, _y: ("...i...", x), r"'\.' is no letter"),
    "two arrows": (lambda x, _y: ("ij->i->j", x), "'-' is no letter"),
    "an index twice in the result": (lambda x, _y: ("ij->ii", x), "'i' occurs twice"),
    "an index from nowhere": (lambda x, _y: ("ij->k", x), "'k' of the result occurs in no operand"),
    "no dots in the result": (lambda x, _y: ("...j->j", x), "no '...'"),
    "a negative number": (lambda x, _y: (x, [0, -1]), "from 0 to 51"),
    "a large number": (lambda x, _y: (x, [0, 52]), "from 0 to 51"),
    "no number": (lambda x, _y: (x, ["i", "j"]), "from 0 to 51"),
    "an array instead of a list": (lambda x, y: (x, y, [0, 1]), "from 0 to 51"),
}
MISFITS = {
    "lengths": (lambda x, y: ("ij,jk", x, y), r"\(2, 3\) and \(4, 3\).*'j' has lengths 3 and 4"),
    "lengths of a diagonal": (lambda x, _y: ("ii", x), "'i' has lengths 2 and 3"),
    "too few letters": (lambda x, _y: ("i", x), "names 1 axes of operand 0, but it has 2"),
    "too many letters": (lambda x, _y: ("ijk", x), "names 3 axes of operand 0, but it has 2"),
    "too many letters beside dots": (lambda x, _y: ("...ijk", x), "names 3 axes"),
}


@pytest.mark.parametrize(
    ("arguments", "message", "error"),
    [(*v, OptionError) for v in UNREADABLE.values()] + [(*v, ShapeError) for v in MISFITS.values()],
    ids=[*UNREADABLE, *MISFITS],
)
def test_what_cannot_be_read_or_does_not_fit_is_refused_as_by_numpy(arguments, message, error):
    with pytest.raises(error, match=message):
        np.einsum(*arguments(tg.tensor(X), tg.tensor(Y)))
    with pytest.raises((ValueError, TypeError)):
        np.einsum(*arguments(X, Y))


def test_a_diagonal_is_not_stretched():
    for f in (lambda x: np.einsum("ii", x), lambda x: np.einsum("ii,i->i", x, np.ones(3))):
        for shape in ((1, 3), (3, 1)):
            with pytest.raises(ShapeError, match="index 'i'"):
                f(tg.tensor(np.ones(shape)))


def test_einsum_can_be_called_as_pytorchs_too():
    x = [[1.0, 2.0], [3.0, 4.0]]
    assert functional.einsum("ij,jk->ik", x, x).tolist() == [[7, 10], [15, 22]]
    assert functional.einsum(x, [0, 1], x, [1, 2], [0, 2]).tolist() == [[7, 10], [15, 22]]
    assert functional.einsum("ij,->ij", tg.tensor(x), 0.5).dtype == np.float32


def test_integers_and_masks_are_added_up_as_by_numpy():
    for array in (np.full(300, 7, np.int8), np.array([True, True]), np.arange(3)):
        for text, n in (("i->", 1), ("i,i->", 2), ("i,i->i", 2)):
            out, expected = np.einsum(text, *[tg.tensor(array)] * n).numpy(), np.einsum(text, *[array] * n)
            assert out.dtype == expected.dtype
            np.testing.assert_array_equal(out, expected)


# --------------------------------------------------------------------------------------- order and work
def test_a_chain_is_multiplied_from_its_narrow_end():
    left = planned("ij,jk,kl->il", ((2, 30), (30, 30), (30, 30)))
    right = planned("ij,jk,kl->il", ((30, 30), (30, 30), (30, 2)))
    assert left.products == ((0, 1, "ij,jk->ik"), (0, 1, "kl,ik->il"))
    assert right.products == ((1, 2, "jk,kl->jl"), (0, 1, "ij,jl->il"))


def test_an_outer_product_is_put_off_until_it_is_needed():
    plan = planned("i,j,ij->", ((9,), (9,), (9, 9)))
    assert all("->ij" not in product for _, _, product in plan.products)


def test_a_plain_product_is_one_entry_of_the_tape():
    x, y = (tg.tensor(np.ones((2, 2)), requires_grad=True) for _ in range(2))
    for text in ("ij,jk", "ij,kj->ki", "...ij,...jk"):
        out = np.einsum(text, x, y)
        assert out.op is ops.contract
        assert all(a is b for a, b in zip(out.inputs, (x, y), strict=True))


def test_a_plan_is_made_once_for_each_shape():
    x = np.ones((3, 4))
    ops.einsum("ij,kj->ik", x, x)
    before = planned.cache_info()
    ops.einsum("ij,kj->ik", x, x)
    assert planned.cache_info().hits == before.hits + 1
    assert planned.cache_info().misses == before.misses


def test_a_contraction_that_loses_an_index_is_refused():
    x = tg.tensor(np.ones((2, 2)))
    for text in ("ij,kl->ik", "ii,ij->j", "ij,jk->ikl"):
        with pytest.raises(ShapeError, match="in two of its three parts"):
            ops.contract(x, x, subscripts=text)
    with pytest.raises(ShapeError, match="not equally long"):
        ops.contract(x, tg.tensor(np.ones((3, 2))), subscripts="ij,jk->ik")
    with pytest.raises(ShapeError, match="names 3 and 2 axes"):
        ops.contract(x, x, subscripts="ijk,jk->i")


@pytest.mark.parametrize("text", ["ij,jk->ik", "bij,bjk->bik", "ii,i->i", "ijk,kj->"])
def test_third_derivatives_are_right(text):
    rng = np.random.default_rng(0)
    inputs, _, _ = text.partition("->")
    xs = [rng.standard_normal((2,) * len(term)) for term in inputs.split(",")]
    assert tg.gradcheck(lambda *xs: np.einsum(text, *xs) ** 3, *xs, order=3)


# ------------------------------------------------------------------------------------- products over axes
def test_tensordot_of_axes_that_do_not_pair_is_refused():
    x, y = tg.tensor(np.ones((2, 3))), tg.tensor(np.ones((3, 1)))
    for axes, message in {
        2: r"shapes \(2, 3\) and \(3, 1\)",  # NumPy's functions of arrays would not stretch the 1 either
        3: "sum over 3 of them",
        -1: "sum over -1 of them",
        ((0, 1), (0,)): "as many axes",
        (0, 1, 2): "as many axes",
        ((0, 0), (0, 1)): "once",
        ((2,), (0,)): "Axis 2",
    }.items():
        with pytest.raises(ShapeError, match=message):
            np.tensordot(x, y, axes)


OTHERS = {
    "matvec": (ops.matvec, (2, 3), (1,)),
    "vecmat": (ops.vecmat, (1,), (3, 2)),
    "vecdot": (ops.vecdot, (2, 3), (2, 1)),
    "vecdot of a number": (ops.vecdot, (), (3,)),
    "cross": (ops.cross, (4,), (4,)),
    "multi_dot": (lambda x, y: ops.multi_dot([x, y, y]), (2, 2, 2), (2, 2)),
    "multi_dot of one": (lambda x, _y: ops.multi_dot([x]), (2, 2), (2, 2)),
    "dot": (ops.dot, (2, 3), (2, 3)),
    "dot of stacks": (ops.dot, (2, 3), (2, 2, 3)),
    "diag": (lambda x, _y: ops.diag(x), (2, 2, 2), ()),
    "tril": (lambda x, _y: ops.tril(x), (), ()),
}


@pytest.mark.parametrize(("f", "a", "b"), OTHERS.values(), ids=OTHERS)
def test_shapes_that_do_not_fit_are_refused(f, a, b):
    with pytest.raises((ShapeError, OptionError)):
        f(tg.tensor(np.ones(a)), tg.tensor(np.ones(b)))


def test_numbers_beside_a_float32_tensor_leave_it_float32():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for f in (np.dot, np.inner, np.outer, np.kron, lambda a, b: np.einsum("...,...->...", a, b)):
        for number in (0.5, 2, np.float64(0.5), np.int64(2), np.float32(0.5), [2.0, 1.0]):
            assert f(x, number).dtype == np.float32
            assert f(number, x).dtype == np.float32


def test_the_cheapest_order_of_a_chain_is_found():
    lengths = (30, 35, 15, 5, 10, 20, 25)  # a textbook's example: 15125 products of numbers
    arrays = [np.ones(pair) for pair in itertools.pairwise(lengths)]
    done = []

    class Counted(np.ndarray):
        def dot(self, other):
            done.append(math.prod((*self.shape, other.shape[1])))
            return np.ndarray.dot(self, other).view(Counted)

    ops.multi_dot([a.view(Counted) for a in arrays])
    assert sum(done) == 15125
