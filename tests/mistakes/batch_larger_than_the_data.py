"""A batch size from another project, and fewer examples than that."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "batch-larger-than-data"


def network(batch_size):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1, batch_size=batch_size)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(512)


def healthy():
    return network(32)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
