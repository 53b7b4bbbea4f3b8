"""The collaboration theorem in sympy: slopes of the closed form, steps of the paper's proof."""

from __future__ import annotations

from typing import Any


def slopes() -> dict[str, Any]:
    """Slopes in ``tau_1`` for any number of players, whose loads ``g_j`` enter by their sum.

    In one eigendirection. What is subtracted is of one sign: every symbol is positive, and so is
    ``1 - q``.
    """
    import sympy as sp

    eta, rho, reach, tau, a = sp.symbols("eta rho r tau a", positive=True)
    other, price, rest = sp.symbols("g_2 rho_2 G_rest", positive=True)
    q = tau * reach
    load = eta / (rho * (1 - q))
    total = load + other + rest
    undone, own, second = 1 / (1 + total), load / (1 + total), other / (1 + total)
    pace = reach / (1 - q) * own
    reward = -eta * a**2 * undone**2 / 2
    mine = reward - rho * (a * own) ** 2 / 2
    others = reward - price * (a * second) ** 2 / 2
    G = sp.Symbol("G", positive=True)
    whole = -eta * a**2 / (2 * (1 + G) ** 2)
    paid = a**2 * eta * undone**2 * pace * (other + rest + q) / (1 - q)
    return {
        "J rises with G": sp.diff(whole, G) - eta * a**2 / (1 + G) ** 3,
        "G rises with tau_1": sp.diff(load, tau) - eta * reach / (rho * (1 - q) ** 2),
        "J rises with tau_1": sp.diff(reward, tau) - eta * a**2 * undone**2 * pace,
        "own share": sp.diff(own, tau) - pace * (1 - own),
        "another's share": sp.diff(second, tau) + pace * second,
        "own payoff falls": sp.diff(mine, tau) + paid,
        "another's payoff rises": sp.diff(others, tau)
        - a**2 * pace * (eta * undone**2 + price * second**2),
    }


def team() -> dict[str, Any]:
    """Where the sum of payoffs, and the reward less all costs, are stationary; 2 to 4 players."""
    import sympy as sp

    eta, a = sp.symbols("eta a", positive=True)
    out: dict[str, Any] = {}
    for n in (2, 3, 4):
        tau, rho, reach = (sp.symbols(f"{k}1:{n + 1}", positive=True) for k in ("tau", "rho", "r"))
        loads = [eta / (p * (1 - t * r)) for t, p, r in zip(tau, rho, reach, strict=True)]
        undone = 1 / (1 + sum(loads))
        reward = -eta * a**2 * undone**2 / 2
        costs = sum(p * (a * g * undone) ** 2 for p, g in zip(rho, loads, strict=True)) / 2
        level = {t: (1 - sp.Rational(1, n)) / r for t, r in zip(tau, reach, strict=True)}
        total = sp.diff(n * reward - costs, tau[0]).subs(level)
        out[f"sum of payoffs is stationary at q = 1 - 1/N, {n} players"] = total
        neutral = sp.diff(reward - costs, tau[0]).subs(dict.fromkeys(tau, 0))
        out[f"reward less all costs is stationary at tau = 0, {n} players"] = neutral
    return out


def proof() -> dict[str, Any]:
    """Two steps of the paper's proof as they should read: block inverse, and right-hand side."""
    out = {f"block inverse, {k}": gap for k, gap in enumerate(_block_inverse(-1))}
    return out | {f"means of players 1 and 2, {k}": gap for k, gap in enumerate(_two("P_21"))}


def proof_as_printed() -> dict[str, Any]:
    """The same steps with plus signs, and with player 1's ``P`` in player 2's entry: not zero."""
    out = {f"block inverse, {k}": gap for k, gap in enumerate(_block_inverse(1))}
    return out | {f"means of players 1 and 2, {k}": gap for k, gap in enumerate(_two("P_12"))}


def _block_inverse(sign: int) -> list[Any]:
    """Entries of ``M M^{-1} - 1``, ``M`` of blocks of 1 and 2; `sign` that of the other blocks."""
    import sympy as sp

    A, B = sp.Matrix([[sp.Symbol("A")]]), sp.Matrix(1, 2, sp.symbols("B1:3"))
    C, D = sp.Matrix(2, 1, sp.symbols("C1:3")), sp.Matrix(2, 2, sp.symbols("D1:5"))
    schur, inner = (A - B * D.inv() * C).inv(), D.inv()
    right, left = sign * schur * B * inner, sign * inner * C * schur
    inverse = sp.Matrix([[schur, right], [left, inner + inner * C * schur * B * inner]])
    product = sp.Matrix([[A, B], [C, D]]) * inverse - sp.eye(3)
    return list(product)


def _two(second: str) -> list[Any]:
    """Two unequal players' means from the linear system less the closed form."""
    import sympy as sp

    eta, a = sp.symbols("eta a", positive=True)
    rho, tau, v = (sp.symbols(f"{k}1:3", positive=True) for k in ("rho", "tau", "v"))
    # P_12 is what player 1 makes of player 2's variance, P_21 the other way round
    P = {"P_12": 1 / (tau[0] * v[1]) - eta, "P_21": 1 / (tau[1] * v[0]) - eta}
    first, last = P["P_12"], P["P_21"]
    system = sp.Matrix(
        [
            [eta + rho[0] + eta**2 / first, eta / (first * tau[0] * v[1])],
            [eta / (last * tau[1] * v[0]), eta + rho[1] + eta**2 / last],
        ]
    )
    right = sp.Matrix([eta * a * (1 + eta / first), eta * a * (1 + eta / P[second])])
    room = 1 - tau[0] * eta * v[1], 1 - tau[1] * eta * v[0]
    loads = [eta / (p * d) for p, d in zip(rho, room, strict=True)]
    closed = sp.Matrix([a * g / (1 + sum(loads)) for g in loads])
    return list(system * closed - right)
