"""debug() says where a tensor was made and notices every write; detect_anomaly() stops where a NaN begins."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, ops, optim
from tinygrad_edu.errors import AnomalyError, DtypeError, GraphError, TinygradEduError
from tinygrad_edu.tape import in_force, made_at, mode


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


@pytest.fixture(autouse=True)
def _nothing_stays_in_force():
    settings = np.geterr()
    yield
    assert mode.watchers == ()
    assert in_force == []
    assert np.geterr() == settings


# ----------------------------------------------------------------------------------- debug: changes of arrays
def change_an_input():
    x = parameter([1.0, 2.0])
    y = x * x
    x.numpy()[0] = 5.0
    return y


def change_a_result():
    y = parameter([1.0, 2.0]).exp()
    y.numpy()[0] = 5.0
    return y


def change_a_constant_array():
    c = np.array([1.0, 2.0])
    y = parameter([1.0, 2.0]) * c
    c[0] = 5.0
    return y


def change_a_constant_tensor():
    c = tg.tensor(np.array([1.0, 2.0]))
    y = parameter([1.0, 2.0]) * c
    c.numpy()[0] = 5.0
    return y


def change_under_a_view():
    x = parameter([1.0, 2.0])
    seen = x[:1]
    y = seen * seen
    x.numpy()[0] = 5.0
    return y


def change_through_a_view():
    x = parameter([1.0, 2.0])
    y = x * x
    x.numpy()[:1][...] = 5.0
    return y


def change_a_view_of_a_constant():
    c = np.array([1.0, 2.0, 3.0])
    y = parameter([1.0, 2.0]) * c[1:]
    c += 1
    return y


def change_what_is_shared():
    array = np.array([1.0, 2.0])
    x = tg.Tensor(array, requires_grad=True)
    y = x * x
    array[1] = 5.0
    return y


def change_a_gap_in_memory():
    c = np.arange(6.0).reshape(2, 3).T
    y = parameter(np.ones((3, 2))) * c
    c[1, 1] = 5.0
    return y


def change_one_of_many():
    xs = [parameter([1.0, 2.0]) for _ in range(3)]
    y = ops.maximum(ops.maximum(xs[0], xs[1]), xs[2])
    xs[2].numpy()[0] = 5.0
    return y


# Each: the computation, what the message names.
CHANGED = {
    "an input": (change_an_input, r"needs input 0 of multiply, of shape \(2,\), made at test_debugging.py:\d+"),
    "a result": (change_a_result, r"needs the result of exp, of shape \(2,\), made at test_debugging.py:\d+"),
    "a constant array": (change_a_constant_array, r"needs input 1 of multiply, of shape \(2,\), a constant, but"),
    "a constant tensor": (change_a_constant_tensor, r"needs input 1 of multiply, of shape \(2,\), made at"),
    "under a view": (change_under_a_view, r"needs input 0 of multiply, of shape \(1,\), made at .*`seen = x\[:1\]`"),
    "through a view": (change_through_a_view, r"needs input 0 of multiply"),
    "a view of a constant": (change_a_view_of_a_constant, r"needs input 1 of multiply, of shape \(2,\), a constant"),
    "an array that a tensor shares": (change_what_is_shared, r"needs input 0 of multiply"),
    "a transposed constant": (change_a_gap_in_memory, r"needs input 1 of multiply, of shape \(3, 2\), a constant"),
    "the last input": (change_one_of_many, r"needs input 1 of maximum"),
}  # fmt: skip


@pytest.mark.parametrize(("compute", "message"), CHANGED.values(), ids=CHANGED)
def test_a_straight_change_of_an_array_is_noticed(compute, message):
    with tg.debug():
        y = compute()
        with pytest.raises(GraphError, match=message) as caught:
            y.sum().backward()
    text = str(caught.value)
    assert "its array was written to after " in text
    assert " had run at test_debugging.py:" in text
    assert "Change a copy (a = a.copy())" in text


@pytest.mark.parametrize("compute", [row[0] for row in CHANGED.values()], ids=CHANGED)
def test_without_debug_such_a_change_goes_unnoticed(compute):
    # Or the cases above would prove nothing.
    compute().sum().backward()


UNREAD = {
    "x + y": lambda x, y: x + y,
    "3 x": lambda x, _: x * 3.0,
    "x times a constant": lambda x, y: x * y.detach().clone(),
    "mean": lambda x, _: x.mean(axis=0),
    "reshape": lambda x, _: x.reshape(4),
    "transpose": lambda x, _: x.T * 2.0,
    "getitem": lambda x, _: x[0] * 2.0,
    "the input of exp": lambda x, _: x.exp(),
    "the input of relu": lambda x, _: x.relu(),
    "concatenate": lambda x, y: functional.concatenate([x, y]),
}


@pytest.mark.parametrize("f", UNREAD.values(), ids=UNREAD)
def test_what_no_rule_reads_may_change(f):
    gradients = []
    for change in (False, True):
        with tg.debug():
            x, y = parameter([[1.0, 2.0], [3.0, 4.0]]), parameter([[0.5, 1.5], [2.5, 3.5]])
            out = f(x, y)
            if change:
                x.numpy()[...] = 9.0
            out.sum().backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]


def test_a_value_that_is_written_back_is_no_change():
    with tg.debug():
        x = parameter([1.0, 2.0])
        y = x * x
        x.numpy()[0] = 5.0
        x.numpy()[0] = 1.0
        y.sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_a_training_step_passes():
    with tg.debug():
        model = nn.MLP(3, [4], 2, rng=np.random.default_rng(0))
        descent = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            descent.zero_grad()
            functional.cross_entropy(model(np.ones((5, 3))), [0, 1, 0, 1, 0]).backward()
            descent.step()


def test_recorded_gradients_are_watched_too():
    with tg.debug():
        x = parameter([2.0, 3.0])
        (x**3).sum().backward(create_graph=True)
        slope, x.grad = x.grad, None
        x.numpy()[0] = 7.0
        with pytest.raises(GraphError, match="its array was written to"):
            slope.sum().backward()


def test_a_change_in_place_through_a_tensor_is_refused_as_ever_with_the_line():
    with tg.debug():
        x = parameter([1.0, 2.0])
        y = x * x
        with tg.no_grad():
            x[0] = 5.0
        with pytest.raises(GraphError, match=r"made at test_debugging.py:\d+ in .*changed in place since"):
            y.sum().backward()


def test_what_was_made_before_the_block_is_not_known_and_does_no_harm():
    x = parameter([1.0, 2.0])
    y = x * x
    with tg.debug():
        (y * 2).sum().backward()
    assert x.grad.tolist() == [4, 8]
    assert made_at(y) == ""


def test_backward_after_the_block_does_not_compare():
    with tg.debug():
        x = parameter([1.0, 2.0])
        y = x * x
    x.numpy()[0] = 5.0
    y.sum().backward()
    assert x.grad.tolist() == [10, 4]


# ------------------------------------------------------------------------------------------- debug: the line
def test_every_tensor_remembers_the_line_that_made_it():
    with tg.debug():
        given = tg.tensor([1.0, 2.0], requires_grad=True)
        product = given * 2
        layer = functional.softmax(functional.stack([product, given]))
        method = layer.sum()
        numpys = np.tanh(method)
        parts = [part for part in product]  # noqa: C416 - iterating is the point
    lines = {
        given: "given = tg.tensor([1.0, 2.0], requires_grad=True)",
        product: "product = given * 2",
        layer: "layer = functional.softmax(functional.stack([product, given]))",
        layer.inputs[0]: "layer = functional.softmax(functional.stack([product, given]))",
        method: "method = layer.sum()",
        numpys: "numpys = np.tanh(method)",
        parts[0]: "parts = [part for part in product]  # noqa: C416 - iterating is the point",
    }
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    for tensor, line in lines.items():
        place = made_at(tensor)
        assert place.endswith(f" in `{line}`")
        number = int(place.removeprefix(", made at test_debugging.py:").split(" ")[0])
        assert source[number - 1].strip() == line


def test_a_layers_tensors_are_laid_to_the_line_that_called_it():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with tg.debug():
        out = model(np.ones((4, 2), np.float32))
    assert made_at(out).endswith("in `out = model(np.ones((4, 2), np.float32))`")


def test_without_debug_no_line_is_known():
    assert made_at(parameter([1.0]) * 2) == ""


def test_a_folder_whose_name_begins_as_the_packages_does_is_the_users():
    beside = f"{Path(tg.__file__).parent}_experiments/train.py"
    scope = {}
    exec(compile("import tinygrad_edu as tg\nwith tg.debug():\n    x = tg.tensor([1.0])\n", beside, "exec"), scope)  # noqa: S102
    assert made_at(scope["x"]) == ", made at train.py:3"


def test_code_without_a_file_has_a_line_number_alone():
    code = """
import tinygrad_edu as tg
from tinygrad_edu.tape import made_at
with tg.debug():
    x = tg.tensor([1.0])
print(made_at(x))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ", made at <string>:5"


# --------------------------------------------------------------------------------------- debug: mixed dtypes
MIXED = {
    "float32 and float64": (np.float32, np.array([1.0, 2.0]), "multiply of float32 with float64 gives float64"),
    "float16 and float32": (np.float16, np.array([1, 2], np.float32), "multiply of float16 with float32 gives float32"),
    "float32 and int64": (np.float32, np.array([1, 2]), "multiply of float32 with int64 gives float64"),
    "float16 and int32": (np.float16, np.array([1, 2], np.int32), "multiply of float16 with int32 gives float64"),
    "a float64 tensor": (np.float32, tg.tensor(np.array([1.0, 2.0])), "multiply of float32 with float64 gives float64"),
}


@pytest.mark.parametrize(("dtype", "other", "message"), MIXED.values(), ids=MIXED)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_tensor_with_gradients_is_not_widened_unseen(dtype, other, message, reverse):
    with tg.debug():
        w = parameter([1.0, 2.0], dtype)
        with pytest.raises(DtypeError, match=rf"{message}.*x\.astype\(np\.{np.dtype(dtype).name}\) for the other"):
            other * w if reverse else w * other
    assert (w * other).dtype != dtype  # without debug() it goes through


NARROW_ENOUGH = {
    "a Python number": lambda w: w * 2.5,
    "a NumPy number": lambda w: w * np.float64(2.5),
    "its own dtype": lambda w: w * np.array([1, 2], np.float32),
    "float16": lambda w: w * np.array([1, 2], np.float16),
    "int8": lambda w: w * np.array([1, 2], np.int8),
    "a mask": lambda w: w * (w > 1),
    "a conversion that was asked for": lambda w: w.astype(np.float64) * np.array([1.0, 2.0]),
    "an index": lambda w: w[np.array([0, 1])],
    "a sum": lambda w: w.sum(),
    "a layer": lambda w: nn.Linear(2, 1)(w[None]),
    "a layer on float64 data": lambda _: nn.Linear(2, 1)(np.ones((3, 2))),
}


@pytest.mark.parametrize("f", NARROW_ENOUGH.values(), ids=NARROW_ENOUGH)
def test_what_widens_nothing_passes(f):
    with tg.debug():
        f(parameter([1.0, 2.0], np.float32)).sum().backward()


def test_constants_may_be_mixed():
    with tg.debug():
        assert (tg.tensor([1.0, 2.0]) * np.array([1.0, 2.0])).dtype == np.float64
        with tg.no_grad():
            assert (parameter([1.0], np.float32) * np.array([1.0])).dtype == np.float64


# ---------------------------------------------------------------------------------------- blocks and threads
def test_debug_nests_and_one_object_serves_again():
    block = tg.debug()
    with block:
        with block, tg.debug():
            pass
        x = parameter([1.0, 2.0])
        y = x * x
        x.numpy()[0] = 5.0
        with pytest.raises(GraphError):
            y.sum().backward()
    with block:
        assert made_at(parameter([1.0])) != ""
    assert made_at(parameter([1.0])) == ""


@pytest.mark.parametrize("block", [tg.debug, tg.detect_anomaly])
def test_a_block_ends_with_an_exception(block):
    with pytest.raises(KeyError, match="inside"), block():
        raise KeyError("inside")
    assert mode.watchers == ()


def test_blocks_may_end_in_another_order_than_they_nest():
    first, second = tg.debug(), tg.debug()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert mode.watchers == (second,)
    second.__exit__(None, None, None)


@pytest.mark.parametrize("block", [tg.debug, tg.detect_anomaly])
def test_a_block_decorates_a_function_that_calls_itself(block):
    depths = []

    @block()
    def descend(depth):
        depths.append(len(mode.watchers))
        if depth:
            descend(depth - 1)
        return made_at(parameter([1.0]) * 2)

    assert "test_debugging.py" in descend(2)
    assert depths == [1, 2, 3]
    assert descend.__name__ == "descend"


def test_both_blocks_together_do_what_each_does():
    for outer, inner in ((tg.debug, tg.detect_anomaly), (tg.detect_anomaly, tg.debug)):
        with outer(), inner():
            x = parameter([1.0, 2.0])
            y = x * x
            assert "in `y = x * x`" in made_at(y)
            x.numpy()[0] = 5.0
            with pytest.raises(GraphError, match="its array was written to"):
                y.sum().backward()
            with pytest.raises(AnomalyError, match="log made a NaN"):
                parameter([-1.0]).log()


@pytest.mark.parametrize("block", [tg.debug, tg.detect_anomaly])
def test_a_block_is_its_own_threads_affair(block):
    both_inside, both_done = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    seen = {}

    def watched():
        with block():
            both_inside.wait()
            seen["watched"] = bool(made_at(parameter([1.0]) * 2)), len(mode.watchers)
            both_done.wait()

    def free():
        both_inside.wait()
        with np.errstate(all="ignore"):
            x = parameter([1.0, -2.0], np.float32)
            y = (x * np.array([1.0, 2.0])).log() * x
            x.numpy()[0] = 5.0
            y.sum().backward()
        seen["free"] = made_at(y), np.isnan(y.numpy()).tolist(), len(mode.watchers)
        both_done.wait()

    threads = [threading.Thread(target=f) for f in (watched, free)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"watched": (True, 1), "free": ("", [False, True], 0)}


def test_a_function_decorated_with_detect_anomaly_gives_each_thread_its_own_settings_back():
    first_inside, second_inside, first_outside = (threading.Event() for _ in range(3))
    seen, errors = {}, []

    @tg.detect_anomaly()
    def meanwhile(inside, others):
        inside.set()
        assert others.wait(10)

    def first():
        np.seterr(all="raise")
        meanwhile(first_inside, second_inside)
        seen["first"] = np.geterr()["divide"]
        first_outside.set()

    def second():
        np.seterr(all="print")
        assert first_inside.wait(10)
        meanwhile(second_inside, first_outside)
        seen["second"] = np.geterr()["divide"]

    def run(f):
        try:
            f()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(f,)) for f in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == {"first": "raise", "second": "print"}


# --------------------------------------------------------------------------- detect_anomaly: values, forwards
FORWARD = {
    "log of a negative number": (lambda: parameter([1.0, -1.0]).log(), r"log made a NaN at index \(1,\), from x = -1"),
    "of a constant": (lambda: tg.tensor([1.0, -1.0]).log(), r"log made a NaN at index \(1,\), from x = -1"),
    "sqrt": (lambda: np.sqrt(parameter(-4.0)), r"sqrt made a NaN at index \(\), from x = -4.*domain \(x > 0\)"),
    "0 / 0": (lambda: parameter([[0.0]]) / 0.0, r"divide made a NaN at index \(0, 0\), from x = 0, y = 0.*\(y ≠ 0\)"),
    "whole numbers": (lambda: tg.tensor([3, 0]) / tg.tensor([1, 0]), r"divide made a NaN at index \(1,\), from x = 0"),
    "0 times infinity": (lambda: parameter([0.0, 1.0]) * np.inf, r"multiply made a NaN .*, from x = 0, y = inf"),
    "infinities that cancel": (
        lambda: parameter([[1.0, np.inf]]) - np.array([[1.0], [np.inf]]),
        r"subtract made a NaN at index \(1, 1\), from x = inf, y = inf",
    ),
    "a power": (lambda: parameter([-8.0]) ** 0.5, r"constant_power made a NaN at index \(0,\), from x = -8"),
    "a sum": (lambda: parameter([np.inf, -np.inf]).sum(), r"sum made a NaN at index \(\), at test_debugging"),
    "a product": (
        lambda: parameter([[np.inf, 1.0]]) @ parameter([[0.0], [1.0]]),
        r"matmul made a NaN at index \(0, 0\), at test_debugging",
    ),
    "an operation of one's own": (
        lambda: tg.custom_op(lambda x, y: x / y, None, None, name="ratio")(parameter([0.0]), [0.0]),
        r"ratio made a NaN at index \(0,\), from x = 0, y = 0",
    ),
    "under no_grad()": (tg.no_grad()(lambda: parameter([-1.0]).log()), "log made a NaN"),
}  # fmt: skip


@pytest.mark.parametrize("infinite", [False, True])
@pytest.mark.parametrize(("compute", "message"), FORWARD.values(), ids=FORWARD)
def test_a_nan_is_laid_to_the_operation_that_makes_it(compute, message, infinite):
    with tg.detect_anomaly(infinite=infinite), pytest.raises(AnomalyError, match=message) as caught:
        compute()
    assert isinstance(caught.value, FloatingPointError)
    assert isinstance(caught.value, TinygradEduError)
    with np.errstate(all="ignore"):
        assert np.isnan(compute().numpy()).any()  # outside the block it goes through


FROM_OUTSIDE = {
    "a parameter": lambda: parameter([1.0, np.nan]) * 2,
    "a constant": lambda: parameter([1.0, 2.0]) * np.array([1.0, np.nan]),
    "a number": lambda: parameter([1.0, 2.0]) + float("nan"),
    "through several operations": lambda: (parameter([1.0, np.nan]) * 2).exp().sum().log(),
    "beside a new one": lambda: parameter([np.nan, -1.0]).log(),
    "a tensor as it is": lambda: tg.tensor([np.nan]),
    "a view": lambda: parameter([[1.0, np.nan]])[:, 1:].T,
}


@pytest.mark.parametrize("infinite", [False, True])
@pytest.mark.parametrize("compute", FROM_OUTSIDE.values(), ids=FROM_OUTSIDE)
def test_a_nan_that_came_in_is_not_laid_to_a_later_operation(compute, infinite):
    with tg.detect_anomaly(infinite=infinite):
        out = compute()
        if out.requires_grad:
            out.sum().backward()
    assert np.isnan(out.numpy()).any()


INFINITE = {
    "log of 0": (lambda: parameter([1.0, 0.0]).log(), r"log made an infinity at index \(1,\), from x = 0"),
    "1 / 0": (lambda: 1 / parameter([0.0]), r"divide made an infinity at index \(0,\), from x = 1, y = 0"),
    "exp": (lambda: parameter([1000.0]).exp(), r"exp made an infinity at index \(0,\), from x = 1000"),
    "a float16 that overflows": (
        lambda: parameter([300.0], np.float16) * 300.0,
        r"multiply made an infinity at index \(0,\), from x = 300, y = 300",
    ),
    "a conversion": (lambda: parameter([1e300]).astype(np.float32), r"astype made an infinity"),
}  # fmt: skip


@pytest.mark.parametrize(("compute", "message"), INFINITE.values(), ids=INFINITE)
def test_an_infinity_stops_it_only_if_asked(compute, message):
    with tg.detect_anomaly():
        assert np.isinf(compute().numpy()).any()
    with tg.detect_anomaly(infinite=True), pytest.raises(AnomalyError, match=message):
        compute()


def test_infinities_that_came_in_are_not_laid_to_a_later_operation():
    mask = np.array([[0.0, -np.inf], [0.0, 0.0]])  # as in attention
    with tg.detect_anomaly(infinite=True):
        x = parameter([[1.0, 2.0], [3.0, 4.0]])
        functional.softmax(x + mask).sum().backward()
        (parameter([1.0]) * np.inf).sum()
    assert np.isfinite(x.grad.numpy()).all()


def test_finite_values_pass():
    with tg.detect_anomaly(infinite=True):
        network = nn.MLP(3, [4], 2, rng=np.random.default_rng(0))
        functional.cross_entropy(network(np.ones((5, 3))), [0, 1, 0, 1, 0]).backward()
        np.argmax(parameter([1.0, 2.0]))
        parameter([]).sum()


# ----------------------------------------------------------------------- detect_anomaly: gradients, backwards
BACKWARD = {
    "np.where after log": (
        lambda: (x := parameter([2.0, 0.0]), np.where(x.numpy() > 0, x.log(), 0.0)),
        False,
        r"gradient of log with respect to input 0 has a NaN at index \(1,\), where that input is 0, made at test",
    ),
    "the norm at 0": (
        lambda: (x := parameter([0.0, 0.0]), np.sqrt((x * x).sum())),
        False,
        r"gradient of multiply .* has a NaN at index \(0,\).*from a gradient that was infinite already",
    ),
    "the norm at 0, infinite": (
        lambda: (x := parameter([0.0, 0.0]), np.sqrt((x * x).sum())),
        True,
        r"gradient of sqrt with respect to input 0 has an infinity at index \(\), where that input is 0, made at test",
    ),
    "sqrt at 0": (
        lambda: (x := parameter([1.0, 0.0]), np.sqrt(x)),
        True,
        r"gradient of sqrt with respect to input 0 has an infinity at index \(1,\).*x \+ 1e-12",
    ),
    "the second input": (
        lambda: (x := parameter([1.0]), tg.custom_op(
            lambda a, b: a * b, lambda g, _z, _a, b: g * b, lambda g, _z, _a, b: g * (b - b) / (b - b), name="odd"
        )(np.array([2.0]), x)),
        False,
        r"gradient of odd with respect to input 1 has a NaN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])
@pytest.mark.parametrize(("make", "infinite", "message"), BACKWARD.values(), ids=BACKWARD)
def test_a_nan_in_a_gradient_is_laid_to_the_rule_that_makes_it(make, infinite, message, create_graph):
    with tg.detect_anomaly(infinite=infinite):
        x, out = make()
        # The recorded rule is computed by operations, the first of which to make a NaN is named.
        with pytest.raises(AnomalyError, match="made an? (NaN|infinity)" if create_graph else message):
            out.sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_without_the_block_such_a_gradient_goes_through():
    with np.errstate(all="ignore"):
        x, out = BACKWARD["np.where after log"][0]()
        out.sum().backward()
    assert np.isnan(x.grad.numpy()).tolist() == [False, True]


def test_an_infinite_gradient_stops_it_only_if_asked():
    with tg.detect_anomaly():
        x = parameter([1.0, 0.0])
        np.sqrt(x).sum().backward()
    assert x.grad.tolist() == [0.5, np.inf]


def test_a_nan_in_the_first_gradient_is_not_laid_to_a_rule():
    for seed in (np.nan, np.inf):
        with tg.detect_anomaly(infinite=True):
            x = parameter([1.0, 2.0])
            (x * 2).exp().sum().backward(seed)
        assert not np.isfinite(x.grad.numpy()).any()


def test_a_nan_from_a_hook_is_not_laid_to_a_rule():
    with tg.detect_anomaly():
        x = parameter([1.0, 2.0])
        y = x * 2
        y.register_hook(lambda g: g.numpy() * np.nan)
        (y * 3).sum().backward()
    assert np.isnan(x.grad.numpy()).all()


# ------------------------------------------------------------------------------- detect_anomaly: around it
def test_numpys_own_warnings_are_silenced_in_the_block_alone():
    with tg.detect_anomaly():
        parameter([0.0]).log()  # minus infinity; warnings are errors in these tests
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        parameter([0.0]).log()


def test_settings_come_back_after_an_error_and_after_nesting():
    with np.errstate(divide="call", over="print"):
        before = np.geterr()
        with tg.detect_anomaly():
            with pytest.raises(AnomalyError), tg.detect_anomaly(infinite=True):
                parameter([0.0]).log()
            assert set(np.geterr().values()) == {"ignore"}
            parameter([0.0]).log()
        assert np.geterr() == before


def test_a_decorated_function_keeps_the_option():
    @tg.detect_anomaly(infinite=True)
    def compute():
        return parameter([0.0]).log()

    for _ in range(2):
        with pytest.raises(AnomalyError, match="infinity"):
            compute()


def test_the_layer_is_named():
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    model[0].weight.data = [[np.inf]]
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match=r"In model.0 \(Linear 1→1\): linear made a NaN"):
        model(np.zeros((1, 1), np.float32))


def test_a_gradient_function_is_watched_too():
    with tg.detect_anomaly(), pytest.raises(AnomalyError):
        tg.grad(lambda x: np.sqrt(x * x))(0.0)


@pytest.mark.parametrize("block", [tg.debug, tg.detect_anomaly])
def test_the_block_changes_no_result(block):
    def compute():
        x = parameter([[0.5, -1.0], [2.0, 0.3]])
        y = functional.softmax(x @ x.T, axis=0) * np.tanh(x)
        loss = (y[0] + y.max(axis=1)).sum() + functional.concatenate([x, y]).mean()
        loss.backward(create_graph=True)
        slope, x.grad = x.grad, None
        (slope * slope).sum().backward()
        return loss.item(), slope.tolist(), x.grad.tolist()

    expected = compute()
    with block():
        assert compute() == expected
