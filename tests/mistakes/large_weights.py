"""Weights of variance 1 in a deep network: every layer multiplies what passes, forth and back."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "exploding-gradients"


def network(init):
    cancer = tg.data.breast_cancer()
    X = tg.data.standardize(cancer.X)
    model = nn.MLP(30, [32] * 5, 2, init=init, rng=np.random.default_rng(1))
    descent = optim.SGD(model.parameters(), lr=0.01)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": X, "y": cancer.y, "optimizer": descent}


def mistake():
    return network(lambda shape, rng: rng.normal(size=shape).astype(np.float32))


def healthy():
    return network(nn.init.kaiming_normal)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
