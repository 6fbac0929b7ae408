"""A loop that steps along gradients that were never computed."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "step-fails"


def network(*, forget):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    criterion = nn.CrossEntropyLoss()
    descent = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        loss = criterion(model(x), y)
        descent.zero_grad()
        if not forget:
            loss.backward()
        descent.step()

    return {"model": model, "loss": criterion, "X": moons.X, "y": moons.y, "optimizer": descent, "step": step}


def mistake():
    return network(forget=True)


def healthy():
    return network(forget=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
