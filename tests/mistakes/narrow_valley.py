"""Two features that are nearly the same: the loss is a valley a thousand times longer than wide."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "ill-conditioned"


def line(difference):
    rng = np.random.default_rng(0)
    first = rng.normal(size=(80, 1))
    X = np.hstack([first, first + difference * rng.normal(size=(80, 1))]).astype(np.float32)
    X = tg.data.standardize(X)
    y = X[:, :1] - X[:, 1:]
    model = nn.Linear(2, 1, rng=rng)
    descent = optim.BatchGradientDescent(model.parameters(), lr=0.2)
    return {"model": model, "loss": nn.MSELoss(), "X": X, "y": y, "optimizer": descent}


def mistake():
    return line(0.02)


def healthy():
    return line(1.0)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
