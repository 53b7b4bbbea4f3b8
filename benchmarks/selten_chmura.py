"""What the subjects of Selten and Chmura's twelve games say of RQE, QRE and Nash.

Run ``python -m benchmarks.selten_chmura --out docs/results/selten_chmura.json`` (some minutes);
``--show`` prints the tables of a saved result; ``docs/people.md`` explains them. Nothing is random.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.record import read, write
from benchmarks.tractable_play import CLASSES, area, common_fits, exact, quantal_area
from rqe.analysis.estimation import (
    Observation,
    cross_validate,
    fit,
    likelihood_ratio,
    predict,
)

RESULT = Path("docs/results/selten_chmura.json")
MODELS = tuple(itertools.product(("rqe", "qre", "nash"), ("all", "role", "game")))
FOLDS = {
    "games 7-12 from 1-6": [list(range(6, 12))],
    "games 1-6 from 7-12": [list(range(6))],
    "one game from eleven": [[g] for g in range(12)],
    "a pair k, k+6 from ten": [[g, g + 6] for g in range(6)],
}
"""Games k and k + 6 have the same best replies: leaving a pair out is the harder test."""
RIVALS = ((("rqe", "all"), ("qre", "all")), (("rqe", "all"), ("qre", "role")),
          (("rqe", "role"), ("qre", "role")), (("qre", "all"), ("nash", "all")))  # fmt: skip


def observations(numbers: Sequence[int] = range(1, 13)) -> list[Observation]:
    """Counts of every independent group."""
    return [
        Observation(games.selten_chmura(k), games.selten_chmura_play(k).counts) for k in numbers
    ]


def by_group(data: Sequence[Observation], plays: Sequence[Any]) -> np.ndarray:
    """Log-likelihood of every group of all games at the given play."""
    return np.concatenate(
        [
            sum(c @ np.log(x) for c, x in zip(o.counts, play, strict=True))
            for o, play in zip(data, plays, strict=True)
        ]
    )


def held_out(data: Sequence[Observation], folds: Any, concept: str, share: str) -> Any:
    """Log-likelihood of every group of the held-out games, and mean squared distance of games."""
    groups, distances = [], []
    for fold in folds:
        fitted = fit([o for g, o in enumerate(data) if g not in fold], concept, share=share)
        held = [data[g] for g in fold]
        plays = [predict(fitted, o.game) for o in held]
        groups.append(by_group(held, plays))
        for o, play in zip(held, plays, strict=True):
            pairs = zip(play, o.frequencies, strict=True)
            distances.append(0.5 * sum(float(np.sum((x - f) ** 2)) for x, f in pairs))
    return np.concatenate(groups), float(np.mean(distances))


def study_fits(data: Sequence[Observation]) -> dict[str, Any]:
    """Every concept with every sharing of parameters, and tests of the nested ones."""
    fits = {model: fit(data, model[0], share=model[1]) for model in MODELS}
    rows, parameters, tests, play = [], [], [], []
    for (concept, share), f in fits.items():
        distance = np.mean(
            [0.5 * sum(np.sum((a - b) ** 2) for a, b in zip(*f.of_game(g), strict=True))
             for g in range(len(data))]
        )  # fmt: skip
        row = {"concept": concept, "share": share, "parameters": len(f.parameters)}
        row |= {"log-likelihood": f.log_likelihood, "AIC": f.aic, "BIC": f.bic}
        rows.append(row | {"explained": f.explained, "distance": float(distance)})
        if share != "game":
            f = fit(data, concept, share=share, profile=True)
            for k, name in enumerate(f.parameters):
                numbers = (f.estimates[k], f.standard_errors[k], f.standard_errors_clustered[k],
                           *f.profile_clustered[k])  # fmt: skip
                parameters.append([concept, share, name, *map(_number, numbers), f.boundary[k]])
    for share in ("all", "role", "game"):
        tests.append([f"qre in rqe, {share}", *_test(fits["qre", share], fits["rqe", share])])
    for concept in ("rqe", "qre", "nash"):
        tests.append(
            [f"{concept}: all in game", *_test(fits[concept, "all"], fits[concept, "game"])]
        )
    for g, o in enumerate(data):
        columns = [float(x[0]) for x in o.frequencies]
        for model in (("rqe", "all"), ("qre", "all"), ("nash", "all")):
            columns += [float(x[0]) for x in fits[model].of_game(g)[0]]
        play.append([g + 1, *columns])
    single = [
        [g + 1, *(_number(fits[m, "game"].estimates[k]) for m, k in
                  (("rqe", g), ("rqe", 12 + g), ("qre", g), ("nash", g))),
         *(float(fits[m, "game"].by_game[g]) for m in ("rqe", "qre", "nash"))]
        for g in range(12)
    ]  # fmt: skip
    common = fits["rqe", "all"].estimates
    several = [len(rqe.enumerate_rqe(o.game, *common)) for o in data]
    out = {"fits": rows, "parameters": parameters, "tests": tests, "play": play}
    return out | {"single": single, "equilibria": several}


def _test(restricted: Any, full: Any) -> list[Any]:
    test = likelihood_ratio(restricted, full)
    numbers = (test.statistic, test.p_value, test.factor, test.adjusted, test.p_adjusted)
    return [*map(_number, numbers), test.distribution]


def study_prediction(data: Sequence[Observation]) -> dict[str, Any]:
    """Held-out games: totals, and differences of rivals with their t-statistic over groups."""
    totals, rivals = [], []
    models = [m for m in MODELS if m[1] != "game"]
    for name, folds in FOLDS.items():
        found = {m: held_out(data, folds, *m) for m in models}
        order = [g for fold in folds for g in fold]
        best = by_group([data[g] for g in order], [data[g].frequencies for g in order]).sum()
        for m, (groups, distance) in found.items():
            totals.append([name, *m, float(groups.sum()), float(best), distance])
        for one, other in RIVALS:
            gap = found[one][0] - found[other][0]
            t = gap.mean() / (gap.std(ddof=1) / math.sqrt(gap.size))
            ends = np.cumsum([data[g].n_groups for g in order])
            ahead = sum(float(part.sum()) > 0.0 for part in np.split(gap, ends[:-1]))
            row = [name, *one, *other, float(gap.sum()), float(t), int(gap.size)]
            rivals.append([*row, ahead, len(order)])
    return {"prediction": totals, "rivals": rivals}


def study_splits(data: Sequence[Observation], step: int = 1) -> dict[str, Any]:
    """All ways to predict six games from the other six."""
    folds = [list(f) for f in itertools.combinations(range(12), 6)][::step]
    tables = {c: cross_validate(data, folds, c) for c in ("rqe", "qre", "nash")}
    rows = []
    for one, other in (("rqe", "qre"), ("rqe", "nash"), ("qre", "nash")):
        pair = [np.array(tables[c].column("held-out")) for c in (one, other)]
        near = [np.array(tables[c].column("squared distance")) for c in (one, other)]
        gap = pair[0] - pair[1]
        wins = int((gap > 0).sum()), int((near[0] < near[1]).sum())
        rows.append([one, other, len(folds), *wins, *map(float, np.quantile(gap, [0, 0.5, 1]))])
    totals = {c: [round(v, 4) for v in tables[c].column("held-out")] for c in tables}
    return {"splits": rows, "split totals": totals}


def study_tractable(data: Sequence[Observation]) -> dict[str, Any]:
    """The classes in which learning is known to find the RQE."""
    captured = [exact(kind, n) for kind in CLASSES[1:] for n in range(1, 13)]
    areas = [[n, quantal_area(n), *(area(kind, n) for kind in CLASSES)] for n in range(1, 13)]
    common = [f for kind in CLASSES for f in common_fits(kind, data, range(1, 13))]
    return {"captured": captured, "areas": areas, "common": common}


def _number(value: Any) -> Any:
    return float(value) if np.isfinite(value) else str(float(value))


def _cells(row: Sequence[Any], digits: int = 4) -> tuple[Any, ...]:
    return tuple(
        None if v == "nan" else
        float(f"{float(v):.{digits}g}") if isinstance(v, float) or v == "inf" else v
        for v in row
    )  # fmt: skip


def tables(content: dict[str, Any]) -> list[rqe.Table]:
    """A saved study as tables."""
    captured = []
    for row in content["captured"]:
        numbers = (*row["tau"], *row["epsilon"], row["product"]) if row["captured"] else [None] * 5
        captured.append((row["class"], row["game"], row["captured"], *_cells(numbers)))
    common = [
        (r["class"], r["tractable"], *_cells((r["tau"], r["epsilon"])), r["log_likelihood"])
        for r in content["common"]
    ]
    classes = " | ".join(kind.name for kind in CLASSES)
    return [
        _table(
            "all fits",
            "concept | share | parameters | log-likelihood | AIC | BIC | explained | distance",
            [(*list(r.values())[:-2], *_cells(list(r.values())[-2:])) for r in content["fits"]],
        ),
        _table(
            "estimates, clustered profile intervals (95%)",
            "concept | share | parameter | estimate | s.e. | clustered s.e. | from | to | limit",
            [_cells(r) for r in content["parameters"]],
        ),
        _table(
            "likelihood-ratio tests",
            "restricted in full | LR | p | factor | adjusted LR | adjusted p | distribution",
            [_cells(r, 3) for r in content["tests"]],
        ),
        _table(
            "observed and fitted frequencies, common parameters",
            "game | U | L | RQE U | RQE L | QRE U | QRE L | Nash U | Nash L",
            [_cells(r, 3) for r in content["play"]],
        ),
        _table(
            "game by game",
            "game | RQE tau | RQE epsilon | QRE epsilon | Nash eta | RQE log-lik. | QRE log-lik. "
            "| Nash log-lik.",
            [(*_cells(r[:5], 3), *r[5:]) for r in content["single"]],
        ),
        _table(
            "games that were held out",
            "held out | concept | share | log-lik. | best possible | distance",
            [(*r[:5], *_cells(r[5:])) for r in content["prediction"]],
        ),
        _table(
            "rivals on games that were held out",
            "held out | concept | share | against | its share | gain | t over groups | groups "
            "| games ahead | of",
            content["rivals"],
        ),
        _table(
            "six games from the other six, all ways",
            "concept | against | ways | likelier | closer | least gain | median | largest",
            content["splits"],
        ),
        _table(
            "tractable RQE at the mean frequencies",
            "class | game | captured | tau 1 | tau 2 | epsilon 1 | epsilon 2 | product",
            captured,
        ),
        _table(
            "share of all play that a class can produce",
            f"game | QRE | {classes}",
            [_cells(r, 3) for r in content["areas"]],
        ),
        _table(
            "one tau and one epsilon for all twelve games",
            "class | tractable | tau | epsilon | log-likelihood",
            common,
        ),
    ]


def _table(title: str, columns: str, rows: Sequence[Sequence[Any]]) -> rqe.Table:
    """Likelihoods and what compares with them to one decimal; small numbers as they are."""
    cells = [
        tuple(round(v, 1 if abs(v) > 20.0 else 2) if isinstance(v, float) and abs(v) > 5.0 else v
              for v in row)
        for row in rows
    ]  # fmt: skip
    return rqe.Table(tuple(columns.split(" | ")), tuple(cells), title=title)


def main(arguments: list[str] | None = None) -> int:
    """Run the study and save it, or show a saved one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args(arguments)
    if not chosen.show:
        data = observations()
        content: dict[str, Any] = {}
        for part in (study_fits, study_prediction, study_splits, study_tractable):
            content |= part(data)
            if sys.stderr.isatty():
                print(part.__name__, "done", file=sys.stderr)
        write(chosen.out, "python -m benchmarks.selten_chmura", content)
    for table in tables(read(chosen.out)):
        print(table, end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
