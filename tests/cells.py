"""Which risk measures, regularisers, forms and numbers of players can be solved for: the table.

``python -m tests.cells`` writes docs/cells.md anew.
"""

import itertools
import pathlib

import numpy as np

import rqe

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "cells.md"
RISKS = {
    "Entropic": rqe.Entropic(3.0),
    "ReverseKL": rqe.ReverseKL(3.0),
    "ChiSquared": rqe.ChiSquared(3.0),
    "TotalVariation": rqe.TotalVariation(3.0),
    "CVaR": rqe.CVaR(0.3),
    "WorstCase": rqe.WorstCase(),
    "Neutral": rqe.Neutral(),
}
REGULARIZERS = {
    "NegEntropy": rqe.NegEntropy(0.1),
    "LogBarrier": rqe.LogBarrier(0.1),
    "Tsallis(0.5)": rqe.Tsallis(0.5, 0.1),
    "Tsallis(1.5)": rqe.Tsallis(1.5, 0.1),
    "Tsallis(3)": rqe.Tsallis(3.0, 0.1),
}
FORMS = ("aggregate", "action_dependent")
SHAPES = {2: (3, 3), 3: (2, 3, 2), 4: (2, 2, 2, 2)}
CELLS = list(itertools.product(RISKS, REGULARIZERS, FORMS, SHAPES))
GAMES = 2
INTRO = """\
# What can be solved for

Every risk measure with every regulariser, priced for the mixed strategy (aggregate) or for each own
action (action-dependent), for two to four players who are all alike. A number is the share of
{games} random games a cell (3 × 3, 2 × 3 × 2 and 2 × 2 × 2 × 2 actions, uniform payoffs,
``tau = 3``, ``alpha = 0.3``, ``epsilon = 0.1``) that were solved to a certified regret below 1e-7
of the payoff range; "no" means that the cell is refused by name before anything is computed. The
table is written by ``python -m tests.cells`` and checked by ``tests/test_cells.py``.

| risk | regulariser | aggregate: 2, 3, 4 players | action-dependent: 2, 3, 4 players |
|---|---|---|---|
"""


def agent_of(risk, rule, form):
    """The agent of a cell."""
    return rqe.Agent(RISKS[risk], REGULARIZERS[rule], form)


def outcome(cell):
    """Share of a cell's games that are solved, as the table shows it."""
    risk, rule, form, count = cell
    rng = np.random.default_rng(CELLS.index(cell))
    solved = 0
    for _ in range(GAMES):
        game = rqe.NormalFormGame([rng.random(SHAPES[count]) for _ in range(count)])
        try:
            eq = rqe.solve(game, [agent_of(risk, rule, form)] * count)
        except rqe.ConvergenceError:
            continue
        except ValueError:
            return "no"
        solved += bool(np.all(eq.regret <= 1e-7 * game.payoff_ranges))
    return f"{solved}/{GAMES}"


def page(outcomes):
    """The page, from the outcome of every cell."""
    lines = []
    for risk, rule in itertools.product(RISKS, REGULARIZERS):
        cells = [", ".join(outcomes[risk, rule, form, count] for count in SHAPES) for form in FORMS]
        lines.append(f"| `{risk}` | `{rule}` | {' | '.join(cells)} |\n")
    return INTRO.format(games=GAMES) + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page({cell: outcome(cell) for cell in CELLS}), encoding="utf-8")
