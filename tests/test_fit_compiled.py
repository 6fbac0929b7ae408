"""`fit` with compiled steps: the same run as with steps as they are written, bit for bit, and the same errors."""

import math
import signal
import tempfile
import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.interfering import After
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import CaptureError, GraphError, OptionError, ShapeError
from tinygrad_edu.training import Callback, EarlyStopping, StopReason
from tinygrad_edu.training.compiled import Compiled

RNG = np.random.default_rng
# Forty examples of six features, their class of three, and two numbers to predict.
X = RNG(0).normal(size=(40, 6)).astype(np.float32)
LABELS = RNG(1).integers(0, 3, 40)
NUMBERS = (X[:, :2] * 2 + 1).astype(np.float32)


def network(*layers, n_outputs=3, seed=0):
    rng = RNG(seed)
    return nn.Sequential(nn.Linear(6, 8, rng=rng), *layers, nn.Linear(8, n_outputs, rng=rng))


def sgd(parameters, **options):
    return optim.SGD(parameters, **{"lr": 0.1, "batch_size": 16, **options})


class Run:
    """A run of `fit`, with everything that it leaves behind."""

    def __init__(self, how, model=None, *, x=X, y=LABELS, loss=None, optimizer=sgd, generators=(), **options):
        self.model = network(nn.Tanh()) if model is None else model
        self.optimizer = optimizer(self.model.parameters())
        options = {"epochs": 6, **options}
        loss = loss or nn.CrossEntropyLoss()
        self.history = tg.fit(self.model, x, y, loss=loss, optimizer=self.optimizer, compile=how, **options)
        self.gradients = [None if p.grad is None else p.grad.numpy() for p in self.model.parameters()]
        self.generators = [repr(generator.bit_generator.state) for generator in generators]

    def state(self):
        return {**self.model.state_dict(), **self.optimizer.state_dict()}


def assert_same_run(mine, theirs, *, gradients=True):
    a, b = mine.history, theirs.history
    assert (a.losses.tolist(), a.examples.tolist()) == (b.losses.tolist(), b.examples.tolist())
    for name in ("epoch_losses", "validation_losses", "validation_metrics"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.stop_reason, a.metric) == (b.stop_reason, b.metric)
    assert mine.generators == theirs.generators
    ours, others = mine.state(), theirs.state()
    assert list(ours) == list(others)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, others[name], strict=True, err_msg=name)
    if gradients:
        for one, other in zip(mine.gradients, theirs.gradients, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


# ------------------------------------------------------------------------------------------------ the same run
def regularised(norm):
    generator = RNG(5)
    return network(norm(8), nn.ReLU(), nn.Dropout(0.3, rng=generator)), (generator,)


OPTIMIZERS = {
    "SGD, all": lambda p: sgd(p, batch_size=None),
    "SGD, one": lambda p: sgd(p, batch_size=1, lr=0.01),
    "SGD, 16 and 8": sgd,
    "momentum, 7 and 5": lambda p: sgd(p, batch_size=7, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam, 10": lambda p: optim.Adam(p, 0.01, batch_size=10),
    "RMSprop, 40": lambda p: optim.RMSprop(p, 0.01, batch_size=40),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("norm", [None, nn.BatchNorm1d, nn.LayerNorm], ids=["plain", "batch norm", "layer norm"])
def test_the_run_is_the_same_bit_for_bit(optimizer, norm):
    if norm is nn.BatchNorm1d and "one" in optimizer:
        pytest.skip("batch_norm needs more than one example")
    runs = []
    for how in ("none", "numpy"):
        model, generators = regularised(norm) if norm else (network(nn.Tanh()), ())
        options = {"validation": 0.25} if "40" not in optimizer else {}
        runs.append(Run(how, model, optimizer=OPTIMIZERS[optimizer], generators=generators, **options))
    assert [run.history.compiled for run in runs] == ["none", "numpy"]
    assert_same_run(*runs)
    assert np.isfinite(runs[0].history.losses).all()
    assert not np.array_equal(runs[0].model.state_dict()["0.weight"], network().state_dict()["0.weight"])


def of_two(prediction, target):
    return ((prediction - target) ** 2).mean() + 0.01 * prediction.abs().mean()


@pytest.mark.parametrize(
    ("loss", "y", "n_outputs"),
    [
        (nn.MSELoss(), NUMBERS, 2),
        (nn.MSELoss(reduction="sum"), NUMBERS, 2),
        (nn.HuberLoss(), NUMBERS.astype(np.float64), 2),
        (nn.BCEWithLogitsLoss(), (NUMBERS > 1).astype(np.float32), 2),
        (nn.CrossEntropyLoss(label_smoothing=0.1, weight=[1.0, 2.0, 3.0]), LABELS, 3),
        (nn.CrossEntropyLoss(), LABELS.astype(np.uint8), 3),
        (of_two, NUMBERS, 2),
    ],
    ids=["mean", "sum", "Huber", "logits", "weighted", "small integers", "of the user"],
)
def test_the_run_is_the_same_for_every_kind_of_loss(loss, y, n_outputs):
    runs = [
        Run(how, network(nn.Tanh(), n_outputs=n_outputs), y=y, loss=loss, optimizer=lambda p: sgd(p, lr=0.01))
        for how in ("none", "numpy")
    ]
    assert runs[1].history.compiled == "numpy"
    assert_same_run(*runs)


def test_a_model_that_is_trained_again_goes_on_where_it_was():
    runs = []
    for how in ("none", "numpy"):
        first = Run(how, optimizer=lambda p: optim.Adam(p, 0.01, batch_size=16))
        runs.append(Run(how, first.model, optimizer=lambda p: optim.Adam(p, 0.02, batch_size=8)))
    assert_same_run(*runs)


def test_gradients_after_the_run_belong_to_the_parameters_alone():
    run = Run("numpy")
    arrays = [p.grad.numpy() for p in run.model.parameters()]
    assert all(array.base is None for array in arrays)
    assert [p.grad.shape for p in run.model.parameters()] == [p.shape for p in run.model.parameters()]


def test_the_tolerance_ends_the_run_at_the_same_update():
    runs = [
        Run(how, nn.Linear(6, 2, rng=RNG(0)), y=NUMBERS, loss=nn.MSELoss(), epochs=500, tolerance=0.05)
        for how in ("none", "numpy")
    ]
    assert runs[0].history.stop_reason is StopReason.TOLERANCE
    assert 20 < runs[0].history.n_updates < 500
    assert_same_run(*runs)
    assert runs[0].history.message == runs[1].history.message


# -------------------------------------------------------------------------------------------------- divergence
@pytest.mark.parametrize("lr", [1e2, 3e4, 1e10, 1e30])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_a_run_that_diverges_stops_before_the_same_update(lr, batch_size):
    runs = []
    for how in ("none", "numpy"):
        generator = RNG(5)
        model = network(nn.BatchNorm1d(8), nn.Dropout(0.3, rng=generator), n_outputs=2)
        optimizer = lambda p: sgd(p, lr=lr, batch_size=batch_size)  # noqa: E731 - of this turn
        runs.append(
            Run(how, model, y=NUMBERS, loss=nn.MSELoss(), optimizer=optimizer, generators=[generator], epochs=300)
        )
    assert [run.history.stop_reason for run in runs] == [StopReason.DIVERGED] * 2
    # The gradients of the update before may have been written over.
    assert_same_run(*runs, gradients=False)
    said = [run.history.message.split(". ")[0] for run in runs]
    assert (
        said[0] == said[1] == f"Diverged at update {runs[0].history.n_updates + 1}: the loss is " + said[0].split()[-1]
    )


def test_weights_that_are_not_finite_after_the_last_update_are_noticed_too():
    runs = [
        Run(how, network(n_outputs=2), y=NUMBERS, loss=nn.MSELoss(), optimizer=lambda p: sgd(p, lr=1e38), epochs=1)
        for how in ("none", "numpy")
    ]
    assert {run.history.stop_reason for run in runs} == {StopReason.DIVERGED}
    assert_same_run(*runs, gradients=False)


# --------------------------------------------------------------------------------------------------- callbacks
class Log(Callback):
    """Notes what is there to be seen after each update."""

    def __init__(self):
        self.seen = []

    def on_update_end(self, run):
        gradients = [p.grad.numpy().copy() for p in run.model.parameters()]
        self.seen.append((run.losses[-1], run.examples[-1], run.optimizer.lr, run.model.state_dict(), gradients))


def test_callbacks_see_after_each_update_what_they_always_saw():
    logs = [Log(), Log()]
    runs = [Run(how, callbacks=[log]) for how, log in zip(("none", "numpy"), logs, strict=True)]
    assert_same_run(*runs)
    assert len(logs[0].seen) == len(logs[1].seen) == runs[0].history.n_updates
    for (*mine, weights, gradients), (*theirs, others, other_gradients) in zip(
        *(log.seen for log in logs), strict=True
    ):
        assert mine == theirs
        for name, array in weights.items():
            np.testing.assert_array_equal(array, others[name])
        for one, other in zip(gradients, other_gradients, strict=True):
            np.testing.assert_array_equal(one, other)


def new_array(run):
    run.model[0].weight.data = run.model[0].weight.numpy() * 0.5


def in_place(run):
    run.model[0].weight.numpy()[...] *= 0.5


def other_layer(run):
    run.model[1].p = 0.5
    vars(run.model)["1"] = nn.ReLU()


CHANGES = {
    "learning rate": lambda run: setattr(run.optimizer, "lr", 0.01),
    "weights in place": in_place,
    "weights elsewhere": new_array,
    "a state that is loaded": lambda run: run.model.load_state_dict(
        {name: array * 0.5 for name, array in run.model.state_dict().items()}
    ),
    "evaluation mode": lambda run: run.model.eval(),
    "a frozen layer": lambda run: run.model[0].weight.requires_grad_(requires_grad=False),
    "another layer": other_layer,
    "a layer more": lambda run: run.model.append(nn.Tanh()),
    "no gradients": lambda run: run.optimizer.zero_grad(),
    "the optimizer's state": lambda run: run.optimizer.load_state_dict(
        {name: array * 0 if array.ndim else array for name, array in run.optimizer.state_dict().items()}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", [{"update": 1}, {"update": 5}, {"epoch": 3}], ids=["early", "update", "epoch"])
def test_what_a_callback_changes_holds_from_the_next_update_on(change, when):
    def run(how, **options):
        model = network(nn.Dropout(0.5, rng=RNG(3)))
        return Run(how, model, optimizer=lambda p: sgd(p, momentum=0.9), epochs=50, **options)

    runs = [run(how, callbacks=[After(CHANGES[change], **when)]) for how in ("none", "numpy", "auto")]
    assert [one.history.compiled for one in runs] == ["none", "numpy", "numpy"]
    assert_same_run(runs[0], runs[1])
    assert_same_run(runs[0], runs[2])
    if change != "no gradients":
        assert runs[0].history.losses.tolist() != run("none").history.losses.tolist()


def test_a_number_that_is_part_of_the_program_sends_auto_back_and_stops_a_backend_that_was_named():
    change = lambda run: setattr(run.optimizer, "momentum", 0.5)  # noqa: E731 - used three times
    options = {"optimizer": lambda p: sgd(p, momentum=0.9), "epochs": 60}
    plain, auto = (Run(how, callbacks=[After(change, epoch=10)], **options) for how in ("none", "auto"))
    assert_same_run(plain, auto)
    assert auto.history.compiled.startswith("none: momentum of SGD was 0.9 when the step was compiled")
    with pytest.raises(CaptureError, match=r"momentum of SGD was 0\.9"):
        Run("numpy", callbacks=[After(change, epoch=10)], **options)


SCALE = {"of": 1.0}
FACTOR = 1.0


class Scaled:
    """A loss whose weight is its own."""

    def __init__(self):
        self.factor = 1.0

    def __call__(self, prediction, target):
        return nn.MSELoss()(prediction, target) * self.factor


def by_global(prediction, target):
    return nn.MSELoss()(prediction, target) * FACTOR


@pytest.mark.parametrize("kind", ["attribute", "closure", "global"])
def test_a_number_that_a_loss_reads_may_be_changed_between_epochs(kind, monkeypatch):
    runs = []
    for how in ("none", "numpy"):
        factor = 1.0
        scaled = Scaled()

        def by_closure(prediction, target):
            return nn.MSELoss()(prediction, target) * factor  # noqa: B023 - changed below

        def change(_run):
            nonlocal factor
            factor = scaled.factor = 0.25  # noqa: B023 - of this turn
            monkeypatch.setitem(globals(), "FACTOR", 0.25)

        monkeypatch.setitem(globals(), "FACTOR", 1.0)
        loss = {"attribute": scaled, "closure": by_closure, "global": by_global}[kind]
        runs.append(Run(how, network(n_outputs=2), y=NUMBERS, loss=loss, callbacks=[After(change, epoch=2)]))
    assert runs[1].history.compiled == "numpy"
    assert_same_run(*runs)


def test_early_stopping_gives_the_same_weights_back():
    runs = [Run(how, epochs=80, validation=0.3, callbacks=[EarlyStopping(patience=3)]) for how in ("none", "numpy")]
    assert runs[0].history.stop_reason is StopReason.EARLY_STOPPING
    assert_same_run(*runs)


# -------------------------------------------------------------------------------------- what cannot be compiled
class Branching(nn.Module):
    """Decides by a value."""

    def __init__(self):
        self.line = nn.Linear(6, 3, rng=RNG(0))

    def forward(self, x):
        h = self.line(x)
        return h * 2 if h.sum() > 0 else h


class Remembering(Branching):
    """Adds to a list of its own in each step."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def forward(self, x):
        self.shapes.append(x.shape)
        return self.line(x)


class Counting(Branching):
    """Counts, and computes with the count."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.line(x) / (1 + 0.01 * self.calls)


class Drawing(Branching):
    """Draws noise that the compiler cannot see."""

    def __init__(self):
        super().__init__()
        self.rng = RNG(0)

    def forward(self, x):
        return self.line(x + self.rng.normal(size=x.shape).astype(np.float32))


def by_variance(prediction, target):
    return ((prediction - target) ** 2).mean() / target.var()


def by_table(prediction, target):
    return -(prediction.log_softmax(axis=1) * np.eye(3, dtype=np.float32)[target]).sum(axis=1).mean()


@pytest.mark.parametrize(
    ("make", "options", "why"),
    [
        (Branching, {}, r"bool\(\) takes values out of the recorded step"),
        (Remembering, {}, "changes .* in Python, which is not recorded"),
        (Counting, {}, "divide was given .* in the first call and .* in the second"),
        (Drawing, {}, "in the first call|gives other numbers than the step itself"),
        (lambda: network(n_outputs=2), {"loss": by_variance, "y": NUMBERS}, r"y\.var\(\) of a Tensor by n - 1"),
        (network, {"loss": by_table}, r"test_fit_compiled\.py:\d+: return -\(prediction"),
    ],
    ids=["branch", "list", "count", "noise", "variance", "table"],
)
def test_what_cannot_be_compiled_runs_as_it_is_written_and_says_why(make, options, why):
    plain, auto = (Run(how, make(), epochs=50, **options) for how in ("none", "auto"))
    assert_same_run(plain, auto)
    reason = auto.history.compiled
    assert reason.startswith("none: ")
    with pytest.raises(CaptureError, match=why) as error:
        Run("numpy", make(), epochs=50, **options)
    assert str(error.value) == reason.removeprefix("none: ")


@pytest.mark.parametrize("make", [Branching, Counting, Drawing])
def test_a_backend_that_was_named_and_fails_leaves_weights_and_optimizer_as_they_are(make):
    model, optimizer = make(), None

    def adam(parameters):
        nonlocal optimizer
        optimizer = optim.Adam(parameters, 0.01, batch_size=None)
        return optimizer

    if make is not Branching:  # the first step is compared and made; it is the second that differs
        stop = After(lambda run: run.stop(StopReason.TOLERANCE, ""), update=1)
        expected = Run("none", make(), optimizer=lambda p: optim.Adam(p, 0.01, batch_size=None), callbacks=[stop])
    with pytest.raises(CaptureError):
        Run("numpy", model, optimizer=adam)
    weights = make().state_dict() if make is Branching else expected.model.state_dict()
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, weights[name])
    assert int(optimizer.state["step"]) == (0 if make is Branching else 1)


def test_a_change_that_only_python_sees_is_undone_before_the_step_is_made_as_written():
    class Sly(optim.SGD):
        """Changes the weights behind the compiler's back, and then does something that it refuses."""

        def step(self):
            for parameter in self.parameters:
                parameter.array -= 0.1 * parameter.grad.array
            self.parameters[0].numpy()

    plain, auto = (Run(how, optimizer=lambda p: Sly(p, 0.1, batch_size=16), epochs=50) for how in ("none", "auto"))
    assert auto.history.compiled.startswith("none: ")
    assert_same_run(plain, auto)


def test_auto_leaves_short_runs_as_they_are():
    assert Run("auto", epochs=49).history.compiled == (
        "none: At most 98 updates see 16 examples, and compiling pays from 100 on."
    )
    assert Run("auto", epochs=50).history.compiled == "numpy"


def test_auto_leaves_what_is_watched_as_it_is():
    with tg.detect_anomaly():
        assert Run("auto", epochs=50).history.compiled.startswith("none: What each operation does is watched")
    model, seen = network(), []
    model[0].weight.register_hook(lambda g: seen.append(g.shape))
    run = Run("auto", model, epochs=50)
    assert run.history.compiled == "none: A parameter has a hook, which is to be called in each update."
    assert len(seen) == run.history.n_updates


def test_the_short_last_batch_has_no_program_of_its_own_where_it_is_rare():
    sizes = set()

    def loss(prediction, target):
        if not isinstance(target, np.ndarray):  # as while it is recorded
            sizes.add(len(prediction))
        return nn.CrossEntropyLoss()(prediction, target)

    plain, auto = (Run(how, loss=loss, epochs=50) for how in ("none", "auto"))
    assert (auto.history.compiled, sizes) == ("numpy", {16})
    assert_same_run(plain, auto)
    assert Run("auto", loss=loss, epochs=100).history.compiled == "numpy"
    assert sizes == {16, 8}


def test_batches_of_ever_new_shapes_are_given_up():
    class Growing(optim.SGD):
        def batches(self, x, y, *, rng):
            return [(x[: n + 1], y[: n + 1]) for n in range(len(x))]

    plain, auto = (Run(how, optimizer=lambda p: Growing(p, 0.1), epochs=1) for how in ("none", "auto"))
    assert auto.history.compiled.startswith("none: The step had to be recorded 21 times")
    assert_same_run(plain, auto)


# ------------------------------------------------------------------------------------------------------ errors
def wrong_from(update):
    """Give labels of which one is out of range, and only there."""
    labels = LABELS.copy()
    labels[-update] = 7
    return labels


class InOrder(optim.SGD):
    """Deals the examples in order, so that it is known which update sees which."""

    def batches(self, x, y, *, rng):
        return tg.data.batches(x, y, 4)


@pytest.mark.parametrize("how", ["auto", "numpy"])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        *(({"y": wrong_from(k), "optimizer": lambda p: InOrder(p, 0.1)}, OptionError) for k in (1, 20, 36, 40)),
        ({"y": wrong_from(1)}, OptionError),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, ShapeError),
        ({"loss": nn.MSELoss(), "y": NUMBERS}, ShapeError),
        ({"loss": lambda _p, _y: 1.0}, AttributeError),
        ({"x": X[:, :5]}, ShapeError),
        ({"optimizer": lambda _: sgd(network().parameters())}, GraphError),
        ({"model": nn.Sequential(nn.Embedding(3, 4), nn.Flatten(), nn.Linear(8, 3)), "x": LABELS.reshape(-1, 2) + 2,
          "y": LABELS[:20]}, Exception),
    ],
    ids=["label, last", "label, middle", "label, second", "label, first", "label, shuffled", "for each entry", "shapes",
         "no Tensor", "features", "another model", "embedding"],
)  # fmt: skip
def test_a_batch_that_is_wrong_raises_what_it_always_raised(how, options, error):
    said = []
    for way in ("none", how):
        with pytest.raises(error) as raised:
            Run(way, **{"epochs": 200, **options})
        said.append((type(raised.value), str(raised.value)))
    assert said[0] == said[1]


def test_a_way_that_there_is_not_is_refused():
    with pytest.raises(OptionError, match="compile must be 'auto', 'none', 'numpy' or 'numba', but is 'jit'"):
        Run("jit")


# ------------------------------------------------------------------------------------------------ interruption
class Interrupting(optim.SGD):
    """Presses Ctrl-C in the middle of an update: between two arrays that it changes."""

    at, presses = 5, 1

    def scalars(self, lr, step):
        if step == self.at:  # which is read twice in a step that is recorded and compared
            for _ in range(self.presses):
                signal.raise_signal(signal.SIGINT)
            type(self).presses = 0
        return super().scalars(lr, step)


@pytest.fixture(autouse=True)
def handler_of_python():
    """Let Ctrl-C be what it is in a program; a parent in the background may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("how", ["none", "numpy"])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_ctrl_c_in_the_middle_of_an_update_leaves_the_weights_of_whole_updates(how, at):
    here = type("Here", (Interrupting,), {"at": at})
    run = Run(how, optimizer=lambda p: here(p, 0.1, momentum=0.9, batch_size=16))
    assert run.history.stop_reason is StopReason.INTERRUPTED
    assert run.history.message.startswith(f"Interrupted after {at} updates")
    stop = After(lambda run: run.stop(StopReason.INTERRUPTED, ""), update=at)
    same = Run("none", optimizer=lambda p: sgd(p, momentum=0.9), callbacks=[stop])
    assert_same_run(run, same)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("how", ["none", "numpy"])
def test_a_second_ctrl_c_does_not_wait(how):
    twice = type("Twice", (Interrupting,), {"presses": 2})
    run = Run(how, optimizer=lambda p: twice(p, 0.1, batch_size=16))
    assert (run.history.stop_reason, run.history.n_updates) == (StopReason.INTERRUPTED, 4)


def test_a_program_that_handles_ctrl_c_itself_keeps_its_handler():
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    here = type("Here", (Interrupting,), {})
    run = Run("numpy", optimizer=lambda p: here(p, 0.1, batch_size=16))
    assert (run.history.stop_reason, pressed) == (StopReason.MAX_EPOCHS, [True])


def test_a_run_in_another_thread_is_the_same():
    runs = {}
    thread = threading.Thread(target=lambda: runs.update(there=Run("numpy")))
    thread.start()
    thread.join()
    assert_same_run(runs["there"], Run("none"))


# ------------------------------------------------------------------------------------------------ whole epochs
class Epochs:
    """A step that notes the epochs that it was handed."""

    def __init__(self, step):
        self.step, self.calls = step, []

    def __call__(self, x, y):
        return self.step(x, y)

    def __getattr__(self, name):
        return getattr(self.step, name)

    def epoch(self, x, y, order, *, batch_size):
        self.calls.append(len(order))
        return self.step.epoch(x, y, order, batch_size=batch_size)


@pytest.fixture
def in_epochs(monkeypatch):
    """Let NumPy's programs take whole epochs, as machine code does."""
    made = []
    compile_anew = Compiled._compile

    def compile_for_epochs(self):
        compile_anew(self)
        self.in_epochs, self._step = True, Epochs(self._step)
        made.append(self._step)

    monkeypatch.setattr(Compiled, "_compile", compile_for_epochs)
    return made


def test_whole_epochs_are_handed_over_once_the_step_was_compared(in_epochs):
    runs = [Run(how, validation=0.2, epochs=5) for how in ("none", "numpy")]
    assert in_epochs[0].calls == [32] * 4  # the first epoch is made of two steps that are compared
    assert_same_run(*runs)
    seconds = runs[1].history.seconds
    np.testing.assert_allclose(np.diff(seconds[1:4]), np.diff(seconds[1:4])[0])


def test_an_epoch_that_diverges_is_recorded_up_to_there(in_epochs):
    runs = [
        Run(
            how,
            network(n_outputs=2),
            y=NUMBERS,
            loss=nn.MSELoss(),
            optimizer=lambda p: sgd(p, lr=0.7, batch_size=4),
            epochs=9,
        )
        for how in ("none", "numpy")
    ]
    assert runs[0].history.stop_reason is StopReason.DIVERGED
    assert runs[0].history.n_updates > 3
    assert in_epochs[0].calls
    assert_same_run(*runs, gradients=False)
    assert [run.history.message.split(". ")[0] for run in runs] == [runs[0].history.message.split(". ")[0]] * 2


@pytest.mark.parametrize("options", [{"callbacks": [Log()]}, {"tolerance": 1e-9}], ids=["callback", "tolerance"])
def test_what_looks_at_each_update_gets_each_update(in_epochs, options):
    assert_same_run(*(Run(how, epochs=5, **options) for how in ("none", "numpy")))
    assert in_epochs[0].calls == []


def test_callbacks_of_epochs_alone_do_not_keep_epochs_from_being_handed_over(in_epochs):
    stop = EarlyStopping(patience=3, min_delta=math.inf)
    runs = [Run(how, epochs=5, validation=0.2, callbacks=[stop]) for how in ("none", "numpy")]
    assert_same_run(*runs)
    assert in_epochs[0].calls


@pytest.fixture(scope="module")
def by_machine_code():
    """Give two runs for a learning rate, as written and in machine code, which is compiled once."""
    pytest.importorskip("numba", reason="the extra jit")

    def run(how, lr):
        options = {"loss": nn.MSELoss(), "y": NUMBERS, "validation": 0.2, "epochs": 30}
        return Run(how, network(nn.Tanh(), n_outputs=2), optimizer=lambda p: sgd(p, lr=lr), **options)

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("TINYGRAD_EDU_CACHE", folder)
        yield lambda lr: (run("none", lr), run("numba", lr))


def test_machine_code_gives_the_same_run_up_to_rounding(by_machine_code):
    plain, machine = (one.history for one in by_machine_code(0.05))
    assert (machine.compiled, machine.n_updates) == ("numba", 60)
    # Sums in another order: a few roundings of float32 in each of 60 updates.
    np.testing.assert_allclose(machine.losses, plain.losses, rtol=1e-4)
    np.testing.assert_allclose(machine.validation_losses, plain.validation_losses, rtol=1e-4)


def test_machine_code_that_diverges_stops_before_the_same_update(by_machine_code):
    plain, machine = (one.history for one in by_machine_code(3.0))
    assert plain.stop_reason is machine.stop_reason is StopReason.DIVERGED
    assert 5 < plain.n_updates == machine.n_updates < 60
    said = [one.message.split(":")[0] for one in (plain, machine)]
    assert said == [f"Diverged at update {plain.n_updates + 1}"] * 2
