"""What convolution, windows and pooling promise beyond the table of cases: PyTorch's arguments, ties, errors."""

import functools
import math

import numpy as np
import pytest
import scipy.signal

import tinygrad_edu as tg
from tests.cases.signal import REFERENCES, conv
from tinygrad_edu import ops
from tinygrad_edu.errors import GraphError, OptionError, ShapeError
from tinygrad_edu.functional import pooling, signal, windows

EPS = float(np.finfo(np.float64).eps)


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# ---------------------------------------------------------------------------------------- convolution
# Each order in memory, and rows of windows one by one or all together: see convolution.py.
SIZES = {
    "many examples": (9, 3, 14, 14),
    "many examples, a multiple of 2048 bytes apart": (9, 3, 16, 16),
    "a long last axis": (9, 3, 5, 40),
    "few examples": (2, 3, 30, 30),
    "one small example": (1, 3, 5, 5),
}


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_scipys_correlation_of_each_example(shape, stride):
    x, weight, bias = draw(*shape), draw(4, shape[1], 3, 2, seed=1), draw(4, seed=2)
    expected = np.array([[scipy.signal.correlate(one, w, "valid", "direct")[0] for w in weight] for one in x])
    expected = expected[:, :, ::stride, ::stride] + bias[:, None, None]
    out = signal.conv2d(x, weight, bias, stride=stride)
    # Sums of 3 · 3 · 2 products and the bias: each rounds at most 19 times, at the size of the sum of absolute values.
    size = 20 * float(np.abs(x).max() * np.abs(weight).max())
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=20 * EPS * size)


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 3])
def test_the_three_rows_share_one_number(shape, stride, groups):
    # Σ conv(x, w) y = Σ x conv_transpose(y, w) = Σ w conv_weight(x, y), the number that all are derivatives of.
    weight = draw(6, shape[1] // groups, 3, 2, seed=1)
    x = tg.tensor(draw(*shape), requires_grad=True)
    w = tg.tensor(weight, requires_grad=True)
    out = ops.conv(x, w, stride=stride, padding=(2, 1), groups=groups)
    y = draw(*out.shape, seed=2)
    out.backward(y)
    number = (out.numpy() * y).sum()
    products = np.abs(out.numpy() * y).sum()
    for tensor in (x, w):
        # Three roundings for each of the 3 · 3 · 2 products behind an entry, and one for each addition of a sum.
        np.testing.assert_allclose(
            (tensor.numpy() * tensor.grad.numpy()).sum(), number, rtol=0, atol=100 * EPS * products
        )


def test_derivatives_of_third_order_are_right():
    def f(x, w):
        return ops.conv(x, w, stride=2, padding=1) ** 2

    assert tg.gradcheck(f, draw(1, 1, 3, 2), draw(1, 1, 2, 2, seed=1), order=3)
    assert tg.gradcheck(lambda y, w: ops.conv_transpose(y, w, stride=2) ** 2, draw(1, 1, 2), draw(1, 1, 2), order=3)


NAMED = {
    "odd": ((7, 8), (3, 5), 1, ((1, 1), (2, 2))),
    "even: one more at the end": ((7, 8), (2, 4), 1, ((0, 1), (1, 2))),
    "dilation": ((7, 8), (2, 3), (3, 2), ((1, 2), (2, 2))),
}


@pytest.mark.parametrize(("sizes", "kernel", "dilation", "padding"), NAMED.values(), ids=NAMED)
def test_padding_same_keeps_the_size(sizes, kernel, dilation, padding):
    x, weight = draw(2, 1, *sizes), draw(1, 1, *kernel, seed=1)
    out = signal.conv2d(x, weight, padding="same", dilation=dilation)
    assert out.shape == x.shape
    np.testing.assert_allclose(out.numpy(), conv(x, weight, 1, padding, dilation), rtol=0, atol=1e3 * EPS)
    np.testing.assert_array_equal(
        signal.conv2d(x, weight, padding="valid").numpy(), signal.conv2d(x, weight, padding=0).numpy()
    )


@pytest.mark.parametrize("size", [6, 7, 8])
def test_output_padding_chooses_the_size_that_a_convolution_came_from(size):
    weight = draw(4, 3, 3, seed=1)
    y = signal.conv1d(draw(2, 3, size), weight, stride=3, padding=1)
    assert y.shape == (2, 4, (size + 2 - 3) // 3 + 1)
    back = signal.conv_transpose1d(y, weight, stride=3, padding=1, output_padding=(size + 2 - 3) % 3)
    assert back.shape == (2, 3, size)


def test_output_padding_may_exceed_the_stride_where_the_dilation_does():
    y, weight = tg.tensor(draw(1, 1, 2), requires_grad=True), tg.tensor(draw(1, 1, 2, seed=1), requires_grad=True)
    options = {"dilation": 3, "output_padding": 2}
    plain = signal.conv_transpose1d(y, weight, dilation=3)
    out = signal.conv_transpose1d(y, weight, **options)
    np.testing.assert_array_equal(out.numpy(), np.pad(plain.numpy(), ((0, 0), (0, 0), (0, 2))))
    assert tg.gradcheck(lambda y, w: signal.conv_transpose1d(y, w, **options), y, weight, order=2)


FUNCTIONS = {
    "conv1d": (signal.conv1d, (2, 5), (3, 2, 2)),
    "conv2d": (signal.conv2d, (2, 4, 3), (3, 2, 2, 2)),
    "conv3d": (signal.conv3d, (2, 2, 3, 2), (3, 2, 2, 2, 2)),
    "conv_transpose1d": (signal.conv_transpose1d, (2, 3), (2, 3, 2)),
    "conv_transpose2d": (signal.conv_transpose2d, (2, 2, 3), (2, 3, 2, 2)),
    "conv_transpose3d": (signal.conv_transpose3d, (2, 2, 1, 2), (2, 3, 2, 2, 2)),
    "unfold": (functools.partial(windows.unfold, kernel_size=2), (2, 3, 4), None),
    "fold": (functools.partial(windows.fold, output_size=3, kernel_size=2), (8, 4), None),
    **{
        f"{kind}{n}d": (functools.partial(getattr(pooling, f"{kind}{n}d"), **options), (2, 3, 5, 4)[: n + 1], None)
        for kind, options in {
            "max_pool": {"kernel_size": 2},
            "avg_pool": {"kernel_size": 2, "padding": 1},
            "adaptive_max_pool": {"output_size": 2},
            "adaptive_avg_pool": {"output_size": 2},
        }.items()
        for n in (1, 2, 3)
    },
}


@pytest.mark.parametrize(("f", "shape", "weight"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_one_example_needs_no_batch(f, shape, weight):
    x = draw(*shape, dtype=np.float32)
    parameters = [] if weight is None else [draw(*weight, dtype=np.float32), np.float32([1, 2, 3])]
    one, batch = f(x, *parameters), f(x[None], *parameters)
    assert isinstance(one, tg.Tensor)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one.numpy(), batch.numpy()[0])
    np.testing.assert_array_equal(f(x.tolist(), *parameters).numpy(), one.numpy())


def test_a_bias_is_added_to_its_channel_and_receives_the_sum_of_it():
    x, weight = draw(2, 3, 4), draw(5, 3, 2, seed=1)
    bias = tg.tensor(np.arange(5.0), requires_grad=True)
    out = signal.conv1d(x, weight, bias)
    np.testing.assert_array_equal(out.numpy(), signal.conv1d(x, weight).numpy() + np.arange(5.0)[:, None])
    out.sum().backward()
    assert bias.grad.tolist() == [6] * 5


def test_a_change_in_place_is_noticed_where_it_matters():
    x, weight = tg.tensor(draw(1, 1, 4), requires_grad=True), tg.tensor(draw(1, 1, 2), requires_grad=True)
    out = ops.conv(x * 1, weight)
    weight.data = weight.data * 2
    with pytest.raises(GraphError, match="input 1 of conv"):
        out.sum().backward()
    hidden = x * 1
    out = ops.conv(hidden, weight.detach())
    hidden.data = hidden.data * 2  # the gradient by x is a matter of the weight alone
    out.sum().backward()
    expected = REFERENCES["conv_transpose"](np.ones((1, 1, 3)), weight.numpy())
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=4 * EPS)


def test_half_precision_stays():
    x, weight = draw(9, 2, 4, 5, dtype=np.float16), draw(2, 2, 2, 2, dtype=np.float16)
    for out in (signal.conv2d(x, weight), signal.conv_transpose2d(x, weight), pooling.avg_pool2d(x, 2, padding=1)):
        assert out.dtype == np.float16


# ------------------------------------------------------------------------------------------ unfold, fold
def test_a_convolution_is_the_product_of_the_weight_with_the_columns():
    x, weight = draw(2, 3, 5, 4), draw(4, 3, 2, 3, seed=1)
    columns = windows.unfold(x, (2, 3), padding=1, stride=2)
    expected = signal.conv2d(x, weight, padding=1, stride=2).numpy()
    product = (weight.reshape(4, -1) @ columns.numpy()).reshape(expected.shape)
    np.testing.assert_allclose(product, expected, rtol=0, atol=1e3 * EPS)


def test_folding_what_was_unfolded_counts_the_windows_of_each_entry():
    ones = np.ones((1, 1, 3, 3))
    there = windows.fold(windows.unfold(ones, 2), 3, 2)
    assert there.tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]


# ----------------------------------------------------------------------------------------------- pooling
def test_of_entries_that_tie_the_first_takes_the_gradient():
    x = tg.tensor(np.zeros((1, 1, 2, 4)), requires_grad=True)
    pooling.max_pool2d(x, 2).backward(np.array([[[[1.0, 2.0]]]]))
    assert x.grad.tolist() == [[[[1, 0, 2, 0], [0, 0, 0, 0]]]]
    x = tg.tensor([[1.0, 3.0, 3.0, 3.0, 2.0]], requires_grad=True)
    pooling.max_pool1d(x, 3, stride=1).sum().backward()
    assert x.grad.tolist() == [[0, 2, 1, 0, 0]]
    x = tg.tensor([[2.0, 2.0, 2.0, 1.0, 1.0]], requires_grad=True)
    pooling.adaptive_max_pool1d(x, 3).sum().backward()  # of entries 0-1, 1-3 and 3-4
    assert x.grad.tolist() == [[1, 1, 0, 1, 0]]


def test_padding_is_never_the_largest_and_takes_no_gradient():
    x = tg.tensor([[-5.0, -3.0]], requires_grad=True)
    out = pooling.max_pool1d(x, 2, padding=1)
    assert out.tolist() == [[-5, -3]]
    out.sum().backward()
    assert x.grad.tolist() == [[1, 1]]
    assert pooling.max_pool1d(np.array([[-5, -3]]), 2, padding=1).tolist() == [[-5, -3]]  # whole numbers have no -inf


def test_not_a_number_is_passed_on_by_the_windows_that_see_it():
    x = tg.tensor([[1.0, math.nan, 3.0, 2.0]], requires_grad=True)
    out = pooling.max_pool1d(x, 2)
    assert math.isnan(out.tolist()[0][0])
    assert out.tolist()[0][1] == 3
    out.backward(np.array([[math.nan, 1.0]]))
    assert any(map(math.isnan, x.grad.tolist()[0][:2]))
    assert x.grad.tolist()[0][2:] == [1, 0]


def test_an_infinite_entry_stays_in_its_own_windows():
    # Windows of 2 entries and of 3: what is not a window's own is left out, not multiplied by 0.
    x = np.array([[math.inf, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0]])
    assert pooling.adaptive_avg_pool1d(x, 3).tolist() == [[math.inf, 10 / 3, 7]]
    assert pooling.adaptive_max_pool1d(-x, 3).tolist() == [[-1, -2, -5]]


def test_windows_that_hang_over_the_end_average_what_they_see():
    x = np.array([[2.0, 4.0, 6.0, 8.0, 9.0]])
    assert pooling.avg_pool1d(x, 2, ceil_mode=True).tolist() == [[3, 7, 9]]
    assert pooling.avg_pool1d(x, 2, padding=1, ceil_mode=True).tolist() == [[1, 5, 8.5]]
    assert pooling.avg_pool1d(x, 2, padding=1, ceil_mode=True, count_include_pad=False).tolist() == [[2, 5, 8.5]]
    # Of the last window one entry is seen, one is padding, and one is beyond it.
    assert pooling.avg_pool1d(x[:, :4], 3, stride=2, padding=1, ceil_mode=True).tolist() == [[2, 6, 4]]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 12])
def test_adaptive_pooling_into_equal_parts_is_pooling(size):
    x = draw(2, 3, 12, 6)
    kernel = (12 // size, 3)
    for kind in ("avg", "max"):
        adaptive, plain = getattr(pooling, f"adaptive_{kind}_pool2d"), getattr(pooling, f"{kind}_pool2d")
        np.testing.assert_array_equal(adaptive(x, (size, 2)).numpy(), plain(x, kernel).numpy())


def test_pooling_keeps_the_order_in_memory_of_a_convolution():
    x = signal.conv2d(draw(9, 2, 9, 8), draw(3, 2, 2, 1, seed=1)).numpy()
    assert not x.flags.c_contiguous
    for pool in (pooling.max_pool2d, pooling.avg_pool2d):
        out = pool(x, 2).numpy()
        assert np.argsort(out.strides).tolist() == np.argsort(x.strides).tolist()
        np.testing.assert_array_equal(out, pool(np.ascontiguousarray(x), 2).numpy())


# ------------------------------------------------------------------------------------------------ errors
IMAGE, KERNEL = np.ones((2, 4, 5, 6), np.float32), np.ones((8, 4, 3, 3), np.float32)
conv2d, conv_transpose2d = signal.conv2d, signal.conv_transpose2d
MISTAKES = {
    "axes of the input": (
        lambda: conv2d(IMAGE[0, 0], KERNEL),
        ShapeError,
        r"conv2d takes \(N, C, H, W\), or \(C, H, W\) for .* was given shape \(5, 6\). Reshape it to 4 or 3 axes",
    ),
    "axes of the weight": (
        lambda: conv2d(IMAGE, KERNEL[0]),
        ShapeError,
        r"\(F, C / groups, \*kernel\) of 4 axes.*\(4, 3, 3\)",
    ),
    "channels": (
        lambda: conv2d(IMAGE[:, :3], KERNEL),
        ShapeError,
        r"\(2, 3, 5, 6\) has 3 channels.* \(8, 4, 3, 3\) takes 4, weight.shape\[1\] \* groups = 4 \* 1",
    ),
    "channels of groups": (lambda: conv2d(IMAGE, KERNEL, groups=2), ShapeError, r"has 4 channels.* takes 8.* = 4 \* 2"),
    "groups that do not divide": (
        lambda: conv2d(IMAGE, KERNEL, groups=3),
        ShapeError,
        r"groups=3 does not divide the 8",
    ),
    "no groups": (lambda: conv2d(IMAGE, KERNEL, groups=0), OptionError, r"groups is a whole number of at least 1"),
    "channels, transposed": (
        lambda: conv_transpose2d(IMAGE, KERNEL),
        ShapeError,
        r"has 4 channels, but a weight of shape \(8, 4, 3, 3\) takes 8, weight.shape\[0\]",
    ),
    "a kernel too large": (
        lambda: conv2d(IMAGE, np.ones((8, 4, 3, 9))),
        ShapeError,
        r"cover 9 entries along its axis 1, but there are 6, padding included. Take a smaller kernel",
    ),
    "a dilated kernel too large": (
        lambda: conv2d(IMAGE, KERNEL, padding=1, dilation=4),
        ShapeError,
        r"cover 9 .* are 7",
    ),
    "stride 0": (
        lambda: conv2d(IMAGE, KERNEL, stride=0),
        OptionError,
        r"stride is a whole number of at least 1.*given as 0",
    ),
    "stride below 0": (lambda: conv2d(IMAGE, KERNEL, stride=(1, -1)), OptionError, r"stride .* \(1, -1\)"),
    "a stride for each of three axes": (lambda: conv2d(IMAGE, KERNEL, stride=(1, 1, 1)), OptionError, r"a tuple of 2"),
    "half a stride": (lambda: conv2d(IMAGE, KERNEL, stride=0.5), OptionError, r"stride .* 0\.5"),
    "dilation 0": (lambda: conv2d(IMAGE, KERNEL, dilation=0), OptionError, r"dilation is a whole number of at least 1"),
    "padding below 0": (
        lambda: conv2d(IMAGE, KERNEL, padding=-1),
        OptionError,
        r"padding is a whole number of at least 0",
    ),
    "padding of another name": (lambda: conv2d(IMAGE, KERNEL, padding="full"), OptionError, r"'same', 'valid'.*'full'"),
    "padding same and a stride": (
        lambda: conv2d(IMAGE, KERNEL, padding="same", stride=2),
        OptionError,
        r"stride of \(2, 2\)",
    ),
    "bias": (
        lambda: conv2d(IMAGE, KERNEL, np.ones(4)),
        ShapeError,
        r"takes a bias of shape \(8,\), not \(4,\)",
    ),
    "bias, transposed": (
        lambda: conv_transpose2d(IMAGE, KERNEL[:4], np.ones((4, 1))),
        ShapeError,
        r"has 4 channels, so bias is of shape \(4,\), not \(4, 1\)",
    ),
    "output_padding": (
        lambda: conv_transpose2d(IMAGE, KERNEL[:4], stride=2, output_padding=2),
        OptionError,
        r"output_padding must be less than the stride or the dilation, but is \(2, 2\)",
    ),
    "transposed to nothing": (
        lambda: conv_transpose2d(IMAGE[:, :, :1], KERNEL[:4], padding=2),
        ShapeError,
        r"would leave the spatial shape \(-1, 4\). Take less padding",
    ),
    "transposed to an empty axis": (
        lambda: signal.conv_transpose1d([[1.0]], [[[1.0, 1.0]]], padding=1),
        ShapeError,
        r"Padding of 1 cuts all off: a result of shape \(1, 0\) is left",
    ),
    "no weight between shapes": (lambda: ops.conv_weight(IMAGE, IMAGE[:1]), ShapeError, r"makes \(1, 4, 5, 6\) from"),
    "no spatial axes": (
        lambda: ops.conv(tg.tensor([[1.0]]), [[1.0]]),
        ShapeError,
        r"\(N, C, \*spatial\), but \(1, 1\)",
    ),
    "columns of another image": (
        lambda: windows.fold(np.ones((1, 8, 4)), 4, 2),
        ShapeError,
        r"9 windows of 4 entries, folded from columns \(N, C \* 4, 9\), not of shape \(1, 8, 4\)",
    ),
    "columns without windows": (lambda: windows.fold(np.ones(8), 3, 2), ShapeError, r"but was given shape \(8,\)"),
    "more padding than half": (
        lambda: pooling.max_pool2d(IMAGE, 3, padding=2),
        OptionError,
        r"padding of at most half of the kernel_size, but was given 2 for 3. Take less padding",
    ),
    "more padding than half, averaged": (lambda: pooling.avg_pool2d(IMAGE, 2, padding=(0, 2)), OptionError, r"2 for 2"),
    "a window too large": (
        lambda: pooling.avg_pool2d(IMAGE, 6),
        ShapeError,
        r"cover 6 entries along its axis 0.* are 5",
    ),
    "no window": (lambda: pooling.max_pool2d(IMAGE, 0), OptionError, r"kernel_size is a whole number of at least 1"),
    "divided by 0": (
        lambda: pooling.avg_pool2d(IMAGE, 2, divisor_override=0),
        OptionError,
        r"divisor_override.*given 0",
    ),
    "axes to be pooled": (
        lambda: pooling.max_pool1d(IMAGE, 2),
        ShapeError,
        r"max_pool1d takes \(N, C, L\), or \(C, L\)",
    ),
    "no output": (
        lambda: pooling.adaptive_avg_pool2d(IMAGE, 0),
        OptionError,
        r"output_size is a whole number of at least 1",
    ),
    "outputs for three axes": (
        lambda: pooling.adaptive_max_pool2d(IMAGE, (1, 2, 3)),
        OptionError,
        r"the spatial shape is \(5, 6\), and output_size=\(1, 2, 3\)",
    ),
    "an empty axis": (lambda: pooling.adaptive_avg_pool1d(np.ones((2, 0)), 1), OptionError, r"without empty axes"),
    "gradients of other windows": (
        lambda: ops.sum_pool_put(IMAGE, sizes=(5, 6), kernel_size=2),
        ShapeError,
        r"there are \(2, 3\) windows, but g has the shape \(2, 4, 5, 6\)",
    ),
    "a sequence of sequences": (
        lambda: np.convolve(tg.tensor(KERNEL), [1.0]),
        ShapeError,
        r"shapes are \(8, 4, 3, 3\)",
    ),
    "an empty sequence": (lambda: np.correlate(tg.tensor([1.0]), []), ShapeError, r"not empty"),
    "another mode": (
        lambda: np.convolve(tg.tensor([1.0]), [1.0], "half"),
        OptionError,
        r"'full', 'same' or 'valid', not 'half'",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()
