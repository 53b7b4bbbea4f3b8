"""Derivations of the two statements about gains of Markov policies."""

from __future__ import annotations

from typing import Any


def policy_gradient() -> dict[str, Any]:
    """Slopes of softmax, of the resolvent, of every price; a two-state game; the envelope."""
    return {**_prices(), **_resolvent(), **_two_states(), **_envelope()}


def _prices() -> dict[str, Any]:
    """Slopes of averages, entropy and divergences by the logits of a softmax policy."""
    import sympy as sp

    logits, w, q = sp.symbols("t1:4", real=True), sp.symbols("w1:4"), sp.symbols("q1:4")
    total = sum(sp.exp(t) for t in logits)
    x = [sp.exp(t) / total for t in logits]
    log_x = [t - sp.log(total) for t in logits]
    mean = sum(a * b for a, b in zip(x, w, strict=True))
    nu = sum(a * b for a, b in zip(x, log_x, strict=True))
    forward = sum(a * (b - sp.log(c)) for a, b, c in zip(x, log_x, q, strict=True))
    # anchors sum to one
    anchor = [q[0], q[1], 1 - q[0] - q[1]]
    backward = -sum(c * b for b, c in zip(log_x, anchor, strict=True))
    first = logits[0]
    return {
        "average": sp.diff(mean, first) - x[0] * (w[0] - mean),
        "entropy": sp.diff(nu, first) - x[0] * (log_x[0] - nu),
        "KL": sp.diff(forward, first) - x[0] * (log_x[0] - sp.log(q[0]) - forward),
        "reverse KL": sp.diff(backward, first) - x[0] * (1 - q[0] / x[0]),
        "barrier": sp.diff(-sum(log_x), first) - x[0] * (3 - 1 / x[0]),
        **_anchors(),
    }


def _anchors() -> dict[str, Any]:
    """Slopes of both divergences by a partner's logit: two partners of two actions."""
    import sympy as sp

    t, y = sp.symbols("t y")
    p, log_p = sp.symbols("p1:4"), sp.symbols("l1:5")
    p = [*p, 1 - sum(p)]
    own = 1 / (1 + sp.exp(-t))
    # joint actions in C order: the first partner's actions are own, own, other, other
    q = [own * y, own * (1 - y), (1 - own) * y, (1 - own) * (1 - y)]
    forward = -sum(a * sp.log(b) for a, b in zip(p, q, strict=True))
    backward = sum(b * (sp.log(b) - c) for b, c in zip(q, log_p, strict=True))
    gaps = [sp.log(b) - c for b, c in zip(q, log_p, strict=True)]
    pulled = q[0] * gaps[0] + q[1] * gaps[1] - own * sum(map(sp.Mul, q, gaps))
    return {
        "anchor of KL": sp.diff(forward, t) - (own - p[0] - p[1]),
        "anchor of reverse KL": sp.diff(backward, t) - pulled,
    }


def _resolvent() -> dict[str, Any]:
    """Two states whose moves and income depend on a parameter in any way."""
    import sympy as sp

    t, discount, share = sp.symbols("t gamma rho")
    a, b, one, two = (sp.Function(name)(t) for name in ("a", "b", "g1", "g2"))
    chain = sp.Matrix([[a, 1 - a], [b, 1 - b]])
    income, first = sp.Matrix([one, two]), sp.Matrix([[share, 1 - share]])
    inverse = (sp.eye(2) - discount * chain).inv()
    values, visits = inverse * income, (1 - discount) * first * inverse
    moved = sp.diff(income, t) + discount * sp.diff(chain, t) * values
    slope = sp.diff((first * values)[0], t) - (visits * moved)[0] / (1 - discount)
    return {"slope of the resolvent": slope, "visits sum to one": sum(visits) - 1}


def _two_states() -> dict[str, Any]:
    """The whole theorem where play matters in one of two states, the other one absorbing."""
    import sympy as sp

    discount, tau, epsilon, y = sp.symbols("gamma tau epsilon q", positive=True)
    x, p = sp.symbols("x p", positive=True)
    r, stay = sp.symbols("r1:5"), sp.symbols("k1:5")
    log = sp.log
    nu = x * log(x) + (1 - x) * log(1 - x)
    cost = (p * log(p / y) + (1 - p) * log((1 - p) / (1 - y))) / tau
    weights = [x * p, x * (1 - p), (1 - x) * p, (1 - x) * (1 - p)]
    reward, keep = (sum(map(sp.Mul, weights, part)) for part in (r, stay))
    value = (reward + cost - epsilon * nu) / (1 - discount * keep)
    visits = (1 - discount) / (1 - discount * keep)
    stage = [a + discount * b * value for a, b in zip(r, stay, strict=True)]
    own = p * stage[0] + (1 - p) * stage[1] - epsilon * log(x) - (value - cost)
    others = x * stage[0] + (1 - x) * stage[2] + log(p / y) / tau - (value + epsilon * nu)
    # by logits, probabilities have slopes x(1 - x) and p(1 - p)
    slopes = sp.diff(value, x) * x * (1 - x), sp.diff(value, p) * p * (1 - p)
    return {
        "two states, player": slopes[0] - visits / (1 - discount) * x * own,
        "two states, adversary": slopes[1] - visits / (1 - discount) * p * others,
    }


def _envelope() -> dict[str, Any]:
    """One state: the worst-case value moves as if the tilt stood still."""
    import sympy as sp

    x, tau = sp.symbols("x tau", positive=True)
    u, v, q = (sp.symbols(f"{name}1:4", real=True) for name in "uvq")
    outcome = [x * a + (1 - x) * b for a, b in zip(u, v, strict=True)]
    heavy = [a * sp.exp(-tau * b) for a, b in zip(q, outcome, strict=True)]
    value = -sp.log(sum(heavy)) / tau
    tilted = sum(h * (a - b) for h, a, b in zip(heavy, u, v, strict=True)) / sum(heavy)
    # a partner's pull through the anchor becomes its effect on the mean as tau vanishes
    y = sp.Symbol("y", positive=True)
    low, high = sp.symbols("a b", real=True)
    tilt = y * sp.exp(-tau * low) / (y * sp.exp(-tau * low) + (1 - y) * sp.exp(-tau * high))
    mean = y * low + (1 - y) * high
    return {
        "envelope": sp.diff(value, x) - tilted,
        "anchor as tau -> 0": sp.limit((y - tilt) / tau, tau, 0) - y * (low - mean),
    }


def performance_difference() -> dict[str, Any]:
    """The lemma with two states, forwards and backwards; forms with divergences; optimal play."""
    return {**_lemma(), **_soft(), **_optimal()}


def _lemma() -> dict[str, Any]:
    """Two states, any chains and incomes before and after; a stage's gain by its Q."""
    import sympy as sp

    discount, share = sp.symbols("gamma rho")
    first = sp.Matrix([[share, 1 - share]])
    a, b, c, d, one, two, three, four = sp.symbols("a b c d g1:5")

    def inverse(stay: Any, back: Any) -> Any:
        chain = sp.Matrix([[stay, 1 - stay], [back, 1 - back]])
        return chain, (sp.eye(2) - discount * chain).inv()

    old, new = sp.Matrix([one, two]), sp.Matrix([three, four])
    chain, before = inverse(a, b)
    moved, after = inverse(c, d)
    values, visits = before * old, (1 - discount) * first * after
    gains = new + discount * moved * values - values
    rise = (first * (after * new - values))[0]
    out = {"with two states": rise - (visits * gains)[0] / (1 - discount)}
    # with the new values and the old visits it is the lemma read backwards
    gains = after * new - old - discount * chain * after * new
    out["read backwards"] = rise - (first * before * gains)[0]
    # a stage's gain in terms of Q: the player's two actions, next states by their chances
    x, y, cost, later = sp.symbols("x y c1 c2")
    r, k, v = sp.symbols("r1:3"), sp.symbols("k1:3"), sp.symbols("v1:3")
    q = [m + discount * (n * v[0] + (1 - n) * v[1]) for m, n in zip(r, k, strict=True)]

    def total(z: Any, price: Any) -> Any:
        onward = z * k[0] + (1 - z) * k[1]
        return z * r[0] + (1 - z) * r[1] - price + discount * (onward * v[0] + (1 - onward) * v[1])

    gain = total(y, later) - total(x, cost)
    out["a stage's gain by Q"] = gain - ((y - x) * (q[0] - q[1]) - (later - cost))
    return out


def _soft() -> dict[str, Any]:
    """A price's rise is its slope times the step plus a divergence, three outcomes."""
    import sympy as sp

    new, old, anchor = (sp.symbols(f"{name}1:4", positive=True) for name in ("y", "x", "q"))
    u, (tau, epsilon) = sp.symbols("u1:4", real=True), sp.symbols("tau epsilon", positive=True)
    log, least = sp.log, {old[2]: 1 - old[0] - old[1], new[2]: 1 - new[0] - new[1]}

    def mean(weights: Any, each: Any) -> Any:
        return sum(map(sp.Mul, weights, each))

    def kl(one: Any, two: Any) -> Any:
        return sum(m * (log(m) - log(n)) for m, n in zip(one, two, strict=True))

    def spread(one: Any, two: Any) -> Any:
        return sum(w * (m / n - 1 - log(m / n)) for w, m, n in zip(anchor, one, two, strict=True))

    nu = [mean(z, map(log, z)) for z in (new, old)]
    scores = [m - epsilon * log(n) for m, n in zip(u, old, strict=True)]
    ahead = mean(new, scores) - mean(old, scores)
    entropy = mean(new, u) - mean(old, u) - epsilon * (nu[0] - nu[1])
    tilted = [m + (log(n) - log(w)) / tau for m, n, w in zip(u, old, anchor, strict=True)]
    risk = mean(new, u) - mean(old, u) + (kl(new, anchor) - kl(old, anchor)) / tau
    pushed = [m - w / n / tau for m, n, w in zip(u, old, anchor, strict=True)]
    reverse = mean(new, u) - mean(old, u) + (kl(anchor, new) - kl(anchor, old)) / tau
    barrier = [m + epsilon / n for m, n in zip(u, old, strict=True)]
    logs = sum(m / n - 1 - log(m) + log(n) for m, n in zip(new, old, strict=True))
    fall = mean(new, u) - mean(old, u) + epsilon * (sum(map(log, new)) - sum(map(log, old)))
    gaps = {
        "entropy": entropy - (ahead - epsilon * kl(new, old)),
        "KL": risk - (mean(new, tilted) - mean(old, tilted) + kl(new, old) / tau),
        "reverse KL": reverse - (mean(new, pushed) - mean(old, pushed) + spread(new, old) / tau),
        "barrier": fall - (mean(new, barrier) - mean(old, barrier) - epsilon * logs),
    }
    return {name: sp.expand_log(gap.subs(least), force=True) for name, gap in gaps.items()}


def _optimal() -> dict[str, Any]:
    """Stage gains by the quantal response, and at the worst belief by the tilt."""
    import sympy as sp

    x, y, epsilon, tau = sp.symbols("x y epsilon tau", positive=True)
    u, q = sp.symbols("u1:3", real=True), sp.symbols("q1:3", positive=True)
    log = sp.log
    value = epsilon * log(sp.exp(u[0] / epsilon) + sp.exp(u[1] / epsilon))
    best = [(m - value) / epsilon for m in u]
    out, gaps = {}, {}
    for z in (x, y):
        weights = (z, 1 - z)
        price = epsilon * sum(w * log(w) for w in weights)
        gaps[z] = epsilon * sum(w * (log(w) - b) for w, b in zip(weights, best, strict=True))
        out[f"short of the best by a divergence, {z}"] = (
            value - (sum(map(sp.Mul, weights, u)) - price) - gaps[z]
        )
    certain = -log(q[0] * sp.exp(-tau * u[0]) + q[1] * sp.exp(-tau * u[1])) / tau
    tilt = [log(w) - tau * (m - certain) for w, m in zip(q, u, strict=True)]
    weights = (x, 1 - x)
    price = sum(w * (log(w) - log(v)) for w, v in zip(weights, q, strict=True)) / tau
    short = sum(w * (log(w) - t) for w, t in zip(weights, tilt, strict=True)) / tau
    out["above the worst by a divergence"] = sum(map(sp.Mul, weights, u)) + price - certain - short
    return out
