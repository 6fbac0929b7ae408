"""Classes numbered from 1, as data sets often have them."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "too-few-outputs"


def network(first):
    blobs = tg.data.blobs(300)
    model = nn.MLP(2, [16], 3, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y + first, "optimizer": descent}


def mistake():
    return network(first=1)


def healthy():
    return network(first=0)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
