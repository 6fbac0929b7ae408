"""The squared error between scores of three classes and the index of one."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "wrong-loss"


def network(loss):
    blobs = tg.data.blobs(300)
    model = nn.MLP(2, [16], 3, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": loss, "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network(nn.MSELoss())


def healthy():
    return network(nn.CrossEntropyLoss())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
