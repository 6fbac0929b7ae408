"""Prices in single crowns: the loss begins at billions, and so do its gradients."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "unscaled-targets"


def network(*, standardize):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32)
    y = (300_000 + 50_000 * X[:, :1] + 5_000 * rng.normal(size=(300, 1))).astype(np.float32)
    if standardize:
        y = tg.data.standardize(y)
    model = nn.MLP(3, [16], 1, rng=rng)
    adam = optim.Adam(model.parameters(), lr=0.01)
    return {"model": model, "loss": nn.MSELoss(), "X": X, "y": y, "optimizer": adam}


def mistake():
    return network(standardize=False)


def healthy():
    return network(standardize=True)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
