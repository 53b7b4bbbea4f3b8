"""Maximum likelihood: our `fit` and pygambit's `logit_estimate` on the same observed play."""

from __future__ import annotations

import numpy as np

import games
from rqe.analysis.estimation import Observation, fit

from .measure import Row, Section, columns, race, require
from .peers import calls, stored


def row(number: int, repeats: int) -> Row:
    """Precision of the logit equilibrium that fits one of Selten and Chmura's games best."""
    data = Observation(games.selten_chmura(number), games.selten_chmura_play(number).counts)
    payoffs = np.asarray(data.game.payoffs)
    theirs = calls("estimate", payoffs=stored(payoffs), counts=[c.tolist() for c in data.totals])
    timings, (found, *others) = race([lambda: fit([data], "qre"), *theirs], repeats)
    lam, best = float(found.lam[0]), float(found.log_likelihood)
    gap = max(abs(other[0] - lam) for other in others)
    require(gap <= 1e-3 * lam, f"lambda {lam} differs by {gap:.1e}")
    return {
        "game": number,
        **columns([call.peer.name for call in theirs], timings),
        "lambda": f"{lam:.5f}",
        "difference": f"{gap / lam:.0e}",
        "log-likelihood above theirs": f"{best - max(other[1] for other in others):.0e}",
    }


ESTIMATION = Section(
    "Estimation of the logit precision",
    "Play of Selten and Chmura (2008), all rounds and groups. Ours comes with standard errors, an "
    "interval and the test of the model; the difference is relative.",
    row,
    quick=[{"number": 1, "repeats": 5}],
    more=[{"number": n, "repeats": 5} for n in (4, 7, 12)],
    smallest={"number": 1, "repeats": 2},
)
