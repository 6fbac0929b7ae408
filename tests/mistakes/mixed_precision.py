"""One layer in float64 among others in float32: from there on everything takes the wider."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "mixed-precision"


def network(dtype):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    model[0].weight.data = model[0].weight.numpy().astype(dtype)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(np.float64)


def healthy():
    return network(np.float32)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
