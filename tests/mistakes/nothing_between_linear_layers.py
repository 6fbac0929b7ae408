"""Two linear layers with nothing between: as good as one."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "no-nonlinearity"


def network(*between):
    moons = tg.data.moons(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), *between, nn.Linear(16, 2, rng=rng))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(nn.Dropout(0.1))


def healthy():
    return network(nn.ReLU())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
