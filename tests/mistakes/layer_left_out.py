"""A layer that was made and is not used in forward."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "unreached-parameters"


class Network(nn.Module):
    def __init__(self, *, skip):
        rng = np.random.default_rng(23)
        self.first = nn.Linear(2, 16, rng=rng)
        self.second = nn.Linear(16, 16, rng=rng)
        self.last = nn.Linear(16, 2, rng=rng)
        self.skip = skip

    def forward(self, x):
        h = tg.relu(self.first(x))
        if not self.skip:
            h = tg.relu(self.second(h))
        return self.last(h)


def network(*, skip):
    moons = tg.data.moons(300)
    model = Network(skip=skip)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(skip=True)


def healthy():
    return network(skip=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
