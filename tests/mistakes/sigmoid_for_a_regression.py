"""A sigmoid at the end of a model that is to predict negative numbers too."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "targets-out-of-reach"


def network(*end):
    sine = tg.data.sine(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(1, 32, rng=rng), nn.ReLU(), nn.Linear(32, 1, rng=rng), *end)
    adam = optim.Adam(model.parameters(), lr=0.01)
    return {"model": model, "loss": nn.MSELoss(), "X": sine.X, "y": sine.y.reshape(-1, 1), "optimizer": adam}


def mistake():
    return network(nn.Sigmoid())


def healthy():
    return network()


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
