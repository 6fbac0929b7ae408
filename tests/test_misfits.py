"""An operation that cannot compute says which lengths clash, side by side; in a model it says in which layer."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, ops
from tinygrad_edu.errors import (
    ArgumentError,
    DtypeError,
    OptionError,
    ShapeError,
    SingularMatrixError,
    TinygradEduError,
)

REMEDY = "Aligned at the last axis, lengths must be equal, or one of them 1. Reshape or transpose one of the two."


def zeros(*shape):
    return tg.tensor(np.zeros(shape))


def said(error, f):
    with pytest.raises(error) as caught:
        f()
    assert isinstance(caught.value, TinygradEduError)
    return str(caught.value)


# ------------------------------------------------------------------------------------------- entry by entry
# Each: the shapes, and the lines that show them.
CLASHES = {
    "the last axis": (
        [(2, 3), (4,)],
        """
    (2, 3)
    (   4)
        ^ 3 against 4""",
    ),
    "the first axis": (
        [(2, 3), (4, 3)],
        """
    (2, 3)
    (4, 3)
     ^ 2 against 4""",
    ),
    "in the middle, beside an axis of length 1": (
        [(32, 1, 128), (10, 7, 64)],
        """
    (32, 1, 128)
    (10, 7,  64)
              ^ 128 against 64""",
    ),
    "the middle axis": (
        [(5, 2, 3), (5, 4, 3)],
        """
    (5, 2, 3)
    (5, 4, 3)
        ^ 2 against 4""",
    ),
    "lengths of several digits": (
        [(10, 3), (100, 1, 4)],
        """
    (     10, 3)
    (100,  1, 4)
              ^ 3 against 4""",
    ),
    "the wider below": (
        [(7, 3), (1000,)],
        """
    (7,    3)
    (   1000)
           ^ 3 against 1000""",
    ),
    "one axis each": (
        [(2,), (3,)],
        """
    (2)
    (3)
     ^ 2 against 3""",
    ),
    "no entries": (
        [(2, 0), (3,)],
        """
    (2, 0)
    (   3)
        ^ 0 against 3""",
    ),
    "two axes clash, and the last is marked": (
        [(2, 3), (3, 2)],
        """
    (2, 3)
    (3, 2)
        ^ 3 against 2""",
    ),
    "many axes": (
        [(8, 1, 6, 1), (7, 5, 5)],
        """
    (8, 1, 6, 1)
    (   7, 5, 5)
           ^ 6 against 5""",
    ),
    "a transposed matrix": (
        [(128, 64), (64, 128)],
        """
    (128,  64)
    ( 64, 128)
            ^ 64 against 128""",
    ),
}
TWO = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "maximum": np.maximum,
    "less": lambda x, y: x < y,
    "arctan2": np.arctan2,
}


@pytest.mark.parametrize(("shapes", "lines"), CLASHES.values(), ids=CLASHES)
def test_the_shapes_stand_below_each_other_and_the_clash_is_marked(shapes, lines):
    text = said(ShapeError, lambda: zeros(*shapes[0]) + zeros(*shapes[1]))
    assert text == f"add of shapes {shapes[0]} and {shapes[1]} is not possible, for their axes differ:{lines}\n{REMEDY}"


@pytest.mark.parametrize(("name", "f"), TWO.items(), ids=TWO)
def test_every_operation_on_entries_says_so(name, f):
    for x, y in ((zeros(2, 3), zeros(4)), (zeros(2, 3), np.zeros(4)), (np.zeros((2, 3)), zeros(4))):
        text = said(ShapeError, lambda x=x, y=y: f(x, y))
        assert text == (
            f"{name} of shapes (2, 3) and (4,) is not possible, for their axes differ:"
            f"\n    (2, 3)\n    (   4)\n        ^ 3 against 4\n{REMEDY}"
        )


THREE = {
    "two of three": (
        [(2, 3), (4,), (3,)],
        """
    (2, 3)
    (   4)
    (   3)
        ^ 3 against 4""",
    ),
    "all three": (
        [(2,), (3,), (4,)],
        """
    (2)
    (3)
    (4)
     ^ 2 against 3 against 4""",
    ),
    "with a number": (
        [(2, 3), (4,), ()],
        """
    (2, 3)
    (   4)
    (    )
        ^ 3 against 4""",
    ),
    "with a longer one": (
        [(2,), (3,), (5, 1, 1)],
        """
    (      2)
    (      3)
    (5, 1, 1)
           ^ 2 against 3""",
    ),
}


@pytest.mark.parametrize(("shapes", "lines"), THREE.values(), ids=THREE)
def test_three_shapes_stand_below_each_other(shapes, lines):
    condition, x, y = (np.zeros(shape) for shape in shapes)
    text = said(ShapeError, lambda: np.where(condition > 0, tg.tensor(x), tg.tensor(y)))
    named = " and ".join(map(str, shapes))
    assert text == f"where of shapes {named} is not possible, for their axes differ:{lines}\n{REMEDY}"


def test_a_function_that_is_no_ufunc_says_so_too():
    pairs = tg.custom_op(lambda x, y: x * 2 + y, None, None, name="pairs")
    text = said(ShapeError, lambda: pairs(np.zeros((2, 3)), np.zeros(4)))
    assert text.startswith("pairs of shapes (2, 3) and (4,) is not possible, for their axes differ:\n    (2, 3)\n    (")


def test_the_mark_stands_below_the_end_of_the_longest_length():
    for shapes, _ in CLASHES.values():
        *rows, mark = said(ShapeError, lambda s=shapes: zeros(*s[0]) + zeros(*s[1])).split("\n")[1:-1]
        at = mark.index("^")
        ends = {row[at + 1] for row in rows if row[at].isdigit()}
        assert ends <= {",", ")"}
        assert any(row[at].isdigit() for row in rows)
        assert len({len(row) for row in rows}) == 1


def test_where_a_value_and_not_a_shape_is_wrong_it_is_no_matter_of_shapes():
    text = said(OptionError, lambda: tg.tensor([2]) ** -1)
    assert text == "constant_power is not possible: Integers to negative integer powers are not allowed."
    text = said(OptionError, lambda: tg.tensor([2, 3]) ** tg.tensor([-1, 1]))
    assert text == "power is not possible: Integers to negative integer powers are not allowed."


# ----------------------------------------------------------------------------------------------- products
LAST = "and the last axis of the first must be as long as the last but one of the second."
ONLY = "and the last axis of the first must be as long as the only one of the second."
FITS = " The second one transposed would fit."
# Each: the two shapes, and what is said of them.
PRODUCTS = {
    "matrices": ((2, 3), (4, 5), f"the first has rows of 3 entries, the second columns of 4 entries, {LAST}"),
    "matrices, one to transpose": (
        (2, 3), (2, 3), f"the first has rows of 3 entries, the second columns of 2 entries, {LAST}{FITS}"
    ),
    "matrix by vector": ((2, 3), (4,), f"the first has rows of 3 entries, the second a vector of 4 entries, {ONLY}"),
    "vector and matrix": (
        (3,), (4, 5), f"the first has a vector of 3 entries, the second columns of 4 entries, {LAST}"
    ),
    "vector and matrix, one to transpose": (
        (5,), (4, 5), f"the first has a vector of 5 entries, the second columns of 4 entries, {LAST}{FITS}"
    ),
    "vectors": ((3,), (4,), f"the first has a vector of 3 entries, the second a vector of 4 entries, {ONLY}"),
    "stacks": ((7, 2, 3), (7, 4, 5), f"the first has rows of 3 entries, the second columns of 4 entries, {LAST}"),
    "stacks of different heights": ((3, 2, 4), (2, 4, 5), "the leading axes (3,) and (2,) do not broadcast."),
    "stacks of stacks": ((6, 3, 2, 4), (5, 3, 4, 5), "the leading axes (6, 3) and (5, 3) do not broadcast."),
    "a number on the left": ((), (3,), "a single number has no axis to sum over. Multiply by it with *."),
    "a number on the right": ((2, 3), (), "a single number has no axis to sum over. Multiply by it with *."),
    "no entries": ((2, 0), (3, 2), f"the first has rows of 0 entries, the second columns of 3 entries, {LAST}"),
}  # fmt: skip


@pytest.mark.parametrize(("x", "y", "words"), PRODUCTS.values(), ids=PRODUCTS)
def test_a_product_names_the_two_lengths_that_differ(x, y, words):
    text = said(ShapeError, lambda: zeros(*x) @ zeros(*y))
    assert text == f"matmul of shapes {x} and {y} is not possible: {words}"


@pytest.mark.parametrize("name", [n for n, (x, y, _) in PRODUCTS.items() if x and y and max(len(x), len(y)) <= 2])
def test_dot_of_matrices_and_vectors_says_the_same(name):
    x, y, words = PRODUCTS[name]
    text = said(ShapeError, lambda: np.dot(zeros(*x), zeros(*y)))
    assert text == f"dot of shapes {x} and {y} is not possible: {words}"


LINEAR = {
    "features": ((2, 3), (5, 4), (5,), "x has 3 features in its last axis, and the weight (outputs, inputs) takes 4."),
    "a weight to transpose": (
        (2, 3), (3, 5), (3,),
        "x has 3 features in its last axis, and the weight (outputs, inputs) takes 5. The weight transposed would fit.",
    ),
    "a bias": ((2, 3), (5, 3), (4,), "the weight (outputs, inputs) gives 5 outputs, but the bias has shape (4,)."),
    "one example": ((3,), (5, 4), (5,), "x has 3 features in its last axis, and the weight (outputs, inputs) takes 4."),
    "a number": ((), (5, 4), (5,), "a single number has no features."),
}  # fmt: skip


@pytest.mark.parametrize(("x", "weight", "bias", "words"), LINEAR.values(), ids=LINEAR)
def test_a_layer_names_the_two_lengths_that_differ(x, weight, bias, words):
    text = said(ShapeError, lambda: functional.linear(zeros(*x), zeros(*weight), zeros(*bias)))
    assert text == f"linear of shapes {x} and {weight} and {bias} is not possible: {words}"


# ------------------------------------------------------------------------------------------- everything else
OTHERS = {
    "reshape": (lambda: zeros(2, 3).reshape(4), "cannot reshape array of size 6 into shape (4,)."),
    "sum": (lambda: zeros(2, 3).sum(axis=2), "axis 2 is out of bounds for array of dimension 2."),
    "getitem": (lambda: zeros(2, 3)[2], "index 2 is out of bounds for axis 0 with size 2."),
    "transpose": (lambda: zeros(2, 3).transpose(0, 0), "repeated axis in transpose."),
}


@pytest.mark.parametrize(("name", "f", "words"), [(n, *row) for n, row in OTHERS.items()], ids=OTHERS)
def test_numpys_words_are_kept_as_a_sentence_after_the_shapes(name, f, words):
    assert said(ShapeError, f) == f"{name} of shapes (2, 3) is not possible: {words}"


def test_a_sentence_ends_with_one_full_stop():
    for clash in (lambda: np.concatenate([zeros(2, 3), zeros(2, 4)]), lambda: np.broadcast_to(zeros(3), (2, 4))):
        text = said(ShapeError, clash)
        assert text.endswith(".")
        assert not text.endswith((" .", ".."))


LINALG = {
    "singular": (np.linalg.inv, np.zeros((2, 2)), SingularMatrixError, "Singular matrix"),
    "not positive definite": (np.linalg.cholesky, -np.eye(2), SingularMatrixError, "not positive definite"),
    "not square": (np.linalg.inv, np.zeros((2, 3)), ShapeError, "square"),
    "no matrix": (np.linalg.det, np.zeros(3), ShapeError, "dimension"),
}


@pytest.mark.parametrize(("f", "matrix", "error", "words"), LINALG.values(), ids=LINALG)
def test_a_matrix_that_cannot_be_factored_is_no_matter_of_shapes(f, matrix, error, words):
    # The same of an operation of one's own and of a row.
    own = tg.custom_op(f, None, name="own")
    text = said(error, lambda: own(matrix))
    assert text.startswith(f"own of shapes {matrix.shape} is not possible: ")
    assert words in text
    assert f"{matrix.shape}" in said(error, lambda: f(tg.tensor(matrix)))


TYPES = {
    "subtract": (lambda: tg.tensor([True]) - tg.tensor([True]), "subtract of bool and bool is not possible: "),
    "negative": (lambda: -tg.tensor([True]), "negative of bool is not possible: "),
    "bitwise_and": (lambda: tg.tensor([1.0]) & tg.tensor([2]), "bitwise_and of float32 and int64 is not possible: "),
    "invert": (lambda: ~tg.tensor([1.0]), "invert of float32 is not possible: "),
    "a number": (lambda: tg.tensor([1.0]) & 1, "bitwise_and of float32 and int64 is not possible: "),
}


@pytest.mark.parametrize(("f", "begin"), TYPES.values(), ids=TYPES)
def test_a_type_that_an_operation_does_not_compute_with_is_named(f, begin):
    text = said(DtypeError, f)
    assert text.startswith(begin)
    assert text.endswith(".")
    assert not text.endswith("..")


def test_an_option_that_is_not_there_is_a_matter_of_the_call():
    text = said(ArgumentError, lambda: ops.relu(tg.tensor([1.0]), slope=2))
    assert text.startswith("relu cannot be called like this: ")
    assert "unexpected keyword argument 'slope'" in text


def test_the_errors_of_numpy_are_kept_as_the_cause():
    with pytest.raises(ShapeError) as caught:
        zeros(2) + zeros(3)
    assert type(caught.value.__cause__) is ValueError


# ---------------------------------------------------------------------------------------------- in which layer
def layered():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(5, 2))


class Scaled(nn.Module):
    """Adds a vector of 4."""

    def forward(self, x):
        return x + np.zeros(4, np.float32)


class Net(nn.Module):
    """Holds modules in every way there is, and uses one of them."""

    def __init__(self, use):
        self.use = use
        self.encoder = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
        self.heads = [nn.Linear(6, 3), nn.Linear(5, 2)]
        self.parts = {"tail": nn.Linear(7, 2)}
        self.scaled = Scaled()

    def forward(self, x):
        return self.use(self, self.encoder(x))


LINEAR_52 = "Linear(5, 2) takes 5 features in the last axis, but was given shape (3, 6)."
X = np.zeros((3, 4), np.float32)
# Each: what is called, and how the message begins.
LAYERS = {
    "a layer alone": (lambda: nn.Linear(5, 2)(np.zeros((3, 6))), f"In model (Linear 5→2): {LINEAR_52}"),
    "a layer of a model": (lambda: layered()(X), f"In model.2 (Linear 5→2): {LINEAR_52}"),
    "nested": (lambda: nn.Sequential(nn.ReLU(), layered())(X), f"In model.1.2 (Linear 5→2): {LINEAR_52}"),
    "nested twice": (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 4), layered()))(X), f"In model.0.1.2 (Linear 5→2): {LINEAR_52}"
    ),
    "in a list": (lambda: Net(lambda net, h: net.heads[1](h))(X), f"In model.heads.1 (Linear 5→2): {LINEAR_52}"),
    "in a dictionary": (
        lambda: Net(lambda net, h: net.parts["tail"](h))(X), "In model.parts.tail (Linear 7→2): Linear(7, 2) takes 7"
    ),
    "a module of one's own": (
        lambda: Net(lambda net, h: net.scaled(h))(X), "In model.scaled (Scaled): add of shapes (3, 6) and (4,) is not"
    ),
    "between the layers": (
        lambda: Net(lambda _, h: h + np.zeros(7))(X), "In model (Net): add of shapes (3, 6) and (7,) is not possible"
    ),
    "the first layer": (lambda: layered()(np.zeros((3, 9))), "In model.0 (Linear 4→6): Linear(4, 6) takes 4 features"),
    "no features": (lambda: nn.Linear(5, 2)(1.0), "In model (Linear 5→2): Linear(5, 2) takes 5 features"),
}  # fmt: skip


@pytest.mark.parametrize(("f", "begin"), LAYERS.values(), ids=LAYERS)
def test_the_layer_is_named_with_its_path(f, begin):
    assert said(ShapeError, f).startswith(begin)


def test_a_renamed_layer_is_found_under_its_new_name():
    model = layered()
    vars(model)["last"] = vars(model).pop("2")
    assert said(ShapeError, lambda: model(X)).startswith("In model.last (Linear 5→2): ")
    outer = nn.Sequential()
    outer.first = model
    assert said(ShapeError, lambda: outer(X)).startswith("In model.first.last (Linear 5→2): ")


def test_a_layer_that_is_there_twice_is_named_by_its_first_place():
    layer = nn.Linear(4, 4)
    grow = nn.Linear(4, 6)
    model = nn.Sequential(layer, nn.ReLU(), grow, layer)
    assert said(ShapeError, lambda: model(X)).startswith("In model.0 (Linear 4→4): Linear(4, 4) takes 4")


def test_a_module_that_is_not_held_has_no_path():
    hidden = nn.Linear(5, 2)

    class Borrows(nn.Module):
        def forward(self, x):
            return hidden(x)

    assert said(ShapeError, lambda: Borrows()(np.zeros((3, 6)))).startswith(f"In model (Linear 5→2): {LINEAR_52}")


def test_the_innermost_module_is_the_culprit_and_the_kind_of_error_stays():
    model = nn.Sequential(nn.ReLU(), layered())
    with pytest.raises(ShapeError) as caught:
        model(X)
    assert caught.value.culprit is model[1][2]
    assert isinstance(caught.value, ValueError)


def test_a_loop_that_catches_the_error_gets_a_fresh_message_each_time():
    model = layered()
    texts = {said(ShapeError, lambda: model(X)) for _ in range(3)}
    assert len(texts) == 1


def test_other_errors_pass_as_they_are():
    class Stops(nn.Module):
        def forward(self, _):
            raise KeyError("from the layer")

    with pytest.raises(KeyError) as caught:
        nn.Sequential(Stops())(X)
    assert caught.value.args == ("from the layer",)


def test_a_dtype_error_is_laid_to_its_layer_too():
    class Inverts(nn.Module):
        def forward(self, x):
            return ~x

    text = said(DtypeError, lambda: nn.Sequential(nn.ReLU(), Inverts())(X))
    assert text.startswith("In model.1 (Inverts): invert of float32 is not possible: ")
