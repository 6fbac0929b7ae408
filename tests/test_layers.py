"""Layers over the operations: PyTorch's names, defaults and state, and the formulas that they stand for."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, nn, optim
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError

RNG = np.random.default_rng


def draw(*shape, seed=0):
    return RNG(seed).standard_normal(shape).astype(np.float32)


# --------------------------------------------------------------------------------- state, as PyTorch keeps it
STATES = {
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3), {"weight": (4, 2, 3), "bias": (4,)}),
    "Conv2d": (lambda: nn.Conv2d(2, 4, (3, 5)), {"weight": (4, 2, 3, 5), "bias": (4,)}),
    "Conv2d of groups, no bias": (lambda: nn.Conv2d(4, 6, 3, groups=2, bias=False), {"weight": (6, 2, 3, 3)}),
    "Conv3d": (lambda: nn.Conv3d(1, 2, 2), {"weight": (2, 1, 2, 2, 2), "bias": (2,)}),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), {"weight": (4, 3, 3, 3), "bias": (6,)}),
    "BatchNorm1d": (
        lambda: nn.BatchNorm1d(3),
        {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,), "num_batches_tracked": ()},
    ),
    "BatchNorm2d without scale": (
        lambda: nn.BatchNorm2d(3, affine=False),
        {"running_mean": (3,), "running_var": (3,), "num_batches_tracked": ()},
    ),
    "BatchNorm1d without averages": (
        lambda: nn.BatchNorm1d(3, track_running_stats=False),
        {"weight": (3,), "bias": (3,)},
    ),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), {"weight": (2, 3), "bias": (2, 3)}),
    "LayerNorm without bias": (lambda: nn.LayerNorm(3, bias=False), {"weight": (3,)}),
    "RMSNorm": (lambda: nn.RMSNorm(3), {"weight": (3,)}),
    "Embedding": (lambda: nn.Embedding(10, 3), {"weight": (10, 3)}),
}


@pytest.mark.parametrize(("layer", "shapes"), STATES.values(), ids=STATES)
def test_the_state_has_pytorchs_keys_and_shapes(layer, shapes):
    assert {name: array.shape for name, array in layer().state_dict().items()} == shapes


@pytest.mark.parametrize("layer", [layer for layer, _ in STATES.values()], ids=STATES)
def test_a_state_goes_out_and_comes_back(layer):
    one, other = layer(), layer()
    other.load_state_dict(one.state_dict())
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 64, 5), nn.Linear(75, 64)], ids=["Conv2d", "Linear"])
def test_weights_and_biases_are_drawn_evenly_within_one_over_the_root_of_the_inputs(layer):
    bound = 1 / np.sqrt(75)
    for array in layer.state_dict().values():
        assert np.abs(array).max() <= bound
        assert np.abs(array).max() > 0.9 * bound  # of 64 numbers or more: missed once in 800 draws


def test_the_same_generator_draws_the_same_kernels():
    one, other = (nn.Conv2d(1, 2, 3, rng=RNG(3)).state_dict() for _ in range(2))
    np.testing.assert_array_equal(one["weight"], other["weight"])


# ------------------------------------------------------------------------------------ what they compute
def test_a_convolution_of_kernel_1_is_linear_in_each_pixel():
    layer = nn.Conv2d(3, 4, 1, rng=RNG(0))
    x = draw(2, 3, 5, 6)
    w, b = layer.weight.numpy()[:, :, 0, 0], layer.bias.numpy()
    expected = np.einsum("oc,nchw->nohw", w, x) + b[:, None, None]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)


FUNCTIONS = {
    "Conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2), (3, 2, 9), functional.conv1d, (2, 1, 2, 1)),
    "Conv2d": (nn.Conv2d(2, 4, 3, 1, "same", groups=2), (3, 2, 5, 5), functional.conv2d, (1, "same", 1, 2)),
    "ConvTranspose1d": (
        nn.ConvTranspose1d(2, 4, 3, 2, 1, 1),
        (3, 2, 5),
        functional.conv_transpose1d,
        (2, 1, 1, 1, 1),
    ),
}


@pytest.mark.parametrize(("layer", "shape", "function", "options"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_convolution_is_the_function_with_its_kernels(layer, shape, function, options):
    x = draw(*shape)
    np.testing.assert_array_equal(layer(x).numpy(), function(x, layer.weight, layer.bias, *options).numpy())


POOLS = {
    "MaxPool1d": (nn.MaxPool1d(2), [[[4.0, 7.0]]]),
    "MaxPool1d of stride 1": (nn.MaxPool1d(2, stride=1), [[[4.0, 4.0, 7.0]]]),
    "AvgPool1d": (nn.AvgPool1d(2), [[[2.5, 4.5]]]),
    "AvgPool1d, padding counted": (nn.AvgPool1d(2, padding=1), [[[0.5, 3.0, 3.5]]]),
    "AvgPool1d, padding not counted": (nn.AvgPool1d(2, padding=1, count_include_pad=False), [[[1.0, 3.0, 7.0]]]),
    "AdaptiveAvgPool1d": (nn.AdaptiveAvgPool1d(1), [[[3.5]]]),
}


@pytest.mark.parametrize(("layer", "expected"), POOLS.values(), ids=POOLS)
def test_pooling_of_four_numbers(layer, expected):
    assert layer([[[1.0, 4.0, 2.0, 7.0]]]).tolist() == expected


def test_pooling_of_images_is_pooling_along_each_axis():
    x = draw(2, 3, 4, 6)
    blocks = x.reshape(2, 3, 2, 2, 3, 2)
    np.testing.assert_array_equal(nn.MaxPool2d(2)(x).numpy(), blocks.max(axis=(3, 5)))
    np.testing.assert_allclose(nn.AvgPool2d(2)(x).numpy(), blocks.mean(axis=(3, 5)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(nn.AdaptiveAvgPool2d((2, 3))(x).numpy(), blocks.mean(axis=(3, 5)), rtol=1e-5, atol=1e-7)


ACTIVATIONS = {
    "LeakyReLU": (nn.LeakyReLU(0.1), [-0.2, 0.0, 3.0]),
    "ELU": (nn.ELU(2.0), [2 * (np.exp(-2) - 1), 0.0, 3.0]),
    "SELU": (nn.SELU(), [1.0507009873554805 * 1.6732632423543772 * (np.exp(-2) - 1), 0.0, 3 * 1.0507009873554805]),
    "GELU": (nn.GELU(), [-2 * 0.02275013194817921, 0.0, 3 * 0.9986501019683699]),
    "SiLU": (nn.SiLU(), [-2 / (1 + np.exp(2)), 0.0, 3 / (1 + np.exp(-3))]),
    "Mish": (nn.Mish(), [-2 * np.tanh(np.log1p(np.exp(-2))), 0.0, 3 * np.tanh(np.log1p(np.exp(3)))]),
    "Softplus": (nn.Softplus(), [np.log1p(np.exp(-2)), np.log(2), np.log1p(np.exp(3))]),
    "Hardtanh": (nn.Hardtanh(), [-1.0, 0.0, 1.0]),
    "ReLU": (nn.ReLU(), [0.0, 0.0, 3.0]),
    "Identity": (nn.Identity(), [-2.0, 0.0, 3.0]),
}


@pytest.mark.parametrize(("layer", "expected"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_of_three_numbers(layer, expected):
    np.testing.assert_allclose(layer([-2.0, 0.0, 3.0]).numpy(), expected, rtol=2e-6, atol=1e-7)


def test_flatten_merges_all_but_the_first_axis():
    x = draw(2, 3, 4, 5)
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0)(x).shape == (120,)
    assert nn.Flatten(1, 2)(x).shape == (2, 12, 5)


# ---------------------------------------------------------------------------------------- normalization
def test_batch_norm_normalizes_by_the_batch_in_training_and_by_running_averages_after():
    layer, x = nn.BatchNorm1d(3), 2 + 3 * draw(50, 3)
    out = layer(x).numpy()
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(out.var(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(axis=0, ddof=1), rtol=1e-5)
    assert layer.num_batches_tracked.item() == 1
    mean, var = layer.running_mean.numpy().copy(), layer.running_var.numpy().copy()
    np.testing.assert_allclose(layer.eval()(x).numpy(), (x - mean) / np.sqrt(var + 1e-5), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.running_mean.numpy(), mean)


def test_batch_norm_without_momentum_averages_all_batches_alike():
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [draw(8, 2, seed=seed) for seed in range(3)]
    for x in batches:
        layer(x)
    np.testing.assert_allclose(
        layer.running_mean.numpy(), np.mean([x.mean(axis=0) for x in batches], axis=0), rtol=1e-5, atol=1e-7
    )


def test_batch_norm_of_images_counts_every_pixel():
    x = draw(4, 3, 5, 5)
    out = nn.BatchNorm2d(3)(x).numpy()
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), 1, rtol=1e-4)


def test_layer_norm_and_rms_norm_see_one_example_at_a_time():
    x = draw(4, 6)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(nn.LayerNorm(6)(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    expected = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.finfo(np.float32).eps)
    np.testing.assert_allclose(nn.RMSNorm(6)(x).numpy(), expected, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------------------- embeddings
def test_an_embedding_looks_rows_up_and_adds_their_gradients():
    layer = nn.Embedding(5, 2, rng=RNG(0))
    layer([[0, 3], [3, 3]]).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [3, 3], [0, 0]]


def test_a_padding_row_is_0_and_receives_no_gradient():
    layer = nn.Embedding(4, 2, padding_idx=-1, rng=RNG(0))
    out = layer([3, 0, 3])
    assert out.numpy()[[0, 2]].tolist() == [[0, 0], [0, 0]]
    out.sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


# ------------------------------------------------------------------------------------------- bad input
WRONG = {
    "channels": (
        lambda: nn.Conv2d(3, 4, 3)(draw(2, 5, 8, 8)),
        ShapeError,
        r"In model \(Conv2d 3→4\).*has 5 channels.*takes 3",
    ),
    "groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), OptionError, "2 groups"),
    "a kernel of the wrong length": (lambda: nn.Conv2d(3, 4, (3,)), OptionError, r"kernel of 2 lengths.*\(3,\)"),
    "no channels": (lambda: nn.Conv1d(0, 4, 3), OptionError, "in_channels=0"),
    "features": (lambda: nn.BatchNorm1d(3)(draw(2, 4)), ShapeError, r"C = 3, but was given shape \(2, 4\)"),
    "axes": (lambda: nn.BatchNorm2d(3)(draw(2, 3)), ShapeError, r"\(N, C, H, W\)"),
    "one example in training": (lambda: nn.BatchNorm1d(3)(draw(1, 3)), ShapeError, "more than one"),
    "lengths": (lambda: nn.LayerNorm(3)(draw(2, 4)), ShapeError, r"\(3,\)"),
    "a row that is not there": (lambda: nn.Embedding(3, 2)([3]), OptionError, "from 0 to 2, but was asked for 3"),
    "fractions as rows": (lambda: nn.Embedding(3, 2)([0.5]), DtypeError, "float32"),
    "padding that is no row": (lambda: nn.Embedding(3, 2, padding_idx=3), OptionError, "padding_idx=3"),
    "a form of GELU": (lambda: nn.GELU("erf"), OptionError, '"none" or "tanh"'),
    "limits": (lambda: nn.Hardtanh(1, -1), OptionError, "min_val < max_val"),
    "an axis": (lambda: nn.Flatten(7)(draw(2, 3)), ShapeError, "axis 7"),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_layers_word_their_options():
    assert repr(nn.Conv2d(1, 2, 3, padding=1)) == "Conv2d(1, 2, kernel_size=(3, 3), padding=1)"
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=2, padding=0)"
    assert repr(nn.Embedding(5, 2)) == "Embedding(5, 2)"


# ------------------------------------------------------------------------------------------ end to end
def test_a_small_convnet_learns_where_the_bar_is():
    rng = RNG(0)
    y = rng.integers(0, 2, 200)
    X = 0.3 * rng.standard_normal((200, 1, 8, 8)).astype(np.float32)
    places = rng.integers(0, 8, 200)
    for image, place, vertical in zip(X, places, y, strict=True):
        image[0, :, place] += vertical
        image[0, place, :] += 1 - vertical
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=rng),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2, rng=rng),
    )
    optimizer = optim.Adam(model.parameters(), lr=0.02, batch_size=50)
    tg.fit(model, X[:150], y[:150], loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=20)
    model.eval()
    with tg.no_grad():
        right = (model(X[150:]).numpy().argmax(axis=1) == y[150:]).mean()
    assert right >= 0.95
