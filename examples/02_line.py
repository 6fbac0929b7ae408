"""02 A line: find the slope and intercept that fit noisy points, by the mean squared error.

The loss is a number that is small when the line is right: the average of (prediction - target)².
"""

import numpy as np

import tinygrad_edu as tg

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=100).astype(np.float32)
y = 3 * x + 1 + 0.1 * rng.standard_normal(100).astype(np.float32)

# 1. Start somewhere, and say which numbers may change.
slope = tg.tensor(0.0, requires_grad=True)
intercept = tg.tensor(0.0, requires_grad=True)
descent = tg.optim.BatchGradientDescent([slope, intercept], lr=0.3)
criterion = tg.nn.MSELoss()

for step in range(41):
    # 2. Compute the loss, 3. its gradient, and 4. step against it.
    loss = criterion(slope * x + intercept, y)
    descent.zero_grad()
    loss.backward()
    if step % 10 == 0:
        print(
            f"step {step:2d}: loss {loss.item():.4f}   line {slope.item():.3f} x + {intercept.item():.3f}   "
            f"gradient ({slope.grad.item():+.3f}, {intercept.grad.item():+.3f})"
        )
    descent.step()

# For a line there is a formula too. Gradient descent arrives at the same answer.
exact = np.polyfit(x, y, deg=1)
print(f"least squares:           line {exact[0]:.3f} x + {exact[1]:.3f}")

# The classic mistake: targets as a column against predictions as a row would compare everything with everything.
try:
    criterion(slope * x + intercept, y.reshape(-1, 1))
except ValueError as error:
    print(f"\nA column of targets is refused: {error}")
