"""Cross-entropy, which tells classes apart, for a number that is to be predicted."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "float-targets"


def network(loss, n_outputs):
    sine = tg.data.sine(300)
    model = nn.MLP(1, [32], n_outputs, rng=np.random.default_rng(0))
    adam = optim.Adam(model.parameters(), lr=0.01)
    y = sine.y if n_outputs > 1 else sine.y.reshape(-1, 1)
    return {"model": model, "loss": loss, "X": sine.X, "y": y, "optimizer": adam}


def mistake():
    return network(nn.CrossEntropyLoss(), n_outputs=2)


def healthy():
    return network(nn.MSELoss(), n_outputs=1)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
