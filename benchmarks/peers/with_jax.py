"""JAX: a jitted step called for each batch, and lax.scan over the whole epoch in one jitted function."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from benchmarks.peers.trainer import ByBatch, ByEpoch, Trainer, quickest

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.workloads import Workload


def make(workload: Workload, variant: str) -> tuple[str, Trainer]:
    """Make "step" or "scan", the latter in its quickest form."""
    if variant == "step":
        return "batches made ready before", _by_batch(workload)
    forms: dict[str, Callable[[], Trainer]] = {
        f"{how}, unroll {unroll}": partial(_by_epoch, workload, how == "gather in the loop", unroll)
        for how in ("gather in the loop", "gather ahead")
        for unroll in (1, 4)
        if unroll == 1 or workload.batch < 512
    }
    return quickest(forms, steps=workload.steps)


def _by_batch(workload: Workload) -> Trainer:
    """Call the step; its batches lie ready on the device, so that it need not gather them."""
    X, y = _arrays(workload)
    step = jax.jit(_update(workload), donate_argnums=0)
    state = _state(workload)

    def update(x: Any, y: Any) -> Any:
        nonlocal state
        state, loss = step(state, x, y)
        return loss

    b = workload.batch
    # Of many small batches one epoch's are enough.
    orders = workload.orders()[: 1 if workload.steps > 100 else None]
    epochs = [
        [tuple(jnp.asarray(a[order[i : i + b]]) for a in (X, y)) for i in range(0, len(order), b)] for order in orders
    ]
    return ByBatch(workload, update, lambda epoch: epoch, orders=epochs, finish=jax.block_until_ready)


def _by_epoch(workload: Workload, gather: bool, unroll: int) -> Trainer:  # noqa: FBT001 - of a table of forms
    X, y = (jnp.asarray(a) for a in _arrays(workload))
    update, state, shape = _update(workload), _state(workload), (workload.steps, workload.batch)

    @partial(jax.jit, donate_argnums=0)
    def epoch(state: Any, X: Any, y: Any, order: Any) -> Any:
        if gather:
            return jax.lax.scan(lambda s, i: update(s, X[i], y[i]), state, order.reshape(shape), unroll=unroll)
        batches = (X[order].reshape(*shape, *X.shape[1:]), y[order].reshape(*shape, *y.shape[1:]))
        return jax.lax.scan(lambda s, batch: update(s, *batch), state, batches, unroll=unroll)

    def run(order: Any) -> Any:
        nonlocal state
        state, losses = epoch(state, X, y, order)
        return losses.block_until_ready()

    return ByEpoch(workload, run, orders=[jnp.asarray(order, jnp.int32) for order in workload.orders()])


def _arrays(workload: Workload) -> tuple[Any, Any]:
    X, y = workload.data()
    return (X.transpose(0, 2, 3, 1) if workload.kind == "convnet" else X), y


def _state(workload: Workload) -> Any:
    weights = [jnp.asarray(weight) for weight in workload.weights()]
    if workload.optimizer == "sgd":
        return weights
    return weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], jnp.zeros(())


def _update(workload: Workload) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    loss_of = jax.value_and_grad({"convnet": _convnet_loss, "mlp": _mlp_loss}.get(workload.kind) or _linear(workload))
    lr = workload.lr

    def descend(weights: Any, x: Any, y: Any) -> tuple[Any, Any]:
        loss, gradients = loss_of(weights, x, y)
        return [w - lr * g for w, g in zip(weights, gradients, strict=True)], loss

    def adam(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        weights, m, v, t = state
        loss, gradients = loss_of(weights, x, y)
        t = t + 1
        m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients, strict=True)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients, strict=True)]
        size, scale = lr / (1 - 0.9**t), 1 / (1 - 0.999**t)
        moved = [w - size * a / (jnp.sqrt(b * scale) + 1e-8) for w, a, b in zip(weights, m, v, strict=True)]
        return (moved, m, v, t), loss

    return adam if workload.optimizer == "adam" else descend


def _cross_entropy(scores: Any, y: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1))


def _mlp_loss(weights: Any, x: Any, y: Any) -> Any:
    *hidden, (weight, bias) = zip(weights[::2], weights[1::2], strict=True)
    for w, b in hidden:
        x = jax.nn.relu(x @ w.T + b)
    return _cross_entropy(x @ weight.T + bias, y)


def _linear(workload: Workload) -> Callable[..., Any]:
    def linear(weights: Any, x: Any, y: Any) -> Any:
        z = x @ weights[0].T + weights[1]
        if workload.kind == "linear":
            return jnp.mean((z - y) ** 2)
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

    return linear


def _convnet_loss(weights: Any, x: Any, y: Any) -> Any:
    """Compute it with channels last, and pool by reshaping: quicker on a CPU than a window that slides."""
    first, first_bias, second, second_bias, weight, bias = weights
    for w, b in ((first, first_bias), (second, second_bias)):
        kernel = w.transpose(2, 3, 1, 0)
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
        n, height, width, channels = x.shape
        x = jax.nn.relu(x).reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    flat = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    return _cross_entropy(flat @ weight.T + bias, y)
