"""All weights begin at the same number, biases at 0: the hidden units stay alike for ever."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "identical-units"


def network(init):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, activation="tanh", init=init, rng=np.random.default_rng(0))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data = np.zeros_like(parameter.numpy())
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(lambda shape, rng: np.full(shape, 0.5, np.float32))  # noqa: ARG005 - as every initialiser is called


def healthy():
    return network(nn.init.xavier_uniform)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
