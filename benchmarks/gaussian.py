"""Gaussian RQE against the formulas written out in SciPy, checked by a closed form."""

from __future__ import annotations

import numpy as np
import scipy.linalg

import rqe

from .measure import Row, Section, race, ratio, require


def draw(players: int, dimension: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``H`` with eigenvalues in [1/2, 2], a target, and one ``rho`` in [1/2, 2] a player."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    h = (turn * rng.uniform(0.5, 2.0, dimension)) @ turn.T
    return 0.5 * (h + h.T), rng.normal(size=dimension), rng.uniform(0.5, 2.0, players)


def closed_form(
    h: np.ndarray, target: np.ndarray, rho: np.ndarray, tau: np.ndarray, epsilon: float
) -> np.ndarray:
    """Means (N, d), eigendirection by eigendirection of ``H``: no linear system."""
    eta, turn = np.linalg.eigh(h)
    goal = turn.T @ target
    spread = epsilon * eta / (eta + rho[:, None])
    share = eta / (rho[:, None] * (1.0 - tau[:, None] * (spread.sum(axis=0) - spread)))
    total = share.sum(axis=0)
    return np.asarray((share * (goal - goal * total / (1.0 + total))) @ turn.T)


def by_hand(
    h: np.ndarray, target: np.ndarray, rho: np.ndarray, tau: np.ndarray, epsilon: float
) -> np.ndarray:
    """Means (N, d) as the shortest SciPy programme gets them: SRA's best responses, stacked."""
    count, d = len(rho), len(target)
    own = [h + r * np.eye(d) for r in rho]
    system, right = np.eye(count * d), np.zeros(count * d)
    for i in range(count):
        others = [j for j in range(count) if j != i]
        anchor = scipy.linalg.block_diag(*(own[j] / (epsilon * tau[i]) for j in others))
        weight = anchor - np.tile(h, (count - 1, count - 1))
        cross = -np.tile(h, (1, count - 1))
        pull = cross @ scipy.linalg.inv(weight)
        inner = own[i] + pull @ cross.T
        rows = slice(i * d, (i + 1) * d)
        columns = np.concatenate([np.arange(j * d, (j + 1) * d) for j in others])
        system[rows, columns] = -scipy.linalg.solve(inner, pull @ anchor)
        goal = h @ target
        right[rows] = scipy.linalg.solve(inner, goal - pull @ np.tile(goal, count - 1))
    return np.asarray(scipy.linalg.solve(system, right)).reshape(count, d)


def row(players: int, dimension: int, seed: int, repeats: int) -> Row:
    """One aggregative game with players of different costs, half-way to infinite risk."""
    h, target, rho = draw(players, dimension, seed)
    top = float(np.linalg.eigvalsh(h)[-1])
    spread = top / (top + rho)
    tau, epsilon = 0.5 / (spread.sum() - spread), 1.0
    game = rqe.AggregativeGame(H=h, target=target, rho=rho)
    timings, (eq, plain) = race(
        [
            lambda: rqe.solve_rqe(game, tau, epsilon),
            lambda: by_hand(h, target, rho, tau, epsilon),
        ],
        repeats,
    )
    require(eq.status is rqe.Status.CONVERGED and eq.residual <= 1e-10, f"not solved: {eq!r}")
    exact = closed_form(h, target, rho, tau, epsilon)
    gap = float(np.abs(np.array(eq.means) - exact).max())
    require(gap <= 1e-10, f"a mean differs by {gap:.1e} from the closed form")
    away = float(np.abs(plain - exact).max())
    require(away <= 1e-8, f"the programme by hand differs by {away:.1e} from the closed form")
    return {
        "players": players,
        "dimension": dimension,
        "seed": seed,
        "rqe": str(timings[0]),
        "means by hand": str(timings[1]),
        "ratio": ratio(timings[1].median, timings[0].median),
        "residual": f"{eq.residual:.0e}",
        "difference from the closed form": f"{gap:.0e}",
    }


GAUSSIAN = Section(
    "Gaussian RQE of aggregative games",
    "Random `H`, target and costs, every `tau` at half of its largest value; the closed form goes "
    "by the eigenvectors of `H`. *By hand* is a programme of 20 lines that solves for the means "
    "alone: no covariances, beliefs, largest `tau`, values or regrets, which our time includes.",
    row,
    quick=[
        {"players": 2, "dimension": 1, "seed": 0, "repeats": 15},
        {"players": 10, "dimension": 5, "seed": 0, "repeats": 7},
    ],
    more=[
        {"players": 10, "dimension": 20, "seed": 0, "repeats": 7},
        {"players": 50, "dimension": 1, "seed": 0, "repeats": 7},
        {"players": 200, "dimension": 1, "seed": 0, "repeats": 1},
        {"players": 2, "dimension": 200, "seed": 0, "repeats": 3},
        {"players": 2, "dimension": 1000, "seed": 0, "repeats": 1},
        {"players": 2, "dimension": 2000, "seed": 0, "repeats": 1},
    ],
    smallest={"players": 3, "dimension": 2, "seed": 0, "repeats": 2},
)
