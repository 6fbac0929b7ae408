"""Normalizations and attention beyond their cases: running statistics, accuracy, masks, and what is refused."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.functional.attention import scaled_dot_product_attention
from tinygrad_edu.functional.lengths import cosine_similarity, normalize
from tinygrad_edu.functional.normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

RNG = np.random.default_rng(0)
EPS32 = float(np.finfo(np.float32).eps)


def draw(*shape):
    return RNG.normal(size=shape)


# ------------------------------------------------------------------------------------------ batch norm
SHAPES = {"features": (6, 3), "sequences": (4, 3, 5), "images": (2, 3, 2, 4)}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def statistics(x):
    axes = (0, *range(2, x.ndim))
    return x.mean(axis=axes), x.var(axis=axes), x.size // x.shape[1]


def column(p, x):
    return np.reshape(p, (-1, *[1] * (x.ndim - 2)))


@every_shape
def test_batch_norm_in_training_is_its_formula(shape):
    x, weight, bias = draw(*shape), draw(3), draw(3)
    mean, var, _ = statistics(x)
    expected = (x - column(mean, x)) / np.sqrt(column(var, x) + 1e-5) * column(weight, x) + column(bias, x)
    out = batch_norm(x, None, None, weight, bias, training=True)
    # A handful of roundings, in other order; entries are below 5.
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=1e-14)


@every_shape
def test_batch_norm_for_prediction_is_its_formula(shape):
    x, weight, bias, mean, var = draw(*shape), draw(3), draw(3), draw(3), RNG.uniform(0.5, 2, 3)
    before = mean.copy(), var.copy()
    expected = (x - column(mean, x)) / np.sqrt(column(var, x) + 0.1) * column(weight, x) + column(bias, x)
    out = batch_norm(x, mean, var, weight, bias, eps=0.1)
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal((mean, var), before)


@every_shape
@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_batch_norm_are_the_numerical_ones_twice(shape, training):
    mean, var = draw(3), RNG.uniform(0.5, 2, 3)

    def f(x, weight, bias):
        running = (None, None) if training else (mean, var)
        return batch_norm(x, *running, weight, bias, training=training)

    assert tg.gradcheck(f, draw(*shape), draw(3), draw(3), order=2)


@every_shape
@pytest.mark.parametrize("kind", [np.asarray, tg.tensor], ids=["arrays", "tensors"])
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_running_statistics_move_in_place_towards_the_batch_with_the_unbiased_variance(shape, kind, momentum):
    x, mean, var = draw(*shape), draw(3), RNG.uniform(0.5, 2, 3)
    running_mean, running_var = kind(mean.copy()), kind(var.copy())
    batch_mean, batch_var, n = statistics(x)
    batch_norm(tg.tensor(x, requires_grad=True), running_mean, running_var, training=True, momentum=momentum)
    np.testing.assert_allclose(running_mean, (1 - momentum) * mean + momentum * batch_mean, rtol=0, atol=1e-15)
    expected = (1 - momentum) * var + momentum * batch_var * n / (n - 1)
    np.testing.assert_allclose(running_var, expected, rtol=1e-14)


def test_running_statistics_keep_their_dtype_and_take_no_part_in_gradients():
    mean, var = np.zeros(3, np.float32), np.ones(3, np.float32)
    x = tg.tensor(draw(4, 3), requires_grad=True)
    out = batch_norm(x, mean, var, training=True)
    assert (mean.dtype, var.dtype, out.dtype) == (np.float32, np.float32, np.float64)
    out.sum().backward()  # though the running statistics have changed since


def test_running_statistics_may_move_on_before_backward_is_called():
    mean, var = tg.tensor(np.zeros(3)), tg.tensor(np.ones(3))
    x = tg.tensor(draw(4, 3), requires_grad=True)
    predicted = batch_norm(x, mean, var)
    expected = 1 / np.sqrt(var.numpy() + 1e-5)
    batch_norm(x, mean, var, training=True)
    predicted.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(expected, (4, 3)), rtol=1e-15)


REFUSED = {
    "no statistics for prediction": (lambda: batch_norm(draw(4, 3), None, None), OptionError, "running statistics"),
    "one without the other": (
        lambda: batch_norm(draw(4, 3), np.zeros(3), None, training=True), OptionError, "None for both",
    ),
    "statistics that cannot be changed": (
        lambda: batch_norm(draw(4, 3), [0.0] * 3, [1.0] * 3, training=True), OptionError, "in place",
    ),
    "statistics of another shape": (
        lambda: batch_norm(draw(4, 3), np.zeros(4), np.ones(4)), ShapeError, r"\(3,\).*was given \(4,\)",
    ),
    "statistics that ask for gradients": (
        lambda: batch_norm(draw(4, 3), *(tg.tensor(np.ones(3), requires_grad=True) for _ in "ab"), training=True),
        GraphError, "cannot ask for gradients",
    ),
    "whole statistics": (lambda: batch_norm(draw(4, 3), np.zeros(3, int), np.ones(3)), DtypeError, "int64"),
    "whole numbers": (lambda: batch_norm(np.ones((4, 3), int), np.zeros(3), np.ones(3)), DtypeError, "int64"),
    "a vector": (lambda: batch_norm(draw(4), np.zeros(4), np.ones(4)), ShapeError, "examples, channels"),
    "one value a channel": (
        lambda: batch_norm(draw(1, 3), None, None, training=True), ShapeError, "more than one value for each channel",
    ),
    "an empty batch": (
        lambda: batch_norm(draw(0, 3), None, None, training=True), ShapeError, "more than one value for each channel",
    ),
    "a momentum out of range": (
        lambda: batch_norm(draw(4, 3), None, None, training=True, momentum=1.5), OptionError, r"\[0, 1\].*1\.5",
    ),
    "layer_norm of other axes": (lambda: layer_norm(draw(2, 3), 2), ShapeError, r"ends in these axes.*\(2, 3\)"),
    "layer_norm of no axes": (lambda: layer_norm(draw(2, 3), ()), ShapeError, "ends in these axes"),
    "layer_norm of whole numbers": (lambda: layer_norm([[1, 2]], 2), DtypeError, "int64"),
    "a weight of another shape": (lambda: layer_norm(draw(2, 3), 3, np.ones(2)), ShapeError, r"\(3,\).*\(2,\)"),
    "a bias of another shape": (lambda: layer_norm(draw(2, 3), 3, None, np.ones((1, 3))), ShapeError, r"\(1, 3\)"),
    "layer_norm of nothing": (lambda: layer_norm(draw(2, 0), 0), ShapeError, "nothing to take the mean of"),
    "rms_norm of other axes": (lambda: rms_norm(draw(2, 3), (3, 2)), ShapeError, "rms_norm"),
    "groups of unequal size": (lambda: group_norm(draw(2, 4), 3), OptionError, "3 groups.*divisor of 4"),
    "no groups": (lambda: group_norm(draw(2, 4), 0), OptionError, "0 groups"),
    "group_norm of a vector": (lambda: group_norm(draw(4), 2), ShapeError, "examples, channels"),
    "a weight for each group": (lambda: group_norm(draw(2, 4), 2, np.ones(2)), ShapeError, r"\(4,\).*\(2,\)"),
    "instance_norm without places": (lambda: instance_norm(draw(2, 3)), ShapeError, "more than one place"),
    "instance_norm of one place": (lambda: instance_norm(draw(2, 3, 1)), ShapeError, "more than one place"),
    "normalize of whole numbers": (lambda: normalize([[3, 4]]), DtypeError, "int64"),
    "a norm that is none": (lambda: normalize([[3.0, 4.0]], p=0.5), OptionError, "p >= 1.*0.5"),
    "an axis that is not there": (lambda: normalize([3.0, 4.0]), ShapeError, "axis 1"),
    "vectors of other lengths": (lambda: cosine_similarity(draw(2, 3), draw(2, 1)), ShapeError, "of one length"),
    "similarity along no axis": (lambda: cosine_similarity(draw(3), draw(3)), ShapeError, "axis 1"),
    "two products of other shapes": (lambda: ops.mean_product(draw(2, 3), draw(3)), ValueError, "one shape"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_normalized_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -------------------------------------------------------------------------------------------- accuracy
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)], ids=str)
def test_a_large_mean_costs_no_more_digits_than_the_mean_itself_has(axis):
    offset = 1000.0
    x = (offset + draw(64, 64)).astype(np.float32)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(axis=axis, keepdims=True)) / exact.std(axis=axis, keepdims=True)
    # The mean is rounded to float32, and its sum of 64 or 4096 before: by n / 2 · eps at the worst, but pairwise or in
    # vectors by far less. The variance by E[x²] - E[x]² would be off by offset² eps = 0.1 of itself, a second digit.
    np.testing.assert_allclose(ops.standardize(x, axis=axis), expected, rtol=0, atol=2 * offset * EPS32)


def test_a_constant_is_brought_to_0_and_its_gradient_is_finite():
    x = tg.tensor(np.full((2, 4), 3.0, np.float32), requires_grad=True)
    out = layer_norm(x, 4)
    assert not out.numpy().any()
    (out * np.arange(4, dtype=np.float32)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_squares_that_float32_holds_are_normalized_without_a_warning(scale):
    x = (draw(4, 8) * scale).astype(np.float32)
    np.testing.assert_allclose(rms_norm(x, 8, eps=0.0).numpy(), rms_norm(x / scale, 8, eps=0.0), rtol=1e-5)


def test_float16_is_summed_in_float32():
    x = np.full((1, 4), 200.0, np.float16)  # the squares add up to 160,000, and float16 ends at 65,504
    out = ops.rms_normalize(x)
    assert out.dtype == np.float16
    np.testing.assert_array_equal(out, 1)


LARGE = np.array([[600, -600, 300], [6e4, -6e4, 3e4]], np.float16)  # squares, and differences, are beyond it
HALF = {
    "layer_norm": lambda x: layer_norm(x, 3),
    "rms_norm": lambda x: rms_norm(x, 3),
    "group_norm": lambda x: group_norm(x, 1),
    "instance_norm": lambda x: instance_norm(x.reshape(1, 2, 3)).reshape(2, 3),
    "batch_norm": lambda x: batch_norm(x[:1].reshape(3, 1), None, None, training=True),
    "standardize": ops.standardize,
    "center, then rms_normalize": lambda x: ops.rms_normalize(ops.center(x / 2)),
}


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])
@pytest.mark.parametrize("f", HALF.values(), ids=HALF)
def test_large_numbers_of_float16_are_normalized_as_those_of_float32(f, create_graph):
    found = []
    for dtype in (np.float16, np.float64):
        x = tg.tensor(LARGE.astype(dtype), requires_grad=True)
        out = f(x)
        weights = np.arange(out.size, dtype=dtype).reshape(out.shape) * 64
        (out * weights).sum().backward(create_graph=create_graph)
        assert (out.dtype, x.grad.dtype) == (dtype, dtype)
        found.append((out.numpy(), x.grad.numpy()))
    (half, slopes), (exact, exact_slopes) = found
    # A few roundings at 2⁻¹¹ of numbers below 1.5; of the slopes the difference of two numbers below 5 · 64 / 300.
    np.testing.assert_allclose(half, exact, rtol=0, atol=4 * 2**-11)
    np.testing.assert_allclose(slopes, exact_slopes, rtol=0, atol=4 * 2**-11 * 5 * 64 / 300)
    assert np.abs(exact_slopes).max() > 32 * 2**-11 * 5 * 64 / 300  # or else the tolerance would pass anything


def test_the_running_variance_of_a_float16_batch_does_not_overflow():
    mean, var = np.zeros(1, np.float32), np.ones(1, np.float32)
    batch_norm(LARGE[:1].reshape(3, 1), mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(var, [390_000], rtol=2**-9)  # of 600, -600 and 300, each off their mean by 2⁻¹¹ at most


def test_the_eps_of_rms_norm_is_the_rounding_unit_of_the_dtype_unless_told():
    for dtype in (np.float32, np.float64):
        eps = float(np.finfo(dtype).eps)
        x = np.full(4, math.sqrt(eps), dtype)  # as large as eps, so that it shows
        np.testing.assert_allclose(rms_norm(x, 4).numpy(), 1 / math.sqrt(2), rtol=1e-6)


def test_lists_and_dim_are_taken():
    assert layer_norm([[1.0, 3.0]], [2], [2.0, 2.0], [1.0, 1.0], eps=0.0).tolist() == [[-1, 3]]
    assert rms_norm([2.0, -2.0], 2, [1.0, 3.0], eps=0.0).tolist() == [1, -3]
    assert normalize([[3.0, 4.0]], dim=-1).tolist() == normalize([[3.0, 4.0]]).tolist()
    assert cosine_similarity([1.0, 0.0], [2.0, 0.0], dim=0).item() == 1


# ---------------------------------------------------------------------------------- length 1 and angles
@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_vector_of_zeros_stays_one_and_has_a_finite_gradient(p, dtype):
    x = tg.tensor(np.zeros((2, 3), dtype), requires_grad=True)
    out = normalize(x, p, eps=1e-3)
    assert not out.numpy().any()
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1000, rtol=1e-3)


def test_short_vectors_of_float16_have_length_1_and_a_similarity():
    x = np.array([[3e-4, -4e-4]], np.float16)  # squares are below what float16 holds
    np.testing.assert_allclose(normalize(x).numpy(), [[0.6, -0.8]], rtol=1e-3)
    out = cosine_similarity(x, np.array([[4.0, 3.0]], np.float16))
    assert out.dtype == np.float16
    np.testing.assert_allclose(out.numpy(), 0, atol=1e-3)


def test_the_similarity_to_a_vector_of_zeros_is_0_with_a_finite_gradient():
    x, y = tg.tensor(np.zeros((1, 3)), requires_grad=True), tg.tensor(np.ones((1, 3)), requires_grad=True)
    out = cosine_similarity(x, y)
    assert out.tolist() == [0]
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert y.grad.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("p", [3, 4.5])
def test_a_high_power_neither_overflows_nor_underflows(p):
    for scale in (1e-9, 1e30):
        x = (np.array([[3, -1, 2]]) * scale).astype(np.float32)
        np.testing.assert_allclose(normalize(x, p), normalize(x / scale, p), rtol=1e-5)


def test_a_single_entry_is_its_own_length():
    # The sum of the powers is 1, the least that it can be: nothing may tie with it.
    x = tg.tensor(np.array([[2.0, 0.0]]), requires_grad=True)
    normalize(x, 3)[0, 1].backward()
    assert x.grad.tolist() == [[0, 0.5]]


# ------------------------------------------------------------------------------------------- attention
Q, K, V = draw(2, 4, 3), draw(2, 5, 3), draw(2, 5, 2)


def test_a_query_whose_keys_are_all_ruled_out_gets_0_and_no_gradient():
    masks = np.ones((4, 5), bool), np.zeros((4, 5))
    masks[0][1] = False
    masks[1][1] = -np.inf
    for mask in masks:
        q, k, v = (tg.tensor(x, requires_grad=True) for x in (Q, K, V))
        out = scaled_dot_product_attention(q, k, v, mask)
        assert not out.numpy()[:, 1].any()
        unmasked = scaled_dot_product_attention(Q, K, V).numpy()
        np.testing.assert_array_equal(out.numpy()[:, [0, 2, 3]], unmasked[:, [0, 2, 3]])
        out[:, 1].sum().backward()
        for x in (q, k, v):
            assert not x.grad.numpy().any()


def test_masks_of_booleans_and_of_floats_rule_out_the_same():
    mask = RNG.random((4, 5)) > 0.4
    added = np.where(mask, 0.0, -np.inf)
    by_choice, by_sum = (scaled_dot_product_attention(Q, K, V, m).numpy() for m in (mask, added))
    np.testing.assert_array_equal(by_choice, by_sum)


def test_causal_attention_sees_no_later_key():
    v = tg.tensor(V, requires_grad=True)
    out = scaled_dot_product_attention(Q, K, v, is_causal=True)
    np.testing.assert_array_equal(out.numpy()[:, 0], V[:, 0])
    out[:, :2].sum().backward()
    assert not v.grad.numpy()[:, 2:].any()


def test_scores_of_1000_neither_overflow_nor_warn():
    out = scaled_dot_product_attention([[1000.0]], [[1000.0], [-1000.0]], [[1.0], [2.0]], [[True, True]])
    assert out.tolist() == [[1]]


def test_a_mask_does_not_decide_the_dtype():
    q, k, v = (x.astype(np.float32) for x in (Q, K, V))
    assert scaled_dot_product_attention(q, k, v, np.zeros((4, 5))).dtype == np.float32


def test_dropout_of_attention_follows_the_generator_and_keeps_the_expected_value():
    ones = np.ones((1, 10_000, 1))
    draws = [
        scaled_dot_product_attention(ones[:, :1], ones, ones, dropout_p=0.25, rng=np.random.default_rng(seed)).item()
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
    # The mean of 10,000 numbers that are 4/3 with probability 3/4 has deviation √(p / (1 - p)) / 100.
    assert abs(draws[0] - 1) < 5 * math.sqrt(1 / 3) / 100
    tg.seed(3)
    first = scaled_dot_product_attention(Q, K, V, dropout_p=0.5)
    tg.seed(3)
    np.testing.assert_array_equal(first, scaled_dot_product_attention(Q, K, V, dropout_p=0.5))


ATTENTION_REFUSED = {
    "a mask beside the causal one": (
        lambda: scaled_dot_product_attention(Q, K, V, np.ones((4, 5), bool), is_causal=True), OptionError, "one mask",
    ),
    "a mask of whole numbers": (
        lambda: scaled_dot_product_attention(Q, K, V, np.ones((4, 5), int)), DtypeError, "either kind of mask",
    ),
    "a mask of another shape": (
        lambda: scaled_dot_product_attention(Q, K, V, np.ones((5, 4), bool)), ShapeError, r"\(2, 4, 5\)",
    ),
    "a mask with more axes than the scores": (
        lambda: scaled_dot_product_attention(Q, K, V, np.ones((7, 1, 1, 1), bool)), ShapeError, r"\(2, 4, 5\)",
    ),
    "keys of another length": (lambda: scaled_dot_product_attention(Q, draw(2, 5, 4), V), ShapeError, r"\(2, 5, 4\)"),
    "fewer values than keys": (lambda: scaled_dot_product_attention(Q, K, V[:, :4]), ShapeError, r"\(2, 4, 2\)"),
    "a vector": (lambda: scaled_dot_product_attention(Q[0, 0], K, V), ShapeError, r"\(3,\)"),
    "vectors of length 0": (lambda: scaled_dot_product_attention(Q[..., :0], K[..., :0], V), ShapeError, r"4, 0\)"),
    "no keys": (lambda: scaled_dot_product_attention(Q, K[:, :0], V[:, :0]), ShapeError, "softmax"),
    "whole numbers": (lambda: scaled_dot_product_attention(np.ones((2, 2), int), Q[0], Q[0]), DtypeError, "int64"),
    "certain dropout": (lambda: scaled_dot_product_attention(Q, K, V, dropout_p=1), OptionError, "dropout_p=1"),
    "a row without a generator": (
        lambda: ops.scaled_dot_product_attention(Q, K, V, dropout_p=0.5), OptionError, "give it rng=",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), ATTENTION_REFUSED.values(), ids=ATTENTION_REFUSED)
def test_attention_of_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
