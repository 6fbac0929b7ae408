"""A loss is its formula, right far beyond where exp overflows, and refuses shapes that only broadcast."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu import functional, losses, nn
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.tensor import Tensor

RNG = np.random.default_rng(0)
PREDICTION = RNG.normal(size=(6, 3))
# No error is near 0, the kink of |error|, or near ±1 and ±0.5, where the Huber function changes its formula.
ERRORS = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2, 3, 4, 5, 0.25, 0.75, 1.75]).reshape(6, 3)
TARGET = PREDICTION + RNG.permutation(ERRORS) * RNG.choice([-1, 1], (6, 3))
INDICES = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[INDICES]
PROBABILITIES = RNG.dirichlet(np.ones(3), 6)
BINARY = RNG.choice([0.0, 1.0], (6, 3))


# ----------------------------------------------------------------------------- the formulas, written out
def squared(x, t):
    return (x - t) ** 2


def absolute(x, t):
    return np.abs(x - t)


def huber(delta):
    def entries(x, t):
        size = np.abs(x - t)
        return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))

    return entries


def cross_entropy(x, t):
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    if t.ndim == 1:
        return np.array([-log_p[i, label] for i, label in enumerate(t)])
    return -(t * log_p).sum(axis=1)


def binary_cross_entropy(x, t):
    # -log σ(x) = log(1 + e⁻ˣ), and -log(1 - σ(x)) = log(1 + eˣ)
    return t * np.log(1 + np.exp(-x)) + (1 - t) * np.log(1 + np.exp(x))


CASES = {
    "squared error": (nn.MSELoss, {}, squared, TARGET),
    "absolute error": (nn.L1Loss, {}, absolute, TARGET),
    "Huber": (nn.HuberLoss, {}, huber(1.0), TARGET),
    "Huber, delta 0.5": (nn.HuberLoss, {"delta": 0.5}, huber(0.5), TARGET),
    "cross-entropy of indices": (nn.CrossEntropyLoss, {}, cross_entropy, INDICES),
    "cross-entropy of probabilities": (nn.CrossEntropyLoss, {}, cross_entropy, PROBABILITIES),
    "binary cross-entropy of 0 and 1": (nn.BCEWithLogitsLoss, {}, binary_cross_entropy, BINARY),
    "binary cross-entropy of probabilities": (nn.BCEWithLogitsLoss, {}, binary_cross_entropy, PROBABILITIES),
}
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": np.asarray}

every_case = pytest.mark.parametrize(("make", "options", "formula", "target"), CASES.values(), ids=CASES)
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def test_every_loss_has_a_case():
    assert {make.__name__ for make, *_ in CASES.values()} == set(losses.__all__) - {"Loss"}


@every_case
@every_reduction
def test_a_loss_is_its_formula(make, options, formula, target, reduction):
    value = make(reduction=reduction, **options)(PREDICTION, target)
    expected = REDUCTIONS[reduction](formula(PREDICTION, target))
    assert value.shape == np.shape(expected)
    assert value.dtype == np.float64
    # Each side rounds some ten times, and 18 entries are added.
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14)


@every_case
def test_the_mean_is_the_default(make, options, formula, target):
    assert make(**options)(PREDICTION, target).item() == pytest.approx(
        np.mean(formula(PREDICTION, target)), rel=1e-14, abs=0
    )


@every_case
@every_reduction
def test_gradients_of_first_and_second_order(make, options, formula, target, reduction):  # noqa: ARG001
    criterion = make(reduction=reduction, **options)
    # Integer targets are handed on; the gradient with respect to floating ones is checked too.
    assert tg.gradcheck(criterion, PREDICTION, target, order=2)


@every_case
def test_a_small_step_against_the_gradient_lowers_the_loss(make, options, formula, target):  # noqa: ARG001
    criterion = make(**options)
    x = Tensor(PREDICTION.copy(), requires_grad=True)
    before = criterion(x, target)
    before.backward()
    after = criterion(PREDICTION - 1e-3 * x.grad.numpy(), target)
    assert after.item() < before.item()


# ---------------------------------------------------------------------------------------------- extremes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("logits", "target", "expected"),
    [
        ([[1000.0, -1000.0]], [0], [0.0]),
        ([[1000.0, -1000.0]], [1], [2000.0]),
        ([[-1000.0, 0.0, 1000.0]], [1], [1000.0]),
        ([[1000.0, -1000.0]], [[0.25, 0.75]], [1500.0]),
        ([[1000.0, 1000.0]], [0], [math.log(2)]),
    ],
    ids=["right", "wrong", "three classes", "probabilities", "undecided"],
)
def test_cross_entropy_is_exact_at_logits_of_a_thousand(logits, target, expected, dtype):
    target = np.array(target)
    logits = Tensor(np.array(logits, dtype), requires_grad=True)
    value = nn.CrossEntropyLoss(reduction="none")(logits, target)
    assert value.numpy().tolist() == np.array(expected, dtype).tolist()
    value.sum().backward()
    p = np.exp(logits.numpy() - logits.numpy().max())
    wanted = target if target.ndim == 2 else np.eye(p.shape[1])[target]
    assert logits.grad.tolist() == (p / p.sum() - wanted).astype(dtype).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("logit", "target", "expected", "slope"),
    [
        (1000.0, 1.0, 0.0, 0.0),
        (1000.0, 0.0, 1000.0, 1.0),
        (-1000.0, 1.0, 1000.0, -1.0),
        (-1000.0, 0.0, 0.0, 0.0),
        (1000.0, 0.25, 750.0, 0.75),
    ],
)
def test_binary_cross_entropy_is_exact_at_logits_of_a_thousand(logit, target, expected, slope, dtype):
    logits = Tensor(np.array([logit], dtype), requires_grad=True)
    value = nn.BCEWithLogitsLoss()(logits, np.array([target], dtype))
    value.backward()
    assert (value.item(), logits.grad.item()) == (expected, slope)


def test_binary_cross_entropy_keeps_its_digits_where_the_loss_is_tiny():
    # log(1 + e⁻⁵⁰) is e⁻⁵⁰ to 22 digits; log(σ(50)) would be 0.
    value = nn.BCEWithLogitsLoss()(np.array([50.0]), np.array([1.0]))
    assert value.item() == pytest.approx(math.exp(-50), rel=1e-15, abs=0)


@every_reduction
def test_indices_and_their_one_hot_rows_give_the_same_cross_entropy(reduction):
    criterion = nn.CrossEntropyLoss(reduction=reduction)
    by_index, by_row = (criterion(PREDICTION, target).numpy() for target in (INDICES, ONE_HOT))
    # The sum over a row adds zeros to one number, so it is exact; the mean adds in another order.
    np.testing.assert_allclose(by_index, by_row, rtol=1e-15)


def test_cross_entropy_takes_any_number_of_leading_axes():
    logits, target = PREDICTION.reshape(2, 3, 3), INDICES.reshape(2, 3)
    flat = nn.CrossEntropyLoss(reduction="none")(PREDICTION, INDICES)
    value = nn.CrossEntropyLoss(reduction="none")(logits, target)
    assert value.numpy().tolist() == flat.numpy().reshape(2, 3).tolist()
    single = nn.CrossEntropyLoss()(PREDICTION[0], INDICES[0])
    assert single.item() == flat.numpy()[0]


def test_binary_cross_entropy_is_the_cross_entropy_of_two_classes_the_other_at_zero():
    logits = PREDICTION[:, 0]
    two = np.stack([np.zeros(6), logits], axis=1)
    target = BINARY[:, 0]
    one_logit = nn.BCEWithLogitsLoss(reduction="none")(logits, target)
    two_logits = nn.CrossEntropyLoss(reduction="none")(two, target.astype(int))
    np.testing.assert_allclose(one_logit.numpy(), two_logits.numpy(), rtol=1e-14)


def test_huber_is_half_the_squared_error_inside_and_the_absolute_error_beyond():
    x, zero = np.array([-0.5, 0.5]), np.zeros(2)
    assert nn.HuberLoss()(x, zero).item() == nn.MSELoss()(x, zero).item() / 2
    far = np.array([-100.0, 100.0])
    assert nn.HuberLoss()(far, zero).item() == nn.L1Loss()(far, zero).item() - 0.5


# ------------------------------------------------------------------------------------- shapes that differ
ENTRYWISE = [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.BCEWithLogitsLoss()]
every_entrywise_loss = pytest.mark.parametrize("criterion", ENTRYWISE, ids=lambda loss: type(loss).__name__)


def remedy(error):
    """The target reshaped as the message says."""
    (arguments,) = re.findall(r"target\.reshape\((\(\)|[-\d, ]+)\)", str(error.value))
    shape = tuple(int(n) for n in arguments.strip("()").split(",") if n)
    return lambda target: target.reshape(shape)


@every_entrywise_loss
@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((4, 1), (4,)),
        ((4,), (4, 1)),
        ((4, 1), (1, 4)),
        ((1, 4), (4, 1)),
        ((1, 4), (4,)),
        ((4,), (1, 4)),
        ((4, 3), (12,)),
        ((4, 3), (4, 3, 1)),
        ((2, 3, 2), (2, 6)),
        ((1,), ()),
        ((1, 1), ()),
        ((), (1,)),
    ],
    ids=str,
)
def test_a_mismatch_is_refused_with_the_reshape_that_fixes_it(criterion, prediction, target):
    prediction, target = np.full(prediction, 0.5), np.full(target, 0.25)
    with pytest.raises(ShapeError) as error:
        criterion(prediction, target)
    assert str(prediction.shape) in str(error.value)
    assert str(target.shape) in str(error.value)
    fixed = remedy(error)(target)
    expected = type(criterion)(reduction="none")(np.array([0.5]), np.array([0.25])).item()
    # The mean of up to 12 equal numbers, which their sum may round.
    assert criterion(prediction, fixed).item() == pytest.approx(expected, rel=1e-15, abs=0)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@given(shapes, shapes)
def test_whatever_reshape_a_message_says_fixes_it(prediction, target):
    assume(prediction != target)
    with pytest.raises(ShapeError) as error:
        functional.mse_loss(np.zeros(prediction), np.zeros(target))
    axes, given_axes = ([n for n in shape if n > 1] for shape in (prediction, target))
    if axes != given_axes and sorted(axes) == sorted(given_axes):
        # (2, 3) against (3, 2): a reshape would scramble the entries.
        assert "reshape" not in str(error.value)
        assert "which axis counts the examples" in str(error.value)
    elif math.prod(prediction) == math.prod(target):
        assert functional.mse_loss(np.zeros(prediction), remedy(error)(np.zeros(target))).item() == 0
    else:
        assert "reshape" not in str(error.value)
        assert "same number of entries" in str(error.value)


@every_entrywise_loss
@pytest.mark.parametrize(
    ("prediction", "target"), [((4, 3), (4,)), ((4,), (4, 3)), ((4, 3), (4, 1)), ((4,), (3,)), ((4, 1), ())], ids=str
)
def test_other_numbers_of_entries_are_refused_without_a_reshape(criterion, prediction, target):
    with pytest.raises(ShapeError, match="same number of entries") as error:
        criterion(np.zeros(prediction), np.zeros(target))
    assert "reshape" not in str(error.value)


@pytest.mark.parametrize("target", [(6, 1), (1, 6), (2, 3)], ids=str)
def test_class_indices_of_another_shape_are_refused_with_the_reshape_that_fixes_it(target):
    labels = INDICES.reshape(target)
    with pytest.raises(ShapeError, match=re.escape(str(target))) as error:
        nn.CrossEntropyLoss()(PREDICTION, labels)
    fixed = remedy(error)(labels)
    assert nn.CrossEntropyLoss()(PREDICTION, fixed).item() == nn.CrossEntropyLoss()(PREDICTION, INDICES).item()


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        ((6, 3), np.zeros(5, int)),
        ((6, 3), np.zeros((6, 3), int)),
        ((6, 3), np.zeros((6, 2))),
        ((6, 3), np.zeros(18)),
        ((2, 3, 3), np.zeros(6, int)),
    ],
    ids=["too few", "one-hot integers", "two probabilities", "flat probabilities", "flat indices"],
)
def test_targets_that_are_neither_indices_nor_probabilities_are_refused(logits, target):
    with pytest.raises(ShapeError, match=rf"{re.escape(str(logits))}.*{re.escape(str(target.shape))}"):
        nn.CrossEntropyLoss()(np.zeros(logits), target)


@pytest.mark.parametrize("shape", [(4, 1), (), (4, 0)], ids=str)
def test_cross_entropy_of_fewer_than_two_classes_is_refused(shape):
    with pytest.raises(ShapeError, match="at least two classes"):
        nn.CrossEntropyLoss()(np.zeros(shape), np.zeros(shape[:-1], int))


# ----------------------------------------------------------------------------- targets that are not valid


@pytest.mark.parametrize("wrong", [3, -1, 255])
def test_a_class_that_is_not_there_is_refused_and_named(wrong):
    target = INDICES.copy()
    target[4] = wrong
    with pytest.raises(OptionError, match=rf"3 classes needs targets from 0 to 2, but was given {wrong}\."):
        nn.CrossEntropyLoss()(PREDICTION, target)


def test_the_last_class_is_there():
    assert nn.CrossEntropyLoss()([[0.0, 0.0, 1000.0]], [2]).item() == 0.0


def test_class_indices_as_floats_are_refused_with_the_line_that_fixes_it():
    with pytest.raises(DtypeError, match=re.escape("Write target.astype(np.int64)")):
        nn.CrossEntropyLoss()(PREDICTION, INDICES.astype(float))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_class_indices_may_be_any_integers(dtype):
    expected = nn.CrossEntropyLoss()(PREDICTION, INDICES).item()
    assert nn.CrossEntropyLoss()(PREDICTION, INDICES.astype(dtype)).item() == expected
    assert nn.CrossEntropyLoss()(PREDICTION, Tensor(INDICES.astype(dtype))).item() == expected


@pytest.mark.parametrize("criterion", [*ENTRYWISE, nn.CrossEntropyLoss()], ids=lambda loss: type(loss).__name__)
def test_integer_predictions_are_refused(criterion):
    with pytest.raises(DtypeError, match="floating predictions, but was given int64"):
        criterion(np.zeros((2, 2), np.int64), np.zeros((2, 2)))


@every_entrywise_loss
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool])
def test_integer_targets_are_taken_as_numbers(criterion, dtype):
    target = BINARY.astype(dtype)
    assert criterion(PREDICTION, target).item() == criterion(PREDICTION, BINARY).item()


@every_case
@every_reduction
def test_the_target_does_not_decide_the_dtype(make, options, formula, target, reduction):  # noqa: ARG001
    assert target.dtype in (np.float64, np.int64)
    prediction = Tensor(PREDICTION.astype(np.float32), requires_grad=True)
    value = make(reduction=reduction, **options)(prediction, target)
    value.sum().backward()
    assert (value.dtype, prediction.grad.dtype) == (np.float32, np.float32)


# ------------------------------------------------------------------------------------------------ options


@pytest.mark.parametrize("make", [make for make, *_ in CASES.values()])
@pytest.mark.parametrize("reduction", ["average", "Mean", None, ""], ids=repr)
def test_an_unknown_reduction_is_refused(make, reduction):
    with pytest.raises(OptionError, match=f"'mean', 'sum' or 'none', but is {reduction!r}"):
        make(reduction=reduction)


@pytest.mark.parametrize(
    "function",
    [
        functional.mse_loss,
        functional.l1_loss,
        functional.huber_loss,
        functional.binary_cross_entropy_with_logits,
        functional.cross_entropy,
    ],
    ids=lambda function: function.__name__,
)
def test_the_functions_refuse_an_unknown_reduction_too(function):
    target = INDICES if function is functional.cross_entropy else TARGET
    with pytest.raises(OptionError, match="'mean', 'sum' or 'none', but is 'average'"):
        function(PREDICTION, target, "average")


@pytest.mark.parametrize("delta", [0, -1.0, math.nan])
def test_a_huber_loss_without_a_width_is_refused(delta):
    with pytest.raises(OptionError, match=f"delta > 0, but was given {delta}"):
        nn.HuberLoss(delta=delta)([1.0], [0.0])


def test_losses_of_the_same_options_are_equal_and_cannot_be_changed():
    assert nn.HuberLoss(delta=2.0) == nn.HuberLoss(delta=2.0) != nn.HuberLoss(delta=1.0)
    with pytest.raises(AttributeError):
        nn.MSELoss().reduction = "sum"


def test_a_loss_that_does_not_say_what_it_computes_is_refused():
    class Unfinished(losses.Loss):
        pass

    with pytest.raises(TypeError, match="Unfinished does not say what it computes"):
        Unfinished()([1.0], [1.0])
