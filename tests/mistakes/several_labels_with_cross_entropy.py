"""Cross-entropy where an example may have several labels at once."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "targets-no-probabilities"


def network(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = (X[:, :3] > 0).astype(np.float32)
    model = nn.MLP(4, [16], 3, rng=rng)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": loss, "X": X, "y": y, "optimizer": descent}


def mistake():
    return network(nn.CrossEntropyLoss())


def healthy():
    return network(nn.BCEWithLogitsLoss())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
