"""The tape: gradients are complete, cost what the graph costs, free what they used, and never fail silently."""

import gc
import itertools
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, ops, optim
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError
from tinygrad_edu.tape import Node


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


@pytest.fixture
def counted():
    """A row that averages two inputs, and the list of its rules' calls."""
    calls = []

    def rule(g, _z, _x, _y):
        calls.append(1)
        return g * 0.5

    yield ops.define("counted", rule, rule, forward=lambda x, y: (x + y) * 0.5), calls
    del ops.TABLE["counted"]


@pytest.fixture
def without_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


# ------------------------------------------------------------------------------------- what backward does
def test_backward_adds_to_the_gradient_that_is_there():
    x = parameter([1.0, 2.0])
    (x * 3).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    assert first.tolist() == [3, 3]  # and does not write into it


def test_an_input_used_several_times_receives_the_sum():
    x = parameter(3.0)
    (x * x + x).backward()
    assert x.grad.item() == 7


def test_leaves_alone_receive_gradients_and_only_those_that_ask():
    x, constant = parameter(2.0), tg.tensor(np.array(5.0))
    y = x * constant
    (y * y).backward()
    assert x.grad.item() == 2 * 5 * 5 * 2
    assert y.grad is None
    assert constant.grad is None


def test_backward_of_a_leaf_is_1():
    x = parameter(3.0)
    x.backward()
    assert x.grad.item() == 1


def test_a_seed_weighs_the_entries():
    x = parameter([1.0, 2.0])
    (x * x).backward([10, 100])
    assert x.grad.tolist() == [20, 400]


def test_a_recorded_gradient_depends_on_the_seed_too():
    a, seed = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    (a * seed * 1).backward(seed, create_graph=True)
    assert a.grad.tolist() == [9, 16]  # seed²
    a.grad.sum().backward()
    assert seed.grad.tolist() == [9, 16]  # a seed of the first pass, and 2 seed of the second


def test_a_single_number_of_any_shape_needs_no_seed():
    x = parameter([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6]]


def test_a_gradient_is_an_array_even_of_a_single_number():
    x = parameter(3.0)
    (x * x).backward()
    assert isinstance(x.grad.numpy(), np.ndarray)
    x.grad[...] = 0.0
    assert x.grad.item() == 0


def test_create_graph_records_the_gradient():
    x = parameter(2.0)
    (x**3).backward(create_graph=True)
    slope, x.grad = x.grad, None
    assert slope.item() == 12
    slope.backward()
    assert x.grad.item() == 12  # 6x


def test_gradients_that_are_not_asked_for_are_not_computed(counted):
    average, calls = counted
    average(parameter(1.0), tg.tensor(1.0)).backward()
    assert len(calls) == 1


# --------------------------------------------------------------------------------- its cost, and its end
def test_a_ladder_of_10000_diamonds_costs_two_rules_a_rung(counted):
    average, calls = counted
    x = y = parameter(1.0)
    for _ in range(10_000):  # 2**10000 paths
        y = average(y, y)
    y.backward()
    assert len(calls) == 20_000
    assert x.grad.item() == 1


def test_diamonds_of_unequal_arms_wait_for_the_longer_one(counted):
    average, calls = counted
    x = y = parameter(1.0)
    for _ in range(100):
        arm = y
        for _ in range(5):
            arm = average(arm, arm)
        y = average(y, arm)
    y.backward()
    assert len(calls) == 100 * (5 * 2 + 2)
    assert x.grad.item() == 1


@pytest.mark.usefixtures("without_garbage_collector")
def test_a_chain_of_200000_operations_needs_no_recursion():
    limit = sys.getrecursionlimit()
    x = y = parameter(1.0)
    middle = None
    for i in range(200_000):
        y = -y
        if i == 100_000:
            middle = weakref.ref(y)
    y.backward(retain_graph=True)
    assert x.grad.item() == 1
    assert middle() is not None
    del y  # frees 200,000 nodes, each holding the next
    assert middle() is None
    assert sys.getrecursionlimit() == limit


@pytest.mark.usefixtures("without_garbage_collector")
def test_backward_frees_the_graph_while_the_loss_lives():
    x = parameter(2.0)
    y = x * x
    inside = weakref.ref(y)
    loss = y + 1
    del y
    loss.backward()
    assert inside() is None
    assert loss.item() == 5


@pytest.mark.usefixtures("without_garbage_collector")
def test_dropping_the_loss_frees_the_graph_at_once():
    x = parameter([1.0, 2.0])
    hidden = (x * 2).tanh()
    inside = [weakref.ref(hidden), weakref.ref(hidden.inputs[0])]
    loss = (hidden @ hidden).sum()
    del hidden
    assert all(r() is not None for r in inside)
    del loss
    assert all(r() is None for r in inside)


def network_step():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    descent = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        descent.zero_grad()
        functional.cross_entropy(model(tg.tensor(np.ones((5, 3), np.float32))), [0, 1, 0, 1, 0]).backward()
        descent.step()


def every_kind_of_op():
    x = parameter([[1.0, 2.0], [3.0, 4.0]])
    y = np.concatenate([x[0], x.T.reshape(4)[::2], functional.softmax(x @ x, axis=0).max(axis=1)])
    y.sum().backward()


def recorded_gradients():
    x = parameter(2.0)
    (x**3).backward(create_graph=True)
    x.grad = None  # a recorded gradient holds its leaf, and its leaf holds it


def raising():
    x = parameter([1.0, 2.0])
    with pytest.raises(ShapeError):
        (x * 2).backward()


STEPS = {
    "training": network_step,
    "every kind of op": every_kind_of_op,
    "recorded gradients": recorded_gradients,
    "nested grad": lambda: tg.grad(tg.grad(lambda x: x**3))(2.0),
    "an abandoned graph": lambda: parameter([1.0]) * 2 + 1,
    "an error": raising,
}


@pytest.mark.usefixtures("without_garbage_collector")
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_no_step_leaves_a_cycle_for_the_garbage_collector(step):
    step()  # what is made once, such as caches
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(20):
        step()
    gc.collect()
    assert [thing for thing in gc.garbage if isinstance(thing, (Node, np.ndarray))] == []


# ------------------------------------------------------------------------------- gradients are their own
SHARING = {
    "add": lambda x, y: x + y,
    "add a tensor to itself": lambda x, y: (x + x) + y,
    "subtract": lambda x, y: x - y,
    "broadcast": lambda x, y: x + y[:1],
    "identity": lambda x, y: ops.identity(x) + ops.identity(y),
    "positive": lambda x, y: +x + +y,
    "reshape": lambda x, y: x.reshape(4) + y.reshape(4),
    "reshape after": lambda x, y: (x + y).reshape(4),
    "transpose": lambda x, y: x.T + y.T,
    "transpose after": lambda x, y: (x + y).T,
    "swapaxes": lambda x, y: x.swapaxes(0, 1) + y.T,
    "expand_dims": lambda x, y: np.expand_dims(x, 0) + np.expand_dims(y, 0),
    "squeeze": lambda x, y: x[None].squeeze() + y[None].squeeze(),
    "broadcast_to": lambda x, y: np.broadcast_to(x, (2, 2)) + np.broadcast_to(y, (2, 2)),
    "getitem": lambda x, y: x[:] + y[::-1],
    "concatenate": lambda x, y: functional.concatenate([x, y, x]),
    "stack": lambda x, y: functional.stack([x, y]),
    "sum": lambda x, y: x.sum() + y.sum(),
    "mean": lambda x, y: x.mean(axis=0) + y.mean(axis=0),
    "where": lambda x, y: np.where(np.array([True, False]), x, y),
    "multiply": lambda x, y: x * y,
    "matmul": lambda x, y: x @ y,
    "an input alone": lambda x, y: x + 0 * y,
}


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])
@pytest.mark.parametrize("f", SHARING.values(), ids=SHARING)
def test_a_gradient_shares_memory_with_nothing(f, create_graph):
    x, y = parameter([[1.0, 2.0], [3.0, 4.0]]), parameter([[5.0, 6.0], [7.0, 8.0]])
    out = f(x, y)
    seed = np.ones(out.shape)
    out.backward(seed, create_graph=create_graph)
    everything = {"grad x": x.grad, "grad y": y.grad, "x": x, "y": y, "the result": out, "the seed": seed}
    everything = {name: thing if name == "the seed" else thing.numpy() for name, thing in everything.items()}
    for (a, first), (b, second) in itertools.combinations(everything.items(), 2):
        if "grad" in a + b:
            assert not np.shares_memory(first, second), f"{a} and {b}"


def test_gradients_can_be_written_to_without_changing_each_other():
    x, y = parameter([1.0]), parameter([2.0])
    (x + y).backward()
    x.grad[0] = 100.0
    assert y.grad.tolist() == [1]


# ------------------------------------------------------------------------------------------- no_grad
def test_nothing_is_recorded_under_no_grad():
    x = parameter(3.0)
    with tg.no_grad():
        y = x * 2
    assert not y.requires_grad
    assert y.is_leaf
    assert y.inputs == ()
    assert (x * 2).requires_grad


def test_no_grad_decorates_a_function():
    @tg.no_grad()
    def predict(x, depth=0):
        return predict(x, depth - 1) if depth else x * 2  # a call inside a call

    x = parameter(3.0)
    assert not predict(x, depth=3).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_decorates_without_parentheses_too():
    @tg.no_grad
    def double(x):
        return x * 2

    assert not double(parameter(1.0)).requires_grad
    assert double.__name__ == "double"


def test_no_grad_nests_and_one_object_serves_again():
    x = parameter(3.0)
    quiet = tg.no_grad()
    with quiet:
        with quiet, tg.no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_ends_with_an_exception():
    x = parameter(3.0)
    with pytest.raises(KeyError, match="inside"), tg.no_grad():
        raise KeyError("inside")
    assert (x * 2).requires_grad


def test_no_grad_is_its_own_threads_affair():
    both_inside, both_done = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    seen = {}

    def quiet():
        with tg.no_grad():
            both_inside.wait()
            seen["quiet"] = (parameter(3.0) * 2).requires_grad
            both_done.wait()

    def recording():
        both_inside.wait()
        x = parameter(3.0)
        y = x * 2
        seen["recording"] = y.requires_grad
        y.backward()
        seen["gradient"] = x.grad.item()
        both_done.wait()

    threads = [threading.Thread(target=f) for f in (quiet, recording)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"quiet": False, "recording": True, "gradient": 2}


def test_a_function_decorated_with_no_grad_gives_each_of_two_threads_its_own_mode_back():
    first_inside, second_inside, first_outside = (threading.Event() for _ in range(3))
    x = parameter(3.0)
    seen = {}

    @tg.no_grad()
    def meanwhile(inside, others):
        inside.set()
        assert others.wait(10)
        return (x * 2).requires_grad

    def first():
        with tg.no_grad():
            within = meanwhile(first_inside, second_inside)
            seen["first"] = (within, (x * 2).requires_grad)
        first_outside.set()

    def second():
        assert first_inside.wait(10)
        within = meanwhile(second_inside, first_outside)
        seen["second"] = (within, (x * 2).requires_grad)

    threads = [threading.Thread(target=f) for f in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"first": (False, False), "second": (False, True)}


# ------------------------------------------------------------------------------- it never fails silently
def test_a_second_backward_through_a_freed_graph_is_refused():
    x = parameter(3.0)
    loss = x * x
    loss.backward()
    with pytest.raises(GraphError, match=r"freed.*retain_graph=True"):
        loss.backward()
    assert x.grad.item() == 6


def test_a_loss_that_shares_a_freed_part_is_refused():
    x = parameter(3.0)
    shared = x * x
    (shared + 1).backward()
    with pytest.raises(GraphError, match=r"freed.*retain_graph=True"):
        (shared + 2).backward()


def test_a_retained_graph_serves_again():
    x = parameter(3.0)
    loss = x * x
    loss.backward(retain_graph=True)
    loss.backward()
    assert x.grad.item() == 12


UNREACHED = {
    "constants": lambda _: tg.tensor(1.0) * 2,
    "a detached tensor": lambda x: x.detach() * 2,
    "positions": lambda x: x.argmax(),
    "a comparison": lambda x: (x > 0).sum(),
}


@pytest.mark.parametrize("f", UNREACHED.values(), ids=UNREACHED)
def test_a_loss_that_reaches_no_parameter_is_refused(f):
    with pytest.raises(GraphError, match=r"reaches nothing.*requires_grad=True"):
        f(parameter(3.0)).backward()


def test_a_loss_computed_under_no_grad_is_refused():
    with tg.no_grad():
        loss = parameter(3.0) * 2
    with pytest.raises(GraphError, match=r"no_grad\(\)"):
        loss.backward()


def test_several_numbers_without_a_seed_are_refused():
    with pytest.raises(ShapeError, match=r"\(2,\).*loss\.mean\(\)\.backward\(\).*gradient="):
        (parameter([1.0, 2.0]) * 2).backward()


def test_a_seed_of_another_shape_is_refused_even_if_it_would_broadcast():
    with pytest.raises(ShapeError, match=r"gradient= has shape \(1,\).*\(2,\)"):
        (parameter([1.0, 2.0]) * 2).backward([1.0])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool])
def test_integers_asked_for_gradients_are_refused(dtype):
    with pytest.raises(DtypeError, match=rf"{np.dtype(dtype).name}.*1\.0 instead of 1.*dtype=np\.float32"):
        tg.tensor(np.ones(2, dtype), requires_grad=True)
    with pytest.raises(DtypeError, match=r"1\.0 instead of 1"):
        tg.tensor(np.ones(2, dtype)).requires_grad_()


def test_a_parameter_cannot_be_turned_into_integers():
    x = parameter([1.0, 2.0])
    with pytest.raises(DtypeError, match="int64"):
        x.data = np.array([1, 2])


def test_no_gradient_flows_through_integers():
    # A gradient of integers would be cut off to whole numbers.
    assert not parameter([1.5, 2.5]).astype(np.int64).requires_grad


def test_a_tensor_with_a_gradient_is_not_turned_into_an_array_unseen():
    x = parameter([1.0, 2.0])
    for convert in (np.asarray, np.array):
        with pytest.raises(GraphError, match=r"x\.numpy\(\) or x\.detach\(\)"):
            convert(x)
    assert np.asarray(x.detach()).tolist() == [1, 2]
    with tg.no_grad():
        assert np.asarray(x).tolist() == [1, 2]


def test_writing_into_a_tensor_that_takes_part_in_gradients_is_refused():
    x, constant = parameter([1.0, 2.0]), tg.tensor([0.0, 0.0])
    for target, value in ((x, 5.0), (x * 2, 5.0), (constant, x[0])):
        with pytest.raises(GraphError, match=r"np\.where.*no_grad\(\)"):
            target[0] = value
    assert x.tolist() == [1, 2]
    assert constant.tolist() == [0, 0]
    with tg.no_grad():
        x[0] = 5.0
    assert x.tolist() == [5, 2]


def test_requires_grad_of_a_computed_tensor_cannot_be_set():
    with pytest.raises(GraphError, match=r"leaf.*x\.detach\(\)"):
        (parameter(1.0) * 2).requires_grad = False


# ---------------------------------------------------------------------- values changed in place since
# For each row: what it computes from x, whether a rule reads the values of x, and of the result.
READS = {
    "x + y": (lambda x, y: x + y, False, False),
    "x - y": (lambda x, y: x - y, False, False),
    "-x": (lambda x, _: -x, False, False),
    "+x": (lambda x, _: +x, False, False),
    "3 x": (lambda x, _: x * 3.0, False, False),
    "x y": (lambda x, y: x * y, True, False),  # the rule of y reads x
    "x times a constant": (lambda x, y: x * y.detach().clone(), False, False),
    "x²": (lambda x, _: x**2, True, False),
    "exp": (lambda x, _: x.exp(), False, True),
    "log": (lambda x, _: x.log(), True, False),
    "tanh": (lambda x, _: x.tanh(), False, True),
    "relu": (lambda x, _: x.relu(), False, True),
    "softmax": (lambda x, _: x.softmax(), False, True),
    "x @ y": (lambda x, y: x @ y, True, False),
    "max": (lambda x, _: x.max(axis=0), True, True),
    "where": (lambda x, y: np.where(np.array([True, False]), x, y), False, False),
    "concatenate": (lambda x, y: functional.concatenate([x, y]), False, False),
    "stack": (lambda x, y: functional.stack([x, y]), False, False),
    # Those below look at shapes alone.
    "sum": (lambda x, _: x.sum(axis=0), False, False),
    "mean": (lambda x, _: x.mean(axis=0), False, False),
    "reshape": (lambda x, _: x.reshape(4), False, False),
    "transpose": (lambda x, _: x.T, False, False),
    "swapaxes": (lambda x, _: x.swapaxes(0, 1), False, False),
    "expand_dims": (lambda x, _: np.expand_dims(x, 0), False, False),
    "squeeze": (lambda x, _: np.squeeze(x), False, False),
    "getitem": (lambda x, _: x[0], False, False),
    "getitem with repeats": (lambda x, _: x[np.array([0, 0])], False, False),
    "broadcast_to": (lambda x, _: np.broadcast_to(x, (3, 2, 2)), False, False),
    "astype": (lambda x, _: x.astype(np.float32), False, False),
}


def gradient_after(f, change):
    """Compute f, change its input or its result in place, and go backward."""
    x, y = parameter([[1.0, 2.0], [3.0, 4.0]]), parameter([[0.5, 1.5], [2.5, 3.5]])
    out = f(x, y)
    change(x, out)
    out.backward(np.arange(1.0, 1 + out.size).reshape(out.shape).astype(out.dtype))
    return x.grad.tolist()


def write(tensor):
    with tg.no_grad():
        tensor[...] = 9.0


@pytest.mark.parametrize(("f", "reads", "_"), READS.values(), ids=READS)
def test_an_input_changed_in_place_is_refused_only_if_a_rule_reads_it(f, reads, _):
    if reads:
        with pytest.raises(GraphError, match=r"needs input 0 of .*changed in place.*x\.clone\(\)"):
            gradient_after(f, lambda x, _: write(x))
    else:
        assert gradient_after(f, lambda x, _: write(x)) == gradient_after(f, lambda *_: None)


@pytest.mark.parametrize(("f", "_", "reads"), READS.values(), ids=READS)
def test_a_result_changed_in_place_is_refused_only_if_a_rule_reads_it(f, _, reads):
    if reads:
        with pytest.raises(GraphError, match=r"needs the result of .*changed in place.*x\.clone\(\)"):
            gradient_after(f, lambda _, out: write(out))
    else:
        assert gradient_after(f, lambda _, out: write(out)) == gradient_after(f, lambda *_: None)


def change_a_constant(x):
    constant = tg.tensor(np.array([1.0, 2.0]))
    out = x * constant
    constant[0] = 9.0
    return out


def change_through(view):
    """Make x², then write through a view of x."""

    def change(x):
        out = x * x
        write(view(x))
        return out

    return change


def change_under(view):
    """Make the square of a view, then write to x."""

    def change(x):
        seen = view(x)
        out = seen * seen
        write(x)
        return out

    return change


def change_by_assignment(x):
    out = x * x
    x.data = np.array([9.0, 9.0])
    return out


def change_by_an_optimizer(x):
    out = (x * x).sum()
    out.backward(retain_graph=True)
    optim.SGD([x], lr=0.1).step()
    return out


VIEWS = {
    "a slice": lambda x: x[:1],
    "a reshaped view": lambda x: x.reshape(1, 2),
    "a transposed view": lambda x: x.reshape(1, 2).T,
    "a view of a view": lambda x: x[::-1][:1],
    "an expanded view": lambda x: np.expand_dims(x, 0),
    "a squeezed view": np.squeeze,
    "the identity": ops.identity,
    "a detached tensor": lambda x: x.detach(),
    "a slice of a detached tensor": lambda x: x.detach()[:1],
}
CHANGES = {
    "a constant": change_a_constant,
    "an assignment to data": change_by_assignment,
    "an optimizer's step": change_by_an_optimizer,
    **{f"through {name}": change_through(view) for name, view in VIEWS.items()},
    **{f"under {name}": change_under(view) for name, view in VIEWS.items() if "detached" not in name},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_way_to_change_a_value_is_noticed(change):
    x = parameter([1.0, 2.0])
    with pytest.raises(GraphError, match="changed in place"):
        change(x).sum().backward()


COPIES = {
    "clone": lambda x: x.clone(),
    "astype": lambda x: x.astype(np.float64),
    "an array index": lambda x: x[np.array([0, 1])],
    "tensor": tg.tensor,
    "x + 0": lambda x: x + 0,
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_changing_a_copy_does_no_harm(copy):
    x = parameter([1.0, 2.0])
    out = x * x
    write(copy(x))
    out.sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_changing_a_value_before_it_is_used_does_no_harm():
    x = parameter([1.0, 2.0])
    write(x)
    (x * x).sum().backward()
    assert x.grad.tolist() == [18, 18]


# ------------------------------------------------------------------------------- a space of computations
steps = st.lists(
    st.tuples(st.sampled_from(["add", "multiply", "tanh"]), st.integers(0, 20), st.integers(0, 20)),
    min_size=1,
    max_size=8,
)
small = arrays_of.arrays(np.float64, (2, 3), elements=st.floats(-1, 1, width=16))


def run(program, leaves, add, multiply, tanh):
    """Run a random program, each of whose steps uses any two values that were there before it."""
    values = list(leaves)
    for op, i, j in program:
        x, y = values[i % len(values)], values[j % len(values)]
        values.append(tanh(x) if op == "tanh" else (add if op == "add" else multiply)(x, y))
    return values[-1]


def dual_add(x, y):
    return x[0] + y[0], x[1] + y[1], x[2] + y[2]


def dual_multiply(x, y):
    return x[0] * y[0], x[1] * y[0] + x[0] * y[1], x[2] * abs(y[0]) + abs(x[0]) * y[2]


def dual_tanh(x):
    z = np.tanh(x[0])
    return z, x[1] * (1 - z * z), x[2] * (1 - z * z)


@given(steps, small, small, small, small)
def test_the_gradient_of_a_random_graph_is_the_slope_that_dual_numbers_carry_forward(program, x, y, dx, dy):
    # Numbers (value, slope along (dx, dy), the same sum with all its terms positive: the scale of its rounding).
    value, slope, scale = run(program, [(x, dx, abs(dx)), (y, dy, abs(dy))], dual_add, dual_multiply, dual_tanh)
    leaves = parameter(x), parameter(y)
    out = run(program, leaves, lambda a, b: a + b, lambda a, b: a * b, np.tanh)
    np.testing.assert_array_equal(out.numpy(), value)
    # The last step may be of one leaf alone, but always of a leaf.
    out.sum().backward()
    carried_back = sum(
        (leaf.grad.numpy() * d).sum() for leaf, d in zip(leaves, (dx, dy), strict=True) if leaf.grad is not None
    )
    # At most 8 steps of 3 roundings, and sums of 2 × 6 terms.
    allowed = 40 * np.finfo(float).eps * scale.sum() + np.finfo(float).tiny
    assert abs(carried_back - slope.sum()) <= allowed


@given(
    arrays_of.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3), st.integers(0, 2**32 - 1)
)
def test_the_gradient_of_a_broadcast_is_the_sum_over_what_it_added(shapes, seed):
    rng = np.random.default_rng(seed)
    # Small whole numbers: their sums and products are exact in any order.
    x, y = (rng.integers(-9, 10, shape).astype(np.float64) for shape in shapes.input_shapes)
    weights = rng.integers(-9, 10, shapes.result_shape).astype(np.float64)
    expected = np.zeros(x.shape), np.zeros(y.shape)
    for index in np.ndindex(*shapes.result_shape):
        at_x, at_y = (
            tuple(0 if n == 1 else k for k, n in zip(index[len(index) - a.ndim :], a.shape, strict=True))
            for a in (x, y)
        )
        expected[0][at_x] += weights[index] * y[at_y]
        expected[1][at_y] += weights[index] * x[at_x]
    for options in ({}, {"create_graph": True}):
        tensors = parameter(x), parameter(y)
        (tensors[0] * tensors[1]).backward(weights, **options)
        for tensor, gradient in zip(tensors, expected, strict=True):
            assert tensor.grad.shape == tensor.shape
            np.testing.assert_array_equal(tensor.grad.numpy(), gradient)
