"""A feature in metres beside one in millimetres."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "unscaled-features"


def network(*, standardize):
    moons = tg.data.moons(300)
    X = moons.X * np.array([1, 1000], np.float32)
    if standardize:
        X = tg.data.standardize(X)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    adam = optim.Adam(model.parameters(), lr=0.001)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": X, "y": moons.y, "optimizer": adam}


def mistake():
    return network(standardize=False)


def healthy():
    return network(standardize=True)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
