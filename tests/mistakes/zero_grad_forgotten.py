"""A loop without zero_grad(): each step goes along the sum of all gradients so far."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "forgotten-zero-grad"


def network(*, forget):
    moons = tg.data.moons(300)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Dropout(0.1, rng=rng), nn.Linear(16, 2, rng=rng))
    criterion = nn.CrossEntropyLoss()
    descent = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        if not forget:
            descent.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        descent.step()

    return {"model": model, "loss": criterion, "X": moons.X, "y": moons.y, "optimizer": descent, "step": step}


def mistake():
    return network(forget=True)


def healthy():
    return network(forget=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
