"""Training after an evaluation that left the model in the mode of prediction."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "left-in-eval-mode"


def network():
    moons = tg.data.moons(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 16, rng=rng), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2, rng=rng), nn.Linear(16, 2, rng=rng)
    )
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    case = network()
    case["model"].eval()
    return case


def healthy():
    case = network()
    case["model"].eval()
    case["model"].train()
    return case


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
