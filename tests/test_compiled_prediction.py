"""``model.compile()``: what ``model.eval()(x).numpy()`` gives, bit for bit, from any number of threads."""

import linecache
import sys
import threading
import traceback

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compiling import RNG, bits, floats, mlp
from tests.test_compiler_equality import LAYERS, inputs_for
from tinygrad_edu import nn, optim
from tinygrad_edu.compiler.prediction import CompiledModel
from tinygrad_edu.errors import CaptureError, OptionError, ShapeError


def plain(model, *arrays):
    """Predict with the model itself, and leave it as it is."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    with tg.no_grad():
        found = model.eval()(*arrays).numpy().copy()
    for module, training in modes:
        module.training = training
    return found


def assert_same_predictions(model, *batches):
    predict = model.compile()
    for batch in batches:
        assert bits(predict(*batch)) == bits(plain(model, *batch))
    return predict


# ------------------------------------------------------------------------------------------------ the same numbers
@pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS)
def test_every_layer_predicts_the_same(layer, shape):
    model = layer(RNG(0))
    batches = [(inputs_for(model, shape, k),) for k in range(4)]
    for (x,) in batches:  # running averages that are not those of the start
        model(x)
    assert_same_predictions(model, *batches)


class Forward(nn.Module):
    """A model of one function."""

    def __init__(self, function):
        self.function = function
        self.weight = nn.Parameter(floats(5, 3))

    def forward(self, *inputs):
        return self.function(self.weight, *inputs)


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (lambda w, x: x @ w, [floats(4, 5)]),
        (lambda _w, x: x, [floats(4, 5)]),
        (lambda w, _x: w, [floats(4, 5)]),
        (lambda w, x: (x @ w).T, [floats(4, 5)]),
        (lambda w, x: (x @ w)[:, 0], [floats(4, 5)]),
        (lambda w, x: (x @ w).argmax(axis=1), [floats(4, 5)]),
        (lambda w, x: (x @ w).mean(), [floats(4, 5)]),
        (lambda w, x: (x @ w) > 0, [floats(4, 5)]),
        (lambda _w, x: x[::-1], [floats(4, 5)]),
        (lambda w, x, y: x @ w + y, [floats(4, 5), floats(4, 1, seed=1)]),
        (lambda _w, x: tg.softmax(x, axis=1).reshape(2, -1), [floats(4, 5)]),
        (lambda w, x: x @ w.astype(np.float64), [floats(4, 5, dtype=np.float64)]),
        (lambda w, i: w[i], [RNG(0).integers(0, 5, 7)]),
        (lambda w, x: tg.where(x > 0, x, 0) @ w, [floats(0, 5)]),
        (lambda w, x: x @ w, [floats(5, 4).T]),
        (lambda w, x: x @ w, [floats(8, 5)[::2]]),
    ],
    ids=["product", "input", "weight", "transposed", "column", "index", "number", "truth", "view", "two inputs",
         "softmax", "double", "places", "no examples", "columns first", "every second"],
)  # fmt: skip
def test_whatever_a_forward_pass_returns_is_an_array_of_its_own(function, arrays):
    model = Forward(function)
    predict = assert_same_predictions(model, arrays, arrays)
    others = [a + 1 if a.dtype.kind == "f" else (a + 1) % 5 for a in arrays]
    first = predict(*arrays)
    kept = first.copy()
    assert bits(predict(*others)) == bits(plain(model, *others))
    assert bits(first) == bits(kept)  # not written over by the next call
    first[...] = 1
    assert bits(predict(*arrays)) == bits(kept)
    assert not any(np.shares_memory(first, a) for a in (*arrays, model.weight.numpy()))


def test_lists_are_data():
    model = mlp()
    rows = floats(3, 5).tolist()
    assert bits(model.compile()(rows)) == bits(plain(model, np.array(rows, np.float32)))


def test_numbers_that_are_drawn_are_those_that_the_model_draws():
    class Noisy(nn.Module):
        def __init__(self):
            self.rng = RNG(7)

        def forward(self, x):
            return tg.functional.dropout(x, 0.5, training=True, rng=self.rng)

    compiled, model = Noisy().compile(), Noisy()
    for k in range(5):
        assert bits(compiled(floats(3, 4, seed=k))) == bits(plain(model, floats(3, 4, seed=k)))


# ---------------------------------------------------------------------------------------------- the model as it is
def halve(model):
    model[0].weight.numpy()[...] *= 0.5


def train(model):
    descent = optim.SGD(model.parameters(), lr=0.1, batch_size=4)
    tg.fit(model, floats(8, 5), floats(8, 3), loss=nn.MSELoss(), optimizer=descent, epochs=3, compile="numpy")


@pytest.mark.parametrize(
    "change",
    [
        halve,
        lambda model: setattr(model[0].weight, "data", model[0].weight.numpy() * 2),
        lambda model: model.load_state_dict(mlp(9).state_dict()),
        train,
        lambda model: vars(model).update({"1": nn.ReLU()}),
        lambda model: setattr(model[2], "weight", nn.Parameter(floats(*model[2].weight.shape, seed=5))),
        lambda model: model.append(nn.Sigmoid()),
        lambda model: vars(model).pop("2"),
    ],
    ids=["in place", "elsewhere", "loaded", "trained", "layer", "parameter", "one more", "one less"],
)
def test_a_prediction_is_made_with_the_model_as_it_is_when_it_is_called(change):
    model = mlp()
    x = floats(6, 5)
    predict = assert_same_predictions(model, [x], [x], [x])
    before = predict(x)
    change(model)
    assert bits(predict(x)) == bits(plain(model, x)) != bits(before)


def test_a_number_of_a_layer_may_change():
    model = nn.Sequential(nn.LeakyReLU(0.1))
    predict, x = model.compile(), floats(3, 4)
    for slope in (0.1, 0.1, 0.1, 0.3):
        model[0].negative_slope = slope
        assert bits(predict(x)) == bits(plain(model, x))


@pytest.mark.parametrize("training", [True, False])
def test_a_prediction_is_made_in_evaluation_mode_and_leaves_the_models_own(training):
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4)).train(training)
    model[0].train(not training)
    predict, x = model.compile(), floats(6, 4)
    state = model.state_dict()
    for _ in range(4):
        assert bits(predict(x)) == bits(plain(model, x))
    assert [model.training, model[0].training, model[1].training] == [training, not training, training]
    assert all(bits(array) == bits(state[name]) for name, array in model.state_dict().items())


def test_compiling_leaves_the_model_itself_as_it_is():
    model = mlp()
    assert isinstance(model.compile(), CompiledModel)
    x = tg.tensor(floats(2, 5), requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None


# --------------------------------------------------------------------------------------------------------- shapes
def test_programs_of_many_shapes_do_not_fill_memory():
    model = mlp()
    predict = model.compile()
    for n in [*range(1, 30), *range(1, 30)]:
        assert bits(predict(floats(n, 5))) == bits(plain(model, floats(n, 5)))
    assert len(predict._programs) == len(predict._mine.bound) == 8
    assert repr(predict) == "<compiled model Sequential: 8 programs>"


def test_each_shape_and_dtype_has_a_program_that_is_recorded_twice_and_then_no_more():
    calls = []

    class Watched(nn.Module):
        def forward(self, x):
            calls.append(x.shape)
            return x * 2

    predict = Watched().compile()
    x, y = floats(3, 4), floats(2, 4)
    for _ in range(4):
        for given in (x, y, x.astype(np.float64)):
            assert bits(predict(given)) == bits(given * 2)
    assert calls == [(3, 4), (2, 4), (3, 4)] * 2


def test_the_source_can_be_read_and_is_shown_where_it_fails():
    model = mlp()
    predict = model.compile()
    with pytest.raises(CaptureError, match="not compiled yet"):
        predict.source  # noqa: B018 - reading it is what raises
    predict(floats(2, 5))
    assert predict.source.startswith("def predict(x):")
    assert "weight_0" in predict.source
    shown = [name for name in linecache.cache if name.startswith("<compiled model")]
    assert any("".join(linecache.cache[name][2]) == predict.source for name in shown)
    del predict
    assert len([name for name in linecache.cache if name.startswith("<compiled model")]) < len(shown)


# ------------------------------------------------------------------------------------------------- what is refused
class Averaging(nn.Module):
    """Changes a buffer in each forward pass."""

    def __init__(self):
        self.mean = tg.zeros(4)

    def forward(self, x):
        with tg.no_grad():
            self.mean.copy_(x.mean(axis=0))
        return x - self.mean


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Forward(lambda w, x: w if x.sum() > 0 else x), r"test_compiled_prediction\.py:\d+: .*: bool\(\) takes values"),
        (Forward(lambda _w, x: tg.tensor(x.numpy())), r"numpy\(\) takes values"),
        (Forward(lambda w, x: (w, x)), "has to return one Tensor to be compiled, but returned tuple"),
        (Forward(lambda _w, _x: 1.0), "but returned float"),
        (Averaging(), "changes mean in evaluation mode too"),
    ],
    ids=["branch", "array", "tuple", "number", "buffer"],
)
def test_what_cannot_be_compiled_names_the_line(model, said):
    predict = model.compile()
    for _ in range(2):
        with pytest.raises(CaptureError, match=said):
            predict(floats(3, 4))
    assert model.training
    if isinstance(model, Averaging):
        assert model.mean.tolist() == [0.0] * 4


def test_noise_that_the_compiler_cannot_see_is_found_out():
    rng = RNG(0)
    predict = Forward(lambda _w, x: x + rng.normal(size=x.shape)).compile()
    predict(x := floats(3, 4))
    with pytest.raises(CaptureError, match="in the first call and an array that begins with"):
        predict(x)


@pytest.mark.parametrize("calls_before", [0, 1, 5])
def test_values_that_a_layer_refuses_are_refused_as_by_the_model(calls_before):
    model = nn.Sequential(nn.Identity(), nn.Embedding(3, 2))
    predict = model.compile()
    for _ in range(calls_before):
        predict(np.array([0, 2]))
    wrong = np.array([0, 3])
    with pytest.raises(OptionError) as expected:
        model(wrong)
    with pytest.raises(OptionError) as got:
        predict(wrong)
    assert str(got.value) == str(expected.value)
    assert str(got.value).startswith("In model.1 (Embedding")


@pytest.mark.parametrize("calls_before", [0, 5])
def test_inputs_of_a_wrong_shape_are_refused_as_by_the_model(calls_before):
    predict = mlp().compile()
    for _ in range(calls_before):
        predict(floats(2, 5))
    with pytest.raises(ShapeError, match=r"In model\.0 \(Linear"):
        predict(floats(2, 4))


def test_an_error_in_the_program_shows_its_line(monkeypatch):
    predict = mlp().compile()
    x = floats(2, 5)
    for _ in range(3):
        predict(x)

    def broken(*_args, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(np, "tanh", broken)
    with pytest.raises(ZeroDivisionError) as error:
        predict(x)
    assert "np.tanh(" in "".join(traceback.format_exception(error.value))


# -------------------------------------------------------------------------------------------------------- threads
@pytest.fixture
def often():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often")
def test_threads_predict_at_once_without_mixing_their_numbers():
    model = nn.Sequential(*mlp(0, 5, 16, 16), nn.Dropout(0.5), nn.Tanh(), nn.Linear(16, 3, rng=RNG(1)))
    predict = model.compile()
    batches = [floats(n, 5, seed=n) for n in (1, 3, 8, 8, 16)]
    expected = [bits(plain(model, x)) for x in batches]
    start, wrong = threading.Barrier(6), []

    def work(first):
        start.wait()
        try:
            turns = [k % 5 for k in range(first, first + 150)]
            wrong.extend(k for k in turns if bits(predict(batches[k])) != expected[k])
        except BaseException as error:  # noqa: BLE001 - a thread's error is the test's
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(predict._programs) == 4
    assert model.training


@pytest.mark.usefixtures("often")
def test_a_thread_may_predict_while_another_trains():
    model = mlp()
    predict, x = model.compile(), floats(4, 5)
    predict(x)
    seen = []
    stop = threading.Event()

    def work():
        seen.extend(bool(np.isfinite(predict(x)).all()) for _ in iter(stop.is_set, True))  # noqa: FBT003 - until it is set

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(20):
        train(model)
    stop.set()
    thread.join()
    assert all(seen)
    assert seen
    assert bits(predict(x)) == bits(plain(model, x))
