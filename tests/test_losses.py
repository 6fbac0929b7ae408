"""A loss is its formula, right far beyond where exp overflows, and refuses shapes that only broadcast."""

import functools
import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu import functional, losses, nn, ops
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.functional import losses as mathematics
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
CHANCES = RNG.uniform(0.05, 0.95, (6, 3))  # probabilities that need not add up
WEIGHT = np.array([0.5, 2.0, 1.25])


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


def binary_cross_entropy(x, t, weight=1.0, pos_weight=1.0):
    # -log σ(x) = log(1 + e⁻ˣ), and -log(1 - σ(x)) = log(1 + eˣ)
    return weight * (pos_weight * t * np.log(1 + np.exp(-x)) + (1 - t) * np.log(1 + np.exp(x)))


def of_chances(p, t, weight=1.0):
    return -weight * (t * np.log(p) + (1 - t) * np.log(1 - p))


def likelihood(log_p, t):
    return np.array([-log_p[i, label] for i, label in enumerate(t)])


def divergence(log_p, t):
    return t * (np.log(t) - log_p)


def hinges(p, margin):
    def examples(x, t):
        rows = [
            [max(0, margin - row[y] + row[i]) ** p for i in range(3) if i != y] for row, y in zip(x, t, strict=True)
        ]
        return np.sum(rows, axis=1) / 3

    return examples


CASES = {
    "squared error": (nn.MSELoss, {}, squared, TARGET),
    "absolute error": (nn.L1Loss, {}, absolute, TARGET),
    "Huber": (nn.HuberLoss, {}, huber(1.0), TARGET),
    "Huber, delta 0.5": (nn.HuberLoss, {"delta": 0.5}, huber(0.5), TARGET),
    "cross-entropy of indices": (nn.CrossEntropyLoss, {}, cross_entropy, INDICES),
    "cross-entropy of probabilities": (nn.CrossEntropyLoss, {}, cross_entropy, PROBABILITIES),
    "binary cross-entropy of 0 and 1": (nn.BCEWithLogitsLoss, {}, binary_cross_entropy, BINARY),
    "binary cross-entropy of probabilities": (nn.BCEWithLogitsLoss, {}, binary_cross_entropy, PROBABILITIES),
    "binary cross-entropy with weights": (
        nn.BCEWithLogitsLoss,
        {"weight": WEIGHT, "pos_weight": [[3.0, 0.5, 2.0]]},
        functools.partial(binary_cross_entropy, weight=WEIGHT, pos_weight=np.array([3.0, 0.5, 2.0])),
        PROBABILITIES,
    ),
    "binary cross-entropy from probabilities": (losses.BCELoss, {}, of_chances, PROBABILITIES),
    "binary cross-entropy from probabilities, weights": (
        losses.BCELoss,
        {"weight": WEIGHT},
        functools.partial(of_chances, weight=WEIGHT),
        PROBABILITIES,
    ),
    "smooth absolute error": (losses.SmoothL1Loss, {}, huber(1.0), TARGET),
    "smooth absolute error, beta 0.5": (
        losses.SmoothL1Loss,
        {"beta": 0.5},
        lambda x, t: huber(0.5)(x, t) / 0.5,
        TARGET,
    ),
    "smooth absolute error, beta 0": (losses.SmoothL1Loss, {"beta": 0}, absolute, TARGET),
    "likelihood": (losses.NLLLoss, {}, likelihood, INDICES),
    "divergence": (losses.KLDivLoss, {}, divergence, PROBABILITIES),
    "divergence of logarithms": (
        losses.KLDivLoss,
        {"log_target": True},
        lambda log_p, t: np.exp(t) * (t - log_p),
        TARGET,
    ),
    "hinge": (losses.MultiMarginLoss, {}, hinges(1, 1), INDICES),
    "squared hinge, margin 0.5": (losses.MultiMarginLoss, {"p": 2, "margin": 0.5}, hinges(2, 0.5), INDICES),
}
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": np.asarray}

every_case = pytest.mark.parametrize(("make", "options", "formula", "target"), CASES.values(), ids=CASES)
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def prediction_for(make):
    """Probabilities where they are asked for, else any numbers."""
    return CHANCES if make is losses.BCELoss else PREDICTION


def test_every_loss_has_a_case():
    assert {make.__name__ for make, *_ in CASES.values()} == set(losses.__all__) - {"Loss"}


@every_case
@every_reduction
def test_a_loss_is_its_formula(make, options, formula, target, reduction):
    value = make(reduction=reduction, **options)(prediction_for(make), target)
    expected = REDUCTIONS[reduction](formula(prediction_for(make), target))
    assert value.shape == np.shape(expected)
    assert value.dtype == np.float64
    # Each side rounds some ten times, and 18 entries are added.
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14)


@every_case
def test_the_mean_is_the_default(make, options, formula, target):
    assert make(**options)(prediction_for(make), target).item() == pytest.approx(
        np.mean(formula(prediction_for(make), target)), rel=1e-14, abs=0
    )


@every_case
@every_reduction
def test_gradients_of_first_and_second_order(make, options, formula, target, reduction):  # noqa: ARG001
    criterion = make(reduction=reduction, **options)
    if target is BINARY:  # a step from 0 to below it would be refused
        assert tg.gradcheck(lambda x: criterion(x, target), PREDICTION, order=2)
    else:
        # Integer targets are handed on; the gradient with respect to floating ones is checked too.
        assert tg.gradcheck(criterion, prediction_for(make), target, order=2)


@every_case
def test_a_small_step_against_the_gradient_lowers_the_loss(make, options, formula, target):  # noqa: ARG001
    criterion = make(**options)
    x = Tensor(prediction_for(make).copy(), requires_grad=True)
    before = criterion(x, target)
    before.backward()
    after = criterion(prediction_for(make) - 1e-3 * x.grad.numpy(), target)
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


# -------------------------------------------------------------------------------- which axis holds the classes
def test_cross_entropy_takes_any_number_of_leading_axes():
    logits, target = PREDICTION.reshape(2, 3, 3), INDICES.reshape(2, 3)
    flat = nn.CrossEntropyLoss(reduction="none")(PREDICTION, INDICES)
    value = nn.CrossEntropyLoss(reduction="none", axis=-1)(logits, target)
    assert value.numpy().tolist() == flat.numpy().reshape(2, 3).tolist()
    single = nn.CrossEntropyLoss()(PREDICTION[0], INDICES[0])
    assert single.item() == flat.numpy()[0]


AXES = {
    "last of 3": ((2, 3), -1),
    "PyTorch's": ((2, 3), 1),
    "first": ((2, 3), 0),
    "of 4": ((2, 1, 3), -3),
    "of 2": ((6,), 0),
}
every_axis = pytest.mark.parametrize(("shape", "axis"), AXES.values(), ids=AXES)


@every_axis
@every_reduction
def test_the_classes_may_be_along_any_axis(shape, axis, reduction):
    def placed(rows):
        return np.moveaxis(rows.reshape(*shape, 3), -1, axis)

    log_p = PREDICTION - np.log(np.exp(PREDICTION).sum(axis=1, keepdims=True))
    targets = {"indices": (INDICES, INDICES.reshape(shape)), "probabilities": (PROBABILITIES, placed(PROBABILITIES))}
    for rows, folded in targets.values():
        expected = REDUCTIONS[reduction](cross_entropy(PREDICTION, rows))
        expected = expected.reshape(shape) if reduction == "none" else expected
        for target in (folded, Tensor(folded)):
            value = nn.CrossEntropyLoss(reduction=reduction, axis=axis)(placed(PREDICTION), target)
            # As above; a sum of 6 in another order rounds twice more.
            np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14)
        assert tg.gradcheck(
            lambda x, t=folded: functional.cross_entropy(x, t, reduction, axis=axis), placed(PREDICTION), order=2
        )
    expected = REDUCTIONS[reduction](likelihood(log_p, INDICES))
    expected = expected.reshape(shape) if reduction == "none" else expected
    value = losses.NLLLoss(reduction=reduction, axis=axis)(placed(log_p), INDICES.reshape(shape))
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14)


@every_axis
def test_the_options_go_along_with_the_classes(shape, axis):
    placed, labels = np.moveaxis(PREDICTION.reshape(*shape, 3), -1, axis), INDICES.reshape(shape)
    for options in ({"weight": WEIGHT}, {"label_smoothing": 0.1}, {"ignore_index": 1}):
        flat = mathematics.cross_entropy(PREDICTION, INDICES, "none", **options).numpy()
        value = mathematics.cross_entropy(placed, labels, "none", **options, axis=axis)
        # The softmax along a row and along a column may add in another order.
        np.testing.assert_allclose(value.numpy(), flat.reshape(shape), rtol=1e-14)


@pytest.mark.parametrize("make", [nn.CrossEntropyLoss, losses.NLLLoss])
@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 3, 4, 4)], ids=str)
def test_of_more_than_two_axes_that_of_the_classes_must_be_named(make, shape):
    # (2, 3, 3) may be (n, classes, places) or (n, places, classes), and the target fits both.
    message = rf"{re.escape(str(shape))} cannot know which axis.*axis=1 is PyTorch's.*axis=-1 is \(\.\.\., classes\)"
    with pytest.raises(ShapeError, match=message):
        make()(np.zeros(shape), np.zeros(shape[:-1], int))


@pytest.mark.parametrize("function", [mathematics.cross_entropy, mathematics.nll_loss], ids=lambda f: f.__name__)
def test_what_does_not_fit_the_axis_of_the_classes_is_refused(function):
    logits = np.zeros((2, 3, 4))
    for axis in (3, -4):
        with pytest.raises(ShapeError, match=rf"axis={axis} needs scores.*\(2, 3, 4\)"):
            function(logits, np.zeros((2, 4), int), axis=axis)
    with pytest.raises(ShapeError, match=r"axis=0 needs scores.*\(\)"):
        function(1.0, 0, axis=0)
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\) needs class indices of shape \(2, 4\).*int64 of shape \(2, 3\)"):
        function(logits, np.zeros((2, 3), int), axis=1)
    with pytest.raises(ShapeError, match=r"argmax\(axis=1\)"):
        function(logits, np.zeros((2, 3, 4), int), axis=1)
    with pytest.raises(DtypeError, match=r"astype\(np\.int64\)"):
        function(logits, np.zeros((2, 4)), axis=1)
    with pytest.raises(OptionError, match="3 classes needs targets from 0 to 2, but was given 3"):
        function(logits, np.full((2, 4), 3), axis=1)
    with pytest.raises(ShapeError, match=r"at least two classes.*\(2, 4, 1\) with axis=1 moved there"):
        mathematics.cross_entropy(np.zeros((2, 1, 4)), np.zeros((2, 4), int), axis=1)


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
ENTRYWISE = [
    nn.MSELoss(),
    nn.L1Loss(),
    nn.HuberLoss(),
    losses.SmoothL1Loss(),
    nn.BCEWithLogitsLoss(),
    losses.BCELoss(),
    losses.KLDivLoss(),
]
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
        nn.CrossEntropyLoss(axis=-1 if len(logits) > 2 else None)(np.zeros(logits), target)


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
    assert criterion(CHANCES, target).item() == criterion(CHANCES, BINARY).item()


@every_case
@every_reduction
def test_the_target_does_not_decide_the_dtype(make, options, formula, target, reduction):  # noqa: ARG001
    assert target.dtype in (np.float64, np.int64)
    prediction = Tensor(prediction_for(make).astype(np.float32), requires_grad=True)
    value = make(reduction=reduction, **options)(prediction, target)
    value.sum().backward()
    assert (value.dtype, prediction.grad.dtype) == (np.float32, np.float32)


# ------------------------------------------------------------- weights, smoothing, examples that are left out
LOGITS = np.array([[1, 2, -1], [0.5, 0, 3], [-2, 1, 1.5], [0, -1, 0.25]])
SOFT = np.array([[0.7, 0.2, 0.1], [0, 0.5, 0.5], [1, 0, 0], [0.25, 0.25, 0.5]])
TARGETS = {"indices": np.array([0, 2, 1, 1]), "ignored": np.array([0, -100, 1, 1]), "probabilities": SOFT}
BY_CLASS = (0.5, 2.0, 1.0)
# From PyTorch 2.13, in float64.
AS_IN_PYTORCH = [
    ("indices", "mean", None, 0.1, 1.1664656311328034),
    ("indices", "mean", BY_CLASS, 0.0, 1.2244243210074144),
    ("indices", "mean", BY_CLASS, 0.1, 1.2355759424573352),
    ("indices", "sum", None, 0.1, 4.665862524531214),
    ("indices", "sum", BY_CLASS, 0.0, 6.73433376554078),
    ("indices", "sum", BY_CLASS, 0.1, 6.795667683515343),
    ("ignored", "mean", None, 0.0, 1.4389965220539487),
    ("ignored", "mean", None, 0.1, 1.4528854109428375),
    ("ignored", "mean", BY_CLASS, 0.0, 1.4689912904825357),
    ("ignored", "mean", BY_CLASS, 0.1, 1.4284585575940338),
    ("ignored", "sum", None, 0.0, 4.316989566161846),
    ("ignored", "sum", None, 0.1, 4.358656232828513),
    ("ignored", "sum", BY_CLASS, 0.0, 6.610460807171411),
    ("ignored", "sum", BY_CLASS, 0.1, 6.4280635091731515),
    ("probabilities", "mean", None, 0.1, 1.9820906311328033),
    ("probabilities", "mean", BY_CLASS, 0.0, 1.9002518422605477),
    ("probabilities", "mean", BY_CLASS, 0.1, 1.8939184816666532),
    ("probabilities", "sum", BY_CLASS, 0.1, 7.575673926666613),
]


@pytest.mark.parametrize(("kind", "reduction", "weight", "smoothing", "expected"), AS_IN_PYTORCH)
def test_the_options_of_cross_entropy_mean_what_they_mean_in_pytorch(kind, reduction, weight, smoothing, expected):
    criterion = nn.CrossEntropyLoss(
        reduction=reduction,
        weight=weight,
        label_smoothing=smoothing,
        ignore_index=-100 if kind == "ignored" else None,
    )
    # Each side rounds some twenty times.
    np.testing.assert_allclose(criterion(LOGITS, TARGETS[kind]).item(), expected, rtol=1e-14)
    assert tg.gradcheck(lambda x: criterion(x, TARGETS[kind]), LOGITS, order=2)
    single = Tensor(LOGITS.astype(np.float32), requires_grad=True)
    value = criterion(single, TARGETS[kind])
    value.backward()
    assert (value.dtype, single.grad.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("options", [{"weight": BY_CLASS}, {"label_smoothing": 0.1}, {"ignore_index": 1}], ids=str)
@pytest.mark.parametrize("shape", [(2, 2), (1, 4, 1), (4,)], ids=str)
def test_options_take_any_number_of_leading_axes(options, shape):
    labels = TARGETS["indices"]
    flat = mathematics.cross_entropy(LOGITS, labels, "none", **options).numpy()
    logits = LOGITS.reshape(*shape, 3)
    folded = mathematics.cross_entropy(logits, labels.reshape(shape), "none", **options, axis=-1).numpy()
    np.testing.assert_array_equal(folded, flat.reshape(shape))


@pytest.mark.parametrize("options", [{"weight": (1.0, 1.0, 1.0)}, {"ignore_index": -100}, {"ignore_index": 7}], ids=str)
@every_reduction
def test_options_that_change_nothing_change_nothing(options, reduction):
    plain = mathematics.cross_entropy(PREDICTION, INDICES, reduction).numpy()
    # The sum of the weights of six examples is exact; the rest is the same but for one division.
    np.testing.assert_allclose(mathematics.cross_entropy(PREDICTION, INDICES, reduction, **options), plain, rtol=4e-16)


def test_without_options_cross_entropy_is_two_rows():
    loss = mathematics.cross_entropy(Tensor(PREDICTION, requires_grad=True), INDICES)
    (log_p, _) = loss.inputs
    assert (loss.op.name, log_p.op.name) == ("negative_log_likelihood", "log_softmax")
    by_rows = ops.negative_log_likelihood(ops.log_softmax(PREDICTION), INDICES, reduction="mean")
    assert loss.item() == by_rows


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64])
def test_an_ignored_index_need_not_fit_into_the_dtype_of_the_classes(dtype):
    for labels in (INDICES.astype(dtype), tg.tensor(INDICES.astype(dtype))):
        for ignored in (-1000, 1000):
            ignoring = mathematics.cross_entropy(PREDICTION, labels, ignore_index=ignored)
            np.testing.assert_allclose(ignoring, mathematics.cross_entropy(PREDICTION, INDICES), rtol=1e-15)


def test_an_ignored_class_may_be_one_of_the_classes():
    kept = INDICES != 1
    ignoring = mathematics.cross_entropy(PREDICTION, INDICES, ignore_index=1)
    np.testing.assert_allclose(
        ignoring.item(), mathematics.cross_entropy(PREDICTION[kept], INDICES[kept]).item(), rtol=1e-15
    )


def test_no_gradient_flows_to_ignored_examples_whatever_their_logits():
    logits = Tensor(np.array([[1.0, 2.0], [1000.0, -1000.0], [-np.inf, 0.0]]), requires_grad=True)
    value = mathematics.cross_entropy(logits, [0, -100, -100], "none", ignore_index=-100)
    assert value.numpy()[1:].tolist() == [0, 0]
    value.sum().backward()
    assert logits.grad.numpy()[1:].tolist() == [[0, 0], [0, 0]]


def test_likelihoods_of_log_probabilities_are_the_cross_entropy_of_logits():
    options = {"weight": BY_CLASS, "ignore_index": -100}
    log_p = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    for reduction in REDUCTIONS:
        np.testing.assert_allclose(
            mathematics.nll_loss(log_p, TARGETS["ignored"], reduction, **options),
            mathematics.cross_entropy(LOGITS, TARGETS["ignored"], reduction, **options),
            rtol=1e-14,
        )


def test_a_weight_that_is_a_tensor_is_differentiated_too():
    weight = np.array(BY_CLASS)
    for target in TARGETS.values():
        ignore_index = -100 if target.ndim == 1 and -100 in target else None
        assert tg.gradcheck(
            lambda x, w, t=target, i=ignore_index: mathematics.cross_entropy(x, t, "mean", w, 0.1, i), LOGITS, weight
        )


@pytest.mark.parametrize("options", [{}, {"weight": BY_CLASS}, {"label_smoothing": 0.1}], ids=str)
def test_a_target_changed_between_the_loss_and_backward_is_noticed(options):
    target = tg.tensor(TARGETS["indices"])
    loss = mathematics.cross_entropy(Tensor(LOGITS, requires_grad=True), target, **options)
    target[0] = 1
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


LEFT_OUT = {
    "ignored": ([[1.0, 2.0]], [-100], {"ignore_index": -100}),
    "of weight 0": ([[1.0, 2.0]], [0], {"weight": [0.0, 1.0]}),
    "both": ([[1.0, 2.0], [1.0, 2.0]], [1, 0], {"weight": [0.0, 1.0], "ignore_index": 1}),
}


@pytest.mark.parametrize(("logits", "target", "options"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_the_mean_of_examples_that_are_all_left_out_is_refused_and_their_sum_is_0(logits, target, options):
    with pytest.raises(OptionError, match=r"left out by ignore_index or has weight 0.*reduction='sum'"):
        mathematics.cross_entropy(logits, target, **options)
    x = Tensor(logits, requires_grad=True)
    value = mathematics.cross_entropy(x, target, "sum", **options)
    value.backward()
    assert value.item() == 0
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("weight", [[1.0, 1.0], [[1.0, 1.0, 1.0]], 1.0], ids=str)
def test_class_weights_of_another_shape_are_refused(weight):
    for target in TARGETS["indices"], TARGETS["probabilities"]:
        with pytest.raises(ShapeError, match=r"one weight for each, \(3,\), but they have shape"):
            mathematics.cross_entropy(LOGITS, target, weight=weight)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_weights_that_are_no_weights_are_refused(wrong):
    for call in (
        lambda: mathematics.cross_entropy(LOGITS, TARGETS["indices"], weight=[1.0, wrong, 1.0]),
        lambda: mathematics.nll_loss(LOGITS, TARGETS["indices"], weight=[1.0, wrong, 1.0]),
        lambda: mathematics.binary_cross_entropy_with_logits([0.0], [1.0], weight=[wrong]),
        lambda: mathematics.binary_cross_entropy_with_logits([0.0], [1.0], pos_weight=[wrong]),
        lambda: mathematics.binary_cross_entropy([0.5], [1.0], weight=wrong),
    ):
        with pytest.raises(OptionError, match=f"finite and not negative, but was given {wrong}"):
            call()


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan])
def test_a_share_that_is_none_is_refused(share):
    for target in TARGETS["indices"], TARGETS["probabilities"]:
        with pytest.raises(OptionError, match=f"from 0 to 1, but is {share}"):
            mathematics.cross_entropy(LOGITS, target, label_smoothing=share)
    with pytest.raises(OptionError, match=f"from 0 to 1, but is {share}"):
        nn.CrossEntropyLoss(label_smoothing=share)


def test_ignore_index_with_probabilities_is_refused():
    with pytest.raises(OptionError, match=r"ignore_index=-100.*probabilities"):
        mathematics.cross_entropy(LOGITS, SOFT, ignore_index=-100)


def test_minus_100_is_a_class_that_is_not_there_unless_told():
    with pytest.raises(OptionError, match=r"was given -100\..*pass ignore_index=-100"):
        mathematics.cross_entropy(LOGITS, TARGETS["ignored"])
    with pytest.raises(OptionError, match=r"from 0 to 2, but was given 5\."):
        mathematics.cross_entropy(LOGITS, [0, -100, 5, 1], ignore_index=-100)


@pytest.mark.parametrize("function", [mathematics.nll_loss, mathematics.multi_margin_loss], ids=lambda f: f.__name__)
def test_class_indices_are_checked_by_every_loss_that_takes_them(function):
    for wrong in (3, -1):
        with pytest.raises(OptionError, match=rf"3 classes needs targets from 0 to 2, but was given {wrong}\."):
            function(LOGITS, [0, wrong, 0, 0])
    with pytest.raises(DtypeError, match=re.escape("Write target.astype(np.int64).")):
        function(LOGITS, [0.0, 1.0, 2.0, 0.0])
    with pytest.raises(ShapeError, match=r"argmax\(axis=-1\)"):
        function(LOGITS, SOFT)
    with pytest.raises(ShapeError, match=r"class indices of shape \(4,\), but the target is"):
        function(LOGITS, [0, 1])
    with pytest.raises(ShapeError, match="class indices"):
        function(1.0, 0)


# ------------------------------------------------------------------------------------- nothing to average
EMPTY = {
    "entries": (
        [nn.MSELoss, nn.L1Loss, nn.HuberLoss, losses.SmoothL1Loss, nn.BCEWithLogitsLoss],
        (0, 3),
        (0, 3),
        float,
    ),
    "chances": ([losses.BCELoss, losses.KLDivLoss], (0,), (0,), float),
    "classes": ([nn.CrossEntropyLoss, losses.NLLLoss, losses.MultiMarginLoss], (0, 3), (0,), int),
    "soft classes": ([nn.CrossEntropyLoss], (0, 3), (0, 3), float),
    "classes with options": (
        [functools.partial(nn.CrossEntropyLoss, weight=WEIGHT), functools.partial(nn.CrossEntropyLoss, ignore_index=0)],
        (0, 3),
        (0,),
        int,
    ),
}


@pytest.mark.parametrize(("makes", "shape", "target", "dtype"), EMPTY.values(), ids=EMPTY)
def test_the_mean_over_an_empty_batch_is_refused_and_its_sum_is_0(makes, shape, target, dtype):
    for make in makes:
        with pytest.raises(ShapeError, match="The mean of no losses"):
            make()(np.zeros(shape), np.zeros(target, dtype))
        assert make(reduction="sum")(np.zeros(shape), np.zeros(target, dtype)).item() == 0
        assert make(reduction="none")(np.zeros(shape), np.zeros(target, dtype)).size == 0


# ------------------------------------------------------------------------------------------- probabilities
@pytest.mark.parametrize("wrong", [-1.0, 1.5, math.nan, math.inf, -1e-45, float(np.nextafter(np.float32(1), 2))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_target_that_is_no_probability_is_refused_and_named(wrong, dtype):
    target = np.array([0, 1, wrong], dtype)
    for function in (
        mathematics.binary_cross_entropy_with_logits,
        mathematics.binary_cross_entropy,
        mathematics.kl_div,
    ):
        with pytest.raises(OptionError, match=rf"targets from 0 to 1, but was given {re.escape(str(target[2]))}\."):
            function(np.full(3, 0.5, dtype), target)
    with pytest.raises(OptionError, match="probabilities from 0 to 1"):
        mathematics.binary_cross_entropy(target, np.ones(3, dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_number_from_0_to_1_is_a_probability(dtype):
    target = np.array([0.0, -0.0, 1, 0.5, np.finfo(dtype).smallest_subnormal, np.nextafter(dtype(1), dtype(0))], dtype)
    for array in (target, target[::-1], target.reshape(2, 3).T):
        mathematics.binary_cross_entropy_with_logits(np.zeros_like(array), array)


def test_binary_cross_entropy_is_finite_and_learns_at_probabilities_of_0_and_1():
    p = Tensor(np.array([0.0, 1.0, 0.0, 1.0]), requires_grad=True)
    value = mathematics.binary_cross_entropy(p, [1.0, 0.0, 0.0, 1.0], "none")
    assert value.tolist() == [100, 100, 0, 0]  # as in PyTorch
    value.sum().backward()
    assert p.grad.tolist() == [-1e12, 1e12, 1, -1]


@pytest.mark.parametrize("x", [-1000.0, -50.0, 50.0, 1000.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_pos_weight_neither_overflows_nor_cancels(x, target):
    logit = Tensor(np.array([x]), requires_grad=True)
    value = mathematics.binary_cross_entropy_with_logits(logit, [target], pos_weight=[3.0])
    wrong = x if target == 0 else -x  # the loss is log(1 + exp(wrong)) times the weight
    factor = 3 if target else 1
    expected = factor * (math.log1p(math.exp(wrong)) if wrong < 100 else wrong)
    assert value.item() == pytest.approx(expected, rel=1e-15, abs=0)
    value.backward()
    slope = 1 / (1 + math.exp(-wrong)) if wrong > -100 else 0
    assert logit.grad.item() == pytest.approx(factor * (slope if target == 0 else -slope), rel=1e-15, abs=0)


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
@pytest.mark.parametrize("shape", [(2,), (6, 1, 1), (2, 6, 3)], ids=str)
def test_a_weight_that_does_not_broadcast_to_the_losses_is_refused(name, shape):
    with pytest.raises(ShapeError, match=rf"\(6, 3\) needs a {name} that broadcasts to it, not one of"):
        mathematics.binary_cross_entropy_with_logits(PREDICTION, BINARY, **{name: np.ones(shape)})


def test_the_divergence_of_a_distribution_from_itself_is_0():
    value = mathematics.kl_div(np.log(PROBABILITIES), PROBABILITIES, "none")
    assert not value.numpy().any()


def test_a_target_of_0_contributes_nothing_to_the_divergence():
    p = Tensor(np.log([[0.5, 0.5]]), requires_grad=True)
    value = mathematics.kl_div(p, [[1.0, 0.0]], "batchmean")
    value.backward()
    assert value.item() == pytest.approx(math.log(2), rel=1e-15)
    assert p.grad.tolist() == [[-1, 0]]


def test_batchmean_divides_by_the_examples_and_mean_by_the_entries():
    log_p = np.log(PROBABILITIES)
    total = mathematics.kl_div(log_p, ONE_HOT, "sum").item()
    assert mathematics.kl_div(log_p, ONE_HOT, "batchmean").item() == total / 6
    assert losses.KLDivLoss(reduction="batchmean")(log_p, ONE_HOT).item() == total / 6
    assert mathematics.kl_div(log_p, ONE_HOT).item() == pytest.approx(total / 18, rel=1e-15)
    with pytest.raises(ShapeError, match="The mean of no losses"):
        mathematics.kl_div(np.zeros((0, 3)), np.zeros((0, 3)), "batchmean")


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
        mathematics.smooth_l1_loss,
        mathematics.multi_margin_loss,
        mathematics.nll_loss,
        mathematics.kl_div,
        mathematics.binary_cross_entropy,
    ],
    ids=lambda function: function.__name__,
)
def test_the_functions_refuse_an_unknown_reduction_too(function):
    target = INDICES if function.__name__ in ("cross_entropy", "nll_loss", "multi_margin_loss") else BINARY
    with pytest.raises(OptionError, match="'mean', 'sum' or 'none', but is 'average'"):
        function(CHANCES, target, "average")


@pytest.mark.parametrize("delta", [0, -1.0, math.nan])
def test_a_huber_loss_without_a_width_is_refused(delta):
    with pytest.raises(OptionError, match=f"delta > 0, but was given {delta}"):
        nn.HuberLoss(delta=delta)([1.0], [0.0])


@pytest.mark.parametrize("beta", [-1.0, math.inf, math.nan])
def test_a_smooth_loss_without_a_width_is_refused(beta):
    for call in (lambda: losses.SmoothL1Loss(beta=beta), lambda: mathematics.smooth_l1_loss([1.0], [0.0], beta=beta)):
        with pytest.raises(OptionError, match=f"beta >= 0, but was given {beta}"):
            call()


@pytest.mark.parametrize("p", [0, 3, 1.5])
def test_a_hinge_of_another_power_is_refused(p):
    for call in (lambda: losses.MultiMarginLoss(p=p), lambda: mathematics.multi_margin_loss([[1.0, 0.0]], [0], p=p)):
        with pytest.raises(OptionError, match=f"p = 1 or 2, but was given {p}"):
            call()


def test_a_loss_keeps_weights_as_numbers_so_that_it_can_be_compared():
    weight = np.array([0.5, 2.0, 1.0])
    loss = nn.CrossEntropyLoss(weight=weight)
    weight[0] = 7
    assert loss == nn.CrossEntropyLoss(weight=[0.5, 2.0, 1.0]) != nn.CrossEntropyLoss()
    assert loss.weight == BY_CLASS
    assert hash(nn.BCEWithLogitsLoss(pos_weight=[[1.0], [2.0]])) is not None
    assert losses.NLLLoss(weight=tg.tensor(BY_CLASS)).weight == losses.BCELoss(weight=BY_CLASS).weight == BY_CLASS


def test_losses_of_the_same_options_are_equal_and_cannot_be_changed():
    assert nn.HuberLoss(delta=2.0) == nn.HuberLoss(delta=2.0) != nn.HuberLoss(delta=1.0)
    with pytest.raises(AttributeError):
        nn.MSELoss().reduction = "sum"


def test_a_loss_that_does_not_say_what_it_computes_is_refused():
    class Unfinished(losses.Loss):
        pass

    with pytest.raises(TypeError, match="Unfinished does not say what it computes"):
        Unfinished()([1.0], [1.0])
