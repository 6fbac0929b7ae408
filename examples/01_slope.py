"""01 The slope: let the computer find the lowest point of y = x².

The derivative of x² is 2x. A negative slope says: go right. A positive one: go left. Zero: stay.
"""

import tinygrad_edu as tg


def curve(x):
    return x**2


slope = tg.grad(curve)

print("Reading the slope of y = x²:")
for x in (-6.0, -4.0, -2.0, 0.0):
    print(f"  at x = {x:4.0f} the curve is {curve(x):4.0f} high and its slope is {slope(x).item():5.0f}")

print("\nFollowing it downhill from x = -6, by hand:  x ← x - 0.1 · slope")
x = -6.0
for step in range(1, 6):
    x -= 0.1 * slope(x).item()
    print(f"  step {step}: x = {x:.4f}")

# Each step multiplies x by 1 - 2·lr, so the learning rate decides everything.
print("\nThe learning rate, from x = -6, 100 steps at most, until |slope| < 0.001:")
for lr in (0.1, 0.5, 0.9, 1.0, 1.1):
    trace = tg.minimize(curve, start=-6.0, lr=lr, max_steps=100, tolerance=1e-3)
    print(f"  {lr:3.1f}: {trace.stop_reason} after {len(trace) - 1:3d} steps, at x = {trace.x:.4g}")

# The weakness: the descent ends in the valley where it started.
print("\nThe same descent on a curve with two valleys, x⁴ - 3x² + x:")
for start in (-2.0, 2.0):
    trace = tg.minimize("x**4 - 3*x**2 + x", start=start, lr=0.05)
    print(f"  from {start:4.0f}: x = {trace.x:.3f}, where the curve is {trace.loss:.3f} high")
