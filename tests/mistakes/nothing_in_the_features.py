"""Features that are the same for every example, as after a wrong division."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "constant-features"


def network(kind):
    moons = tg.data.moons(300)
    X = (np.abs(moons.X) / 255).astype(kind).astype(np.float32) if kind is np.uint8 else moons.X
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(np.uint8)  # whole numbers: all of them are 0


def healthy():
    return network(np.float32)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
