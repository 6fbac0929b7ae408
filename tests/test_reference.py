"""Whole training runs agree with the same runs written out by hand, and with scikit-learn's."""

import itertools

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from tinygrad_edu import nn, optim
from tinygrad_edu.data import batches


def draw(sizes, dtype, seed=0):
    """Weights (outputs, inputs) and biases of a network, rounded to float32, so that both precisions start alike."""
    rng = np.random.default_rng(seed)
    single = [
        (rng.normal(0, np.sqrt(2 / n), (m, n)).astype(np.float32), rng.normal(0, 0.1, m).astype(np.float32))
        for n, m in itertools.pairwise(sizes)
    ]
    return [(weight.astype(dtype), bias.astype(dtype)) for weight, bias in single]


def network(layers, activation):
    """The network of this library that starts from those weights."""
    model = nn.Sequential()
    for i, (weight, bias) in enumerate(layers):
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = weight.copy(), bias.copy()
        model.append(linear)
        if i < len(layers) - 1:
            model.append(activation())
    return model


def train(model, examples, *, loss, lr, epochs):
    descent = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for xb, yb in examples:
            value = loss(model(xb), yb)
            descent.zero_grad()
            value.backward()
            descent.step()
            losses.append(value.item())
    return losses


# -------------------------------------------------------------------------------------- written out by hand


def by_hand(layers, examples, *, lr, epochs):
    """Train 64-128-64-10 with ReLU and softmax cross-entropy: forward, backward and update, line by line."""
    (w1, b1), (w2, b2), (w3, b3) = [(weight.copy(), bias.copy()) for weight, bias in layers]
    losses = []
    for _ in range(epochs):
        for x, label in examples:
            n = len(x)
            # forward
            z1 = x @ w1.T + b1
            h1 = np.maximum(z1, 0)
            z2 = h1 @ w2.T + b2
            h2 = np.maximum(z2, 0)
            z3 = h2 @ w3.T + b3
            p = np.exp(z3 - z3.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            losses.append(-np.log(p[np.arange(n), label]).mean())
            # backward
            d3 = p.copy()
            d3[np.arange(n), label] -= 1
            d3 /= n
            d2 = (d3 @ w3) * (z2 > 0)
            d1 = (d2 @ w2) * (z1 > 0)
            # update
            w3 -= lr * d3.T @ h2
            b3 -= lr * d3.sum(axis=0)
            w2 -= lr * d2.T @ h1
            b2 -= lr * d2.sum(axis=0)
            w1 -= lr * d1.T @ x
            b1 -= lr * d1.sum(axis=0)
    return losses, [w1, b1, w2, b2, w3, b3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_a_network_learns_as_the_one_written_out_by_hand(dtype):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(320, 64)).astype(dtype), rng.integers(0, 10, 320)
    examples = list(batches(x, y, batch_size=32))
    assert len(examples) == 10
    layers = draw([64, 128, 64, 10], dtype)
    expected_losses, expected = by_hand(layers, examples, lr=0.1, epochs=10)
    model = network(layers, nn.ReLU)
    losses = train(model, examples, loss=nn.CrossEntropyLoss(), lr=0.1, epochs=10)

    assert len(losses) == 100
    assert losses[-1] < 0.5 * losses[0]
    # The roundings of 100 updates add up like a random walk, to √100 = 10, and as many in each sum over a batch:
    # 2.4e-6 in float32, 4e-15 in float64.
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(losses, expected_losses, rtol=tolerance)
    largest = max(np.abs(weight).max() for weight in expected)
    for parameter, weight in zip(model.parameters(), expected, strict=True):
        assert parameter.dtype == dtype
        np.testing.assert_allclose(parameter.numpy(), weight, rtol=0, atol=tolerance * largest)


# --------------------------------------------------------------------------------------------- scikit-learn
EPOCHS = 20
SIZE = 16
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid}


def scikit_learn(make, layers, x, y, *, activation, lr, **first):
    """Train scikit-learn's network from those weights, by plain descent on batches in the order of the data."""
    peer = make(
        hidden_layer_sizes=[len(bias) for _, bias in layers[:-1]],
        activation=activation,
        solver="sgd",
        alpha=0,
        momentum=0,
        learning_rate_init=lr,
        batch_size=SIZE,
        shuffle=False,
        random_state=0,
    )
    peer.partial_fit(x, y, **first)  # makes the arrays, which are then overwritten
    for i, (weight, bias) in enumerate(layers):
        peer.coefs_[i][...] = weight.T
        peer.intercepts_[i][...] = bias
    for _ in range(EPOCHS):
        peer.partial_fit(x, y)
    return peer


def assert_same_weights(model, peer):
    ours = [p.numpy() for p in model.parameters()]
    theirs = [array for w, b in zip(peer.coefs_, peer.intercepts_, strict=True) for array in (w.T, b)]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype == np.float64
        # The roundings of 140 updates of weights of size 1 add up like a random walk, to √140 = 12, on either side.
        np.testing.assert_allclose(mine, other, rtol=0, atol=24 * np.finfo(np.float64).eps)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_classifier_learns_as_scikit_learns(activation):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(100, 6)), rng.integers(0, 3, 100)  # 6 batches of 16 and one of 4
    layers = draw([6, 12, 5, 3], np.float64)
    peer = scikit_learn(MLPClassifier, layers, x, y, activation=activation, lr=0.2, classes=[0, 1, 2])
    model = network(layers, ACTIVATIONS[activation])
    train(model, batches(x, y, SIZE), loss=nn.CrossEntropyLoss(), lr=0.2, epochs=EPOCHS)
    assert np.abs(model[0].weight.numpy() - layers[0][0]).max() > 0.05
    assert_same_weights(model, peer)
    np.testing.assert_allclose(nn.Softmax()(model(x)).numpy(), peer.predict_proba(x), rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_classifier_of_two_classes_learns_as_scikit_learns(activation):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(100, 6)), rng.integers(0, 2, 100)
    layers = draw([6, 8, 1], np.float64)
    peer = scikit_learn(MLPClassifier, layers, x, y, activation=activation, lr=0.2, classes=[0, 1])
    model = network(layers, ACTIVATIONS[activation])
    train(model, batches(x, y.reshape(-1, 1), SIZE), loss=nn.BCEWithLogitsLoss(), lr=0.2, epochs=EPOCHS)
    assert np.abs(model[0].weight.numpy() - layers[0][0]).max() > 0.05
    assert_same_weights(model, peer)


def test_a_regressor_learns_as_scikit_learns():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100, 6))
    y = x @ rng.normal(size=6)
    layers = draw([6, 8, 1], np.float64)
    peer = scikit_learn(MLPRegressor, layers, x, y, activation="tanh", lr=0.02)
    model = network(layers, nn.Tanh)
    # scikit-learn halves the squared error, so the same step takes half of its learning rate.
    train(model, batches(x, y.reshape(-1, 1), SIZE), loss=nn.MSELoss(), lr=0.01, epochs=EPOCHS)
    assert np.abs(model[0].weight.numpy() - layers[0][0]).max() > 0.05
    assert_same_weights(model, peer)
