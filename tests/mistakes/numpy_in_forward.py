"""A forward pass that leaves the Tensors: from there on nothing is recorded."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "no-gradient"


class Network(nn.Module):
    def __init__(self, *, leave):
        self.layers = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
        self.leave = leave

    def forward(self, x):
        scores = self.layers(x)
        return tg.tensor(scores.numpy()) if self.leave else scores


def network(*, leave):
    moons = tg.data.moons(300)
    model = Network(leave=leave)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(leave=True)


def healthy():
    return network(leave=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
