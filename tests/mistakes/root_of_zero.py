"""A square root of 0 on the way: the loss is finite, and its gradient is not."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "gradient-not-finite"


class Distances(nn.Module):
    """Classes by how far the mapped example is from the centre of each."""

    def __init__(self, away):
        self.layers = nn.Sequential(nn.Linear(2, 3, rng=np.random.default_rng(0)), nn.ReLU())
        self.away = away

    def forward(self, x):
        mapped = self.layers(x).reshape(-1, 3, 1)
        return -((mapped * mapped).sum(axis=-1) + self.away).sqrt()


def network(away):
    blobs = tg.data.blobs(300)
    model = Distances(away)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network(0.0)


def healthy():
    return network(1e-6)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
