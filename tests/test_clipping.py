"""Clipped gradients are the old ones, scaled by one factor or cut off at a bound, and nothing else changes."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.recording import Recording
from tinygrad_edu import nn
from tinygrad_edu.errors import GraphError, OptionError
from tinygrad_edu.nn.utils import clip_grad_norm_, clip_grad_value_

SHAPES = [(4, 3), (4,), (), (0, 2), (2, 2)]


def gradients(dtype=np.float64, size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return [np.asarray(size * rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]


def parameters(arrays):
    out = [tg.tensor(np.zeros_like(g), requires_grad=True) for g in arrays]
    for p, g in zip(out, arrays, strict=True):
        p.grad = tg.tensor(g)
    return out


def norm_of(arrays, p):
    entries = np.abs(np.concatenate([g.reshape(-1) for g in arrays]).astype(np.float64))
    return entries.max() if p == math.inf else (entries**p).sum() ** (1 / p)


# -------------------------------------------------------------------------------------------------- the norm
@pytest.mark.parametrize("max_norm", [0.5, 2, 100.0, math.inf])
@pytest.mark.parametrize("norm_type", [1, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_all_gradients_are_scaled_by_one_factor(dtype, norm_type, max_norm):
    given = gradients(dtype)
    clipped = parameters(given)
    total = clip_grad_norm_(clipped, max_norm, norm_type)
    norm = norm_of(given, norm_type)
    assert (total.shape, total.dtype, total.requires_grad) == ((), dtype, False)
    rounding = 20 * float(np.finfo(dtype).eps)
    assert total.item() == pytest.approx(norm, rel=rounding)
    factor = min(1.0, max_norm / (norm + 1e-6))
    for p, g in zip(clipped, given, strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad.numpy(), g * factor, rtol=rounding)


def test_gradients_within_the_bound_stay_as_they_are_bit_for_bit():
    given = gradients(np.float32)
    clipped = parameters(given)
    clip_grad_norm_(clipped, 1000.0)
    for p, g in zip(clipped, given, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), g)


def test_the_gradients_are_new_tensors_and_the_old_ones_stay():
    given = gradients(size=10.0)
    clipped = parameters(given)
    old = [p.grad for p in clipped]
    clip_grad_norm_(clipped, 1.0)
    clip_grad_value_(clipped, 0.01)
    for p, before, g in zip(clipped, old, given, strict=True):
        assert p.grad is not before
        np.testing.assert_array_equal(before.numpy(), g)


def test_large_and_small_gradients_neither_overflow_nor_vanish():
    for size in (1e-30, 1e30):
        given = gradients(np.float32, size)
        total = clip_grad_norm_(parameters(given), 1.0)
        assert total.item() == pytest.approx(norm_of(given, 2), rel=1e-5)


def test_gradients_of_different_precision_keep_theirs():
    single, double = parameters([np.full(3, 2.0, np.float32), np.full(1, 2.0)])
    assert clip_grad_norm_([single, double], 2.0).item() == pytest.approx(4.0, rel=1e-6)
    assert (single.grad.dtype, double.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single.grad.numpy(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(double.grad.numpy(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_norm_that_is_not_finite_raises_if_asked_for_and_changes_nothing(bad):
    (p,) = parameters([np.array([1.0, bad])])
    before = p.grad
    with pytest.raises(OptionError, match=rf"norm_type=2, is {bad}.*detect_anomaly"):
        clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad is before


def test_of_gradients_without_entries_the_norm_is_0():
    (p,) = parameters([np.zeros((0, 3))])
    assert clip_grad_norm_(p, 1.0).item() == 0.0


# ------------------------------------------------------------------------------------------------- the value
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_entry_is_cut_off_by_itself(dtype):
    given = gradients(dtype)
    clipped = parameters(given)
    assert clip_grad_value_(clipped, 0.5) is None
    for p, g in zip(clipped, given, strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_array_equal(p.grad.numpy(), np.clip(g, -0.5, 0.5))


# --------------------------------------------------------------------------------------- of both, and refused
BOTH = pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])


@BOTH
def test_one_tensor_is_taken_too_and_parameters_without_a_gradient_are_left_out(clip):
    x, y = tg.tensor([3.0], requires_grad=True), tg.tensor([1.0], requires_grad=True)
    (x * x).sum().backward()
    clip(x, 1.0)
    assert x.grad.item() == pytest.approx(1.0, rel=1e-6)
    clip([y, x], 0.5)
    assert y.grad is None
    assert x.grad.item() == pytest.approx(0.5, rel=1e-5)


@BOTH
def test_between_backward_and_step_of_a_model(clip):
    model, x = nn.Linear(3, 2), np.ones((4, 3), np.float32)
    (100 * model(x)).sum().backward()
    clip(model.parameters(), 0.25)
    assert norm_of([p.grad.numpy() for p in model.parameters()], math.inf) <= 0.25


@BOTH
def test_what_is_clipped_is_no_part_of_a_graph(clip):
    x = tg.tensor([3.0], requires_grad=True)
    (x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    clip([x], 1.0)
    assert not x.grad.requires_grad


@pytest.mark.parametrize("sizes", [(1.0, 1e-3), (1e-3, 1.0)], ids=["clipped first", "clipped then"])
@BOTH
def test_what_is_recorded_holds_for_gradients_of_another_size(clip, sizes):
    recording = Recording()
    clipped, others = (parameters(gradients(np.float32, size)) for size in sizes)
    old, new = ([p.grad.array for p in given] for given in (clipped, others))
    recording.run(clip, clipped, 0.5)
    clip(others, 0.5)
    for p, other in zip(clipped, others, strict=True):
        np.testing.assert_array_equal(recording.again(old, new, p.grad.array), other.grad.numpy())
    assert not recording.taken_out


def test_a_recorded_norm_is_checked_again():
    recording, (p,) = Recording(), parameters([np.ones(2)])
    old = p.grad.array
    recording.run(clip_grad_norm_, p, 0.5, 2.0, True)  # noqa: FBT003
    with pytest.raises(OptionError, match="norm_type=2, is nan"):
        recording.again([old], [np.array([1.0, math.nan])], p.grad.array)


@BOTH
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], GraphError, "of 0 parameters. An iterator gives its items once"),
        ([tg.tensor(1.0, requires_grad=True)], GraphError, r"of 1 parameters. Call loss.backward\(\) before it"),
        ([np.ones(3)], OptionError, "the gradients of Tensors, but was given a ndarray"),
    ],
    ids=["none", "no gradient", "an array"],
)
def test_parameters_without_gradients_are_refused(clip, given, error, message):
    with pytest.raises(error, match=message):
        clip(given, 1.0)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, "1", None])
def test_bounds_that_are_none_are_refused(bad):
    clipped = parameters(gradients())
    with pytest.raises(OptionError, match="clip_grad_norm_ needs a max_norm > 0, but was given"):
        clip_grad_norm_(clipped, bad)
    with pytest.raises(OptionError, match="clip_grad_norm_ needs a norm_type > 0, but was given"):
        clip_grad_norm_(clipped, 1.0, bad)
    with pytest.raises(OptionError, match="clip_grad_value_ needs a clip_value > 0, but was given"):
        clip_grad_value_(clipped, bad)
