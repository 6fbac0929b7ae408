"""A hook sees the whole gradient of its tensor, once in each backward pass, and what it returns flows on."""

import gc
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, ops
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


def seen_by(tensor):
    """Register a hook that writes down the gradients that it sees."""
    seen = []
    tensor.register_hook(lambda g: seen.append(g.tolist()))
    return seen


@pytest.fixture
def without_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


recorded_or_not = pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])


# ----------------------------------------------------------------------------------------- what a hook sees
@recorded_or_not
def test_a_hook_sees_the_gradient_of_a_leaf_of_what_is_computed_and_of_the_loss(create_graph):
    x = parameter([1.0, 2.0])
    y = x * x
    loss = (y * 3).sum()
    at_x, at_y, at_loss = map(seen_by, (x, y, loss))
    loss.backward(create_graph=create_graph)
    assert (at_x, at_y, at_loss) == ([[6, 12]], [[3, 3]], [1])
    assert x.grad.tolist() == [6, 12]  # None changes nothing
    x.grad = None


@recorded_or_not
def test_a_hook_is_given_a_tensor_of_the_shape_and_dtype_of_its_own(create_graph):
    x = parameter([[1.0, 2.0]], np.float32)
    given = []
    x.register_hook(given.append)
    (x.astype(np.float64) * 2).sum().backward(create_graph=create_graph)
    assert [(type(g), g.shape, g.dtype) for g in given] == [(tg.Tensor, (1, 2), np.float32)]
    x.grad = None


def test_a_hook_of_a_leaf_that_is_the_loss_is_called_once():
    x = parameter(3.0)
    seen = seen_by(x)
    x.register_hook(lambda g: g * 5)
    x.backward()
    assert seen == [1]
    assert x.grad.item() == 5


def test_hooks_are_called_in_each_backward_pass():
    x = parameter([1.0, 2.0])
    y = x * 2
    at_x, at_y = seen_by(x), seen_by(y)
    loss = y.sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert at_x == [[2, 2], [2, 2]]  # the gradient of this pass, not what has been added up
    assert at_y == [[1, 1], [1, 1]]
    assert x.grad.tolist() == [4, 4]


def test_hooks_are_called_from_the_loss_to_the_leaves():
    x = parameter(1.0)
    a = x * 2
    b = a * 3
    order = []
    for name, tensor in (("x", x), ("a", a), ("b", b)):
        tensor.register_hook(lambda _, name=name: order.append(name))
    b.backward()
    assert order == ["b", "a", "x"]


def test_the_hook_of_what_the_loss_does_not_depend_on_is_not_called():
    x, other = parameter(1.0), parameter(2.0)
    seen = seen_by(other)
    unused = other * 2
    seen += seen_by(unused)
    (x * 2).backward()
    assert seen == []


# --------------------------------------------------------------------------------------- once, and the whole
@recorded_or_not
def test_a_diamonds_hook_is_called_once_with_the_sum_of_all_its_arms(create_graph):
    x = parameter([1.0, 2.0])
    y = x * 1
    seen = seen_by(y)
    (y * 3 + y.sum() + (y * y * y)).sum().backward(create_graph=create_graph)
    assert seen == [[3 + 2 + 3, 3 + 2 + 12]]
    x.grad = None


@recorded_or_not
def test_a_leaf_that_is_used_often_is_seen_once(create_graph):
    x = parameter([1.0, 2.0])
    seen = seen_by(x)
    (x * x + x * 5).sum().backward(create_graph=create_graph)
    assert seen == [[7, 9]]
    x.grad = None


def test_a_ladder_of_diamonds_calls_each_hook_once():
    x = y = parameter(1.0)
    calls = []
    for i in range(200):
        y = y * 0.5 + y * 0.5
        y.register_hook(lambda _, i=i: calls.append(i))
    y.backward()
    assert calls == list(range(200))[::-1]
    assert x.grad.item() == 1


def test_arms_of_unequal_length_are_waited_for():
    x = parameter(1.0)
    y = x * 2
    seen = seen_by(y)
    arm = y
    for _ in range(10):
        arm = arm * 1.0
    (y + arm).backward()
    assert seen == [2]


def test_what_a_broadcast_added_is_summed_first():
    x = parameter([1.0])
    y = x * 1
    seen = seen_by(y)
    (y + np.zeros((4, 3))).sum().backward()
    assert seen == [[12]]


# -------------------------------------------------------------------------------------- what it returns flows on
@recorded_or_not
@pytest.mark.parametrize(
    "answer",
    [lambda g: g * 10, lambda _: tg.tensor([10.0, 10.0]), lambda _: np.array([10, 10]), lambda _: [10.0, 10.0]],
    ids=["a Tensor made of it", "another Tensor", "an array of whole numbers", "a list"],
)
@pytest.mark.parametrize("where", ["leaf", "interior", "root"])
def test_the_answer_takes_the_gradients_place(where, answer, create_graph):
    x = parameter([2.0, 3.0])
    y = x * 1
    z = y + 0
    {"leaf": x, "interior": y, "root": z}[where].register_hook(answer)
    before = seen_by(x) if where != "leaf" else [[10, 10]]
    z.backward([1.0, 1.0], create_graph=create_graph)
    assert x.grad.tolist() == [10, 10]
    assert before == [[10, 10]]
    assert type(x.grad) is tg.Tensor
    assert x.grad.dtype == x.dtype
    x.grad = None


def test_only_what_lies_before_it_sees_the_answer():
    x, w = parameter(2.0), parameter(5.0)
    y = x * 3
    y.register_hook(lambda g: g * 0)
    (y * w).backward()
    assert (x.grad.item(), w.grad.item()) == (0, 6)


def test_several_hooks_are_called_in_turn_each_with_what_the_one_before_left():
    x = parameter(1.0)
    seen = []
    for add in (1, 10, 100):
        x.register_hook(lambda g, add=add: (seen.append(g.item()), g + add)[1])
        x.register_hook(lambda _: None)
    (x * 1).backward()
    assert seen == [1, 2, 12]
    assert x.grad.item() == 112


def test_the_answer_is_copied():
    kept = np.array([5.0, 5.0])
    x, y = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    for tensor in (x, y):
        tensor.register_hook(lambda _: kept)
    (x * y).sum().backward()
    kept[:] = 9
    assert x.grad.tolist() == y.grad.tolist() == [5, 5]
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())


def test_a_recorded_answer_is_copied_too():
    kept = parameter([5.0, 5.0])
    x = parameter([1.0, 2.0])
    x.register_hook(lambda _: kept)
    (x * 2).sum().backward(create_graph=True)
    assert x.grad is not kept
    assert not np.shares_memory(x.grad.numpy(), kept.numpy())
    x.grad = None


@recorded_or_not
def test_an_answer_of_another_dtype_is_given_that_of_the_tensor(create_graph):
    x = parameter([1.0, 2.0], np.float32)
    y = x * 1
    y.register_hook(lambda _: tg.tensor(np.array([3.0, 4.0])))
    y.sum().backward(create_graph=create_graph)
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3, 4]
    x.grad = None


WRONG_SHAPES = {
    "fewer": lambda _: np.array([1.0]),
    "more axes": lambda _: np.ones((1, 2)),
    "one number": lambda _: 1.0,
    "a sum": lambda g: g.sum(),
}


@recorded_or_not
@pytest.mark.parametrize("answer", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize("leaf", [True, False], ids=["leaf", "interior"])
def test_an_answer_of_another_shape_is_refused_even_if_it_would_broadcast(leaf, answer, create_graph):
    x = parameter([1.0, 2.0])
    y = x * 2
    (x if leaf else y).register_hook(answer)
    with pytest.raises(ShapeError, match=r"A hook returned shape \(.*\) for a gradient of shape \(2,\)"):
        y.sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_an_answer_that_holds_no_numbers_is_refused():
    x = parameter([1.0, 2.0])
    x.register_hook(lambda _: "wrong")
    with pytest.raises(DtypeError, match="real numbers"):
        (x * 2).sum().backward()


def test_the_error_of_a_hook_comes_through():
    x = parameter(1.0)

    def stop(_):
        raise KeyError("from the hook")

    x.register_hook(stop)
    with pytest.raises(KeyError, match="from the hook"):
        (x * 2).backward()
    assert x.grad is None


# --------------------------------------------------------------------------------- it may write to what it is given
def zero_in_place(g):
    g.numpy()[...] = 0


SHARING = {
    "add": lambda x, y: x + y,
    "add a tensor to itself": lambda x, y: (x + x) + y,
    "identity": lambda x, y: ops.identity(x) + ops.identity(y),
    "reshape": lambda x, y: (x.reshape(4) + y.reshape(4)).reshape(2, 2),
    "transpose": lambda x, y: x.T + y.T,
    "broadcast_to": lambda x, y: np.broadcast_to(x, (2, 2)) + y,
    "getitem": lambda x, y: x[:] + y[::-1],
    "stack": lambda x, y: functional.stack([x, y]).sum(axis=0),
    "sum": lambda x, y: x.sum() + y,
}


@recorded_or_not
@pytest.mark.parametrize("f", SHARING.values(), ids=SHARING)
def test_a_hook_that_writes_into_its_argument_corrupts_nothing(f, create_graph):
    gradients = []
    for hooks in (False, True):
        x, y = parameter([[1.0, 2.0], [3.0, 4.0]]), parameter([[5.0, 6.0], [7.0, 8.0]])
        out = f(x, y)
        square = out * 1
        seed = np.arange(1.0, 5.0).reshape(2, 2)
        if hooks:
            for tensor in (x, y, out, square):
                tensor.register_hook(zero_in_place)
        square.backward(seed, create_graph=create_graph)
        assert seed.tolist() == [[1, 2], [3, 4]]
        gradients.append((x.grad.tolist(), y.grad.tolist(), x.tolist(), y.tolist(), out.tolist()))
        x.grad = y.grad = None
    assert gradients[0] == gradients[1]


def test_what_a_hook_keeps_does_not_change_later():
    x = parameter([1.0, 2.0])
    kept = []
    x.register_hook(kept.append)
    (x * 1).sum().backward()
    x.grad[...] = 50.0
    assert kept[0].tolist() == [1, 1]


# ----------------------------------------------------------------------------------------------------- removal
def test_a_removed_hook_is_not_called_and_the_others_are():
    x = parameter(1.0)
    first = x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: g * 3)
    last = x.register_hook(lambda g: g * 5)
    (x * 1).backward()
    first.remove()
    (x * 1).backward()
    last.remove()
    last.remove()  # a second time does nothing
    (x * 1).backward()
    assert x.grad.item() == 30 + 15 + 3


@pytest.mark.parametrize("leaf", [True, False], ids=["leaf", "interior"])
def test_a_hook_may_remove_itself_while_it_runs(leaf):
    x = parameter(1.0)
    y = x * 1
    tensor = x if leaf else y

    def once(g):
        handle.remove()
        return g * 10

    handle = tensor.register_hook(once)
    after = seen_by(tensor)
    y.backward(retain_graph=True)
    y.backward()
    assert after == [10, 1]
    assert x.grad.item() == 11


def test_a_hook_may_register_another_which_the_next_pass_calls():
    x = parameter(1.0)
    calls = []

    def first(_):
        calls.append("first")
        x.register_hook(lambda _: calls.append("second"))

    x.register_hook(first)
    (x * 1).backward()
    assert calls == ["first"]
    (x * 1).backward()
    assert calls == ["first", "first", "second"]


def test_a_handle_outlives_its_tensor():
    x = parameter(1.0)
    handle = x.register_hook(lambda g: g)
    del x
    handle.remove()


# ---------------------------------------------------------------------------------------------- second order
def test_what_a_hook_computes_is_recorded():
    x = parameter(2.0)
    y = x**3
    y.register_hook(lambda g: g * x)  # 3x² becomes 3x³
    y.backward(create_graph=True)
    slope, x.grad = x.grad, None
    assert slope.item() == 24
    slope.backward()
    assert x.grad.item() == 9 * 4


def test_a_constant_answer_cuts_the_graph_there():
    x = parameter(2.0)
    y = x * x
    y.register_hook(lambda _: np.array(5.0))
    (y * y).backward(create_graph=True)
    slope, x.grad = x.grad, None
    assert slope.item() == 5 * 2 * 2
    slope.backward()
    assert x.grad.item() == 5 * 2


def test_in_a_second_pass_hooks_are_called_again():
    x = parameter(2.0)
    seen = seen_by(x)
    (x**3).backward(create_graph=True)
    slope, x.grad = x.grad, None
    slope.backward()
    assert seen == [12, 12]  # 3x², and then 6x


def test_second_derivatives_through_a_scaling_hook():
    def f(x):
        y = np.sin(x)
        y.register_hook(lambda g: g * 2)
        return y * y

    # The slope of sin² doubled, twice: at each order the hook scales what passes it.
    slope = tg.grad(f)(0.7).item()
    assert slope == pytest.approx(2 * np.sin(2 * 0.7), rel=1e-6)


# --------------------------------------------------------------------------------------- functions' gradients
def test_a_hook_within_a_differentiated_function_is_called():
    seen = []

    def f(x):
        y = x * x
        y.register_hook(lambda g: (seen.append(g.item()), g * 10)[1])
        return y * 3

    assert tg.grad(f)(2.0).item() == 3 * 10 * 4
    assert seen == [3]


def test_a_hook_of_the_argument_is_called_once_with_the_whole_gradient():
    seen = []

    def f(x):
        x.register_hook(lambda g: (seen.append(g.item()), -g)[1])
        return x * x + x

    assert tg.grad(f)(2.0).item() == -5
    assert seen == [5]


def test_a_hook_of_an_outer_tensor_sees_the_outer_gradient():
    x = parameter(2.0)
    seen = seen_by(x)
    slope = tg.grad(lambda v: v**3)(x)
    assert seen == []  # it was another node that was differentiated by
    slope.backward()
    assert seen == [12]
    assert x.grad.item() == 12


def test_a_hook_is_not_given_a_part_where_the_walk_ends_before_its_tensor():
    w = parameter([1.0, 2.0])
    h = w * 2
    at_w, at_h = seen_by(w), seen_by(h)
    # The function reaches w twice, and once of that through h, which is older than the argument.
    slope = tg.grad(lambda x: (x * h * w).sum())(np.ones(2))
    assert slope.tolist() == [2, 8]
    assert at_w == at_h == []


def test_the_gradient_with_respect_to_what_was_computed_passes_its_hook():
    x = parameter([1.0, 2.0])
    value, (slope,) = tg.value_and_grad(lambda v: (v * v).sum(), argnums=(0,))(x * 2)
    assert value.item() == 20
    assert slope.tolist() == [4, 8]


# ------------------------------------------------------------------------------------------------- retain_grad
@recorded_or_not
def test_a_computed_tensor_keeps_its_gradient_when_asked(create_graph):
    x = parameter([1.0, 2.0])
    y = x * x
    z = y * 3
    y.retain_grad()
    z.sum().backward(create_graph=create_graph)
    assert y.grad.tolist() == [3, 3]
    assert z.grad is None
    assert x.grad.tolist() == [6, 12]
    assert not np.shares_memory(y.grad.numpy(), x.grad.numpy())
    x.grad = y.grad = None


def test_kept_gradients_add_up_as_those_of_leaves_do():
    x = parameter([1.0, 2.0])
    y = x * x
    y.retain_grad()
    for retain in (True, False):
        (y * 3).sum().backward(retain_graph=retain)
    assert y.grad.tolist() == [6, 6]


def test_asking_twice_keeps_it_once():
    x = parameter([1.0, 2.0])
    y = x * x
    y.retain_grad()
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1, 1]


def test_what_is_kept_is_what_the_hooks_leave_as_for_a_leaf():
    for register_first in (True, False):
        x = parameter([1.0, 2.0])
        y = x + 0
        if register_first:
            y.register_hook(lambda g: g * 10)
        y.retain_grad()
        if not register_first:
            y.register_hook(lambda g: g * 10)
        y.sum().backward()
        assert y.grad.tolist() == x.grad.tolist() == [10, 10]


def test_a_leaf_keeps_its_gradient_anyway():
    x = parameter([1.0, 2.0])
    x.retain_grad()
    assert not x.retains_grad
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_whether_a_gradient_is_kept_can_be_asked():
    y = parameter([1.0]) * 2
    assert not y.retains_grad
    y.register_hook(lambda g: g)
    assert not y.retains_grad
    y.retain_grad()
    assert y.retains_grad


def test_the_loss_keeps_its_gradient_too():
    loss = parameter(2.0) * 3
    loss.retain_grad()
    loss.backward()
    assert loss.grad.item() == 1


# ------------------------------------------------------------------------------------------------ bad input
def under_no_grad():
    with tg.no_grad():
        return parameter([1.0]) * 2


@pytest.mark.parametrize(
    "ask", [lambda t: t.register_hook(lambda g: g), lambda t: t.retain_grad()], ids=["hook", "keep"]
)
@pytest.mark.parametrize(
    "make",
    [lambda: tg.tensor([1.0]), lambda: tg.tensor([1]), lambda: parameter([1.0]).detach(), under_no_grad],
    ids=["a constant", "integers", "detached", "no_grad"],
)
def test_where_no_gradient_flows_a_hook_is_refused(make, ask):
    with pytest.raises(GraphError, match=r"No gradient flows.*never be called.*requires_grad=True.*no_grad\(\)"):
        ask(make())


@pytest.mark.parametrize("thing", [None, 3, "print", [print]])
def test_what_is_no_function_is_refused(thing):
    with pytest.raises(GraphError, match="takes a function of the gradient, but was given"):
        parameter([1.0]).register_hook(thing)


# ------------------------------------------------------------------------------------- memory, modules, threads
@pytest.mark.usefixtures("without_garbage_collector")
def test_dropping_the_loss_frees_the_graph_with_its_hooks_at_once():
    x = parameter([1.0, 2.0])
    hidden = (x * 2).tanh()
    hidden.register_hook(lambda g: g * 2)
    hidden.retain_grad()
    x.register_hook(lambda g: g)
    inside = [weakref.ref(hidden), weakref.ref(hidden.inputs[0])]
    loss = (hidden @ hidden).sum()
    loss.register_hook(lambda g: g)
    del hidden
    assert all(r() is not None for r in inside)
    del loss
    assert all(r() is None for r in inside)


@pytest.mark.usefixtures("without_garbage_collector")
def test_backward_frees_a_graph_with_hooks_while_the_loss_lives():
    x = parameter([1.0, 2.0])
    y = x * x
    y.retain_grad()
    handle = y.register_hook(lambda g: g)
    inside = weakref.ref(y)
    loss = (y + 1).sum()
    del y
    loss.backward()
    assert inside() is None
    assert x.grad.tolist() == [2, 4]
    handle.remove()


@pytest.mark.usefixtures("without_garbage_collector")
def test_a_leaf_with_a_hook_is_freed_with_its_last_name():
    x = parameter([1.0])
    x.register_hook(lambda g: g)
    gone = weakref.ref(x)
    (x * 2).sum().backward()
    del x
    assert gone() is None


def test_gradients_of_a_model_are_clipped_by_hooks():
    model = nn.Linear(3, 2, rng=np.random.default_rng(0))
    for p in model.parameters():
        p.register_hook(lambda g: np.where(abs(g) > 0.1, np.sign(g) * 0.1, g))
    functional.mse_loss(model(np.full((4, 3), 10.0, np.float32)), np.zeros((4, 2), np.float32)).backward()
    for p in model.parameters():
        assert np.abs(p.grad.numpy()).max() == np.float32(0.1)


def test_each_thread_calls_the_hooks_of_its_own_graph():
    seen, errors = {}, []
    start = threading.Barrier(4, timeout=10)

    def work(k):
        try:
            x = parameter([1.0, 2.0])
            start.wait()
            for _ in range(200):
                y = x * k
                mine = seen_by(y)
                y.register_hook(lambda g: g * 2)
                y.retain_grad()
                y.sum().backward()
                assert mine == [[1, 1]]
                assert y.grad.tolist() == [2, 2]
            seen[k] = x.grad.tolist()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == {k: [400 * k, 400 * k] for k in range(1, 5)}


def test_a_hook_runs_in_the_thread_that_goes_backward():
    x = parameter(1.0)
    where = []
    x.register_hook(lambda _: where.append(threading.current_thread()))
    thread = threading.Thread(target=(x * 2).backward)
    thread.start()
    thread.join()
    assert where == [thread]


def test_a_hook_may_go_backward_itself():
    x, w = parameter(2.0), parameter(3.0)
    y = x * x
    y.register_hook(lambda _: (w * w).backward())
    y.backward()
    assert (x.grad.item(), w.grad.item()) == (4, 6)
