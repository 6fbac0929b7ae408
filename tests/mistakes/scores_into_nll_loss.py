"""Scores given to a loss that takes log-probabilities: it falls without end, right or wrong."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "scores-as-log-probabilities"


def network(*end):
    blobs = tg.data.blobs(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Linear(16, 3, rng=rng), *end)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.NLLLoss(), "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network()


def healthy():
    return network(nn.LogSoftmax())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
