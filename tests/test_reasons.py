"""why() blames what is to blame, with the numbers and the path, and lets the healthy twin of each case go."""

import gc
import math
import sys
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, ops, optim
from tinygrad_edu.errors import ArgumentError, GraphError, ShapeError, TinygradEduError
from tinygrad_edu.reasons import why
from tinygrad_edu.tape import mode


def parameter(values, name="w", dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True, name=name)


def of_w(f, values=(1.0, 2.0, -3.0)):
    """Make the situation in which the loss is f(w, what)."""

    def make(what):
        w = parameter(values)
        with np.errstate(all="ignore"):
            return w, f(w, what)

    return make


def of_values(f):
    """Make the situation in which the loss is f(w), and w holds what."""

    def make(what):
        w = parameter(what)
        with np.errstate(all="ignore"):
            return w, f(w)

    return make


def network(activation, bias=0.0, layers=2, scale=1.0, data=1.0):
    """Make a network's first weight, and its loss."""
    rng = np.random.default_rng(3)
    model = nn.Sequential()
    for i in range(layers):
        model.append(nn.Linear(4, 4, rng=rng))
        if i < layers - 1:
            model.append(activation())
    for name, p in model.named_parameters():
        p.data = p.data * np.float32(scale)
        if name.endswith("bias"):
            p.data = p.data * 0 + np.float32(bias)
    x = np.abs(rng.standard_normal((8, 4)).astype(np.float32)) * np.float32(data)
    prediction = model(x)
    return model[0].weight, functional.mse_loss(prediction, prediction.numpy() + 1)


def softmax_of(values):
    w = parameter(values)
    return w, (w.softmax() * np.array([1.0, 2.0, 3.0])).sum()


def certain(score):
    w = parameter([[score, 0.0, 0.0]])
    return w, functional.cross_entropy(w, [0])


def with_hook(answer):
    w = parameter([1.0, 2.0])
    y = w * 3
    y.register_hook(lambda g: answer if answer is None else g * answer)
    return w, y.sum()


def leaf_with_hook(answer):
    w = parameter([1.0, 2.0])
    w.register_hook(lambda g: answer if answer is None else g * answer)
    return w, (w * w).sum()


def loss_with_hook(answer):
    w = parameter([1.0, 2.0])
    loss = (w * w).sum()
    loss.register_hook(lambda g: answer if answer is None else g * answer)
    return w, loss


def zeros_of_one_dead_and_one_masked(mask):
    # The mask leaves a gradient to the two entries that relu has killed.
    w = parameter([-1.0, 2.0, -3.0, 4.0])
    return w, (w.relu() * np.array(mask)).sum()


def loops(factor):
    w = parameter([1.0])
    y = w
    for _ in range(40):
        y = y * factor
    return w, y.sum()


# Each: what makes a tensor and a loss, with what they are sick, with what healthy, and what has to be said.
SITUATIONS = {
    "dead ReLU": (
        of_values(lambda w: (w.relu() * 2).mean()),
        [-1.0, -2.0, 0.0],
        [-1.0, 2.0, 0.0],
        [
            "exactly 0, in 3 of 3 entries",
            "lost at relu of shape (3,)",
            "loss = mean <- multiply <- relu (dead: 3 of 3 entries are <= 0) <- w.",
            "leaky_relu",
        ],
    ),
    "dead ReLUs of a layer": (
        lambda bias: network(nn.ReLU, bias),
        -100.0,
        0.1,
        ["loss = mean <- square <- subtract <- linear <- relu (dead: 32 of 32 entries are <= 0) <- linear <- 0.weight"],
    ),
    "dead where it matters": (
        zeros_of_one_dead_and_one_masked,
        [1.0, 0.0, 1.0, 0.0],
        [1.0, 1.0, 1.0, 0.0],
        ["relu (dead: 2 of 2 entries that a gradient reaches are <= 0)"],
    ),
    "relu6 beyond its end": (
        of_values(lambda w: ops.COMPOSITIONS["relu6"](w).sum()),
        [7.0, 8.0],
        [5.0, 8.0],
        ["exactly 0", "flat there: its slope is 0 at 2 of 2 entries, from 7 to 8", "scale the inputs"],
    ),
    "saturated sigmoid": (
        of_values(lambda w: w.sigmoid().sum()),
        [400.0, 800.0],
        [4.0, 8.0],
        ["exactly 0", "sigmoid (saturated: 2 of 2 results are 0 or 1 but for rounding)", "loss on logits"],
    ),
    "nearly saturated sigmoid": (
        of_values(lambda w: w.sigmoid().sum()),
        [18.0, -19.0],
        [1.8, -1.9],
        ["tiny gradient", "shrinks most at sigmoid", "sigmoid (saturated: 2 of 2 results are within 0.001 of 0 or 1)"],
    ),
    "saturated tanh": (
        of_w(lambda w, scale: np.tanh(w * scale).sum()),
        1000.0,
        0.1,
        ["exactly 0", "loss = sum <- tanh (saturated: 3 of 3 results are -1 or 1 but for rounding) <- multiply <- w"],
    ),
    "saturated softmax": (
        softmax_of,
        [1000.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        ["exactly 0", "softmax (saturated: 3 of 3 results are 0 or 1 but for rounding)"],
    ),
    "a prediction that is certain and right": (certain, 1000.0, 1.0, ["exactly 0", "log_softmax"]),
    "sign": (
        of_w(lambda w, f: (f(w) * 2).sum()),
        np.sign,
        np.tanh,
        ["sign (flat: its slope is 0 everywhere)", "sigmoid(10 * x)"],
    ),
    "rint": (of_w(lambda w, f: f(w).sum()), np.rint, np.square, ["rint (flat: its slope is 0 everywhere)"]),
    "floor": (of_w(lambda w, f: f(w).sum()), np.floor, np.square, ["floor (flat: its slope is 0 everywhere)"]),
    "the other side of where": (
        of_w(lambda w, condition: np.where(np.array(condition), 1.0, w).sum()),
        [True, True, True],
        [True, False, True],
        ["where (not taken: another input is chosen in 3 of 3 entries)", "each side"],
    ),
    "the smaller of two": (
        of_w(lambda w, other: np.maximum(w, other).sum()),
        10.0,
        1.5,
        ["maximum (not taken: another input is chosen in 3 of 3 entries)"],
    ),
    "beyond a bound": (
        of_w(lambda w, bound: np.clip(w, None, bound).sum()),
        -10.0,
        1.5,
        ["another input is chosen in 3 of 3 entries"],
    ),
    "equal values": (of_values(lambda w: w.var()), [3.0, 3.0], [3.0, 4.0], ["flat there: its slope is 0", "from 3 to"]),
    "no entries on the way": (
        of_w(lambda w, n: (w[:n] * 2).sum() + 1), 0, 2, ["exactly 0", "(empty: of shape (0,))", "Look at the shapes"]
    ),
    "a gradient of 0 that meets an infinity": (
        of_w(lambda w, c: (w * np.array(c) * np.array([0.0, 1.0, 1.0])).sum()),
        [np.inf, 1.0, 1.0],
        [2.0, 1.0, 1.0],
        ["is NaN in 1 of 3 entries", "a constant that holds an infinity", "Check the data"],
    ),
    "a mask of zeros": (
        of_w(lambda w, mask: (w * tg.tensor(np.array(mask), name="mask")).sum()),
        [0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        ["multiply (multiplied by zeros: mask is 0 in 3 of 3 entries)"],
    ),
    "the number 0": (
        of_w(lambda w, c: (w * c).sum()), 0.0, 1e-3, ["multiplied by zeros: input 1 is 0 in 3 of 3 entries"]
    ),
    "data of zeros": (
        lambda data: network(nn.ReLU, bias=0.1, data=data),
        0.0,
        1.0,
        ["lost at linear of shape (8, 4)", "linear (multiplied by zeros: input 0 of shape (8, 4) is 0 in 32 of 32"],
    ),
    "the next layer's weights are 0": (
        of_w(lambda w, next_: (w @ parameter(next_, "next")).sum()),
        [[0.0], [0.0], [0.0]],
        [[0.0], [0.3], [0.0]],
        ["matmul (multiplied by zeros: next is 0 in 3 of 3 entries)"],
    ),
    "at the minimum": (
        of_values(lambda w: np.square(w - np.array([1.0, 2.0])).mean()),
        [1.0, 2.0],
        [1.0, 2.5],
        ["square (stationary: its input is 0 in 2 of 2 entries)", "nothing is left to learn"],
    ),
    "exp far below 0": (
        of_values(lambda w: np.exp(w).sum()),
        [-1000.0, -2000.0],
        [-1.0, -2000.0],
        ["exp (stationary: its result is 0 in 2 of 2 entries)"],
    ),
    "a difference with itself": (
        of_w(lambda w, other: (w - (w if other is None else other)).sum()),
        None,
        1.0,
        ["<- w (cancels: contributions of up to 1.73 add up to 0)"],
    ),
    "a mean taken out": (
        of_w(lambda w, c: (w - c * w.mean()).sum()),
        1.0,
        0.5,
        ["cancels"],
    ),
    "a sum of softmax": (
        of_w(lambda w, c: (w.softmax() * np.array(c)).sum()),
        [1.0, 1.0, 1.0],
        [1.0, 2.0, 1.0],
        ["softmax (cancels: the entries of a gradient of 1.73 add up to 0)", "always 1"],
    ),
    "broadcast parts that cancel": (
        of_w(lambda w, c: (w + np.zeros((2, 3))).T.dot(np.array(c)).sum()),
        [1.0, -1.0],
        [1.0, 1.0],
        ["add (cancels: the entries of a gradient of 2.45 add up to 0)"],
    ),
    "a product that cancels": (
        of_w(lambda w, c: (w[None] @ np.array([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]) * c).sum()),
        1.0,
        np.array([1.0, 3.0]),
        ["matmul (cancels: the entries of a gradient of 1.41 add up to 0)"],
    ),
    "an index that picks twice, and cancels": (
        of_w(lambda w, c: (w[[0, 0]] * np.array(c)).sum()),
        [1.0, -1.0],
        [1.0, 1.0],
        ["getitem (cancels"],
    ),
    "a hook that returns zeros": (
        with_hook, 0.0, None, ["lost at multiply of shape (2,)", "loss = sum <- multiply (a hook returned zeros) <- w"]
    ),
    "a hook on the tensor itself": (leaf_with_hook, 0.0, None, ["<- w (a hook returned zeros)", "Look at that hook"]),
    "a hook on the loss": (loss_with_hook, 0.0, None, ["loss = sum (a hook returned zeros) <- multiply <- w"]),
    "a hook that returns NaN": (
        with_hook, math.nan, None, ["is NaN in 2 of 2", "breaks at multiply", "multiply (a hook returned a NaN)"]
    ),
    "sqrt at 0": (
        of_values(lambda w: np.sqrt(w).sum()),
        [4.0, 0.0],
        [4.0, 0.1],
        [
            "is infinite in 1 of 2 entries",
            "sqrt (at index (1,), where its input is 0, its slope makes an infinity, while its domain is x > 0)",
            "np.sqrt(x + 1e-12)",
        ],
    ),
    "log at 0": (
        of_values(lambda w: np.log(w).sum()),
        [4.0, 0.0],
        [4.0, 0.1],
        [
            "is infinite in 1 of 2",
            "log (at index (1,), where its input is 0",
            "The loss itself is -inf: log of shape (2,) made an infinity at index (1,), from x = 0",
        ],
    ),
    "the norm at 0": (
        of_values(lambda w: np.sqrt((w * w).sum())),
        [0.0, 0.0],
        [0.0, 1.0],
        ["is NaN in 2 of 2", "breaks at sqrt of shape ()", "loss = sqrt (at index (), where its input is 0"],
    ),
    "the logarithm of a negative number": (
        of_values(lambda w: np.log2(w).mean() * np.log(w).mean()),
        [4.0, -1.0],
        [4.0, 0.1],
        ["is NaN", "log2 of shape (2,) made a NaN at index (1,), from x = -1", "x > 0"],
    ),
    "0 times infinity": (
        of_w(lambda w, c: (w * np.array([0.0, c, 1.0])).sum()),
        math.inf,
        2.0,
        [
            "is infinite in 1 of 3",
            "input 1 of shape (3,) of multiply of shape (3,) is a constant that holds an infinity at index (1,)",
            "Check the data",
        ],
    ),
    "exp that overflows": (
        of_values(lambda w: (np.exp(w) / (1 + np.exp(w))).sum()),
        [0.0, 1000.0],
        [0.0, 10.0],
        ["is NaN in 1 of 2", "divide (exp of shape (2,) made an infinity at index (1,), from x = 1000)", "scaling"],
    ),
    "np.where after the logarithm": (
        of_values(lambda w: np.where(w.numpy() > 0, np.log(w), 0.0).sum()),
        [2.0, 0.0],
        [2.0, 1.0],
        ["is NaN in 1 of 2", "log (at index (1,), where its input is 0", "0 times an inf", "np.where(x > 0, x, 1)"],
    ),
    "np.where after the square root of a negative number": (
        of_values(lambda w: np.where(w.numpy() > 0, np.sqrt(w), 0.0).sum()),
        [2.0, -4.0],
        [2.0, 4.0],
        ["is NaN in 1 of 2", "sqrt (at index (1,), where its input is -4", "np.where comes too late"],
    ),
    "data with NaN": (
        lambda data: network(nn.ReLU, bias=0.1, data=data),
        math.nan,
        1.0,
        ["is NaN in 16 of 16", "a tensor of shape (8, 4) holds a NaN at index (0, 0) already", "Check the data"],
    ),
    "a weight with NaN": (
        of_values(lambda w: (w * w).sum()),
        [1.0, math.nan],
        [1.0, 2.0],
        ["is NaN in 1 of 2", "w of shape (2,) holds a NaN at index (1,) already", "an earlier step"],
    ),
    "a growth of two times a layer": (
        loops,
        2.0,
        1.1,
        [
            "huge gradient: its norm is 1.1e+12",
            "grows most at multiply of shape (1,), 2-fold, from",
            "input 1 runs from 2 to 2 in size",
            "multiply is there 40 times, each 2-fold on average",
            "multiply (2-fold) <- ",
            "clip",
        ],
    ),
    "a shrinking to half a layer": (
        loops,
        0.5,
        0.9,
        ["tiny gradient: its norm is 9.09e-13", "shrinks most at multiply of shape (1,), 0.5-fold",
         "multiply is there 40 times, each 0.5-fold on average"],
    ),
    "large weights in a deep network": (
        lambda scale: network(nn.Tanh, layers=12, scale=scale, bias=0.1),
        0.05,
        1.5,
        ["0.weight of shape (4, 4) has a tiny gradient", "shrinks most at linear", "linear is there 12 times"],
    ),
    "sigmoids in a deep network": (
        lambda activation: network(activation, layers=12, scale=2.0),
        nn.Sigmoid,
        nn.Tanh,
        ["tiny gradient", "shrinks most at sigmoid", "sigmoid is there 11 times, each 0.2", "skip"],
    ),
    "data that are not scaled": (
        lambda data: network(nn.ReLU, data=data),
        1e6,
        1.0,
        ["huge gradient", "grows most at linear", "input 0 of shape (8, 4) runs from", "Scale the data"],
    ),
    "a division by nearly nothing": (
        of_w(lambda w, c: (w / c).sum()), 1e-9, 1.0, ["huge", "grows most at divide of shape (3,), 1e+09-fold"]
    ),
    "a gradient beyond float32": (
        lambda factor: (w := parameter([1.0], dtype=np.float32), ((w * 1e30 * 1e-30) * factor * factor).sum()),
        1e25,
        1.0,
        ["is infinite", "grows beyond what float32 holds"],
    ),
}  # fmt: skip

BLAME = (
    "lost at",
    "breaks at",
    "grows most",
    "shrinks most",
    "dead",
    "saturated",
    "flat",
    "cancels",
    "hook",
    "multiplied by",
)


def quietly(make, what):
    with np.errstate(all="ignore"):
        return make(what)


@pytest.mark.parametrize(("make", "sick", "_", "phrases"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_cause_is_named_with_its_evidence(make, sick, _, phrases):
    text = why(*quietly(make, sick))
    for phrase in phrases:
        assert phrase in text


@pytest.mark.parametrize(("make", "_", "healthy", "__"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_healthy_twin_is_not_blamed(make, _, healthy, __):
    text = why(*quietly(make, healthy))
    assert "has a gradient, and nothing is wrong with it: its norm is " in text
    assert " Path: loss = " in text
    assert [word for word in BLAME if word in text] == []


@pytest.mark.parametrize(("make", "sick", "healthy", "_"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_answer_is_one_paragraph_of_whole_sentences(make, sick, healthy, _):
    for what in (sick, healthy):
        text = why(*quietly(make, what))
        assert type(text) is str
        assert "\n" not in text
        assert "  " not in text
        assert text.endswith(".")
        assert ".." not in text


# ------------------------------------------------------------------------------ why there is no gradient at all
def not_recorded():
    x = parameter([1.0, 2.0])
    with tg.no_grad():
        return x * 2


NOT_ASKED = {
    "a constant": (lambda: tg.tensor([1.0, 2.0]), ["does not ask for gradients (requires_grad is False)", "no_grad()"]),
    "a detached tensor": (lambda: parameter([1.0]).detach(), ["detached", "cannot be told apart"]),
    "computed under no_grad()": (not_recorded, ["computed from constants or under no_grad()", "Set x.requires_grad"]),
    "integers": (lambda: tg.tensor([1, 2]), ["holds int64", "1.0 instead of 1", "x.astype(np.float32)"]),
    "a comparison": (lambda: parameter([1.0]) > 0, ["holds bool", "as by a comparison or argmax"]),
    "a frozen parameter": (lambda: nn.Parameter([1.0], requires_grad=False), ["is frozen", "Set it to True"]),
}


@pytest.mark.parametrize("with_loss", [False, True], ids=["alone", "with a loss"])
@pytest.mark.parametrize(("make", "phrases"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_a_tensor_that_asks_for_no_gradient(make, phrases, with_loss):
    text = why(make(), (parameter([1.0]) * 2).sum() if with_loss else None)
    for phrase in phrases:
        assert phrase in text


def test_a_parameter_frozen_later_keeps_an_old_gradient():
    w = nn.Parameter([1.0])
    (w * w).sum().backward()
    assert "Its grad" not in why(nn.Parameter([1.0], requires_grad=False))
    w.requires_grad = False
    assert "is frozen" in why(w)
    assert "Its grad is what an earlier backward() put there" in why(w)


def computed_under_no_grad(w):
    with tg.no_grad():
        y = w * 2
    return (y * parameter([1.0, 2.0], "v")).sum()


UNREACHED = {
    "detached": (lambda w: (w.detach() * parameter([1.0, 2.0], "v")).sum(), ["enter multiply of shape (2,) as a con"]),
    "x.numpy()": (lambda w: (w.numpy() * parameter([1.0, 2.0], "v")).sum(), ["x.numpy()", "Use the tensor itself"]),
    "detached later": (lambda w: ((w * 2).detach() * parameter([1.0, 2.0], "v")).sum(), ["depends on v.", "detached"]),
    "computed under no_grad()": (computed_under_no_grad, ["depends on v.", "no_grad()", "cannot be told apart"]),
    "compared": (lambda w: (np.where(w > 0, 1.0, 0.0) * parameter([1.0, 2.0])).sum(), ["a comparison"]),
    "a constant loss": (lambda w: (w.detach() * 2).sum(), ["nothing that asks for gradients", "no_grad()"]),
    "other parameters": (
        lambda _: sum((parameter([1.0], f"p{i}").sum() for i in range(5)), start=tg.tensor(0.0)),
        ["depends on p", " and 2 more."],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("f", "phrases"), UNREACHED.values(), ids=UNREACHED)
def test_a_loss_that_does_not_depend_on_the_tensor(f, phrases):
    w = parameter([1.0, 2.0])
    text = why(w, f(w))
    for phrase in ["gets no gradient, for the loss does not depend on it", *phrases]:
        assert phrase in text


def test_a_tensor_made_after_the_loss():
    loss = (parameter([1.0]) * 2).sum()
    assert "made after the loss: compute the loss again" in why(parameter([1.0]), loss)


def test_a_detached_use_beside_the_real_one_is_not_blamed():
    w = parameter([1.0, 2.0])
    assert "nothing is wrong" in why(w, (w * w.detach()).sum())


# ----------------------------------------------------------------------------------------------- grad is None
def test_before_backward_grad_is_none():
    w = parameter([1.0, 2.0])
    assert "no backward() has reached it yet: call loss.backward()" in why(w, (w * w).sum())
    alone = why(w)
    for phrase in ("no backward() has reached it yet", "zero_grad()", "does not depend on it", "tg.why(tensor, loss)"):
        assert phrase in alone


def test_a_computed_tensor_keeps_its_gradient_only_when_asked():
    w = parameter([1.0, 2.0])
    hidden = w * 3
    loss = (hidden * hidden).sum()
    for text in (why(hidden), why(hidden, loss)):
        assert "it was computed by multiply: it is kept only after retain_grad()" in text
    hidden.retain_grad()
    assert "no backward() has reached it yet" in why(hidden, loss)
    loss.backward(retain_graph=True)
    text = why(hidden, loss)
    assert "retain_grad" not in text
    assert "nothing is wrong" in text
    assert "Path: loss = sum <- multiply <- the tensor." in text


def test_after_backward_nothing_is_said_of_none():
    w = parameter([1.0, 2.0])
    (w * w).sum().backward()
    assert "None" not in why(w, (w * w).sum())
    assert "None" not in why(w)


def test_a_gradient_that_piled_up_is_told_from_that_of_the_loss():
    w = parameter([1.0, 2.0])
    (w * 1e7).sum().backward()
    (w * w).sum().backward()
    text = why(w, (w * w).sum())
    assert "nothing is wrong with it: its norm is 4.47" in text
    assert "But its grad has a huge gradient: its norm is 1.41e+07" in text
    assert "added up over several backward passes" in text


# ------------------------------------------------------------------------------------------ without a loss
def test_without_a_loss_the_last_backward_is_walked_if_its_graph_was_kept():
    w = parameter([-1.0, -2.0])
    loss = w.relu().sum()
    loss.backward(retain_graph=True)
    assert "relu (dead: 2 of 2 entries are <= 0)" in why(w)
    other = parameter([3.0])
    second = (other * other).sum()
    second.backward(retain_graph=True)
    assert "loss = sum <- multiply <- w" in why(other)
    # The last one does not depend on w: its grad came from another.
    assert why(w).startswith("w of shape (2,) has a gradient of exactly 0, in 2 of 2 entries. To learn where")
    assert "does not depend on it" in why(parameter([1.0]))
    del loss, second
    assert "To learn where it comes from, compute the loss again" in why(other)


ALONE = {
    "zero": (0.0, "has a gradient of exactly 0, in 2 of 2 entries"),
    "NaN": (math.nan, "has a gradient that is NaN in 2 of 2 entries"),
    "infinite": (math.inf, "has a gradient that is infinite in 2 of 2 entries"),
    "huge": (1e9, "has a huge gradient: its norm is 1.41e+09, where that of the values is 2.24"),
    "tiny": (1e-12, "has a tiny gradient: its norm is 1.41e-12"),
    "fine": (1.0, "nothing is wrong with it: its norm is 1.41"),
}


@pytest.mark.parametrize(("factor", "phrase"), ALONE.values(), ids=ALONE)
def test_of_a_freed_graph_the_numbers_are_said_and_the_loss_is_asked_for(factor, phrase):
    w = parameter([1.0, 2.0])
    loss = (w * factor).sum()
    loss.backward()
    text = why(w)
    assert phrase in text
    assert "To learn where it comes from, compute the loss again and call tg.why(tensor, loss)" in text


def test_a_step_after_backward_leaves_the_numbers_alone():
    # The weights have changed, and the graph that was kept no longer fits them.
    w = parameter([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optim.SGD([w], lr=0.1).step()
    assert "To learn where it comes from" in why(w)
    with pytest.raises(GraphError, match="changed in place"):
        why(w, loss)


def test_a_backward_from_several_numbers_cannot_be_walked_again():
    w = parameter([1.0, 2.0])
    y = w * w
    y.backward([1.0, 1.0], retain_graph=True)
    assert "To learn where it comes from" in why(w)


def test_the_last_backward_is_this_threads_own_and_keeps_nothing_alive():
    w = parameter([1.0, 2.0])
    loss = (w * w).sum()
    thread = threading.Thread(target=loss.backward, kwargs={"retain_graph": True})
    thread.start()
    thread.join()
    assert "To learn where it comes from" in why(w)
    loss.backward(retain_graph=True)
    assert "Path: loss = sum <- multiply <- w" in why(w)
    gone = weakref.ref(loss)
    gc.disable()
    try:
        del loss
        assert gone() is None
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------------ the path
def test_names_are_said_and_a_long_path_is_shortened_in_the_middle():
    w = parameter([1.0, 2.0], name="0.weight")
    y = w
    for _ in range(6):
        y = y * 1.5
    for _ in range(6):
        y = y + 1
    loss = y.sum()
    loss.name = "cost"
    text = why(w, loss)
    assert text.startswith("0.weight of shape (2,) has a gradient")
    assert "Path: cost = sum <- add <- add <- (8 more) <- multiply <- multiply <- 0.weight." in text
    unnamed = tg.tensor([1.0, 2.0], requires_grad=True)
    text = why(unnamed, (unnamed * 2).sum())
    assert text.startswith("The tensor of shape (2,) has")
    assert "loss = sum <- multiply <- the tensor." in text


def test_the_culprit_stays_in_a_shortened_path():
    w = parameter([-1.0, -2.0])
    y = w
    for _ in range(10):
        y = y * 1.5
    y = y.relu()
    for _ in range(10):
        y = y + 1
    assert (
        "loss = sum <- add <- add <- (8 more) <- relu (dead: 2 of 2 entries are <= 0) <- (8 more) <- multiply <- "
        "multiply <- w." in why(w, y.sum())
    )


def test_eight_links_are_written_out():
    w = parameter([1.0])
    y = w
    for _ in range(6):
        y = y + 1
    assert "loss = sum <- add <- add <- add <- add <- add <- add <- w." in why(w, y.sum())


def test_the_path_is_that_of_the_strongest_contribution():
    w = parameter([1.0, 2.0])
    assert "Path: loss = add <- sum <- multiply <- w." in why(w, (w * 5).sum() + np.tanh(w).mean())
    assert "Path: loss = add <- mean <- tanh <- w." in why(w, (w * 0.01).sum() + np.tanh(w).mean())


def test_one_of_two_arms_may_be_dead():
    w = parameter([-1.0, -2.0])
    assert "nothing is wrong" in why(w, (w.relu() + w).sum())


def test_the_loss_itself_and_a_leaf_as_the_loss():
    w = parameter(3.0)
    assert "nothing is wrong with it: its norm is 1" in why(w, w)
    loss = w * w
    assert "the tensor is the loss itself" in why(loss, loss)


def test_where_something_was_made_is_said_if_debug_was_on():
    with tg.debug():
        w = parameter([-1.0, -2.0])
        y = w.relu()
        loss = y.sum()
    text = why(w, loss)
    assert text.startswith("w of shape (2,), made at test_reasons.py:")
    assert "lost at relu of shape (2,), made at test_reasons.py:" in text
    assert "in `y = w.relu()`" in text


def test_an_operation_of_ones_own_is_explained_too():
    clipped = tg.custom_op(lambda x: np.minimum(x, 1.0), lambda g, _y, x: g * (x < 1.0), name="clipped")
    w = parameter([2.0, 3.0])
    assert "clipped (flat there: its slope is 0 at 2 of 2 entries, from 2 to 3)" in why(w, clipped(w).sum())
    w = parameter([0.5, 3.0])
    assert "1 of 2 entries are 0" in why(w, clipped(w).sum())


def test_a_loss_that_is_nan_is_said_though_the_gradient_is_fine():
    w = parameter([4.0, -1.0])
    with np.errstate(invalid="ignore"):
        loss = np.log(w).sum()
    text = why(w, loss)
    assert "nothing is wrong with it" in text
    assert "The loss itself is nan: log of shape (2,) made a NaN at index (1,), from x = -1" in text


def test_a_tensor_without_entries():
    w = parameter(np.zeros((0, 3)))
    assert "exactly 0, in 0 of 0 entries" in why(w, (w * 2).sum())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_dtype_is_explained(dtype):
    w = parameter([-1.0, -2.0], dtype=dtype)
    assert "dead: 2 of 2" in why(w, w.relu().sum())
    w = parameter([1.0, 2.0], dtype=dtype)
    assert "nothing is wrong" in why(w, (w * w).sum())


# ------------------------------------------------------------------------------------- it changes nothing
@pytest.mark.parametrize("before", [False, True], ids=["no gradients yet", "gradients there"])
def test_neither_grad_nor_the_graph_changes(before):
    w, v = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    hidden = w * v
    hidden.retain_grad()
    loss = (hidden * hidden).sum()
    loss.retain_grad()
    if before:
        loss.backward(retain_graph=True)
    everything = [w, v, hidden, loss]
    grads = [t.grad for t in everything]
    entries = [(t.op, t.inputs, t.changed, t.array.tolist()) for t in everything]
    for tensor in everything:
        why(tensor, loss)
    assert all(t.grad is grad for t, grad in zip(everything, grads, strict=True))
    assert [(t.op, t.inputs, t.changed, t.array.tolist()) for t in everything] == entries
    for t in everything:
        t.grad = None
    loss.backward()  # its graph is still there
    assert w.grad.tolist() == [2 * 1 * 9, 2 * 2 * 16]
    assert hidden.grad.tolist() == [6, 16]


def test_what_looks_on_is_put_back_even_after_an_error():
    w = parameter([1.0, 2.0])
    y = w * 2
    y.retain_grad()

    def stop(_):
        raise KeyError("from the hook")

    y.register_hook(stop)
    with tg.detect_anomaly():
        watching = mode.watchers
        with pytest.raises(KeyError, match="from the hook"):
            why(w, y.sum())
        assert mode.watchers == watching
    assert y.grad is None
    assert mode.watchers == ()


def test_detect_anomaly_does_not_stop_it():
    with tg.detect_anomaly():
        w = parameter([4.0, 0.0])
        text = why(w, np.sqrt(w).sum())
    assert "sqrt (at index (1,), where its input is 0" in text


def test_numpys_warnings_are_not_let_out_and_its_settings_stay():
    # Warnings are errors in these tests.
    w = parameter([0.0, 1.0])
    with np.errstate(divide="raise", invalid="raise"):
        settings = np.geterr()
        assert "is infinite" in why(w, np.sqrt(w).sum())
        assert np.geterr() == settings


def test_under_no_grad_a_recorded_graph_can_be_explained():
    w = parameter([-1.0, -2.0])
    loss = w.relu().sum()
    with tg.no_grad():
        assert "dead: 2 of 2" in why(w, loss)


def test_hooks_are_called_once():
    w = parameter([1.0, 2.0])
    calls = []
    y = w * 2
    y.register_hook(calls.append)
    why(w, y.sum())
    assert [g.tolist() for g in calls] == [[1, 1]]


def test_nothing_is_kept_alive():
    gc.collect()
    gc.disable()
    try:
        w = parameter([1.0, 2.0])
        y = w * 2
        y.register_hook(lambda g: g)
        loss = (y * y).sum()
        why(w, loss)
        inside = weakref.ref(y)
        del loss, y
        assert inside() is None
    finally:
        gc.enable()


# -------------------------------------------------------------------------------------------- large graphs
def test_a_chain_of_100000_operations_needs_no_recursion():
    w = y = parameter([1.0, -2.0])
    limit = sys.getrecursionlimit()
    for _ in range(99_997):
        y = -y
    assert "loss = sum <- relu <- negative <- (99994 more) <- negative <- negative <- w." in why(w, y.relu().sum())
    assert sys.getrecursionlimit() == limit


def test_a_ladder_of_diamonds_is_walked_once():
    w = y = parameter([1.0])
    for _ in range(300):  # 2**300 paths
        y = y * 0.5 + y * 0.5
    text = why(w, y.sum())
    assert "nothing is wrong with it: its norm is 1," in text


def test_many_inputs_of_one_operation():
    ws = [parameter([float(i)], name=f"w{i}") for i in range(2000)]
    loss = functional.concatenate(ws).relu().sum()
    assert "relu (dead: 1 of 1" not in why(ws[0], loss)
    assert "loss = sum <- relu <- concatenate <- w1999." in why(ws[1999], loss)


# --------------------------------------------------------------------------------------------- bad input
def freed():
    w = parameter([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    return w, loss


BAD = {
    "an array": (lambda: (np.zeros(2), None), ArgumentError, "its tensor is of type ndarray"),
    "None": (lambda: (None, None), ArgumentError, "its tensor is of type NoneType"),
    "a module": (lambda: (nn.ReLU(), None), ArgumentError, "its tensor is of type ReLU"),
    "a number as the loss": (lambda: (parameter([1.0]), 0.5), ArgumentError, "its loss is of type float"),
    "a loss of several numbers": (
        lambda: (parameter([1.0]), parameter([1.0, 2.0]) * 2), ShapeError, r"its shape is \(2,\).*loss\.mean\(\)"
    ),
    "a freed graph": (freed, GraphError, "freed.*compute the loss again"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message) as caught:
        why(*make())
    assert isinstance(caught.value, TinygradEduError)


# ----------------------------------------------------------------------------- no row is beyond explanation
UNARY = {
    name: op
    for name, op in ops.TABLE.items()
    if op.differentiable and isinstance(op.function, np.ufunc) and (op.function.nin, op.function.nout) == (1, 1)
}
VALUES = {
    "in (0, 1)": [0.5, 0.25],
    "0": [0.0, 0.0],
    "far below 0": [-1e4, -1e4],
    "far above 0": [1e4, 1e4],
    "infinite": [np.inf, -np.inf],
    "NaN": [np.nan, 0.5],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("op", UNARY.values(), ids=UNARY)
def test_whatever_the_values_there_is_an_answer_and_it_agrees_with_backward(op, values):
    with np.errstate(all="ignore"):
        w = parameter(values)
        loss = op(w).sum()
        text = why(w, loss)
        loss.backward()
    gradient = w.grad.numpy()
    if np.isnan(gradient).any():
        assert "has a gradient that is NaN" in text
        assert "breaks at" in text
    elif np.isinf(gradient).any():
        assert "has a gradient that is infinite" in text
        assert "breaks at" in text
    elif not gradient.any():
        assert "has a gradient of exactly 0" in text
        assert "lost at" in text
    else:
        assert f"its norm is {np.linalg.norm(gradient):.3g}," in text
    assert "Path: loss = sum <- " in text
