"""JAX, with the whole epoch in one jitted function and the short last batch in another. ``python with_jax.py FILE``."""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

data = np.load(sys.argv[1])
X, y, X_test, y_test, orders = (data[name] for name in ("X", "y", "X_test", "y_test", "orders"))
weights = [jnp.asarray(data[f"weight{i}"]) for i in range(4)]
full = len(X) // 32 * 32


def scores_of(weights, x):  # noqa: ANN001, ANN201, D103 - a program, as a user writes it
    w1, b1, w2, b2 = weights
    return jax.nn.relu(x @ w1.T + b1) @ w2.T + b2


@jax.jit
def update(weights, batch):  # noqa: ANN001, ANN201, D103
    def loss_of(weights, x, y):  # noqa: ANN001, ANN202
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores_of(weights, x)), y[:, None], axis=1))

    loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
    return [w - 0.1 * g for w, g in zip(weights, gradients, strict=True)], loss


@partial(jax.jit, donate_argnums=0)
def epoch_of(weights, X, y):  # noqa: ANN001, ANN201, D103
    return jax.lax.scan(update, weights, (X.reshape(-1, 32, 64), y.reshape(-1, 32)))


for epoch, order in enumerate(orders, 1):
    x_epoch, y_epoch = X[order], y[order]
    weights, _ = epoch_of(weights, x_epoch[:full], y_epoch[:full])
    if full < len(X):
        weights, _ = update(weights, (x_epoch[full:], y_epoch[full:]))
    # Outside of jit each operation would be compiled by itself; NumPy needs no compiling.
    w1, b1, w2, b2 = map(np.asarray, weights)
    if np.mean((np.maximum(X_test @ w1.T + b1, 0) @ w2.T + b2).argmax(axis=1) == y_test) >= 0.97:
        print(epoch)
        break
