"""Adam with a learning rate from plain descent: it moves every weight by about that much in each step."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-too-large"


def network(lr):
    moons = tg.data.moons(400)
    model = nn.MLP(2, [32, 32], 2, rng=np.random.default_rng(30))
    adam = optim.Adam(model.parameters(), lr=lr)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": adam}


def mistake():
    return network(lr=5.0)


def healthy():
    return network(lr=0.005)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
