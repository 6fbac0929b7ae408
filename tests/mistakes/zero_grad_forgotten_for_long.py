"""The same mistake, seen from the gradients that a loop has left behind."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "forgotten-zero-grad"


def network(*, forget):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    criterion = nn.CrossEntropyLoss()
    descent = optim.SGD(model.parameters(), lr=0.01)
    for x, y in tg.data.batches(moons.X, moons.y, 32):
        if not forget:
            descent.zero_grad()
        criterion(model(x), y).backward()
        descent.step()
    return {"model": model, "loss": criterion, "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(forget=True)


def healthy():
    return network(forget=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
