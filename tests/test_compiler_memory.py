"""Where a compiled step computes: nothing is allocated, what is not needed any more is used again, pieces are exact."""

import gc
import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.compiler import pieces, primitives as p
from tinygrad_edu.compiler.program import Value, n_bytes

OPTIMIZERS = {
    "plain": lambda w: optim.SGD(w, lr=0.1),
    "momentum": lambda w: optim.SGD(w, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda w: optim.Adam(w, lr=0.01, weight_decay=0.1),
}


def trainer(make_optimizer=OPTIMIZERS["plain"], sizes=(6, 20, 5)):
    rng = np.random.default_rng(0)
    first, last = nn.Linear(sizes[0], sizes[1], rng=rng), nn.Linear(sizes[1], sizes[2], rng=rng)
    model = nn.Sequential(first, nn.ReLU(), last)
    criterion, descent = nn.CrossEntropyLoss(), make_optimizer(list(model.parameters()))

    def train(x, y):
        loss = criterion(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return train, model, descent


def batches(n, size=16, features=6, classes=5):
    rng = np.random.default_rng(1)
    for _ in range(n):
        yield rng.standard_normal((size, features), dtype=np.float32), rng.integers(0, classes, size)


# ------------------------------------------------------------------------------------------- allocation
@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_step_allocates_no_arrays(make_optimizer):
    train, *_ = trainer(make_optimizer, (60, 2000, 5))
    step = tg.compile(train)
    given = list(batches(20, 64, 60))
    for x, y in given[:5]:
        step(x, y)
    gc.collect()
    tracemalloc.start()
    for x, y in given:
        step(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A call of NumPy's that broadcasts takes scratch of 8,192 entries. The hidden values alone are 512,000 bytes.
    assert peak < 40_000


def test_values_that_are_not_needed_together_share_memory():
    train, *_ = trainer(sizes=(60, 200, 5))
    step = tg.compile(train)
    step(*next(batches(1, 64, 60)))
    computed = [v for v in step.variant.memory.storages if v.kind == "computed"]
    assert step.variant.memory.size < 0.5 * sum(n_bytes(v) for v in computed)


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_no_two_stretches_of_memory_that_are_needed_together_overlap(make_optimizer):
    train, *_ = trainer(make_optimizer)
    step = tg.compile(train)
    step(*next(batches(1)))
    storages = {id(s): s for s in step.variant.memory.storages.values() if s.kind == "arena"}.values()
    spans = [(span, storage) for storage in storages for span in storage.spans()]
    assert len(spans) > len(storages) > 5
    for k, (one, its) in enumerate(spans):
        for other, others in spans[:k]:
            apart = one.stop <= other.start or other.stop <= one.start
            never_together = one.last < other.first or other.last < one.first
            assert apart or never_together, (its.values, others.values)


def test_what_is_done_before_a_gradient_lies_where_the_gradient_will_be():
    train, *_ = trainer(sizes=(600, 200, 5))
    step = tg.compile(train)
    step(*next(batches(1, 64, 600)))
    gradients = 4 * (600 * 200 + 200 + 200 * 5 + 5)
    hidden = 4 * 64 * 200
    change = pieces._PIECE
    # Beside all gradients there is room for one gradient of the hidden values, or a piece of the change; no more.
    assert gradients < step.variant.memory.size < gradients + max(hidden, change) + 1024


# ------------------------------------------------------------------------------------- numbers at full size
def compared(shapes, lowest, dtype=np.float32):
    """Make a step that takes the larger of x and a number, for arrays of several shapes."""
    weights = [tg.tensor(np.ones(shape, dtype), requires_grad=True) for shape in shapes]
    descent = optim.SGD(weights, lr=0.5)

    def train(x):
        loss = sum((tg.maximum(w * x, lowest)).sum() for w in weights)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return train, weights


NUMBERS = {"zero": 0.0, "minus zero": -0.0, "another": -0.75, "minus infinity": -np.inf, "no number": np.nan}


@pytest.mark.parametrize("lowest", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("shapes", [[(3, 5), (7, 2)], [(200, 100), (3, 5)]], ids=["small", "filled first"])
def test_the_larger_of_an_array_and_a_number_has_the_same_bits(shapes, lowest):
    eager, expected = compared(shapes, lowest)
    train, weights = compared(shapes, lowest)
    step = tg.compile(train)
    for x in (np.array(v, np.float32) for v in (1.0, -1.0, 0.0, np.inf, np.nan)):
        with np.errstate(invalid="ignore"):
            assert repr(step(x)) == repr(eager(tg.tensor(x)).item())
    for a, b in zip(weights, expected, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


def test_arrays_full_of_one_number_share_their_memory():
    train, _ = compared([(30, 40), (10, 12), (7, 5)], 0.0)
    step = tg.compile(train)
    step(np.array(2.0, np.float32))
    zeros = [array for name, array in step.variant.run.__globals__.items() if name.startswith("zeros_")]
    assert sorted(array.shape for array in zeros) == [(7, 5), (10, 12), (30, 40)]
    assert all(np.shares_memory(a, b) for a in zeros for b in zeros)
    assert not any(array.any() for array in zeros)


def test_a_long_result_is_filled_with_the_number_instead():
    train, _ = compared([(200, 100)], 0.0)
    step = tg.compile(train)
    step(np.array(2.0, np.float32))
    assert "maximum.fill(0.0)" in step.source
    assert not [name for name in step.variant.run.__globals__ if name.startswith("zeros_")]


# ------------------------------------------------------------------------------------------ what is kept
@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_what_is_shown_is_the_same_after_its_objects_were_let_go(make_optimizer):
    train, *_ = trainer(make_optimizer)
    step = tg.compile(train)
    given = list(batches(4))
    step(*given[0])
    shown = [(name, str(program)) for name, program in step.passes]
    tables = str(step.explain()), str(step.buffers), step.source
    instructions = list(map(str, step.instructions))
    for batch in given[1:]:
        step(*batch)
    assert step.variant._stages is None
    assert [(name, str(program)) for name, program in step.passes] == shown
    assert (str(step.explain()), str(step.buffers), step.source) == tables
    assert list(map(str, step.instructions)) == instructions
    assert step.passes[3][1].instructions is step.passes[3][1].instructions


def test_a_step_that_updates_twice_gives_the_same_source_each_time():
    def compiled():
        train, model, descent = trainer()

        def twice(x, y):
            train(x, y)
            loss = (model(x) ** 2).mean()
            descent.zero_grad()
            loss.backward()
            descent.step()
            return loss

        step = tg.compile(twice)
        step(*next(batches(1)))
        return step.source

    assert len({compiled() for _ in range(5)}) == 1


def test_a_trusted_step_keeps_little_besides_its_arrays():
    train, *_ = trainer(sizes=(6, 20, 5))
    given = list(batches(5))
    tg.compile(trainer(sizes=(6, 20, 5))[0])(*given[0])  # what is imported and looked up once
    gc.collect()
    tracemalloc.start()
    step = tg.compile(train)
    for batch in given:
        step(*batch)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept - step.variant.run.__globals__["weights"].nbytes < 70_000  # of which source and code are a fifth


# ---------------------------------------------------------------------------------------------- pieces
@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("size", [48, 100, 640], ids=lambda n: f"pieces of {n} bytes")
def test_arrays_in_pieces_give_the_same_bits(monkeypatch, make_optimizer, size):
    monkeypatch.setattr(pieces, "_LARGE", 64)
    monkeypatch.setattr(pieces, "_PIECE", size)
    eager, model, _ = trainer(make_optimizer)
    train, compiled_model, _ = trainer(make_optimizer)
    step = tg.compile(train)
    for x, y in batches(5):
        assert step(x, y) == eager(x, y).item()
    assert "for " in step.source
    for a, b in zip(model.parameters(), compiled_model.parameters(), strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


# ---------------------------------------------------------------------------------------------- passes
def run(program, arrays):
    """Compute a program instruction by instruction, and give its loss and what it writes."""
    values, written = dict(zip(program.inputs, arrays, strict=True)), {}

    def get(x):
        if isinstance(x, tuple):
            return tuple(map(get, x))
        if not isinstance(x, Value):
            return x
        if hasattr(x.owner, "pieces"):
            return np.concatenate([piece.owner.array.reshape(-1) for piece in x.owner.pieces])
        return values.get(x, x.array)

    for i in program.instructions:
        if i.op is p.WRITE:
            target, new = i.inputs
            members = target.owner.pieces if hasattr(target.owner, "pieces") else [target]
            flat, start = get(new).reshape(-1), 0
            for piece in members:
                written[piece.name] = flat[start : start + piece.array.size].reshape(piece.shape)
                start += piece.array.size
        elif i.op is p.CALL or i.op is p.CHECK:
            continue
        else:
            forward = i.op.run if hasattr(i.op, "run") else i.op.forward
            values[i.out] = np.asarray(forward(*map(get, i.inputs), **{k: get(v) for k, v in i.options.items()}))
    return values[program.result], written


def test_every_pass_keeps_the_numbers():
    train, *_ = trainer(OPTIMIZERS["Adam"])
    step = tg.compile(train)
    batch = next(batches(1))
    step(*batch)
    names = [name for name, _ in step.passes]
    assert names[0] == "recorded"
    assert {"lower", "merge_common", "fold_constants", "simplify", "remove_dead", "update_together"} <= set(names)
    loss, written = run(step.passes[0][1], batch)
    assert len(written) == 12
    for name, program in step.passes[1:]:
        other_loss, other = run(program, batch)
        assert other_loss.tobytes() == loss.tobytes(), name
        assert {k: v.tobytes() for k, v in other.items()} == {k: v.tobytes() for k, v in written.items()}, name


def test_passes_make_a_program_shorter():
    train, *_ = trainer()
    step = tg.compile(train)
    step(*next(batches(1)))
    lengths = {name: len(program.instructions) for name, program in step.passes}
    assert lengths["update_together"] < lengths["remove_dead"] < lengths["lower"]


def test_what_was_printed_can_be_read():
    train, *_ = trainer()
    step = tg.compile(train)
    step(*next(batches(1)))
    assert "weight_0" in str(step.passes[0][1])
    assert "x.dot(weight_0_T, out=" in step.source
    assert "flops" in str(step.explain())
    assert "d_weight_0" in str(step.buffers)
    products = [row for row in step.explain() if "dot(x, weight_0_T)" in row.instruction]
    assert [(row.shape, row.flops) for row in products] == [((16, 20), 2 * 16 * 20 * 6)]


def test_what_has_one_row_goes_to_numpy_in_the_shape_of_the_result():
    train, model, _ = trainer()
    twin, other, _ = trainer()
    step = tg.compile(train)
    for x, y in batches(6, size=1):
        assert step(x, y) == twin(x, y).item()
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()
    assert "np.add(linear_0_dot, bias_0_as_1x20, out=linear_0)" in step.source
    assert "log_softmax_max_column_as_0d" in step.source
    assert "_copy" not in step.source  # a column of one entry a row lies in memory as a row does


def test_constants_of_one_number_are_called_after_it():
    train, *_ = trainer()
    step = tg.compile(train)
    step(*next(batches(1)))
    assert "d_log_softmax.put(places, c_minus_0_0625)" in step.source
