"""A search for pairs of points at which a learning game of two players alike is not monotone."""

import numpy as np
from scipy.optimize import minimize

INSIDE, OUTSIDE = 1.02, 0.9


def lowest(slope, border, actions):
    """Least value of the form found at ``INSIDE`` and at ``OUTSIDE`` times a border in ``epsilon``.

    ``slope(x, p, epsilon)`` gives the losses' gradients at strategies and beliefs (2, actions).
    """
    rng = np.random.default_rng(actions)

    def point(z):
        weights = np.exp(z.reshape(4, actions))
        parts = weights / weights.sum(axis=1, keepdims=True)
        return parts[:2], parts[2:]

    def least(z, epsilon):
        half = z.size // 2
        (x, p), (y, r) = point(z[:half]), point(z[:half] + 0.03 * np.tanh(z[half:]))
        step = np.concatenate([(x - y).ravel(), (p - r).ravel()])
        return (slope(x, p, epsilon) - slope(y, r, epsilon)) @ step / (step @ step)

    found = {}
    for margin in (INSIDE, OUTSIDE):
        start = 0.3 * rng.normal(size=(4, 8 * actions))
        runs = [minimize(least, z, (margin * border,), method="L-BFGS-B", bounds=[(-4, 4)] * z.size)
                for z in start]  # fmt: skip
        found[margin] = min(run.fun for run in runs)
    return found
