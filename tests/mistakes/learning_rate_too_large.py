"""A learning rate beyond 2/λ: each step lands farther from the lowest point than it began."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-too-large"


def line(lr):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(np.float32)
    y = X @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 1
    model = nn.Linear(3, 1, rng=rng)
    descent = optim.BatchGradientDescent(model.parameters(), lr=lr)
    return {"model": model, "loss": nn.MSELoss(), "X": X, "y": y, "optimizer": descent}


def mistake():
    return line(lr=1.1)  # the curvature along each weight is about 2, so that 1 is the limit


def healthy():
    return line(lr=0.4)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
