"""A module finds its parameters by walking its attributes; a layer is its formula."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.tensor import Tensor


def generator(seed=0):
    return np.random.default_rng(seed)


def names(module):
    return [name for name, _ in module.named_parameters()]


class Holder(nn.Module):
    """Holds whatever it is given, under the names it is given by."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


def parameter(*shape):
    return nn.Parameter(np.zeros(shape, np.float32))


# -------------------------------------------------------------------------------- what a module holds


HOLDERS = {
    "nothing": ({}, []),
    "attributes": ({"b": parameter(1), "a": parameter(2)}, ["b", "a"]),
    "a list": ({"layers": [parameter(1), parameter(2)]}, ["layers.0", "layers.1"]),
    "a tuple": ({"layers": (parameter(1), parameter(2))}, ["layers.0", "layers.1"]),
    "a dictionary": ({"parts": {"z": parameter(1), "y": parameter(1)}}, ["parts.z", "parts.y"]),
    "containers in containers": ({"deep": [{"k": (parameter(1),)}]}, ["deep.0.k.0"]),
    "modules in a list": (
        {"layers": [nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1, bias=False)]},
        ["layers.0.weight", "layers.0.bias", "layers.2.weight"],
    ),
    "modules in modules": (
        {"inner": Holder(line=nn.Linear(1, 1), scale=parameter(1)), "last": parameter(1)},
        ["inner.line.weight", "inner.line.bias", "inner.scale", "last"],
    ),
    "among what is no parameter": (
        {"size": 3, "label": "x", "none": None, "array": np.zeros(2), "buffer": Tensor([0.0]), "w": parameter(1)},
        ["w"],
    ),
}


@pytest.mark.parametrize(("attributes", "expected"), HOLDERS.values(), ids=HOLDERS)
def test_parameters_are_found_in_the_order_of_definition(attributes, expected):
    assert names(Holder(**attributes)) == expected


def test_parameters_of_sibling_modules_come_in_the_order_of_definition():
    module = Holder(z=nn.Linear(1, 1), a=[nn.Linear(1, 1)], m=nn.Linear(1, 1))
    assert names(module) == ["z.weight", "z.bias", "a.0.weight", "a.0.bias", "m.weight", "m.bias"]


def test_the_order_is_the_same_for_parameters_names_and_state():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert list(model.state_dict()) == names(model) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [p.shape for p in model.parameters()] == [(3, 2), (3,), (1, 3), (1,)]


def test_a_parameter_takes_its_path_as_its_name():
    model = nn.Sequential(nn.Linear(2, 3))
    assert [p.name for p in model.parameters()] == ["0.weight", "0.bias"]


def test_a_parameter_asks_for_gradients_and_keeps_its_dtype():
    assert parameter(2).requires_grad
    assert nn.Parameter([1.0]).dtype == np.float32
    assert nn.Parameter(np.zeros(2)).dtype == np.float64


def test_a_weight_that_two_layers_share_is_listed_counted_and_saved_once():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    assert names(model) == ["0.weight", "0.bias", "1.bias"]
    assert model.num_parameters() == 9 + 3 + 3
    assert list(model.state_dict()) == names(model)


def test_a_layer_used_twice_adds_both_gradients_to_its_weight():
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data[...] = 3.0
    nn.Sequential(layer, layer)(np.array([[2.0]], np.float32)).sum().backward()
    assert layer.weight.grad.tolist() == [[12.0]]  # d(w²x)/dw = 2wx


def test_num_parameters_counts_numbers():
    assert nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)).num_parameters() == 9610


def test_named_modules_starts_with_the_module_itself():
    inner = nn.Sequential(nn.ReLU())
    model = nn.Sequential(inner, nn.Tanh())
    assert [name for name, _ in model.named_modules()] == ["", "0", "0.0", "1"]
    assert dict(model.named_modules())["0"] is inner


def test_a_misspelt_attribute_raises_attribute_error():
    with pytest.raises(AttributeError, match="wieght"):
        _ = nn.Linear(1, 1).wieght


def test_a_module_without_forward_says_what_is_missing():
    class Unfinished(nn.Module):
        pass

    with pytest.raises(TypeError, match=r"Unfinished does not say what it computes.*forward\(self, x\)"):
        Unfinished()(1.0)


def test_forward_may_take_several_inputs():
    class Add(nn.Module):
        def forward(self, x, y):
            return x + y

    assert Add()(Tensor([1.0]), Tensor([2.0])).tolist() == [3.0]


# ------------------------------------------------------------------------------------------ its state


def test_buffers_are_in_the_state_but_are_no_parameters():
    module = Holder(weight=parameter(2), mean=Tensor(np.array([1.0, 2.0])))
    assert names(module) == ["weight"]
    state = module.state_dict()
    assert list(state) == ["weight", "mean"]
    module.load_state_dict({"weight": [0.0, 0.0], "mean": [5.0, 6.0]})
    assert module.mean.tolist() == [5.0, 6.0]


def test_state_dict_is_a_copy():
    layer = nn.Linear(2, 2, rng=generator())
    state = layer.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    layer.weight.data[...] = 0
    np.testing.assert_array_equal(state["weight"], kept["weight"])
    state["bias"][...] = 9
    np.testing.assert_array_equal(layer.bias.numpy(), kept["bias"])


def test_a_loaded_state_gives_the_same_outputs_bit_for_bit():
    def build(seed):
        rng = generator(seed)
        return nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Linear(8, 3, rng=rng))

    model, other = build(0), build(1)
    x = generator().normal(size=(5, 4)).astype(np.float32)
    assert not np.array_equal(model(x).numpy(), other(x).numpy())
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(model(x).numpy(), other(x).numpy())


def test_load_state_dict_writes_in_place_keeps_the_dtype_and_copies():
    layer = nn.Linear(2, 1)
    weight, array = layer.weight, layer.weight.numpy()
    state = {"weight": np.array([[1.5, 2.5]]), "bias": [3]}
    layer.load_state_dict(state)
    assert layer.weight is weight
    assert layer.weight.numpy() is array
    assert (array.tolist(), array.dtype) == ([[1.5, 2.5]], np.float32)
    state["weight"][...] = 0
    assert array.tolist() == [[1.5, 2.5]]


def test_backward_through_values_that_a_load_replaced_raises():
    layer = nn.Linear(2, 1)
    layer.weight.data[...] = 1
    loss = (layer.weight * layer.weight).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(tg.errors.GraphError, match="changed in place"):
        loss.backward()


GOOD = {"0.weight": np.ones((2, 3)), "0.bias": np.ones(2), "1.weight": np.ones((1, 2)), "1.bias": np.ones(1)}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({**GOOD, "1.bias": np.ones(2)}, ShapeError, r"1\.bias has shape \(2,\), but the model has \(1,\)"),
        ({**GOOD, "1.bias": np.array(["a"])}, TypeError, "real numbers"),
        ({k: v for k, v in GOOD.items() if k != "1.bias"}, OptionError, r"missing 1\.bias, unknown nothing"),
        ({**GOOD, "2.bias": np.ones(1)}, OptionError, r"missing nothing, unknown 2\.bias"),
        ({"a": 1, "b": 2}, OptionError, r"missing 0\.weight, 0\.bias, 1\.weight, 1\.bias, unknown a, b"),
    ],
    ids=["shape of the last", "dtype of the last", "missing", "unknown", "another model's"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, error, message):
    model = nn.Sequential(nn.Linear(3, 2, rng=generator(1)), nn.Linear(2, 1, rng=generator(2)))
    before = model.state_dict()
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_fractions_for_an_integer_buffer_are_refused_and_change_nothing():
    module = Holder(weight=parameter(1), count=Tensor(np.array([0])))
    with pytest.raises(TypeError):
        module.load_state_dict({"weight": [5.0], "count": np.array([2.5])})
    assert module.state_dict()["weight"].tolist() == [0.0]


# ------------------------------------------------------------------------------------------- its mode


def test_train_and_eval_reach_every_module_in_it_and_give_the_model_back():
    model = Holder(layers=[nn.Dropout(), {"k": nn.Sequential(nn.Dropout())}], last=nn.Dropout())
    modules = [module for _, module in model.named_modules()]
    assert len(modules) == 5
    assert all(module.training for module in modules)
    assert model.eval() is model
    assert not any(module.training for module in modules)
    assert model.train() is model
    assert all(module.training for module in modules)
    model.train(mode=False)
    assert not any(module.training for module in modules)


def test_the_mode_of_one_module_leaves_others_alone():
    first, second = nn.Dropout(), nn.Dropout()
    first.eval()
    assert second.training


def test_zero_grad_forgets_every_gradient():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model(np.ones((3, 2), np.float32)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# --------------------------------------------------------------------------------------------- Linear


def float64(layer):
    for p in layer.parameters():
        p.data = p.numpy().astype(np.float64)
    return layer


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("leading", [(), (5,), (2, 5), (2, 0)], ids=["1-D", "2-D", "3-D", "empty"])
def test_linear_is_x_times_w_transposed_plus_b(leading, bias):
    layer = float64(nn.Linear(3, 2, bias=bias, rng=generator()))
    x = generator(1).normal(size=(*leading, 3))
    weight = layer.weight.numpy()
    expected = np.array([[sum(row[k] * w[k] for k in range(3)) for w in weight] for row in x.reshape(-1, 3)]).reshape(
        *leading, 2
    )
    if bias:
        expected = expected + layer.bias.numpy()
    out = layer(x)
    assert out.shape == (*leading, 2)
    # Sums of four numbers of size 1 may be added in another order: 4 roundings.
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=4 * np.finfo(np.float64).eps)


def test_linear_without_bias_has_none():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None
    assert names(layer) == ["weight"]


def test_linear_draws_weight_and_bias_as_pytorch_does():
    layer = nn.Linear(4, 5000, rng=generator())
    bound = 1 / math.sqrt(4)
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert values.dtype == np.float32
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.99 * bound  # missed with probability 0.99^5000
    assert not np.array_equal(layer.weight.numpy()[:, 0], layer.bias.numpy())


def test_linear_with_another_initializer_draws_its_bias_within_one_over_the_root_of_its_inputs():
    layer = nn.Linear(4, 1000, init=nn.init.kaiming_normal, rng=generator())
    np.testing.assert_array_equal(layer.weight.numpy(), nn.init.kaiming_normal((1000, 4), generator()))
    largest = np.abs(layer.bias.numpy()).max()
    assert 0.49 < largest <= 0.5  # U(±1/2): the largest of 1000 is under 0.49 once in e^20 times


def test_linear_takes_lists_as_the_other_layers_do():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": [[3.0, 4.0]], "bias": [5.0]})
    assert layer([[1.0, 2.0]]).tolist() == [[16.0]]


def test_linear_keeps_float32():
    assert nn.Linear(2, 1)(np.ones((1, 2), np.float32)).dtype == np.float32


@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 3, 2), (3, 1), ()], ids=str)
def test_wrong_features_are_refused_with_the_layer_and_both_numbers(shape):
    layer = nn.Linear(3, 2)
    expected = rf"Linear\(3, 2\) takes 3 features.*{re.escape(str(shape))}"
    with pytest.raises(ShapeError, match=expected):
        layer(np.ones(shape, np.float32))


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 1), (1, 0), (-1, 2)])
def test_a_layer_without_inputs_or_outputs_is_refused(inputs, outputs):
    with pytest.raises(OptionError, match=rf"{inputs} and {outputs}"):
        nn.Linear(inputs, outputs)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("leading", [(), (4,), (2, 3)], ids=["1-D", "2-D", "3-D"])
def test_gradients_of_linear(leading, bias):
    def f(x, weight, *offset):
        layer = nn.Linear(3, 2, bias=bias)
        layer.weight = weight
        if bias:
            (layer.bias,) = offset
        return layer(x)

    rng = generator(2)
    arrays = [rng.normal(size=(*leading, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)]
    assert tg.gradcheck(f, *arrays[: 3 if bias else 2], order=2)


# ---------------------------------------------------------------------------------------- activations
ENTRIES = np.array([[-3.0, -0.5, 0.0], [0.25, 1.0, 4.0]])


def softmax(x, axis):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


ACTIVATIONS = {
    "relu": (nn.ReLU(), lambda x: x * (x > 0)),
    "tanh": (nn.Tanh(), lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))),
    "sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "softmax": (nn.Softmax(), lambda x: softmax(x, -1)),
    "softmax of columns": (nn.Softmax(dim=0), lambda x: softmax(x, 0)),
}


@pytest.mark.parametrize(("layer", "formula"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_an_activation_is_its_formula(layer, formula):
    out = layer(ENTRIES)
    assert out.dtype == np.float64
    # Up to five operations on either side, each rounded once.
    np.testing.assert_allclose(out.numpy(), formula(ENTRIES), rtol=10 * np.finfo(np.float64).eps, atol=1e-16)


@pytest.mark.parametrize(("layer", "_formula"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_an_activation_keeps_float32_and_has_right_gradients(layer, _formula):
    assert layer(ENTRIES.astype(np.float32)).dtype == np.float32
    smooth = ENTRIES + (ENTRIES == 0)  # relu has a kink at 0
    assert tg.gradcheck(layer, smooth, order=2)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(nn.ReLU(), [0.0, 1000.0]), (nn.Tanh(), [-1.0, 1.0]), (nn.Sigmoid(), [0.0, 1.0]), (nn.Softmax(), [0.0, 1.0])],
    ids=["relu", "tanh", "sigmoid", "softmax"],
)
def test_an_activation_does_not_overflow(layer, expected):
    assert layer([-1000.0, 1000.0]).tolist() == expected


def test_relu_has_slope_zero_at_zero():
    x = Tensor([-1.0, 0.0, 1.0], requires_grad=True)
    nn.ReLU()(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=6),
    st.floats(-100, 100),
)
def test_softmax_gives_probabilities_that_a_common_shift_does_not_change(scores, shift):
    scores = np.array(scores)
    probabilities = nn.Softmax()(scores).numpy()
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-15 * len(scores))
    # x + shift rounds at 200 · 2⁻⁵³ ≈ 2e-14, which exp turns into a relative error.
    np.testing.assert_allclose(nn.Softmax()(scores + shift).numpy(), probabilities, rtol=1e-13, atol=1e-300)


# -------------------------------------------------------------------------------------------- Dropout


def test_dropout_lets_everything_through_for_prediction():
    x = Tensor(ENTRIES)
    assert nn.Dropout(0.9).eval()(x) is x


def test_dropout_of_nothing_lets_everything_through():
    x = Tensor(ENTRIES)
    assert nn.Dropout(0)(x) is x


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_with_probability_p_and_keeps_the_expected_value(p):
    n = 100_000
    out = nn.Dropout(p, rng=generator())(np.ones(n)).numpy()
    scale = 1 / (1 - p)
    assert sorted(set(out.tolist())) == [0.0, scale]
    deviation = math.sqrt(p * (1 - p) / n)  # of the fraction that is kept
    assert abs(np.mean(out != 0) - (1 - p)) < 5 * deviation
    assert abs(out.mean() - 1) < 5 * deviation * scale


def test_dropout_draws_each_entry_on_its_own_and_anew_in_each_call():
    n = 10_000
    layer = nn.Dropout(0.5, rng=generator())
    first, second = (layer(np.ones((n, 2))).numpy() > 0 for _ in range(2))
    for a, b in ((first[:, 0], first[:, 1]), (first[:, 0], second[:, 0]), (first[1:, 0], first[:-1, 0])):
        assert abs(np.mean(a == b) - 0.5) < 5 * 0.5 / math.sqrt(len(a))


def test_the_gradient_of_dropout_passes_where_the_value_did():
    x = Tensor(np.full(1000, 3.0), requires_grad=True)
    out = nn.Dropout(0.25, rng=generator())(x)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy() * 3, out.numpy())


def test_dropout_draws_the_same_from_generators_of_the_same_seed():
    x = np.ones(100, np.float32)
    draws = [nn.Dropout(0.5, rng=generator(seed))(x).numpy() for seed in (3, 3, 4)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert draws[0].dtype == np.float32


def test_dropout_without_a_generator_follows_the_package_seed():
    x, layer = np.ones(100), nn.Dropout(0.5)
    draws = []
    for _ in range(2):
        tg.seed(5)
        draws.append(layer(x).numpy())
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("p", [1, 1.5, -0.1, math.nan])
def test_a_dropout_that_would_drop_everything_or_nothing_known_is_refused(p):
    with pytest.raises(OptionError, match=rf"0 <= p < 1.*p={p}"):
        nn.Dropout(p)


# ----------------------------------------------------------------------------------------- Sequential


def test_sequential_hands_the_input_through_its_layers():
    first, second = nn.Linear(3, 4, rng=generator(1)), nn.Linear(4, 2, rng=generator(2))
    x = ENTRIES.astype(np.float32)
    out = nn.Sequential(first, nn.ReLU(), second)(x)
    np.testing.assert_array_equal(out.numpy(), second(nn.ReLU()(first(x))).numpy())


def test_sequential_is_indexed_measured_and_gone_through_like_a_list():
    layers = [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[0] is layers[0]
    assert model[-1] is layers[-1]
    with pytest.raises(IndexError):
        model[3]


def test_sequential_grows_by_append():
    model = nn.Sequential()
    assert len(model) == 0
    for layer in (nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)):
        model.append(layer)
    assert names(model) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_an_empty_sequential_gives_back_what_it_is_given():
    x = Tensor([1.0])
    assert nn.Sequential()(x) is x


def test_sequential_of_a_list_says_how_to_hand_its_layers_on():
    with pytest.raises(OptionError, match=r"Write Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(1, 1), nn.ReLU()])


def test_a_parameter_is_not_replaced_by_an_array_unseen():
    layer = nn.Linear(2, 2)
    with pytest.raises(OptionError, match=r"weight of Linear is a parameter.*layer\.weight\.data"):
        layer.weight = np.zeros((2, 2))
    layer.bias = None
    assert names(layer) == ["weight"]


def test_a_forward_sees_arrays_as_tensors():
    class Flat(nn.Module):
        def forward(self, x, scale):
            return x.flatten(1) * scale

    assert Flat()(np.ones((2, 3, 4)), np.ones(12)).shape == (2, 12)


@pytest.mark.parametrize("wrong", [nn.ReLU, np.tanh, None], ids=["class", "function", "None"])
def test_sequential_refuses_what_is_no_module(wrong):
    with pytest.raises(OptionError, match=r"takes modules.*nn\.ReLU\(\) with its parentheses"):
        nn.Sequential(nn.Linear(1, 1), wrong)


# -------------------------------------------------------------------------------------- initial weights
SHAPE = (300, 100)  # (outputs, inputs)
UNIFORM = {  # the bound
    "fan_in_uniform": 1 / math.sqrt(100),
    "xavier_uniform": math.sqrt(6 / 400),
    "kaiming_uniform": math.sqrt(6 / 100),
}
NORMAL = {  # the standard deviation
    "xavier_normal": math.sqrt(2 / 400),
    "kaiming_normal": math.sqrt(2 / 100),
}


def test_every_initializer_has_a_case():
    assert {*UNIFORM, *NORMAL, "zeros", "Initializer"} == set(nn.init.__all__)


def assert_moments(values, variance, kurtosis):
    """The mean is 0 and the variance as given, within 5 standard deviations of their estimates."""
    n = values.size
    assert abs(values.mean()) < 5 * math.sqrt(variance / n)
    assert abs(values.var() - variance) < 5 * variance * math.sqrt((kurtosis - 1) / n)


@pytest.mark.parametrize(("name", "bound"), UNIFORM.items(), ids=UNIFORM)
def test_a_uniform_initializer_fills_its_interval_evenly(name, bound):
    values = getattr(nn.init, name)(SHAPE, generator()).astype(np.float64)
    assert values.shape == SHAPE
    assert np.abs(values).max() <= np.float32(bound)
    assert np.abs(values).max() > 0.999 * bound  # missed with probability 0.999^30000 = 1e-13
    assert_moments(values, bound**2 / 3, kurtosis=9 / 5)


@pytest.mark.parametrize(("name", "deviation"), NORMAL.items(), ids=NORMAL)
def test_a_normal_initializer_has_its_deviation(name, deviation):
    values = getattr(nn.init, name)(SHAPE, generator()).astype(np.float64)
    assert values.shape == SHAPE
    assert_moments(values, deviation**2, kurtosis=3)
    # Φ(1) - Φ(-1) = 0.6827 of a normal distribution lie within one deviation; 0.577 of a uniform one.
    within = np.mean(np.abs(values) < deviation)
    assert abs(within - 0.6827) < 5 * math.sqrt(0.6827 * 0.3173 / values.size)


@pytest.mark.parametrize("name", [*UNIFORM, *NORMAL])
def test_an_initializer_is_float32_and_follows_its_generator(name):
    draw = getattr(nn.init, name)
    first, same, other = (draw((4, 3), generator(seed)) for seed in (0, 0, 1))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, same)
    assert not np.any(first == other)


def test_zeros_are_zeros():
    values = nn.init.zeros((2, 3), generator())
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.zeros((2, 3)))


def test_layers_of_the_same_seed_are_equal_and_of_different_seeds_are_not():
    first, same, other = (nn.Linear(3, 2, rng=generator(seed)).state_dict() for seed in (0, 0, 1))
    for name, array in first.items():
        np.testing.assert_array_equal(array, same[name])
        assert not np.any(array == other[name])


def test_layers_drawn_from_one_generator_differ():
    rng = generator()
    assert not np.any(nn.Linear(3, 2, rng=rng).weight.numpy() == nn.Linear(3, 2, rng=rng).weight.numpy())


def test_a_layer_without_a_generator_follows_the_package_seed():
    weights = []
    for _ in range(2):
        tg.seed(7)
        weights.append(nn.Linear(3, 2).weight.numpy())
    np.testing.assert_array_equal(*weights)


# ------------------------------------------------------------------------------------------------ repr


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Linear(3, 2), "Linear(3, 2)"),
        (nn.Linear(3, 2, bias=False), "Linear(3, 2, bias=False)"),
        (nn.ReLU(), "ReLU()"),
        (nn.Tanh(), "Tanh()"),
        (nn.Sigmoid(), "Sigmoid()"),
        (nn.Softmax(0), "Softmax(dim=0)"),
        (nn.Dropout(0.2), "Dropout(p=0.2)"),
        (nn.Sequential(), "Sequential()"),
        (
            nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.ReLU())),
            "Sequential(\n  (0): Linear(3, 2)\n  (1): Sequential(\n    (0): ReLU()\n  )\n)",
        ),
        (Holder(layers=[nn.ReLU()]), "Holder(\n  (layers.0): ReLU()\n)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_repr_of_a_module_is_what_was_written(module, expected):
    assert repr(module) == expected
