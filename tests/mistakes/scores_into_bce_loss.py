"""Scores given to a loss that takes the logarithm of probabilities."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "scores-as-probabilities"


def network(*end):
    moons = tg.data.moons(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Linear(16, 1, rng=rng), *end)
    descent = optim.SGD(model.parameters(), lr=0.1)
    y = moons.y.reshape(-1, 1).astype(np.float32)
    return {"model": model, "loss": nn.BCELoss(), "X": moons.X, "y": y, "optimizer": descent}


def mistake():
    return network()


def healthy():
    return network(nn.Sigmoid())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
