"""05 Digits, end to end: load, split, scale, train with early stopping, look at the mistakes, save, load, predict."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import checkpoint, nn, optim
from tinygrad_edu.training import EarlyStopping

digits = tg.data.digits()
print(digits.summary())
X_train, X_test, y_train, y_test = tg.data.split(digits.X, digits.y, rng=np.random.default_rng(0))
X_train, X_test = tg.data.standardize(X_train, X_test)


def network():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(64, 128, rng=rng),
        nn.ReLU(),
        nn.Dropout(0.2, rng=np.random.default_rng(1)),
        nn.Linear(128, 10, rng=rng),
    )


model = network()
history = tg.fit(
    model,
    X_train,
    y_train,
    loss=nn.CrossEntropyLoss(),
    optimizer=optim.SGD(model.parameters(), lr=0.05, momentum=0.9, batch_size=32),
    epochs=100,
    validation=0.1,
    callbacks=[EarlyStopping(patience=10)],
)
print(history.message)
print(f"{history.n_updates:,} updates in {history.duration:.1f} s")


def predict(network, X):
    network.eval()
    with tg.no_grad():
        return network(X).argmax(axis=1).numpy()


guess = predict(model, X_test)
print(f"test accuracy {tg.metrics.accuracy(y_test, guess):.4f}")

print("\nConfusion matrix (rows: the digit, columns: what the network said):")
print(tg.metrics.confusion_matrix(y_test, guess))

first = np.flatnonzero(guess != y_test)[0]
print(f"\nA mistake: a {y_test[first]} taken for a {guess[first]}.")
for row in X_test[first].reshape(8, 8):
    print("  " + "".join(" .:-=+*#%@"[int(np.clip(v * 3 + 3, 0, 9))] * 2 for v in row))

with TemporaryDirectory() as folder:
    path = checkpoint.save(Path(folder) / "digits.safetensors", model.state_dict())
    again = network()
    again.load_state_dict(checkpoint.load(path)[0])
print("\nsaved, loaded, and the same predictions:", np.array_equal(predict(again, X_test), guess))
