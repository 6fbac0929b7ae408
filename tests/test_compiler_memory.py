"""Where a compiled step computes: nothing is allocated, what is not needed any more is used again, pieces are exact."""

import gc
import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.compiler import memory, pieces, primitives as p
from tinygrad_edu.compiler.program import Value

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
    assert step.variant.memory.size < 0.5 * sum(memory.n_bytes(v) for v in computed)


def test_no_two_values_that_are_needed_together_overlap():
    train, *_ = trainer(OPTIMIZERS["Adam"])
    step = tg.compile(train)
    step(*next(batches(1)))
    storages = list({id(s): s for s in step.variant.memory.storages.values() if s.kind == "arena"}.values())
    assert len(storages) > 5
    for k, one in enumerate(storages):
        for other in storages[:k]:
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert apart or not one.overlaps(other), (one.values, other.values)


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
    assert "np.dot(x, weight_0_T, out=" in step.source
    assert "flops" in str(step.explain())
    assert "d_weight_0" in str(step.buffers)
    products = [row for row in step.explain() if "dot(x, weight_0_T)" in row.instruction]
    assert [(row.shape, row.flops) for row in products] == [((16, 20), 2 * 16 * 20 * 6)]
