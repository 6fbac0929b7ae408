"""A Tensor is an array to the eye: built, shown, compared, indexed and computed with as one."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError

# ------------------------------------------------------------------------------------------ construction
BUILT = {
    "a float": (1.5, np.float32, ()),
    "a list of floats": ([1.0, 2.0], np.float32, (2,)),
    "nested lists": ([[1.0], [2.0]], np.float32, (2, 1)),
    "floats and integers": ([1, 2.5], np.float32, (2,)),
    "a tuple": ((1.0, 2.0), np.float32, (2,)),
    "an int": (3, np.int64, ()),
    "a list of ints": ([1, 2], np.int64, (2,)),
    "bools": ([True, False], np.bool, (2,)),
    "an empty list": ([], np.float32, (0,)),
    "a float64 array": (np.zeros(2), np.float64, (2,)),
    "a float32 array": (np.zeros(2, np.float32), np.float32, (2,)),
    "a float16 array": (np.zeros(2, np.float16), np.float16, (2,)),
    "an int8 array": (np.zeros(2, np.int8), np.int8, (2,)),
    "a bool array": (np.zeros(2, bool), np.bool, (2,)),
    "a 0-d array": (np.array(2.0), np.float64, ()),
    "a tensor": (tg.tensor([1.0, 2.0]), np.float32, (2,)),
    "a list of tensors": ([tg.tensor(1.0), tg.tensor(2.0)], np.float32, (2,)),
}


@pytest.mark.parametrize("build", [tg.tensor, tg.Tensor])
@pytest.mark.parametrize(("data", "dtype", "shape"), BUILT.values(), ids=BUILT)
def test_lists_of_floats_become_float32_and_arrays_keep_their_dtype(data, dtype, shape, build):
    x = build(data)
    assert (x.dtype, x.shape, x.ndim) == (dtype, shape, len(shape))
    assert isinstance(x.numpy(), np.ndarray)
    assert not x.requires_grad
    assert x.is_leaf
    assert x.grad is None


def test_a_dtype_that_is_asked_for_is_given():
    assert tg.tensor([1, 2], dtype=np.float64).dtype == np.float64
    assert tg.tensor(np.zeros(2), dtype="float32").dtype == np.float32
    # The digits beyond float32 are kept on the way to float64.
    assert tg.tensor([0.1], dtype=np.float64).tolist() == [0.1]


def test_the_class_shares_an_array_and_the_function_copies_it():
    array = np.zeros(2)
    shared, copied = tg.Tensor(array), tg.tensor(array)
    array[0] = 5
    assert shared.tolist() == [5, 0]
    assert copied.tolist() == [0, 0]


def test_nothing_of_a_tensor_is_shared_with_its_copy():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for y in (tg.tensor(x), x.clone(), x.astype(np.float32)):
        assert not np.shares_memory(x.numpy(), y.numpy())


REFUSED = {
    "text": ("abc", DtypeError, "real numbers.*class indices"),
    "texts": (["a", "b"], DtypeError, "real numbers.*class indices"),
    "complex numbers": (np.array([1j]), DtypeError, "complex128.*real and imaginary"),
    "None": (None, DtypeError, "NoneType"),
    "objects": ([object()], DtypeError, "dtype object"),
    "dates": (np.array(["2024-01-01"], "datetime64[D]"), DtypeError, "datetime64"),
    "ragged lists": ([[1.0], [2.0, 3.0]], ShapeError, "ragged.*same length"),
}


@pytest.mark.parametrize("build", [tg.tensor, tg.Tensor])
@pytest.mark.parametrize(("data", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_holds_no_real_numbers_is_refused_with_the_remedy(data, error, message, build):
    with pytest.raises(error, match=message):
        build(data)


def test_complex_numbers_are_refused_whatever_dtype_is_asked_for():
    with pytest.raises(DtypeError, match="complex"):
        tg.tensor(np.array([1j]), dtype=np.float32)


def test_a_list_of_tensors_that_carry_gradients_is_refused():
    with pytest.raises(GraphError, match=r"x\.detach\(\)"):
        tg.tensor([tg.tensor(1.0, requires_grad=True)])


def test_a_tensor_has_a_name_that_can_be_changed():
    x = tg.tensor(1.0, name="slope")
    assert x.name == "slope"
    x.name = "offset"
    assert x.name == "offset"
    assert tg.tensor(1.0).name is None


# ----------------------------------------------------------------------------------------------- showing
SHOWN = {
    "float32": (tg.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
    "int64": (tg.tensor([1, 2]), "tensor([1, 2])"),
    "bool": (tg.tensor([True]), "tensor([ True])"),
    "another dtype": (tg.tensor(np.array([1.0])), "tensor([1.], dtype=float64)"),
    "0-d": (tg.tensor(2.0), "tensor(2.)"),
    "empty": (tg.tensor([]), "tensor([])"),
    "a matrix, aligned": (tg.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    "a leaf": (tg.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
    "a result": (tg.tensor([1.0], requires_grad=True) * 2, "tensor([2.], op=multiply)"),
    "a result of constants": (tg.tensor([1.0]) * 2, "tensor([2.])"),
}


@pytest.mark.parametrize(("x", "text"), SHOWN.values(), ids=SHOWN)
def test_repr_shows_values_and_what_is_not_usual(x, text):
    assert repr(x) == text
    assert str(x) == text


def test_a_tensor_in_an_f_string_shows_itself():
    assert f"{tg.tensor(2.0)} and {tg.tensor([1, 2])}" == "tensor(2.) and tensor([1, 2])"


def test_a_format_applies_to_a_single_number():
    assert f"{tg.tensor(1.23456):.2f}" == "1.23"
    assert f"{tg.tensor([[1.0]]):.1%}" == "100.0%"
    assert f"{tg.tensor(2.0, requires_grad=True) * 3:6.2f}|" == "  6.00|"


def test_a_format_of_several_numbers_is_refused():
    with pytest.raises(ShapeError, match="item\\(\\) needs one entry"):
        format(tg.tensor([1.0, 2.0]), ".2f")


# ------------------------------------------------------------------------------------------ as a number
def test_the_only_entry_is_a_python_number():
    for x in (tg.tensor(2.5), tg.tensor([2.5]), tg.tensor([[2.5]], requires_grad=True)):
        assert x.item() == 2.5
        assert isinstance(x.item(), float)
        assert float(x.detach()) == 2.5
        assert int(x.detach()) == 2
        assert bool(x.detach()) is True
    assert isinstance(tg.tensor(3).item(), int)
    assert not tg.tensor(0.0)


def test_several_entries_are_no_number():
    x = tg.tensor([1.0, 2.0])
    for convert in (x.item, lambda: float(x), lambda: int(x)):
        with pytest.raises(ShapeError, match=r"one entry.*\(2,\).*x\.mean\(\)"):
            convert()
    with pytest.raises(ShapeError, match=r"x\.all\(\) or x\.any\(\).*np\.where"):
        bool(x > 1)


def test_tolist_gives_nested_lists():
    assert tg.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert tg.tensor(1.5).tolist() == 1.5


# ---------------------------------------------------------------------------------------- as a sequence
def test_length_and_iteration_run_along_the_first_axis():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert len(x) == 2
    rows = list(x)
    assert [row.tolist() for row in rows] == [[1, 2], [3, 4]]
    (rows[1] * 5).sum().backward()
    assert x.grad.tolist() == [[0, 0], [5, 5]]
    a, b = x
    assert (a.tolist(), b.tolist()) == ([1, 2], [3, 4])
    assert list(tg.tensor([])) == []


def test_a_tensor_without_axes_has_no_length():
    for f in (len, list):
        with pytest.raises(ShapeError, match=r"x\.item\(\)"):
            f(tg.tensor(1.0))


# ------------------------------------------------------------------------------------ comparing, hashing
def test_comparisons_are_by_entry_and_ask_for_no_gradient():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for out, expected in (
        (x < 2, [True, False, False]),
        (x <= 2, [True, True, False]),
        (x > [0.0, 2.0, 4.0], [True, False, False]),
        (x >= 2, [False, True, True]),
        (x == 2, [False, True, False]),
        (x != tg.tensor(2.0), [True, False, True]),
        (np.array([1.0, 0.0, 3.0]) == x, [True, False, True]),
    ):
        assert out.dtype == np.bool
        assert out.tolist() == expected
        assert not out.requires_grad


def test_a_tensor_is_its_own_key():
    x, same_value = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.0])
    table = {x: "x", same_value: "another"}
    assert table[x] == "x"
    assert table[same_value] == "another"
    assert tg.tensor([1.0, 2.0]) not in table


# ---------------------------------------------------------------------------------------------- indexing
INDICES = {
    "a tensor": tg.tensor([1, 1, 0]),
    "a tensor without axes": tg.tensor(1),
    "a mask": tg.tensor([True, False, True]),
    "a list": [2, 0],
    "a list of bools": [False, True, True],
    "an empty list": [],
    "a tuple with a tensor": (tg.tensor([0, 2]), 1),
    "a tuple with a list": (slice(None), [1, 1]),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_an_index_may_be_or_hold_tensors_and_lists(index):
    array = np.arange(6.0).reshape(3, 2)
    plain = tuple(
        part.numpy() if isinstance(part, tg.Tensor) else part
        for part in (index if isinstance(index, tuple) else (index,))
    )
    x = tg.tensor(array, requires_grad=True)
    out = x[index]
    np.testing.assert_array_equal(out.numpy(), array[plain])
    out.sum().backward()
    picked = np.zeros_like(array)
    np.add.at(picked, plain, 1)
    np.testing.assert_array_equal(x.grad.numpy(), picked)


def test_a_comparison_is_an_index():
    x = tg.tensor([1.0, -2.0, 3.0], requires_grad=True)
    x[x > 0].sum().backward()
    assert x.grad.tolist() == [1, 0, 1]


def test_entries_of_a_constant_can_be_assigned():
    x = tg.tensor([1.0, 2.0, 3.0])
    x[0] = 10.0
    x[tg.tensor([2])] = tg.tensor([30.0])
    x[[1]] = [20.0]
    assert x.tolist() == [10, 20, 30]


def test_a_slice_is_a_view_and_a_list_of_positions_is_a_copy():
    x = tg.tensor([1.0, 2.0, 3.0])
    x[:2][0] = 10.0
    x[[0, 1]][0] = 99.0
    assert x.tolist() == [10, 2, 3]


# --------------------------------------------------------------------------------------------- operators
OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "**": lambda a, b: a**b, "@": lambda a, b: a @ b,
}  # fmt: skip
PARTNERS = {
    "an array": np.array([3.0, 4.0]),
    "a list": [3.0, 4.0],
    "a tuple": (3.0, 4.0),
    "a tensor": tg.tensor(np.array([3.0, 4.0])),
}


@pytest.mark.parametrize("partner", PARTNERS.values(), ids=PARTNERS)
@pytest.mark.parametrize("f", OPERATORS.values(), ids=OPERATORS)
def test_operators_take_arrays_lists_and_tensors_on_both_sides(f, partner):
    array, x = np.array([1.0, 2.0]), tg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    other = np.asarray(partner)
    for out, expected in ((f(x, partner), f(array, other)), (f(partner, x), f(other, array))):
        assert isinstance(out, tg.Tensor)
        assert out.requires_grad
        np.testing.assert_array_equal(out.numpy(), expected)


def test_an_operator_in_place_makes_a_new_tensor_while_it_is_recorded():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = z = x * 1
    y += 1
    y *= 2
    assert z.tolist() == [1, 2]
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_an_operator_in_place_on_a_leaf_that_asks_for_gradients_is_refused():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GraphError, match=r"Update weights under no_grad\(\)"):
        x -= 1


def test_the_update_of_weights_by_hand_writes_in_place():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    (w**2).sum().backward()
    alias = w
    with tg.no_grad():
        w -= 0.1 * w.grad
    assert alias is w
    assert w.requires_grad
    np.testing.assert_allclose(w.numpy(), [0.8, 1.6], rtol=1e-6)
    w.data -= 0.1 * w.grad
    np.testing.assert_allclose(w.numpy(), [0.6, 1.2], rtol=1e-6)


def test_an_operator_in_place_is_seen_by_backward():
    x, y = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0])
    z = (x * y).sum()
    y += 1
    with pytest.raises(GraphError, match="changed in place"):
        z.backward()


def test_an_index_that_is_a_sequence_picks_an_entry_as_often_as_it_says():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    x[(0, 0, 1), :].sum().backward()
    assert x.grad.tolist() == [[2, 2], [1, 1]]


def test_an_operand_that_holds_no_numbers_is_refused():
    for operand in ("2", None, 1j):
        with pytest.raises(DtypeError, match="real numbers"):
            tg.tensor([1.0]) + operand


def test_an_integer_tensor_keeps_numpys_dtypes():
    n = tg.tensor([1, 2, 3])
    for f in (
        lambda a: a + 1,
        lambda a: a / 2,
        lambda a: a**2,
        lambda a: a**2.0,
        lambda a: a.mean(),
        lambda a: a * 1.5,
    ):
        assert f(n).dtype == f(np.array([1, 2, 3])).dtype


# ----------------------------------------------------------------------- changing dtype, copying, detaching
def test_astype_changes_the_dtype_and_the_gradient_comes_back_in_the_first():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.astype(np.float64)
    assert y.dtype == np.float64
    (y * 3).sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3, 3]


def test_a_clone_lets_the_gradient_through_and_shares_nothing():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    assert y.requires_grad
    assert not np.shares_memory(x.numpy(), y.numpy())
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_a_detached_tensor_shares_its_values_and_stops_the_gradient():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 1).detach()
    assert not y.requires_grad
    assert y.is_leaf
    d = x.detach()
    d[0] = 5.0
    assert x.tolist() == [5, 2]
    (x * d).sum().backward()
    assert x.grad.tolist() == [5, 2]  # d is a constant


def test_data_and_numpy_are_the_array_itself():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert x.data is x.numpy()
    x.data = [3.0, 4.0]
    assert x.tolist() == [3, 4]
    assert x.requires_grad
    assert x.dtype == np.float32


def test_requires_grad_can_be_switched_on_a_leaf():
    x = tg.tensor([1.0])
    assert x.requires_grad_() is x
    assert (x * 2).requires_grad
    x.requires_grad = False
    assert not (x * 2).requires_grad


def through_pickle(x):
    return pickle.loads(pickle.dumps(x))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
def test_a_leaf_can_be_copied_deeply_and_pickled(duplicate):
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    y = duplicate(x)
    assert (y.tolist(), y.name, y.requires_grad) == ([1, 2], "w", True)
    assert not np.shares_memory(x.numpy(), y.numpy())
    (y * y).sum().backward()
    assert y.grad.tolist() == [2, 4]
    assert x.grad is None


# ------------------------------------------------------------------------------------------ copies
COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": through_pickle,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_is_another_leaf_to_backward(duplicate):
    a = tg.tensor([1.0, 2.0], requires_grad=True)
    b = duplicate(a)
    (a * b * b).sum().backward()
    assert a.grad.tolist() == [1, 4]
    assert b.grad.tolist() == [2, 8]
    assert not np.shares_memory(a.numpy(), b.numpy())


def test_a_copied_model_trains_beside_the_first_in_one_loss():
    model = tg.nn.MLP(2, [3], 1, rng=np.random.default_rng(0))
    twin = copy.deepcopy(model)
    x = np.ones((4, 2), np.float32)
    (model(x) * twin(x)).sum().backward()
    for parameter, copied in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.grad.numpy(), copied.grad.numpy())


def test_a_leaf_from_another_process_is_another_leaf_too():
    # Each process numbers its tensors from the start: what comes over must take a number of this one.
    code = """
import pickle, sys
import tinygrad_edu as tg
sys.stdout.buffer.write(pickle.dumps([tg.tensor([float(i)], requires_grad=True) for i in range(200)]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    own = [tg.tensor([1.0], requires_grad=True) for _ in range(200)]
    theirs = pickle.loads(run.stdout)  # noqa: S301 - our own bytes
    total = sum(((a * b).sum() for a, b in zip(own, theirs, strict=True)), start=tg.tensor(0.0))
    total.backward()
    assert [x.grad.item() for x in own] == [float(i) for i in range(200)]
    assert {x.grad.item() for x in theirs} == {1.0}


def test_a_computed_tensor_is_not_copied_with_its_graph():
    y = tg.tensor([1.0], requires_grad=True) * 2
    with pytest.raises(GraphError, match=r"Take x\.detach\(\)"):
        copy.deepcopy(y)


# ------------------------------------------------------------------------------- in place, other kinds
NARROWING = {
    "fractions added to integers": lambda x: x.__iadd__(1.5),
    "an array of fractions added to integers": lambda x: x.__iadd__(np.array([0.5, 0.5])),
    "fractions written into integers": lambda x: x.__setitem__(0, 1.5),
    "integers divided": lambda x: x.__itruediv__(2),
}


@pytest.mark.parametrize("change", NARROWING.values(), ids=NARROWING)
def test_in_place_what_would_change_the_numbers_is_refused(change):
    x = tg.tensor([1, 2])
    with pytest.raises(DtypeError, match=r"x\.astype\(np\.float32\)"):
        change(x)
    assert x.tolist() == [1, 2]


def test_in_place_whole_numbers_go_into_every_dtype_and_double_precision_is_rounded():
    for dtype in (np.uint8, np.int32, np.float32):
        x = tg.tensor(np.array([1, 2], dtype))
        x += 1
        x[0] = 7
        x[1:] = [9]
        assert x.tolist() == [7, 9]
        assert x.dtype == dtype
    x = tg.tensor([1.0, 2.0])
    x += np.array([0.5, 0.5])
    assert x.tolist() == [1.5, 2.5]
    assert x.dtype == np.float32


# --------------------------------------------------------------------------- other arrays beside a Tensor
BESIDE = {
    "complex": (np.array([1j, 2.0]), r"complex128.*real and imaginary"),
    "objects": (np.array([1, 2], object), "objects, such as None or text"),
    "text": (np.array(["a", "b"]), "class indices"),
}


@pytest.mark.parametrize(("other", "message"), BESIDE.values(), ids=BESIDE)
def test_arrays_that_are_no_real_numbers_are_refused_beside_a_tensor(other, message):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for f in (lambda: x * other, lambda: other * x, lambda: tg.add(x, other), lambda: tg.tensor(other)):
        with pytest.raises(DtypeError, match=message):
            f()


def test_a_mask_is_not_lost_unseen():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for f in (lambda: x * masked, lambda: np.multiply(x, masked), lambda: tg.add(x, masked), lambda: tg.tensor(masked)):
        with pytest.raises(DtypeError, match=r"x\.filled\(value\)"):
            f()


def test_memory_maps_and_other_kinds_of_arrays_count_as_arrays(tmp_path):
    class Kind(np.ndarray):
        pass

    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    mapped = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(1, 2))
    mapped[:] = [[3, 4]]
    for other in (mapped.view(Kind), mapped):
        for out in (x * other, other * x):
            assert isinstance(out, tg.Tensor)
            assert out.tolist() == [[3, 8]]


def test_what_is_no_dtype_is_named():
    with pytest.raises(DtypeError, match="dtype='foo' is no dtype"):
        tg.tensor([1.0], dtype="foo")


def test_a_number_too_large_for_any_float_is_refused():
    with pytest.raises(DtypeError, match="too large"):
        tg.tensor([1.0]) * 10**400


def test_a_python_number_of_a_tensor_with_gradients_is_made_with_a_warning():
    x = tg.tensor([1.5, 2.0], requires_grad=True)
    with pytest.warns(UserWarning, match=r"float\(x\) drops the gradient.*x\.item\(\)"):
        assert float(x.sum()) == 3.5
    with pytest.warns(UserWarning, match=r"drops the gradient"):
        np.zeros(2)[0] = x[0]  # NumPy asks for a float
    assert f"{x.sum():.1f}" == "3.5"  # what is printed is said to be a number
    with tg.no_grad():
        assert float(x.sum()) == 3.5


# ------------------------------------------------------------------------------------ Tensors as options
def test_an_option_is_what_it_was_when_the_operation_ran():
    slope, x = tg.tensor(0.5), tg.tensor([-1.0], requires_grad=True)
    y = tg.leaky_relu(x, slope)
    slope += 10
    y.sum().backward()
    assert x.grad.tolist() == [0.5]


def test_an_option_that_asks_for_a_gradient_is_refused():
    slope = tg.tensor(0.5, requires_grad=True)
    with pytest.raises(GraphError, match=r"negative_slope of leaky_relu is an option.*negative_slope=x\.detach\(\)"):
        tg.leaky_relu(tg.tensor([-1.0]), slope)
    assert tg.leaky_relu(tg.tensor([-1.0]), slope.detach()).tolist() == [-0.5]
