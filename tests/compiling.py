"""What the tests of the compiler share: trainings that are made twice, run side by side, and compared bit by bit."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from tinygrad_edu import nn, optim
from tinygrad_edu.compiler import compile as tg_compile
from tinygrad_edu.errors import CaptureError

RNG = np.random.default_rng


@dataclass
class Training:
    """A step, and everything that it may change."""

    step: object
    model: object
    optimizers: tuple = ()
    generators: tuple = ()
    others: dict = field(default_factory=dict)
    """Arrays, by name: what else there is."""
    schedule: object = None
    second: object = None
    saved: object = None

    def state(self):
        """Copy all of it, by name, gradients included."""
        found = {f"model.{name}": array for name, array in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            found[f"gradient.{name}"] = None if parameter.grad is None else parameter.grad.numpy().copy()
        for k, optimizer in enumerate(self.optimizers):
            found |= {f"optimizer.{k}.{name}": array for name, array in optimizer.state_dict().items()}
        for k, generator in enumerate(self.generators):
            found[f"generator.{k}"] = repr(generator.bit_generator.state)
        return found | {name: array.copy() for name, array in self.others.items()}


def training(model, criterion=None, optimizer=None, *, generators=(), clip=None):
    """Make the usual step: forward, loss, zero_grad, backward, update."""
    criterion = criterion or nn.MSELoss()
    optimizer = optimizer(model.parameters()) if optimizer else optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x, y):
        loss = criterion(model(x), y)
        if loss.ndim:
            loss = loss.mean()
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        return loss

    return Training(step, model, (optimizer,), tuple(generators))


def bits(x):
    """Give what two things have to share to be the same to the last bit."""
    return x if x is None or isinstance(x, str) else (x.shape, x.dtype.str, np.ascontiguousarray(x).tobytes())


def loss_of(answer):
    return answer if type(answer) is float else answer.item()


def assert_same_state(compiled, eager):
    got, expected = compiled.state(), eager.state()
    assert got.keys() == expected.keys()
    wrong = [name for name in got if bits(got[name]) != bits(expected[name])]
    assert not wrong, f"differ: {', '.join(wrong)}"


def assert_equal_steps(build, batches, *, between=None):
    """Train one eagerly and one compiled: after each batch everything is the same to the last bit.

    `between` is called with the training and the number of the batch, before each batch, for both.
    """
    eager, other = build(), build()
    compiled = tg_compile(other.step)
    for k, batch in enumerate(batches):
        for one in (eager, other) if between is not None else ():
            between(one, k)
        expected, got = loss_of(eager.step(*batch)), compiled(*batch)
        assert type(got) is float
        assert np.float64(got).tobytes() == np.float64(expected).tobytes(), f"loss of batch {k}: {got} != {expected}"
        assert_same_state(other, eager)
    return compiled


def floats(*shape, seed=0, dtype=np.float32):
    return RNG(seed).standard_normal(shape).astype(dtype)


def mlp(seed=0, n_inputs=5, n_hidden=4, n_outputs=3, *end):
    rng = RNG(seed)
    return nn.Sequential(
        nn.Linear(n_inputs, n_hidden, rng=rng), nn.Tanh(), nn.Linear(n_hidden, n_outputs, rng=rng), *end
    )


def regression(n_batches=5, n=6, n_inputs=5, n_outputs=3):
    """Give batches that all differ, for `mlp` and the squared error."""
    return [(floats(n, n_inputs, seed=k), floats(n, n_outputs, seed=100 + k)) for k in range(n_batches)]


def assert_refused(one, *batches, error=CaptureError, match=None):
    """Call the compiled step with batches, of which the last raises and changes nothing."""
    step = tg_compile(one.step)
    *good, last = batches or regression(1)
    for batch in good:
        step(*batch)
    before = one.state()
    with pytest.raises(error, match=match) as raised:
        step(*last)
    after = one.state()
    names = [name for name in before if not name.startswith("gradient.")]
    changed = [name for name in names if bits(before[name]) != bits(after[name])]
    assert not changed, f"changed: {', '.join(changed)}"
    return str(raised.value)
