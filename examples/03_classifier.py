"""03 A classifier: two half circles, a small network, and the cross-entropy.

The network gives a score for each class. Softmax turns scores into probabilities, and the cross-entropy is
-log of the probability of the right class: 0 when it is certain and right, large when it is certain and wrong.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

moons = tg.data.moons(n=400, rng=np.random.default_rng(0))
X_train, X_test, y_train, y_test = tg.data.split(moons.X, moons.y, rng=np.random.default_rng(0))

tg.seed(0)
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
criterion = nn.CrossEntropyLoss()
descent = optim.MiniBatchGradientDescent(model.parameters(), lr=0.2, batch_size=20)
print(model, f"\n{model.num_parameters()} numbers to find\n")

rng = np.random.default_rng(0)
for epoch in range(1, 101):
    for xb, yb in tg.data.batches(X_train, y_train, batch_size=20, shuffle=True, rng=rng):
        loss = criterion(model(xb), yb)
        descent.zero_grad()
        loss.backward()
        descent.step()
    if epoch in (1, 10, 50, 100):
        with tg.no_grad():
            guess = model(X_test).argmax(axis=1).numpy()
        print(f"epoch {epoch:3d}: loss {loss.item():.4f}, test accuracy {tg.metrics.accuracy(y_test, guess):.3f}")

# How sure is it? The probabilities of the first five test examples.
with tg.no_grad():
    probabilities = model(X_test[:5]).softmax().numpy()
for truth, (p0, p1) in zip(y_test, probabilities, strict=False):
    print(f"class {truth}: probability {p0:.3f} of class 0, {p1:.3f} of class 1")

print("\nEvery gradient here was computed by backpropagation; is it right? Central differences say:")
print(tg.gradcheck(lambda w: criterion(w @ w.T, [0, 1, 2]), np.random.default_rng(0).normal(size=(3, 4)), order=2))
