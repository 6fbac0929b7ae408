"""A schedule that has brought the learning rate down to 0, while training goes on."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-zero"


def network(steps):
    moons = tg.data.moons(400)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(35))
    descent = optim.MiniBatchGradientDescent(model.parameters(), lr=0.2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(descent, T_max=10)
    model(moons.X[:32]).sum().backward()
    descent.step()
    for _ in range(steps):
        schedule.step()
    descent.zero_grad()
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(steps=10)


def healthy():
    return network(steps=5)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
