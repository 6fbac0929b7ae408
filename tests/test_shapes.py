"""Rearranging, joining, splitting and padding: what shares memory is known, and what cannot be done is said."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, WITHOUT_GRADIENT
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import ArgumentError, DtypeError, GraphError, OptionError, ShapeError


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


def write(tensor):
    with tg.no_grad():
        tensor[...] = 9.0


# ----------------------------------------------------------------------------------- views and copies
VIEWS = {
    "flip": np.flip, "flipud": np.flipud, "fliplr": np.fliplr, "rot90": np.rot90, "ravel": np.ravel,
    "rot90, not turned": lambda x: np.rot90(x, 0), "rot90, twice": lambda x: np.rot90(x, 2),
    "rot90, back": lambda x: np.rot90(x, 3), "atleast_1d": np.atleast_1d, "atleast_3d": np.atleast_3d,
    "swapaxes": lambda x: np.swapaxes(x, 0, 1), "moveaxis": lambda x: np.moveaxis(x, 0, 1), "transpose": np.transpose,
    "permute_dims": lambda x: functional.permute_dims(x, (1, 0)), "reshape": lambda x: np.reshape(x, 4),
    "expand_dims": lambda x: np.expand_dims(x, 1), "squeeze": np.squeeze,
    "split": lambda x: np.split(x, 2)[0], "array_split": lambda x: np.array_split(x, 3)[1],
    "vsplit": lambda x: np.vsplit(x, [1])[1], "hsplit": lambda x: np.hsplit(x, 2)[1],
    "unstack": lambda x: functional.unstack(x, axis=1)[1],
    "a sparse meshgrid": lambda x: np.meshgrid(np.ravel(x), np.ones(2), sparse=True)[0],
    "a view of a view": lambda x: np.flip(np.moveaxis(np.ravel(x).reshape(2, 2), 0, 1)),
}  # fmt: skip
COPIES = {
    "roll": lambda x: np.roll(x, 1), "repeat": lambda x: np.repeat(x, 2), "repeat once": lambda x: np.repeat(x, 1),
    "tile": lambda x: np.tile(x, 2), "tile once": lambda x: np.tile(x, 1), "pad": lambda x: np.pad(x, 1),
    "pad with nothing": lambda x: np.pad(x, 0), "pad at the edge": lambda x: np.pad(x, 1, mode="edge"),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2)), "broadcast_arrays": lambda x: np.broadcast_arrays(x, 1.0)[0],
    "concatenate one": lambda x: np.concatenate([x]), "stack": lambda x: np.stack([x]),
    "take": lambda x: np.take(x, [0, 1], axis=0),
    "meshgrid": lambda x: np.meshgrid(np.ravel(x), np.ones(2))[0], "append": lambda x: np.append(x, 1.0),
    "reshape, copied": lambda x: ops.reshape(x, shape=4, copy=True),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_writing_through_a_view_is_noticed(view):
    x = parameter([[1.0, 2.0], [3.0, 4.0]])
    out = x * x
    write(view(x))
    with pytest.raises(GraphError, match="changed in place"):
        out.sum().backward()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_writing_under_a_view_is_noticed(view):
    x = parameter([[1.0, 2.0], [3.0, 4.0]])
    seen = view(x)
    out = seen * seen
    write(x)
    with pytest.raises(GraphError, match="changed in place"):
        out.sum().backward()


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_writing_into_a_copy_does_no_harm(copy):
    x = parameter([[1.0, 2.0], [3.0, 4.0]])
    out = x * x
    write(copy(x))
    out.sum().backward()
    assert x.grad.tolist() == [[2, 4], [6, 8]]


@pytest.mark.parametrize("case", [c for c in (*CASES, *WITHOUT_GRADIENT) if c.draw()], ids=str)
def test_what_shares_memory_with_an_input_is_known_to_the_tape(case):
    xs = [tg.Tensor(a) for a in case.draw()]
    out = case.call(*xs)
    for x in xs:
        if np.shares_memory(out.numpy(), x.numpy()):
            assert out.owner is x


# -------------------------------------------------------------------------------- plain numbers are weak
def test_a_number_that_is_joined_takes_on_the_dtype_of_the_tensor():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for out in (
        functional.concatenate([x, 0.5], axis=None),
        functional.stack([x[0], 0.5]),
        np.append(x, 0.5),
        np.pad(x, 1, constant_values=0.5),
        np.select([np.array([True, False])], [x], 0.5),
    ):
        assert out.dtype == np.float32
        assert out.tolist()[-1] == 0.5
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == np.float32


def test_parts_of_a_split_share_one_gradient():
    x = parameter([1.0, 2.0, 3.0, 4.0])
    first, second = np.split(x, 2)
    (first * second).sum().backward()
    assert x.grad.tolist() == [3, 4, 1, 2]


def test_iterating_unpacking_and_unstacking_are_the_same():
    x = parameter([[1.0, 2.0], [3.0, 4.0]])
    a, b = x
    c, d = functional.unstack(x)
    assert (a.tolist(), b.tolist()) == (c.tolist(), d.tolist()) == ([1, 2], [3, 4])


# --------------------------------------------------------------------------------- what cannot be done
X = tg.tensor(np.zeros((2, 3)), requires_grad=True)
MISFITS = {
    "squeeze of an axis that is longer": (lambda: np.squeeze(X, 0), ShapeError, r"squeeze of shapes \(2, 3\)"),
    "broadcast_to fewer axes": (lambda: np.broadcast_to(X, 3), ShapeError, r"2 axes do not fit into 1"),
    "broadcast_arrays": (lambda: np.broadcast_arrays(X, np.ones(2)), ShapeError, r"\(2, 3\) and \(2,\).*equally long"),
    "moveaxis of no axis": (lambda: np.moveaxis(X, 2, 0), ShapeError, r"Axis 2 is out of bounds.*0 to 1, or -1 to -2"),
    "moveaxis twice": (lambda: np.moveaxis(X, (0, -2), (0, 1)), ShapeError, r"named once.*\(0, -2\)"),
    "moveaxis to fewer": (lambda: np.moveaxis(X, (0, 1), 0), ShapeError, r"2 axes and 1 places"),
    "flip of no axis": (lambda: np.flip(X, 2), ShapeError, r"flip of shapes \(2, 3\).*axis 2"),
    "rot90 of one axis": (lambda: np.rot90(X, axes=(0,)), ShapeError, r"2 axes.*given 1"),
    "rot90 of an axis with itself": (lambda: np.rot90(X, axes=(0, -2)), ShapeError, r"named once"),
    "roll of no axis": (lambda: np.roll(X, 1, 5), ShapeError, r"roll of shapes \(2, 3\).*axis 5"),
    "reshape in columns": (lambda: np.reshape(X, 6, order="F"), ArgumentError, r"order='F'.*'C' alone.*Transpose"),
    "ravel in columns": (lambda: np.ravel(X, order="F"), ArgumentError, r"order='F'.*'C' alone.*Transpose"),
    "reshape that must not copy": (
        lambda: ops.reshape(X.T, shape=6, copy=False),
        ShapeError,
        r"copy=False cannot be kept",
    ),
    "reshape to too many": (lambda: np.reshape(X, (4, 2)), ShapeError, r"reshape of shapes \(2, 3\)"),
    "repeat less than never": (lambda: np.repeat(X, -1), OptionError, r"from 0 on.*-1"),
    "repeat by fractions": (lambda: np.repeat(X, 1.5), OptionError, r"whole numbers.*1\.5"),
    "repeat with too few counts": (lambda: np.repeat(X, [1, 2], axis=1), ShapeError, r"2 counts.*length 3"),
    "repeat along no axis": (lambda: np.repeat(X, 2, axis=2), ShapeError, r"Axis 2"),
    "tile less than never": (lambda: np.tile(X, (1, -1)), OptionError, r"from 0 on.*\(1, -1\)"),
    "meshgrid": (lambda: np.meshgrid(X[0], X[1], indexing="yx"), OptionError, r"'xy' or 'ij'.*'yx'"),
    "split unequally": (lambda: np.split(X, 2, axis=1), ShapeError, r"length 3 has no 2 parts.*array_split"),
    "split into nothing": (lambda: np.array_split(X, 0), OptionError, r"1 part or more.*0"),
    "split along no axis": (lambda: np.split(X, 1, axis=2), ShapeError, r"Axis 2"),
    "vsplit of a vector": (lambda: np.vsplit(X[0], 1), ShapeError, r"vsplit needs at least 2 axes.*\(3,\)"),
    "hsplit of a number": (lambda: np.hsplit(X[0, 0], 1), ShapeError, r"hsplit needs at least 1 axes.*\(\)"),
    "dsplit of a matrix": (lambda: np.dsplit(X, 1), ShapeError, r"dsplit needs at least 3 axes.*\(2, 3\)"),
    "unstack along no axis": (lambda: functional.unstack(X, axis=-3), ShapeError, r"Axis -3"),
    "concatenate along no axis": (lambda: np.concatenate([X, X], axis=2), ShapeError, r"concatenate of shapes.*axis 2"),
    "stack of different shapes": (lambda: np.stack([X, X[0]]), ShapeError, r"stack of shapes \(2, 3\) and \(3,\)"),
    "column_stack": (lambda: np.column_stack([X, X[0]]), ShapeError, r"concatenate of shapes \(2, 3\) and \(3, 1\)"),
    "pad in an unknown mode": (lambda: np.pad(X, 1, mode="mean"), OptionError, r"constant, edge.*'mean'"),
    "pad less than nothing": (lambda: np.pad(X, -1), OptionError, r"from 0 on.*-1"),
    "pad by fractions": (lambda: np.pad(X, 0.5), OptionError, r"whole numbers.*0\.5"),
    "pad of more axes": (lambda: np.pad(X, ((1, 1),) * 3), ShapeError, r"does not fit 2 axes.*\(before, after\)"),
    "pad of an axis that is not there": (lambda: ops.pad(X, {2: 1}), ShapeError, r"Axis 2"),
    "pad of nothing by reflection": (lambda: np.pad(X[:0], 1, mode="reflect"), ShapeError, r"Axis 0.*holds nothing"),
    "pad by a reflection of another kind": (
        lambda: np.pad(X, 1, mode="reflect", reflect_type="odd"),
        ArgumentError,
        r"pad of a Tensor was given reflect_type",
    ),
    "take in an unknown mode": (lambda: np.take(X, [0], mode="Raise"), OptionError, r"'wrap' or 'clip', not 'Raise'"),
    "take out of range": (lambda: np.take(X, [6]), ShapeError, r"out of bounds"),
    "take from nothing": (lambda: np.take(X[:0], [0], axis=0, mode="clip"), ShapeError, r"out of bounds"),
    "take by fractions": (lambda: np.take(X, [0.5]), ShapeError, r"getitem of shapes"),
    "compress by a matrix": (lambda: np.compress([[True]], X), ShapeError, r"\(1, 1\).*x\[mask\]"),
    "compress beyond the end": (lambda: np.compress([False] * 3 + [True], X, axis=1), ShapeError, r"out of bounds"),
    "select without a choice": (lambda: np.select([X > 0], [X, X]), ShapeError, r"not 2 for 1"),
    "select by numbers": (lambda: ops.select([np.ones(3)], [X]), DtypeError, r"true or false, not float64"),
    "choose beyond the end": (lambda: np.choose([0, 2, 1], [X, X]), ShapeError, r"0 to 1 for 2.*mode='wrap'"),
    "choose of shapes that do not fit": (lambda: np.choose([0, 1], [X, X]), ShapeError, r"choose of shapes \(2,\)"),
}


@pytest.mark.parametrize(("call", "error", "message"), MISFITS.values(), ids=MISFITS)
def test_what_cannot_be_done_is_refused_and_says_why(call, error, message):
    with pytest.raises(error, match=message):
        call()
