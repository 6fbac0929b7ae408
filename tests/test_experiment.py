"""An experiment is a run as data: the same JSON gives the same numbers, and so does the program that it writes."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu import optim
from tinygrad_edu.data import DATASETS
from tinygrad_edu.errors import DataError, FormulaError, OptionError, ShapeError, TinygradEduError
from tinygrad_edu.learn import Experiment, FormulaExperiment, OptimizerRecipe, TrainingExperiment, minimize
from tinygrad_edu.learn.recipe import OPTIMIZERS
from tinygrad_edu.learn.training_experiment import LOSSES
from tinygrad_edu.traces import Trace

HEAD = {"format": "tinygrad_edu.experiment", "version": 1}
PARABOLA = {**HEAD, "kind": "minimize", "formula": "x**2", "start": -6.0}
MOONS = {**HEAD, "kind": "fit", "dataset": "moons", "dataset_options": {"n": 40}, "hidden": [4], "epochs": 2}


def recipe(name="SGD", **options):
    return OptimizerRecipe(name, options)


EXPERIMENTS = {
    "plain": FormulaExperiment.of("x**2", -6.0, lr=0.9),
    "momentum": FormulaExperiment("x**2 + sin(3*x)", 2.0, recipe(lr=0.05, momentum=0.9), max_steps=40),
    "adam": FormulaExperiment("(x - 1)**2 + 10*y**2", (0.1, 3.0), recipe("Adam", lr=0.3), 60, 1e-6, 20),
    "moons": TrainingExperiment("moons", {"n": 60, "noise": 0.2}, data_seed=3, hidden=(4,), epochs=2, validation=0.25),
    "float64": TrainingExperiment(
        "sine", {"n": 50}, hidden=(3, 2), activation="tanh", loss="HuberLoss", epochs=2, dtype="float64", compile="none"
    ),
    "compiled": TrainingExperiment(
        "blobs", {"n": 48}, hidden=(), optimizer=recipe("Adam", batch_size=None), epochs=3, seed=7, compile="numpy"
    ),
}  # fmt: skip


@pytest.fixture(params=EXPERIMENTS, name="experiment")
def _experiment(request):
    return EXPERIMENTS[request.param]


def python(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout


# ----------------------------------------------------------------------------------- the same numbers


def test_json_gives_the_same_experiment(experiment):
    again = Experiment.from_json(experiment.to_json())
    assert again == experiment
    assert type(again) is type(experiment)
    assert hash(again) == hash(experiment)
    assert again.to_json() == experiment.to_json()


def test_the_same_experiment_gives_the_same_numbers_each_time(experiment):
    assert experiment.run().to_json() == experiment.run().to_json()


def test_the_same_json_gives_the_same_numbers_in_another_process():
    program = "\n".join(
        [
            "import hashlib",
            "from tinygrad_edu.learn import Experiment",
            *(
                f"print(hashlib.sha256(Experiment.from_json({e.to_json()!r}).run().to_json().encode()).hexdigest())"
                for e in EXPERIMENTS.values()
            ),
        ]
    )
    first, second = python(program), python(program)
    assert first == second
    assert len(set(first.split())) == len(EXPERIMENTS)


def numbers_of(experiment):
    """What the exported program prints, computed here."""
    if isinstance(experiment, FormulaExperiment):
        trace = experiment.run()
        lines = [[s.k, *np.ravel(s.point).tolist(), s.loss, *np.ravel(s.gradient).tolist()] for s in trace]
        return [*lines, [trace.message]]
    _, history = experiment.train()
    steps = [[s.k, s.loss, s.slope, float(np.abs(s.point).sum())] for s in history.trace]
    epochs = [[e.epoch, e.loss, e.validation_loss, e.validation_metric] for e in history.epochs]
    return [*steps, *epochs, [history.message]]


def test_the_exported_programs_print_the_same_numbers():
    # One process for all of them, for each takes a second to begin.
    program = "\n".join(f"exec({e.script()!r}, {{}})" for e in EXPERIMENTS.values())
    expected = [" ".join(map(str, line)) for e in EXPERIMENTS.values() for line in numbers_of(e)]
    assert python(program).splitlines() == expected


def test_the_exported_program_stands_alone(tmp_path):
    file = tmp_path / "run.py"
    file.write_text(EXPERIMENTS["moons"].script())
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == EXPERIMENTS["moons"].train()[1].message


def test_a_formulas_experiment_is_minimize():
    assert EXPERIMENTS["plain"].run() == minimize("x**2", -6.0, lr=0.9)
    rolling = minimize(
        "x**2 + sin(3*x)", 2.0, optimizer=lambda p: optim.SGD(p, lr=0.05, momentum=0.9), max_steps=40
    )  # fmt: skip
    assert EXPERIMENTS["momentum"].run() == rolling
    assert EXPERIMENTS["adam"].run().thinned


def test_the_model_of_a_training_is_there_too():
    model, history = EXPERIMENTS["float64"].train()
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert isinstance(history.trace, Trace)
    assert history.trace.points.dtype == np.float64
    assert history.n_updates == 4
    assert EXPERIMENTS["compiled"].train()[1].compiled == "numpy"


@pytest.mark.parametrize("name", ["moons", "sine"])
def test_every_loss_of_a_task_can_be_chosen(name):
    for loss in LOSSES[DATASETS[name].task]:
        experiment = TrainingExperiment(name, {"n": 40}, hidden=(2,), loss=loss, epochs=1)
        assert np.isfinite(experiment.run()[0].loss)


def test_data_that_are_not_drawn_need_no_seed():
    pytest.importorskip("sklearn")
    experiment = TrainingExperiment("diabetes", hidden=(), epochs=1)
    assert "tg.data.diabetes()" in experiment.script()
    assert experiment.run().n_steps == 14


# ------------------------------------------------------------------------------------------- as data


def test_an_experiment_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPERIMENTS["plain"].start = 1.0
    with pytest.raises(TypeError):
        EXPERIMENTS["moons"].dataset_options["n"] = 1
    with pytest.raises(TypeError):
        EXPERIMENTS["adam"].optimizer.options["lr"] = 1


def test_an_experiment_can_be_copied_and_sent_and_changed(experiment):
    for same in (copy.deepcopy(experiment), pickle.loads(pickle.dumps(experiment))):  # noqa: S301 - pickled just now
        assert same == experiment
    other = dataclasses.replace(experiment, keep=50)
    assert (other.keep, other.optimizer) == (50, experiment.optimizer)


def test_what_has_a_default_may_be_left_out():
    assert Experiment.from_json(json.dumps(PARABOLA)) == FormulaExperiment("x**2", -6.0)
    assert Experiment.from_json(json.dumps(MOONS)).loss == "CrossEntropyLoss"


def test_json_says_everything():
    entries = json.loads(FormulaExperiment("x**2", -6, recipe(momentum=0.9)).to_json())
    assert entries == {
        **PARABOLA,
        "optimizer": {
            "name": "SGD",
            "options": {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0},
        },
        "max_steps": 100,
        "tolerance": 0.001,
        "keep": 10000,
    }
    moons = json.loads(Experiment.from_json(json.dumps(MOONS)).to_json())
    assert moons["optimizer"]["options"] == {"lr": 0.1, "batch_size": 32}
    assert set(moons) == {field.name for field in dataclasses.fields(TrainingExperiment)} | {*HEAD, "kind"}


@pytest.mark.parametrize("start", [[1, 2], (1.0, 2.0), {"y": 2, "x": 1}, np.array([1, 2])])
def test_a_start_is_kept_as_numbers(start):
    assert FormulaExperiment("x + y", start).start == (1.0, 2.0)


def test_files_are_written_and_read(tmp_path):
    for experiment in EXPERIMENTS.values():
        assert Experiment.load(experiment.save(tmp_path / "e.json")) == experiment
    with pytest.raises(DataError, match=r"cannot be read from '.*none.json': No such file"):
        Experiment.load(tmp_path / "none.json")
    with pytest.raises(DataError, match="cannot be written to"):
        EXPERIMENTS["plain"].save(tmp_path / "no" / "e.json")


# ------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("x**2", r"it is no JSON from line 1, column 1 on"),
        ("[]", "it must be an object {...}, but is a list"),
        ("{}", "its format must be 'tinygrad_edu.experiment', but is None"),
        (json.dumps({**HEAD, "version": 2}), "its version must be 1, but is 2"),
        (json.dumps(HEAD), "there is no kind None. There are: fit, minimize"),
        (json.dumps({**HEAD, "kind": "minimise"}), "Did you mean 'minimize'"),
        (json.dumps({**HEAD, "kind": []}), "there is no kind"),
        (json.dumps({**PARABOLA, "max_step": 3}), "there is no 'max_step' in one. Did you mean 'max_steps'"),
        (json.dumps({**MOONS, "epoch": 3}), "Did you mean 'epochs'"),
        (json.dumps({**HEAD, "kind": "minimize", "formula": "x**2"}), "'start' is missing"),
        (json.dumps({**HEAD, "kind": "fit"}), "'dataset' is missing"),
        (json.dumps({**PARABOLA, "optimizer": "SGD"}), "not the recipe of an optimizer: it must be an object"),
        (json.dumps({**PARABOLA, "optimizer": {"name": "SGD"}}), "'options' is missing"),
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ('{"start": NaN}', 'JSON has no NaN; write "nan" as text'),
        ('{"start": -Infinity}', 'JSON has no -Infinity; write "-inf" as text'),
        ('{"start": 1e999}', "the number 1e999 is too large"),
        ('{"start": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ("[" * 100_000, "nested too deep"),
        ('{"hidden": ' + "[" * 99 + "]" * 99 + "}", "nested too deep"),
        (b"\xff{}", "its bytes are no text in UTF-8"),
        (3, "it must be JSON text, but is int"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_text_that_is_no_experiment_is_refused_with_the_place(text, message):
    with pytest.raises(DataError, match="This is not") as error:
        Experiment.from_json(text)
    assert message in str(error.value).replace("\\", "")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"formula": "x^2"}, FormulaError, "write"),
        ({"formula": 3}, FormulaError, "is int"),
        ({"formula": "3"}, FormulaError, "no variable"),
        ({"start": [1, 2]}, ShapeError, "needs one number"),
        ({"start": "inf"}, OptionError, "must be finite"),
        ({"start": {"y": 1}}, OptionError, "start names y"),
        ({"max_steps": -1}, OptionError, "max_steps"),
        ({"max_steps": 1.5}, OptionError, "max_steps"),
        ({"tolerance": "small"}, OptionError, "tolerance"),
        ({"keep": 1}, OptionError, "keep"),
        ({"optimizer": {"name": "sdg", "options": {}}}, OptionError, "Did you mean 'SGD'"),
        ({"optimizer": {"name": [], "options": {}}}, OptionError, "There is no optimizer"),
        ({"optimizer": {"name": "SGD", "options": []}}, OptionError, "must be given by name"),
        ({"optimizer": {"name": "SGD", "options": {"rate": 1}}}, OptionError, "has no option 'rate'"),
        ({"optimizer": {"name": "SGD", "options": {"lr": -1}}}, OptionError, "lr must be a finite number > 0"),
        ({"optimizer": {"name": "SGD", "options": {"batch_size": 2}}}, OptionError, "takes no batch_size"),
    ],
)
def test_what_a_descent_cannot_be_made_of_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        Experiment.from_json(json.dumps({**PARABOLA, **change}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "moon"}, "There is no data set 'moon'. Did you mean 'moons'"),
        ({"dataset": []}, "There is no data set"),
        ({"dataset": "iris"}, "is always the same, and has no option 'n'"),
        ({"dataset_options": {"noisy": 1}}, "has no option 'noisy'. Did you mean 'noise'"),
        ({"dataset_options": {"rng": 1}}, "has no option 'rng'"),
        ({"dataset_options": {"n": "9"}}, "must be a number, but is '9'"),
        ({"dataset_options": [1]}, "must be given by name"),
        ({"hidden": 4}, "hidden must list the units"),
        ({"hidden": [0]}, "Each entry of hidden must be a whole number from 1 on"),
        ({"activation": "rilu"}, "Did you mean 'relu'"),
        ({"activation": []}, "There is no activation"),
        ({"loss": "MSELoss"}, "There is no loss 'MSELoss' for classification"),
        ({"loss": []}, "There is no loss"),
        ({"optimizer": {"name": "SGD", "options": {"batch_size": 0}}}, "batch_size"),
        ({"epochs": 0}, "epochs must be a whole number from 1 on"),
        ({"epochs": True}, "epochs"),
        ({"seed": -1}, "seed must be a whole number from 0 on"),
        ({"seed": False}, "seed"),
        ({"data_seed": 0.5}, "data_seed"),
        ({"validation": 1.5}, "validation must be a fraction"),
        ({"compile": "jit"}, "compile must be"),
        ({"compile": None}, "compile must be"),
        ({"dtype": "float16"}, "dtype must be"),
        ({"keep": 0}, "keep"),
    ],
)
def test_what_a_training_cannot_be_made_of_is_refused(change, message):
    with pytest.raises(OptionError, match=message):
        Experiment.from_json(json.dumps({**MOONS, **change}))


@pytest.mark.parametrize("made", [FormulaExperiment, TrainingExperiment])
def test_a_recipe_is_needed_and_no_optimizer(made):
    arguments = ("x**2", 1.0) if made is FormulaExperiment else ("moons",)
    with pytest.raises(OptionError, match="optimizer must be a recipe, such as OptimizerRecipe"):
        made(*arguments, optimizer=optim.SGD)


def test_a_kind_does_not_read_the_other():
    with pytest.raises(DataError, match=r"its kind is 'fit', .* Use Experiment.from_json"):
        FormulaExperiment.from_json(EXPERIMENTS["moons"].to_json())


_words = st.sampled_from(["SGD", "x", "nan"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "options", "lr", "n"]), inner),
    max_leaves=6,
)


@given(st.data())
def test_whatever_a_text_holds_it_is_read_or_refused(data):
    base = data.draw(st.sampled_from([PARABOLA, MOONS]))
    names = [*base, "optimizer", "keep", "validation", "loss", "activation", "tolerance", "seed"]
    text = json.dumps({**base, data.draw(st.sampled_from(names)): data.draw(_values)})
    try:
        experiment = Experiment.from_json(text)
    except TinygradEduError:
        return
    assert Experiment.from_json(experiment.to_json()) == experiment


# ----------------------------------------------------------------------------------- an optimizer as text


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_recipe_that_moves_a_formula(name):
    made = FormulaExperiment("x**2 + y**2", (1.0, -2.0), recipe(name), max_steps=3)
    assert Experiment.from_json(made.to_json()) == made
    trace = made.run()
    assert trace.losses[-1] < trace.losses[0]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("sgd", {"lr": 0.1}),
        ("SGD,momentum=.9", {"momentum": 0.9}),
        ("sgd, momentum=0.9, nesterov=true", {"nesterov": True}),
        ("Adam,betas=[0.8, 0.99],eps=1e-6", {"betas": (0.8, 0.99), "eps": 1e-6}),
        ("sgd,batch_size=null", {"batch_size": None}),
        ("sgd,lr=1", {"lr": 1.0}),
    ],
)
def test_an_optimizer_is_typed_as_its_name_and_options(words, options):
    made = OptimizerRecipe.from_words(words)
    assert made.name in OPTIMIZERS
    assert {name: made.options[name] for name in options} == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "There is no optimizer ''"),
        ("sdg", "Did you mean 'SGD'"),
        ("sgd,momentum", "'momentum' is no option of an optimizer. Write"),
        ("sgd,=3", "is no option"),
        ("sgd,momentun=0.9", "Did you mean 'momentum'"),
        ("sgd,momentum=1.5", "momentum must be a finite number >= 0 and < 1"),
        ("sgd,momentum=high", "has no value that can be read"),
        ("sgd,lr=true", "lr of SGD must be a number"),
        ("sgd,lr=1" + "0" * 400, "lr of SGD must be a number"),
        ("sgd,lr=NaN", "lr must be a finite number"),
        ("sgd,nesterov=1", "nesterov of SGD must be true or false"),
        ("sgd,nesterov=true", "Try momentum=0.9"),
        ("adam,betas=0.9", "betas of Adam must be 2 numbers"),
        ("adam,betas=[0.9]", "betas of Adam must be 2 numbers"),
        ('adam,betas=[0.9,"a"]', "betas of Adam must be a number"),
        ("sgd,lr=1,lr=2", "is given twice"),
    ],
)  # fmt: skip
def test_what_is_no_recipe_is_refused(words, message):
    with pytest.raises(OptionError, match=message):
        OptimizerRecipe.from_words(words)


def test_a_recipe_says_what_differs_from_the_usual():
    made = recipe(momentum=0.9, weight_decay=0)
    assert repr(made) == "OptimizerRecipe('SGD', lr=0.1, momentum=0.9)"
    assert made == recipe(momentum=0.9) == recipe("sgd", lr=0.1, momentum=0.9, nesterov=False)
    assert len({made, recipe(momentum=0.9), recipe("Adam")}) == 2
