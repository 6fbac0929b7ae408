"""An activation after the last layer: the scores of classes cannot be negative."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "squashed-scores"


def network(*end):
    blobs = tg.data.blobs(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Linear(16, 3, rng=rng), *end)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network(nn.ReLU())


def healthy():
    return network()


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
