"""The squared error where classes 0 and 1 are to be told apart."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "wrong-loss"


def network(loss, dtype):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 1, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": loss, "X": moons.X, "y": moons.y.reshape(-1, 1).astype(dtype), "optimizer": descent}


def mistake():
    return network(nn.MSELoss(), np.int64)


def healthy():
    return network(nn.BCEWithLogitsLoss(), np.float32)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
