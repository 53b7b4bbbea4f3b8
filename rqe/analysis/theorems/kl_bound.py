"""How far a worst-case belief can be from the others' play."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...result.table import Table
from ._finite import ROUNDING, collect, equilibria, gambles, joint, row, table, tilt
from .probability_bound import log_least
from .statement import Statement

GAMBLES = {
    "|KL(p || q) + KL(q || p) less tau (E_q u - E_p u)|, per tau range": 1e-9,
    "KL(p || q) per tau (E_q u - E_p u)": 1.0 + 1e-9,
    "KL(p || q) per tau^2 range^2 / 8": 1.0 + 1e-9,
    "KL(p || q) per log(1 / q(minimum))": 1.0 + ROUNDING,
}
AT_RQE = {"KL(p_i || x_-i) per sum of log(1 + (n_j - 1) exp(d_j/epsilon_j))": 1.0 + ROUNDING}


def derive() -> dict[str, Any]:
    """The symmetrised identity, the growth in ``tau`` and the small-``tau`` limit."""
    import sympy as sp

    tau, spread = sp.symbols("tau r", positive=True)
    out: dict[str, Any] = {}
    for size in (2, 3):
        u = sp.symbols(f"u1:{size + 1}", real=True)
        weights = sp.symbols(f"w1:{size + 1}", positive=True)
        q = [w / sum(weights) for w in weights]
        heavy = [a * sp.exp(-tau * b) for a, b in zip(q, u, strict=True)]
        p = [h / sum(heavy) for h in heavy]
        ratio = [
            sp.expand_log(sp.log(h / a) - sp.log(sum(heavy))) for h, a in zip(heavy, q, strict=True)
        ]
        mean = {
            name: sum(a * b for a, b in zip(law, u, strict=True))
            for name, law in (("p", p), ("q", q))
        }
        forward = sum(a * b for a, b in zip(p, ratio, strict=True))
        both = forward - sum(a * b for a, b in zip(q, ratio, strict=True))
        out[f"both divergences, {size} outcomes"] = both - tau * (mean["q"] - mean["p"])
        variance = sum(a * b**2 for a, b in zip(p, u, strict=True)) - mean["p"] ** 2
        out[f"grows by tau Var_p(u), {size} outcomes"] = sp.diff(forward, tau) - tau * variance
    share = sp.Symbol("p", positive=True)
    # a variance of a bounded payoff is largest on the two ends, half and half
    two = share * (1 - share) * spread**2
    out["variance at most range^2 / 4"] = (
        spread**2 / 4 - two - (spread * (share - sp.Rational(1, 2))) ** 2
    )
    even = 1 / (1 + sp.exp(-tau * spread))
    sharp = even * sp.log(2 * even) + (1 - even) * sp.log(2 * (1 - even))
    out["sharp as tau -> 0"] = sp.limit(sharp / tau**2, tau, 0) - spread**2 / 8
    out["sharp as tau -> inf"] = sp.limit(sharp, tau, sp.oo) - sp.log(2)
    return out


def check(draws: int, seed: int) -> Table:
    """Random gambles, the gambles that come near each bound, and random RQE."""
    near = {
        "1 less KL per tau range, a good outcome nearly certain": rare(1e4),
        "1 less KL per tau^2 range^2 / 8, even odds, tau range = 0.01": 1.0 - even(0.01),
    }
    return table(
        "divergence of the worst-case belief",
        [
            *collect(_gambles(draws, seed), GAMBLES),
            *collect(_equilibria(draws, seed), AT_RQE),
            *(row(name, [value], 0.02) for name, value in near.items()),
        ],
    )


def _divergence(p: FloatArray, q: FloatArray) -> float:
    # both sum to one: the summands are not negative, and small divergences keep their digits
    d = np.log(q / p)
    return float(np.sum(p * (np.expm1(d) - d)))


def _gambles(draws: int, seed: int) -> Iterator[dict[str, float]]:
    names = list(GAMBLES)
    for u, q, tau in gambles(draws, seed):
        span, p = float(np.ptp(u)), tilt(u, q, tau)
        forward, fall = _divergence(p, q), tau * float((q - p) @ (u - u.min()))
        yield dict(
            zip(
                names,
                (
                    abs(forward + _divergence(q, p) - fall) / (tau * span),
                    forward / fall,
                    forward / (0.125 * (tau * span) ** 2),
                    forward / -float(np.log(q[np.argmin(u)])),
                ),
                strict=True,
            )
        )


def _equilibria(draws: int, seed: int) -> Iterator[dict[str, float]]:
    for game, eq, _, epsilon in equilibria(draws, seed):
        least = [log_least(u, epsilon) for u in game.own_payoffs]
        for i in range(game.n_players):
            rarest = -sum(value for j, value in enumerate(least) if j != i)
            if rarest > 0.0:
                forward = _divergence(eq.beliefs[i].ravel(), joint(eq, i))
                yield dict.fromkeys(AT_RQE, forward / rarest)


def even(steepness: float) -> float:
    """``KL(p || q)`` per ``tau^2 range^2 / 8`` at even odds; 1 in the limit of no steepness.

    Parameters
    ----------
    steepness : float > 0
        ``tau`` times the range of the two payoffs.
    """
    q = np.array([0.5, 0.5])
    p = tilt(np.array([0.0, 1.0]), q, steepness)
    return _divergence(p, q) / (steepness**2 / 8.0)


def rare(nats: float) -> float:
    """``1 - KL(p || q) / (tau range)`` where the bad outcome has probability ``exp(-nats)``.

    At ``tau range = nats + sqrt(nats)``, where the belief has just moved to the bad outcome; 0 in
    the limit of many nats. In logarithms, since ``exp(-nats)`` underflows.
    """
    steepness = nats + float(np.sqrt(nats))
    bad = -float(np.logaddexp(0.0, nats - steepness))
    good = -float(np.logaddexp(0.0, steepness - nats))
    forward = float(np.exp(bad)) * (bad + nats) + float(np.exp(good)) * good
    return 1.0 - forward / steepness


def too_small(draws: int, seed: int) -> Table:
    """Bounds that are NOT: half the quadratic one, and ``tau max|u|`` for ``tau range``."""
    bounds = {"KL(p || q) per tau^2 range^2 / 16": 1.0}

    def instances() -> Iterator[dict[str, float]]:
        for u, q, tau in gambles(draws, seed):
            steep = tau * float(np.ptp(u))
            yield {name: 16.0 * _divergence(tilt(u, q, tau), q) / steep**2 for name in bounds}

    absolute = 2.0 * (1.0 - rare(100.0))
    rows = [
        *collect(instances(), bounds),
        row("KL(p || q) per tau max|u|, payoffs 1, -1", [absolute], 1.0),
    ]
    return table("bounds that fail", rows)


STATEMENT = Statement(
    name="kl_bound",
    source="SRA appendix, for Thm 4.2",
    says=(
        "The worst-case belief p against play q satisfies KL(p || q) + KL(q || p) = "
        "tau (E_q u - E_p u), hence KL(p || q) <= tau (E_q u - E_p u) <= tau range(u); also "
        "KL(p || q) <= tau^2 range(u)^2 / 8, and KL(p || q) <= log(1/q(worst outcome)), which at "
        "an RQE is at most the sum over the others of log(1 + (n_j - 1) exp(d_j/epsilon_j)) <= "
        "log n_j + d_j/epsilon_j (d_j as in probability_bound). Sharp: the first where the worst "
        "outcome is nearly impossible, the second as tau -> 0 at even odds, the third as "
        "tau -> inf. The third, divided by tau, is the one behind free_riding."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "the range cannot be replaced by the largest absolute payoff: payoffs 1 and -1, the second "
        "of probability e^-100, tau = 55: KL = 99.99 > 55 = tau max|u|"
    ),
)
