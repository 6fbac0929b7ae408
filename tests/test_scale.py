"""Large graphs: a million operations deep, ten thousand diamonds, in time and memory that grow as they do."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim


@pytest.fixture
def without_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(n):
    x = tg.tensor(0.0, requires_grad=True)
    out = x
    for _ in range(n):
        out = out + 1.0
    return x, out


def seconds_per_operation(n):
    """Time a chain forward, backward and freed, in this process's own time."""
    start = time.process_time()
    x, out = chain(n)
    out.backward(retain_graph=True)
    del out
    assert x.grad.item() == 1
    return (time.process_time() - start) / n


@pytest.mark.usefixtures("without_garbage_collector")
def test_a_million_operations_run_forward_and_backward_and_are_freed_in_linear_time():
    few = min(seconds_per_operation(100_000) for _ in range(3))
    assert seconds_per_operation(1_000_000) <= 2 * few


@pytest.mark.usefixtures("without_garbage_collector")
def test_a_million_operations_are_freed_with_the_last_of_them():
    x, out = chain(1_000_000)
    first = weakref.ref(x)
    del x
    assert first() is not None
    del out
    assert first() is None


def ladder(n):
    """Build n diamonds on top of each other: 2ⁿ paths, 3 n operations."""
    x = tg.tensor(np.array(1.0), requires_grad=True)
    out = x
    for _ in range(n):
        out = 0.5 * out + 0.5 * out
    return x, out


def seconds_per_diamond(n):
    start = time.process_time()
    x, out = ladder(n)
    out.backward()
    assert x.grad.item() == 1
    return (time.process_time() - start) / n


def test_diamonds_cost_the_same_each_however_deep():
    few = min(seconds_per_diamond(1_000) for _ in range(3))
    assert min(seconds_per_diamond(10_000) for _ in range(2)) <= 2 * few


def trained(seed, steps, barrier, *, measure):
    """Train a small network; in between, look at its loss under no_grad()."""
    rng = np.random.default_rng(seed)
    model = nn.MLP(2, [8], 1, rng=rng)
    X, y = rng.standard_normal((16, 2)).astype(np.float32), rng.standard_normal((16, 1)).astype(np.float32)
    optimizer = optim.BatchGradientDescent(model.parameters(), lr=0.1)
    for _ in range(steps):
        barrier()
        optimizer.zero_grad()
        loss = ((model(X) - y) ** 2).mean()
        if measure:
            with tg.no_grad():
                barrier()  # the other thread records just now
                assert not model(X).requires_grad
        else:
            barrier()
            assert loss.requires_grad
        loss.backward()
        optimizer.step()
    return model.state_dict()


def test_two_threads_train_side_by_side_as_each_would_alone():
    alone = [trained(seed, 30, lambda: None, measure=seed == 0) for seed in (0, 1)]
    meet = threading.Barrier(2, timeout=60)
    together = [None, None]

    def run(seed):
        together[seed] = trained(seed, 30, meet.wait, measure=seed == 0)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert one.keys() == other.keys()
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])
