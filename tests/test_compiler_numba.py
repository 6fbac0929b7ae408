"""Machine code does what the step does, and is found again by the next run; what it calls is exact.

What the source says of every layer, loss and optimizer is tested in test_compiler_numba_source.py, without compiling.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.compiling import RNG, floats, loss_of, training
from tests.test_compiler_equality import OPTIMIZERS
from tinygrad_edu import nn
from tinygrad_edu.compiler import compile as tg_compile
from tinygrad_edu.compiler.machine import cache
from tinygrad_edu.errors import MissingDependencyError

numba = pytest.importorskip("numba")
functions = pytest.importorskip("tinygrad_edu.compiler.machine.functions")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Let this module compile into a folder of its own."""
    path, before = tmp_path_factory.mktemp("cache"), os.environ.get(cache.VARIABLE)
    os.environ[cache.VARIABLE] = str(path)
    yield path / "compiled"
    os.environ.pop(cache.VARIABLE)
    if before is not None:
        os.environ[cache.VARIABLE] = before


def distance(a, b):
    """Give the largest difference, relative to the largest entry."""
    return float(np.abs(a - b).max() / np.abs(b).max())


# ----------------------------------------------------------------------------------------- whole runs
def classifier(dtype):
    def build():
        rng = RNG(0)
        model = nn.Sequential(nn.Linear(6, 9, rng=rng), nn.Tanh(), nn.Linear(9, 4, rng=rng))
        for parameter in model.parameters():
            parameter.array = parameter.array.astype(dtype)
        return training(model, nn.CrossEntropyLoss(), OPTIMIZERS["SGD"])

    return build, floats(50, 6, dtype=dtype), RNG(1).integers(0, 4, 50)


def regression():
    return lambda: training(nn.Linear(5, 1, rng=RNG(0)), optimizer=OPTIMIZERS["SGD"]), floats(50, 5), floats(50, 1)


def images(dtype):
    def build():
        rng = RNG(0)
        layers = [
            nn.Conv2d(1, 3, 3, padding=1, rng=rng),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3, rng=rng),
        ]
        model = nn.Sequential(*layers, nn.Linear(12, 3, rng=rng))
        for parameter in model.parameters():
            parameter.array = parameter.array.astype(dtype)
        return training(model, nn.CrossEntropyLoss(), OPTIMIZERS["Adam"], generators=[rng])

    return build, floats(50, 1, 4, 4, dtype=dtype), RNG(1).integers(0, 3, 50)


# What is trained, the size of its batches, and how far it may be from the step itself after 100 updates.
RUNS = {
    "a classifier": (classifier(np.float32), 10, 1e-5),
    "a classifier in double precision": (classifier(np.float64), 10, 1e-12),
    "example by example": (regression(), 1, 1e-5),
    "images": (images(np.float32), 25, 1e-5),
    "images in double precision": (images(np.float64), 25, 1e-12),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_hundred_updates(name):
    (build, X, y), size, tolerance = RUNS[name]
    eager, other = build(), build()
    step = tg_compile(other.step, backend="numba")
    for k in range(100 // (50 // size)):
        order = RNG(k).permutation(50)
        losses = step.epoch(X, y, order, batch_size=size)
        batches = [order[i : i + size] for i in range(0, 50, size)]
        expected = np.array([loss_of(eager.step(X[rows], y[rows])) for rows in batches])
        assert distance(losses, expected) <= tolerance
    got, wanted = other.state(), eager.state()
    numbers = [n for n, value in wanted.items() if isinstance(value, np.ndarray)]
    assert {n: d for n in numbers if (d := distance(got[n], wanted[n])) > tolerance} == {}
    assert [n for n in wanted if n not in numbers and got[n] != wanted[n]] == []


# -------------------------------------------------------------------------------------------- the cache
PROGRAM = """
import numpy as np
from numba.core import event
import tinygrad_edu as tg
from tinygrad_edu import nn, optim
model = nn.Linear(3, 1, rng=np.random.default_rng(0))
descent = optim.SGD(model.parameters(), lr=0.1)
def train(x, y):
    loss = ((model(x) - y) ** 2).mean()
    descent.zero_grad()
    loss.backward()
    descent.step()
    return loss
step = tg.compile(train, backend="numba")
with event.install_recorder("numba:compile") as compiled:
    print(step(np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)), len(compiled.buffer))
"""


def test_the_next_run_finds_the_machine_code(folder):
    def run():
        shown = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
        return shown.split()

    before = {*folder.glob("*.py")}
    loss, compiled = run()
    assert int(compiled) > 0
    (source,) = {*folder.glob("*.py")} - before
    assert source.read_text(encoding="utf-8").startswith('"""One step of train."""')
    assert [*(folder / "__pycache__").glob(f"{source.stem}*.nbc")]
    assert run() == [loss, "0"]


def test_the_cache_is_in_the_users_folder_unless_a_variable_names_another(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.VARIABLE)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert cache.cache_folder().parts[-2:] == ("tinygrad_edu", "compiled")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "here"))
    assert cache.cache_folder() == tmp_path / "here" / "compiled"


def test_a_folder_that_cannot_be_written_does_not_matter(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    module = cache.load("answer = 42\n")
    assert module.answer == 42
    assert cache.load("answer = 42\n") is module


def test_without_numba_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    one = training(nn.Linear(3, 1, rng=RNG(0)))
    with pytest.raises(MissingDependencyError, match=r'pip install "tinygrad-edu\[jit\]"'):
        tg_compile(one.step, backend="numba")(floats(4, 3), floats(4, 1))


# -------------------------------------------------------------------------- what machine code calls
FUNCTIONS = {
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sign": np.sign,
    "square": np.square,
    "reciprocal": np.reciprocal,
}
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-30, -1e-30, 1e-8, 88.7, -87.3, -100.0, 709.7, -745.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_the_last_bits(name, dtype):
    called = getattr(functions, name)

    @numba.njit
    def each(x, out):
        for k in range(x.size):
            out[k] = called(x[k])

    x = np.concatenate([np.linspace(-120, 120, 5001), np.linspace(-1, 1, 5001), SPECIAL]).astype(dtype)
    out = np.empty_like(x)
    each(x, out)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name](x.astype(np.longdouble)).astype(dtype)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(exact))
    finite = np.isfinite(exact)
    np.testing.assert_array_equal(out[~finite], exact[~finite])
    room = 4 * np.maximum(np.spacing(np.abs(exact[finite])), np.finfo(dtype).tiny)
    assert np.all(np.abs(out[finite] - exact[finite]) <= room)


PRODUCTS = [(1, 1, 1), (5, 7, 3), (13, 3, 1), (32, 10, 64), (33, 47, 5)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("how", ["nn", "tn"])
def test_products_of_all_sizes(how, dtype):
    lines = [f'    product("{how}", a{i}, b{i}, c{i}, {m}, {n}, {k})\n    turn(b{i}, t{i}, {k}, {n})\n'
             f'    descend("{how}", a{i}, b{i}, d{i}, rate, g{i}, keep, {m}, {n}, {k})\n'
             for i, (m, n, k) in enumerate(PRODUCTS)]  # fmt: skip
    names = ", ".join(f"a{i}, b{i}, c{i}, d{i}, g{i}, t{i}" for i in range(len(PRODUCTS)))
    scope = {name: getattr(functions, name) for name in ("product", "descend", "turn")}
    exec(f"def run({names}, rate, keep):\n{''.join(lines)}", scope)  # noqa: S102 - sizes have to be written out
    sets = []
    for m, n, k in PRODUCTS:
        shape = (k, m) if how == "tn" else (m, k)
        sets.append([floats(*s, seed=m, dtype=dtype) for s in (shape, (k, n), (m, n), (m, n), (m, n), (n, k))])
    before = [one[3].copy() for one in sets]
    numba.njit(scope["run"])(*[array for one in sets for array in one], dtype(0.5), True)  # noqa: FBT003
    for (a, b, c, d, g, t), was in zip(sets, before, strict=True):
        expected = (a.T if how == "tn" else a) @ b
        np.testing.assert_allclose(c, expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(d, was - 0.5 * expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(t, b.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_by_the_blas(dtype):
    gemm = functions.gemm

    @numba.njit
    def run(a, b, at, bt, c):
        gemm("nn", a, b, c[0], 1, 0)
        gemm("nt", a, bt, c[1], 1, 0)
        gemm("tn", at, b, c[2], 1, 0)
        gemm("tt", at, bt, c[3], -2, 1)

    a, b = floats(5, 3, dtype=dtype), floats(3, 4, dtype=dtype)
    c = np.ones((4, 5, 4), dtype)
    run(a, b, a.T.copy(), b.T.copy(), c)
    for got, expected in zip(c, [a @ b] * 3 + [1 - 2 * (a @ b)], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_batches_lie_where_they_lie_or_are_gathered():
    rows = functions.rows

    @numba.njit
    def run(examples, order, first, room):
        return rows(examples, order, first, room)[0, 0]

    examples, room = floats(9, 2), np.zeros((3, 2), np.float32)
    assert run(examples, np.arange(9), 4, room) == examples[4, 0]
    assert not room.any()
    assert run(examples, np.array([0, 7, 8, 1]), 1, room) == examples[7, 0]
    np.testing.assert_array_equal(room, examples[[7, 8, 1]])


def test_random_numbers_are_those_of_numpy():
    uniform, normal = functions.uniform, functions.normal

    @numba.njit
    def run(rng, a, b):
        uniform(rng, a, np.float32)
        normal(rng, b, np.float64)

    a, b = np.empty((7, 3), np.float32), np.empty(500)
    one, other = RNG(0), RNG(0)
    run(one, a, b)
    np.testing.assert_array_equal(a, other.random((7, 3), np.float32))
    np.testing.assert_array_equal(b, other.standard_normal(500))
    assert one.random() == other.random()
