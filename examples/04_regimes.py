"""04 Batch, stochastic, mini-batch: what differs is how many examples each update sees.

Batch: all of them, one exact step a pass. Stochastic: one, many noisy steps. Mini-batch: the middle.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

data = tg.data.breast_cancer()
X_train, X_test, y_train, y_test = tg.data.split(data.X, data.y, rng=np.random.default_rng(0))
X_train, X_test = tg.data.standardize(X_train, X_test)

regimes = {
    "batch": lambda parameters: optim.BatchGradientDescent(parameters, lr=0.5),
    "stochastic": lambda parameters: optim.StochasticGradientDescent(parameters, lr=0.01),
    "mini-batch": lambda parameters: optim.MiniBatchGradientDescent(parameters, lr=0.2, batch_size=32),
}

print(f"{len(X_train)} examples, 20 passes over them, the same initial weights\n")
print("regime       updates   seconds   final loss   fluctuation   test accuracy")
histories = {}
for name, make in regimes.items():
    model = nn.MLP(30, [16], 2, rng=np.random.default_rng(0))
    history = tg.fit(
        model,
        X_train,
        y_train,
        loss=nn.CrossEntropyLoss(),
        optimizer=make(model.parameters()),
        epochs=20,
        validation=(X_test, y_test),
    )
    histories[name] = history
    last = history.epochs[-1]
    print(
        f"{name:<12} {history.n_updates:7,} {history.duration:9.3f} {last.loss:12.4f} "
        f"{history.fluctuation():13.2f} {last.validation_metric:15.3f}"
    )

print("\nThe loss at the end of each epoch:")
for name, history in histories.items():
    print(f"{name:<12}", " ".join(f"{loss:.3f}" for loss in history.epoch_losses[:10]), "...")

# The middle contains both ends: a mini-batch of all examples is batch gradient descent, bit for bit.
ends = []
for descent in (optim.BatchGradientDescent, lambda p, lr: optim.MiniBatchGradientDescent(p, lr, len(X_train))):
    model = nn.MLP(30, [16], 2, rng=np.random.default_rng(0))
    optimizer = descent(model.parameters(), 0.5)
    tg.fit(model, X_train, y_train, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=20)
    ends.append(np.concatenate([w.ravel() for w in model.state_dict().values()]))
print("\nmini-batch of all examples equals batch:", np.array_equal(*ends))
