"""A new last layer, as for other classes, which the optimizer was made before."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "parameters-not-optimized"


def network(*, early):
    blobs = tg.data.blobs(300)
    rng = np.random.default_rng(0)
    body, head = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU()), nn.Linear(16, 3, rng=rng)
    if early:
        descent = optim.SGD(body.parameters(), lr=0.1)
        model = nn.Sequential(body, head)
    else:
        model = nn.Sequential(body, head)
        descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network(early=True)


def healthy():
    return network(early=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
