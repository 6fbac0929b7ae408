"""A model whose parameters were all frozen, as for a pretrained body, before the optimizer's own were."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "no-trained-parameters"


def network(*, frozen):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    for parameter in model.parameters():
        parameter.requires_grad = not frozen
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(frozen=True)


def healthy():
    return network(frozen=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
