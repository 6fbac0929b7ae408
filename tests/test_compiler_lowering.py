"""Every row comes apart into single calls of NumPy that give the same bits; those that do not are listed, with why."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, WITHOUT_GRADIENT
from tests.compiling import bits, floats
from tinygrad_edu import ops
from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Part, Parts, assemble, followed, settled
from tinygrad_edu.compiler.lowering import lower
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.tape import Watcher, in_force, mode

DECIDES = "decides on values how it computes"
MATRICES = "a routine of LAPACK, which takes no memory for its result"
PLACES = "a position or an answer, through which no gradient flows"
SORTS = "sorts, or picks by places that are known when it runs"
RARE = "seldom in a training step"
# These are called as they are, and allocate.
OPAQUE = {
    "add_along_axis": SORTS,
    "allclose": PLACES,
    "argmax": PLACES,
    "argmin": PLACES,
    "argsort": SORTS,
    "array_equal": PLACES,
    "cholesky": MATRICES,
    "cofactors": MATRICES,
    "count_nonzero": PLACES,
    "cross_product": RARE,
    "det": MATRICES,
    "diagonal": RARE,
    "eigenvectors": MATRICES,
    "eigvalsh": MATRICES,
    "inv": MATRICES,
    "isclose": PLACES,
    "linear_recurrence": DECIDES,
    "logabsdet": MATRICES,
    "nan_to_num": RARE,
    "p_norm": DECIDES,
    "pinv": MATRICES,
    "qr_factors": MATRICES,
    "round": RARE,
    "signdet": MATRICES,
    "sinc": RARE,
    "sinc_derivative": RARE,
    "singular_vectors": MATRICES,
    "solve": MATRICES,
    "svdvals": MATRICES,
    "take_along_axis": SORTS,
}
# In some forms only: what is rolled along several axes.
SOMETIMES = {"roll"}


class Rows(Watcher):
    """Notes which rows run on what, and what they give."""

    def __init__(self):
        self.rows = []

    def made(self, node, op, inputs, arrays):
        self.rows.append((op, list(arrays), dict(node.options), node.array))


def rows_of(case):
    """Run a case and its gradients, and list the rows that run."""
    watcher, before = Rows(), mode.watchers
    in_force.append(watcher)
    mode.watchers = (*before, watcher)
    try:
        out = case.call(*(tg.tensor(a, requires_grad=True) for a in case.draw()))
        for part in out if isinstance(out, (list, tuple)) else [out]:
            if isinstance(part, tg.Tensor) and part.requires_grad:
                (part * 1.5).sum().backward(create_graph=True, retain_graph=True)
    finally:
        mode.watchers = before
        in_force.remove(watcher)
    return [row for row in watcher.rows if "rng" not in row[2]]


def as_values(x, kind):
    if isinstance(x, np.ndarray):
        return Value("x", kind, x)
    return tuple(as_values(part, kind) for part in x) if type(x) is tuple else x


def plain(x, known):
    """Give the arrays of values."""
    if isinstance(x, Value):
        return known.get(x, x.array)
    return tuple(plain(part, known) for part in x) if type(x) is tuple else x


def lowered(op, arrays, options, out):
    inputs = tuple(as_values(x, "state") for x in arrays)
    options = {name: as_values(x, "constant") for name, x in options.items()}
    value = Value("y", "computed", out)
    return lower(Program([Instruction(op, inputs, value, options)], (), value))


def run(program):
    """Run the instructions one after the other; None if a row is called as it is."""
    known = {}
    for i in program.instructions:
        if i.op.kind == "opaque":
            return None
        options = {name: plain(x, known) for name, x in i.options.items()}
        known[i.out] = np.asarray(i.op.run(*(plain(x, known) for x in i.inputs), **options))
    return plain(program.result, known)


NAMES = sorted({case.op for case in [*CASES, *WITHOUT_GRADIENT]})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_row_comes_apart_into_calls_that_give_the_same_bits(name):
    for case in (case for case in [*CASES, *WITHOUT_GRADIENT] if case.op == name):
        with np.errstate(all="ignore"):
            for op, arrays, options, out in rows_of(case):
                expected = out.copy()
                got = run(lowered(op, arrays, options, out))
                if got is None:
                    assert op.name in {*OPAQUE, *SOMETIMES}, f"{op.name} of {case} is called as it is"
                else:
                    assert op.name not in OPAQUE, f"{op.name} of {case} comes apart by now"
                    assert bits(got) == bits(expected), f"{op.name} of {case}: other bits"


def test_the_list_of_rows_that_are_called_as_they_are_names_rows():
    assert {*OPAQUE, *SOMETIMES} <= {*ops.TABLE}


# ------------------------------------------------------------------------------------- part by part
def steps(*index):
    return (("[]", index),)


def test_room_that_is_covered_is_not_filled_first():
    parts = [Part(steps(slice(2)), "", (0,)), Part(steps(slice(2, 4)), "", (1,))]
    assert settled(parts, 2, 0.0, (4,), 10**6) == parts


def test_only_what_is_left_is_filled():
    inside = Part(steps(slice(1, 4), slice(1, 4)), "", (0,))
    parts = settled([inside], 1, 0.0, (5, 4), 10**6)
    boxes = [part.path for part in parts if part.how == "fill"]
    assert parts[-1] == inside
    filled = np.zeros((5, 4), int)
    for path in boxes:
        followed(path, filled)[...] += 1
    followed(inside.path, filled)[...] += 1
    assert (filled == 1).all()


def test_what_is_added_to_the_beginning_reads_its_number():
    parts = settled(
        [Part(steps(slice(None)), "add", (OWN, 0)), Part(steps(slice(1)), "add", (OWN, 1))], 2, 0.0, (4,), 100
    )
    assert [part.operands for part in parts] == [(2, 0), (OWN, 1)]


def test_what_is_added_to_parts_that_overlap_is_filled_first():
    parts = [Part(steps(slice(0, 2)), "add", (OWN, 0)), Part(steps(slice(1, 3)), "add", (OWN, 1))]
    whole = settled(parts, 2, 0.0, (3,), 100)
    assert whole == [Part((), "fill", (2,)), *parts]
    options = {"shape": (3,), "dtype": np.float32, "order": (0,), "parts": Parts.of(whole)}
    got = assemble(floats(2), floats(2, seed=1), np.float32(0), **options)
    expected = np.zeros(3, np.float32)
    expected[:2] += floats(2)
    expected[1:] += floats(2, seed=1)
    assert bits(got) == bits(expected)


def test_the_larger_of_minus_infinity_and_x_is_x():
    (part,) = settled([Part(steps(slice(None)), "maximum", (OWN, 0))], 1, -np.inf, (4,), 100)
    assert part == Part(steps(slice(None)), "", (0,))


def test_parts_are_the_same_if_they_say_the_same():
    one, other, third = (Parts.of([Part(steps(slice(k)), "", (0,))]) for k in (1, 1, 2))
    assert one == other != third
    assert hash(one) == hash(other)
    assert repr(one) == "1 parts"


# ------------------------------------------------------------------------------ picking by checked numbers
def picking(check, labels, n_classes):
    """Lower a pick by labels after a check of them."""
    x = Value("x", "state", floats(4, n_classes))
    y, rows = Value("y", "input", labels), Value("rows", "constant", np.arange(4))
    out = Value("out", "computed", x.array[np.arange(4), labels])
    first = [Instruction(p.CHECK, (y, *check[1:]), None, {"refuse": check[0]})] if check else []
    program = Program([*first, Instruction(ops.getitem, (x,), out, {"index": (rows, y)})], (y,), out)
    return [i.op.name for i in lower(program).instructions]


@pytest.mark.parametrize(
    ("check", "fast"),
    [
        (None, False),
        ((tg.functional.likelihoods.refuse_no_class, 3, "nll_loss"), True),
        ((tg.functional.likelihoods.refuse_no_class, 3, "nll_loss", None), True),
        ((tg.functional.likelihoods.refuse_no_class, 3, "nll_loss", -100), False),
        ((tg.functional.likelihoods.refuse_no_class, 9, "nll_loss"), False),
    ],
    ids=["unchecked", "checked", "none to ignore", "some to ignore", "of more classes"],
)
def test_only_numbers_that_are_in_range_are_picked_without_a_check(check, fast):
    names = picking(check, np.array([0, 2, 1, 1]), 3)
    assert ("take" in names) is fast
    assert ("getitem" in names) is not fast
