"""The same mistake where no layer shows it: softmax as a function in forward."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "double-softmax"


class Network(nn.Module):
    def __init__(self, *, squash):
        self.layers = nn.MLP(2, [16], 3, rng=np.random.default_rng(0))
        self.squash = squash

    def forward(self, x):
        scores = self.layers(x)
        return tg.softmax(scores) if self.squash else scores


def network(*, squash):
    blobs = tg.data.blobs(300)
    model = Network(squash=squash)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": blobs.X, "y": blobs.y, "optimizer": descent}


def mistake():
    return network(squash=True)


def healthy():
    return network(squash=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
