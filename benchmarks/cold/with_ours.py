"""The framework itself, the step compiled by its NumPy backend: ``python with_ours.py FILE``."""

import sys

import numpy as np

import tinygrad_edu as tg

data = np.load(sys.argv[1])
X, y, X_test, y_test, orders = (data[name] for name in ("X", "y", "X_test", "y_test", "orders"))
model = tg.nn.MLP(64, [128], 10)
model.load_state_dict({name: data[f"weight{i}"] for i, name in enumerate(model.state_dict())})
criterion = tg.nn.CrossEntropyLoss()
descent = tg.optim.MiniBatchGradientDescent(model.parameters(), lr=0.1, batch_size=32)


def train(x, y):  # noqa: ANN001, ANN201, D103 - a program, as a user writes it
    loss = criterion(model(x), y)
    descent.zero_grad()
    loss.backward()
    descent.step()
    return loss


step = tg.compile(train)
for epoch, order in enumerate(orders, 1):
    step.epoch(X, y, order, batch_size=32)
    with tg.no_grad():
        accuracy = np.mean(model(X_test).numpy().argmax(axis=1) == y_test)
    if accuracy >= 0.97:
        print(epoch)
        break
