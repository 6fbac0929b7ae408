"""What is recorded of a loss or a function holds for other values too: nothing is computed beside the operations.

A watcher notes the operations, the checks of values and the changes in place. Played again on other arrays, they give
what the function itself gives for these, bit for bit, or raise what it raises.
"""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.recording import Recording
from tinygrad_edu import functional, losses, nn
from tinygrad_edu.errors import OptionError
from tinygrad_edu.tape import check

RNG = np.random.default_rng


# ------------------------------------------------------------------------------------------- the functions
def draw(*shape, seed=0):
    return RNG(seed).standard_normal(shape).astype(np.float32)


def chances(*shape, seed=0):
    return RNG(seed).uniform(0.05, 0.95, shape).astype(np.float32)


def labels(*shape, seed=0, n=3):
    return RNG(seed).integers(0, n, shape)


def two(make, *shape):
    """The arguments of the recording, and those that it is played again with."""
    return tuple(make(*shape, seed=seed) for seed in (1, 2))


SCORES, CLASSES, CHANCES, WEIGHTS = two(draw, 5, 3), two(labels, 5), two(chances, 5, 3), two(chances, 3)
SOME = np.array([0, -1, 2, -1, 1]), np.array([-1, 2, 2, 0, -1])
ROWS = tuple(p / p.sum(axis=1, keepdims=True) for p in CHANCES)
LOG_ROWS = tuple(np.log(p) for p in ROWS)
IMAGES, KERNELS = two(draw, 2, 2, 5, 5), two(draw, 3, 2, 3, 3)
SMALL = two(labels, 4)
LOSSES = {
    "mse": (functional.mse_loss, SCORES, CHANCES),
    "mse of a target in float64": (functional.mse_loss, SCORES, tuple(t.astype(np.float64) for t in CHANCES)),
    "l1": (functional.l1_loss, SCORES, CHANCES),
    "huber": (functional.huber_loss, SCORES, CHANCES),
    "smooth l1": (functional.smooth_l1_loss, SCORES, CHANCES),
    "smooth l1 of beta 0": (lambda x, t: functional.smooth_l1_loss(x, t, beta=0), SCORES, CHANCES),
    "cross-entropy": (functional.cross_entropy, SCORES, CLASSES),
    "cross-entropy of int8": (functional.cross_entropy, SCORES, tuple(t.astype(np.int8) for t in CLASSES)),
    "cross-entropy of sum": (lambda x, t: functional.cross_entropy(x, t, "sum"), SCORES, CLASSES),
    "cross-entropy of each": (lambda x, t: functional.cross_entropy(x, t, "none"), SCORES, CLASSES),
    "cross-entropy along axis 1": (
        lambda x, t: functional.cross_entropy(x, t, axis=1),
        two(draw, 2, 3, 4),
        two(labels, 2, 4),
    ),
    "cross-entropy with weights": (lambda x, t, w: functional.cross_entropy(x, t, weight=w), SCORES, CLASSES, WEIGHTS),
    "cross-entropy, smoothed": (lambda x, t: functional.cross_entropy(x, t, label_smoothing=0.1), SCORES, CLASSES),
    "cross-entropy that ignores": (lambda x, t: functional.cross_entropy(x, t, ignore_index=-1), SCORES, SOME),
    "cross-entropy with all": (
        lambda x, t, w: functional.cross_entropy(x, t, weight=w, label_smoothing=0.1, ignore_index=-1),
        SCORES,
        SOME,
        WEIGHTS,
    ),
    "cross-entropy of probabilities": (functional.cross_entropy, SCORES, ROWS),
    "cross-entropy of probabilities with all": (
        lambda x, t, w: functional.cross_entropy(x, t, weight=w, label_smoothing=0.1),
        SCORES,
        ROWS,
        WEIGHTS,
    ),
    "nll": (functional.nll_loss, LOG_ROWS, CLASSES),
    "nll with all": (lambda x, t, w: functional.nll_loss(x, t, weight=w, ignore_index=-1), LOG_ROWS, SOME, WEIGHTS),
    "multi-margin": (functional.multi_margin_loss, SCORES, CLASSES),
    "multi-margin, squared": (lambda x, t: functional.multi_margin_loss(x, t, p=2), SCORES, CLASSES),
    "bce with logits": (functional.binary_cross_entropy_with_logits, SCORES, CHANCES),
    "bce with logits and weights": (
        lambda x, t, w, p: functional.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p),
        SCORES,
        CHANCES,
        WEIGHTS,
        WEIGHTS[::-1],
    ),
    "bce": (functional.binary_cross_entropy, CHANCES, CHANCES[::-1]),
    "bce with weights": (
        lambda p, t, w: functional.binary_cross_entropy(p, t, weight=w),
        CHANCES,
        CHANCES[::-1],
        tuple(w.astype(np.float64) for w in WEIGHTS),
    ),
    "kl": (functional.kl_div, LOG_ROWS, ROWS),
    "kl of the whole batch": (lambda x, t: functional.kl_div(x, t, "batchmean"), LOG_ROWS, ROWS),
    "kl of logarithms": (lambda x, t: functional.kl_div(x, t, log_target=True), LOG_ROWS, LOG_ROWS[::-1]),
    **{
        name: (getattr(losses, name)(), SCORES, target)
        for name, target in (
            *((n, CHANCES) for n in ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "BCEWithLogitsLoss")),
            *((n, CLASSES) for n in ("CrossEntropyLoss", "MultiMarginLoss")),
        )
    },
    "BCELoss": (losses.BCELoss(weight=[1.0, 2.0, 0.0]), CHANCES, CHANCES[::-1]),
    "NLLLoss": (losses.NLLLoss(weight=[1.0, 2.0, 0.0], ignore_index=-1), LOG_ROWS, SOME),
    "KLDivLoss": (losses.KLDivLoss(), LOG_ROWS, ROWS),
}
FUNCTIONS = {
    "embedding": (functional.embedding, SMALL, two(draw, 3, 2)),
    "one_hot": (lambda t: functional.one_hot(t, 3), SMALL),
    "dropout": (lambda x: functional.dropout(x, 0.5, rng=RNG(0)), SCORES),
    "normal": (lambda m, s: functional.normal((5, 3), m, s, rng=RNG(0)), WEIGHTS, WEIGHTS[::-1]),
    "bernoulli": (lambda p: functional.bernoulli(p, rng=RNG(0)), CHANCES),
    "permutation": (lambda x: functional.permutation(x, rng=RNG(0)), SCORES),
    "layer_norm": (lambda x, w, b: functional.layer_norm(x, 3, w, b), SCORES, WEIGHTS, WEIGHTS[::-1]),
    "rms_norm": (lambda x, w: functional.rms_norm(x, 3, w), SCORES, WEIGHTS),
    "group_norm": (lambda x: functional.group_norm(x, 2), IMAGES),
    "instance_norm": (functional.instance_norm, IMAGES),
    "batch_norm": (
        lambda x, w, b: functional.batch_norm(x, None, None, w, b, training=True),
        SCORES,
        WEIGHTS,
        WEIGHTS[::-1],
    ),
    "batch_norm in prediction": (functional.batch_norm, SCORES, WEIGHTS, WEIGHTS[::-1]),
    "normalize": (functional.normalize, SCORES),
    "cosine_similarity": (functional.cosine_similarity, SCORES, SCORES[::-1]),
    "attention": (
        lambda q, k, v, m: functional.scaled_dot_product_attention(q, k, v, m, dropout_p=0.5, rng=RNG(0)),
        *(two(draw, 4, 3) for _ in range(3)),
        two(draw, 4, 4),
    ),
    "attention with a mask of booleans": (
        lambda q, m: functional.scaled_dot_product_attention(q, q, q, m),
        two(draw, 4, 3),
        tuple(m > 0 for m in two(draw, 4, 4)),
    ),
    "linear": (functional.linear, SCORES, two(draw, 4, 3), two(draw, 4)),
    "conv2d": (lambda x, w, b: functional.conv2d(x, w, b, padding="same"), IMAGES, KERNELS, WEIGHTS),
    "conv_transpose2d": (functional.conv_transpose2d, IMAGES, two(draw, 2, 3, 3, 3), WEIGHTS),
    "max_pool2d": (lambda x: functional.max_pool2d(x, 2), IMAGES),
    "avg_pool2d": (lambda x: functional.avg_pool2d(x, 2), IMAGES),
    "adaptive_max_pool2d": (lambda x: functional.adaptive_max_pool2d(x, 2), IMAGES),
    "adaptive_avg_pool2d": (lambda x: functional.adaptive_avg_pool2d(x, 2), IMAGES),
    "unfold": (lambda x: functional.unfold(x, 2), IMAGES),
    "fold": (lambda x: functional.fold(x, (3, 3), 2), two(draw, 2, 8, 4)),
    "where": (functional.where, tuple(c > 0 for c in SCORES), SCORES, CHANCES),
    "full": (lambda v: functional.full((5, 3), v), WEIGHTS),
    "full_like": (functional.full_like, SCORES, WEIGHTS),
    "at of numbers": (lambda x, i, v: functional.at(x, i).add(v), SCORES, two(labels, 2), two(draw, 2, 3)),
}
ALL = {**LOSSES, **FUNCTIONS}


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_arguments_may_be_tensors_or_arrays_alike(case):
    function, *pairs = case
    arrays = [array.copy() for _, array in pairs]
    expected = function(tg.tensor(arrays[0]), *arrays[1:]).numpy()
    got = function(*map(tg.tensor, arrays)).numpy()
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_what_is_recorded_holds_for_other_values(case):
    function, *pairs = case
    old, new = ([pair[k].copy() for pair in pairs] for k in (0, 1))
    recording = Recording()
    result = recording.run(function, *map(tg.Tensor, old))
    expected = function(*map(tg.tensor, new)).numpy()
    got = recording.again(old, new, result.array)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    assert not recording.taken_out


# ----------------------------------------------------------------------------------------------- the checks
GOOD = {"scores": SCORES[0], "classes": CLASSES[0], "some": SOME[0], "chances": CHANCES[0], "weights": WEIGHTS[0]}
MINUS = np.array([-0.5, 1.0, 1.0], np.float32)
REFUSED = {
    "cross-entropy of a class too many": (
        functional.cross_entropy,
        ("scores", "classes"),
        1,
        np.array([0, 1, 3, 0, 1]),
    ),
    "cross-entropy of a class below 0": (
        functional.cross_entropy,
        ("scores", "classes"),
        1,
        np.array([0, 1, -100, 0, 1]),
    ),
    "cross-entropy of int8 below 0": (
        lambda x, t: functional.cross_entropy(x, t.astype(np.int8)),
        ("scores", "classes"),
        1,
        np.array([0, 1, -1, 0, 1]),
    ),
    "a class that is not the one to be ignored": (
        lambda x, t: functional.cross_entropy(x, t, ignore_index=-1),
        ("scores", "some"),
        1,
        np.array([0, -1, -2, 0, 1]),
    ),
    "all examples ignored": (
        lambda x, t: functional.cross_entropy(x, t, ignore_index=-1),
        ("scores", "some"),
        1,
        np.full(5, -1),
    ),
    "a negative weight of a class": (
        lambda x, t, w: functional.nll_loss(x, t, weight=w),
        ("scores", "classes", "weights"),
        2,
        MINUS,
    ),
    "multi-margin of a class too many": (functional.multi_margin_loss, ("scores", "classes"), 1, np.full(5, 3)),
    "bce with logits of a target above 1": (
        functional.binary_cross_entropy_with_logits,
        ("scores", "chances"),
        1,
        np.full((5, 3), 1.5, np.float32),
    ),
    "bce with logits of a negative weight": (
        lambda x, t, w: functional.binary_cross_entropy_with_logits(x, t, pos_weight=w),
        ("scores", "chances", "weights"),
        2,
        MINUS,
    ),
    "bce of what is no probability": (functional.binary_cross_entropy, ("chances", "chances"), 0, SCORES[0]),
    "kl of a target below 0": (functional.kl_div, ("scores", "chances"), 1, SCORES[0]),
    "embedding of a row too many": (functional.embedding, ("classes", "scores"), 0, np.full(5, 7)),
    "one_hot of a class too many": (lambda t: functional.one_hot(t, 3), ("classes",), 0, np.full(5, 3)),
    "normal of a negative deviation": (lambda s: functional.normal(3, 0.0, s), ("weights",), 0, MINUS),
    "bernoulli of what is no probability": (functional.bernoulli, ("chances",), 0, SCORES[0]),
    "batch_norm of a momentum above 1": (
        lambda x, m: functional.batch_norm(x, None, None, training=True, momentum=m),
        ("scores", "momentum"),
        1,
        np.array(1.5, np.float32),
    ),
}
GOOD["momentum"] = np.array(0.5, np.float32)


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_recorded_check_raises_what_the_function_raises(case):
    function, names, k, bad = case
    old = [GOOD[name].copy() for name in names]
    new = [bad if i == k else array for i, array in enumerate(old)]
    recording = Recording()
    result = recording.run(function, *map(tg.Tensor, old))
    with pytest.raises(OptionError) as expected:
        function(*map(tg.tensor, new))
    with pytest.raises(OptionError, match=re.escape(str(expected.value))):
        recording.again(old, new, result.array)
    with pytest.raises(OptionError, match=re.escape(str(expected.value))):
        function(tg.tensor(new[0]), *new[1:])


def test_a_check_sees_arrays_and_is_told_to_watchers_only_if_it_passes():
    seen, x = [], tg.tensor([1.0])

    def refuse(array, limit):
        seen.append(type(array))
        if (array > limit).any():
            raise OptionError("too large")

    recording = Recording()
    recording.run(check, refuse, x, 2.0)
    with pytest.raises(OptionError, match="too large"):
        recording.run(check, refuse, x, 0.5)
    assert seen == [np.ndarray, np.ndarray]
    assert [step[:2] for step in recording.steps] == [("check", refuse)]


def test_counting_the_classes_takes_values_out():
    recording = Recording()
    recording.run(functional.one_hot, tg.tensor([0, 2]))
    assert recording.taken_out == ["one_hot() without num_classes"]


# ------------------------------------------------------------------------------------- running statistics
@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("shape", [(6, 2), (4, 2, 3), (2, 2, 3, 3)])
def test_running_statistics_move_by_operations_as_they_do_unseen(shape, momentum):
    def layer():
        return (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(2, momentum=momentum)

    seen, unseen, recording = layer(), layer(), Recording()
    x, later = draw(*shape), draw(*shape, seed=1)
    y = recording.run(seen, tg.Tensor(x))
    np.testing.assert_array_equal(y.numpy(), unseen(x).numpy())
    for name, expected in unseen.state_dict().items():
        np.testing.assert_array_equal(seen.state_dict()[name], expected)
    # Played again from where the layer stands now, it moves on as the layer itself does.
    state = [seen.running_mean.array, seen.running_var.array, seen.num_batches_tracked.array]
    moved = [recording.again([x, *state], [later, *(a.copy() for a in state)], a) for a in state]
    expected_y = unseen(later).numpy()
    np.testing.assert_array_equal(
        recording.again([x, *state], [later, *(a.copy() for a in state)], y.array), expected_y
    )
    expected = [unseen.running_mean, unseen.running_var, unseen.num_batches_tracked]
    for got, tensor in zip(moved, expected, strict=True):
        np.testing.assert_array_equal(got, tensor.numpy())
    assert not recording.taken_out


def test_running_statistics_move_where_gradients_are_recorded_and_are_no_part_of_the_graph():
    layer, x = nn.BatchNorm1d(3), tg.tensor(draw(4, 3), requires_grad=True)
    recording = Recording()
    loss = (recording.run(layer, x) ** 3).sum()
    assert not layer.running_mean.requires_grad
    loss.backward()
    other, z = nn.BatchNorm1d(3), tg.tensor(draw(4, 3), requires_grad=True)
    (other(z) ** 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())


def test_the_momentum_of_a_batch_norm_may_be_a_tensor():
    mean, var = tg.zeros(3), tg.ones(3)
    functional.batch_norm(SCORES[0], mean, var, training=True, momentum=tg.tensor(0.25))
    np.testing.assert_allclose(mean.numpy(), 0.25 * SCORES[0].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * SCORES[0].var(axis=0, ddof=1), rtol=1e-6)


# ---------------------------------------------------------------------------------------------- embedding
def test_the_padding_of_an_embedding_is_found_in_each_batch():
    weight, old, new = tg.tensor(draw(3, 2), requires_grad=True), np.array([0, 1, 2]), np.array([1, 0, 0])
    recording = Recording()
    rows = recording.run(lambda x: functional.embedding(x, weight, padding_idx=1), tg.Tensor(old))
    np.testing.assert_array_equal(recording.again([old], [new], rows.array), weight.numpy()[new])
    masks = [out for what, _, _, _, out in recording.steps if what == "compute" and out.dtype == bool]
    assert [recording.again([old], [new], mask).reshape(-1).tolist() for mask in masks] == [[True, False, False]] * 2
    rows.sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), [[1, 1], [0, 0], [1, 1]])
