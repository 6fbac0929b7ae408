"""A last layer so large that the untrained model is sure of wrong answers."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "loss-above-chance"


def network(scale):
    blobs = tg.data.blobs(300)
    rng = np.random.default_rng(0)
    model = nn.MLP(2, [16], 3, rng=rng)
    model[2].weight.data = scale * rng.normal(size=(3, 16)).astype(np.float32)
    adam = optim.Adam(model.parameters(), lr=0.01)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y, "optimizer": adam}


def mistake():
    return network(30.0)


def healthy():
    return network(0.2)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
