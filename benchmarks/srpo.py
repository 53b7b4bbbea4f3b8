"""SRPO and IPPO on the Overcooked gridworld: Figure 2 of SRA, and one change at a time from it.

Run ``python -m benchmarks.srpo``: it trains every case (policies kept under ``--runs``, so that it
goes on where it stopped), plays all runs of a case against each other, and writes
``benchmarks/results/srpo.json``. With ``--only NAME ...`` it trains these cases and stops; two such
commands side by side use two cores.

Every run has the same budget of 2,000,000 environment steps, over all of its phases, unless its
case says otherwise. Seed k of every case has the key ``jax.random.key(k)``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import rqe
from benchmarks.machine import commit
from benchmarks.record import digits, read, write
from rqe.result.files import whole_file

RESULT = Path("benchmarks/results/srpo.json")
STEPS, BUDGET, EPISODES = 128, 2_000_000, 16
FREE = 0.1
"""A run has a free-rider if one of its cooks makes a smaller share of the deliveries."""
TAUS = (0.01, 0.1, 1.0, 3.0, 30.0, 100.0)
"""Degrees of the ablation, beside the default."""
PICTURE = Path("docs/figure2.png")
POLICIES = "benchmarks/results/policies_{}.safetensors"
KEPT = 6
"""Runs of IPPO and of SRPO whose policies are kept."""
POOL_STAGES, POOL_SEEDS = 2, 8
"""Stages at which the pool's runs are kept, beside their beginning, and how many runs."""


FASTER = "rate 0.003 to 0"
"""A larger learning rate that falls to zero over the run."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A setting, with as many seeds."""

    algorithm: str
    """Name of the algorithm's class in `rqe.train`."""
    choices: dict[str, Any] = field(default_factory=dict)
    """Arguments of the algorithm."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Fields of `Config` that differ from the default."""
    seeds: int = 10
    then: tuple[str, dict[str, Any]] | None = None
    """Algorithm and settings of a second half of the budget that goes on from the first's
    policies."""


def cases() -> dict[str, Case]:
    """Every case by name."""
    out = {"ippo": Case("IPPO", seeds=30), "srpo": Case("SRPO", seeds=30)}
    out["srpo, other divergence"] = Case("SRPO", {"divergence": "kl"}, seeds=30)
    for tau in TAUS:
        out[f"srpo, tau {tau:g}"] = Case("SRPO", {"tau": tau})
    for epsilon in (0.01, 0.3):
        out[f"ippo, epsilon {epsilon:g}"] = Case("IPPO", {}, {"epsilon": epsilon})
        out[f"srpo, epsilon {epsilon:g}"] = Case("SRPO", {}, {"epsilon": epsilon})
    out["pure adversary"] = Case("PureAdversary")
    out["fictitious co-play"] = Case("FictitiousCoPlay")
    for divergence in ("reverse_kl", "kl"):
        exact = {"divergence": divergence, "adversary": "closed-form"}
        out[f"srpo, closed form, {divergence}"] = Case("SRPO", exact)
    for name, algorithm in (("ippo", "IPPO"), ("srpo", "SRPO")):
        out[f"{name}, twice the budget"] = Case(algorithm, {}, {"steps": 2 * BUDGET})
        out[f"{name}, normalised advantages"] = Case(algorithm, {}, {"normalize_advantages": True})
        out[f"{name}, gradients clipped at 0.5"] = Case(algorithm, {}, {"max_grad_norm": 0.5})
        out[f"{name}, penalties in the reward"] = Case(algorithm, {}, {"penalty": "reward"})
        out[f"{name}, {FASTER}"] = Case(algorithm, {}, {"learning_rate": 3e-3, "anneal": True})
    out["srpo, tau to 2"] = Case("SRPO", {"final_tau": 2.0}, seeds=30)
    annealed = {"learning_rate": 3e-3, "anneal": True}
    out[f"srpo, tau to 2, {FASTER}"] = Case("SRPO", {"final_tau": 2.0}, annealed, seeds=30)
    out["ippo, epsilon from 2"] = Case("IPPO", {}, {"epsilon": 2.0, "final_epsilon": 0.1})
    out["ippo after srpo, half each"] = Case("SRPO", then=("IPPO", {}))
    return out


def train(name: str, case: Case, runs: Path) -> None:
    """Train a case, and keep its policies and how long they took."""
    import jax
    import jax.numpy as jnp

    import games.overcooked
    from rqe import train as t

    env = games.overcooked.Gridworld()
    keys = jax.vmap(jax.random.key)(jnp.arange(case.seeds))
    began, worked = time.perf_counter(), time.process_time()
    choices = dict(case.choices)
    if case.algorithm == "FictitiousCoPlay":
        choices["pool"] = _pool(env)
    algorithm = getattr(t, case.algorithm)(**choices)
    settings = {"steps": BUDGET, **case.settings}
    if case.then is not None:
        settings["steps"] //= 2
    first = t.make_train(t.Config(env, algorithm, **settings))
    if case.then is None:
        trained = jax.jit(jax.vmap(first))(keys)
    else:
        after, changed = case.then
        second = t.make_train(t.Config(env, getattr(t, after)(), **{**settings, **changed}))

        def both(key: Any) -> Any:
            begun = first(key)
            return second(jax.random.fold_in(key, 1), begun.policies)

        trained = jax.jit(jax.vmap(both))(keys)
    jax.block_until_ready(trained)
    row = {
        "seconds": digits(time.perf_counter() - began, 4),
        "cpu seconds": digits(time.process_time() - worked, 4),
        "commit": commit(),
    }
    runs.mkdir(parents=True, exist_ok=True)
    leaves = [np.asarray(a) for a in jax.tree.leaves(trained.policies)]
    with whole_file(runs / f"{name}.npz") as file:
        np.savez(file, *leaves)
    with whole_file(runs / f"{name}.json") as file:
        file.write(json.dumps(row).encode())


def policies(path: Path) -> Any:
    """The policies that `train` kept."""
    from rqe.train import Policies

    with np.load(path, allow_pickle=False) as file:
        leaves = [file[f"arr_{k}"] for k in range(len(file.files))]
    half = len(leaves) // 2
    nets = [
        [(part[k], part[k + 1]) for k in range(0, half, 2)]
        for part in (leaves[:half], leaves[half:])
    ]
    return Policies(tuple(nets))


def _pool(env: Any) -> Any:
    """IPPO runs of other seeds at their beginning, on the way, and at their end."""
    import jax
    import jax.numpy as jnp

    from rqe import train as t

    trainer = t.Trainer(t.Config(env, t.IPPO(), steps=BUDGET))
    keys = jax.vmap(jax.random.key)(1000 + jnp.arange(POOL_SEEDS))
    states = jax.vmap(trainer.begin)(keys)
    part = trainer.config.updates // POOL_STAGES
    ahead = jax.jit(jax.vmap(lambda s: trainer.advance(s, part)[0]))
    found = [jax.vmap(trainer.policies)(states)]
    for _ in range(POOL_STAGES):
        states = ahead(states)
        found.append(jax.vmap(trainer.policies)(states))
    return t.stack(found)


def idle(n_obs: int = 8, n_actions: int = 5) -> Any:
    """A single run whose cooks stay where they are, as networks without weights."""
    import jax.numpy as jnp

    from rqe.train import Policies

    bias = jnp.where(jnp.arange(n_actions) == n_actions - 1, 20.0, 0.0)
    layers = [(jnp.zeros((n_obs, 1)), jnp.zeros(1)), (jnp.zeros((1, n_actions)), bias)]
    return Policies((layers, layers))


def evaluate(name: str, runs: Path) -> Row:
    """How a case's runs play with themselves, each other, IPPO's runs and an idle partner."""
    import jax

    import games.overcooked
    from rqe import train as t

    env, own = games.overcooked.Gridworld(), policies(runs / f"{name}.npz")
    options = {"episodes": EPISODES, "steps": STEPS}
    found = t.crossplay(env, own, own, jax.random.key(0), **options)
    alone = found.diagonal()
    ippo, still = policies(runs / "ippo.npz"), t.stack([idle()])
    first = t.crossplay(env, own, ippo, jax.random.key(1), **options).total
    second = t.crossplay(env, ippo, own, jax.random.key(2), **options).total
    lone = t.crossplay(env, own, still, jax.random.key(3), **options).total[:, 0]
    other = t.crossplay(env, still, own, jax.random.key(4), **options).total[0]
    return {
        **json.loads((runs / f"{name}.json").read_text()),
        "matrix": np.round(found.total, 1).tolist(),
        "deliveries": np.round(alone.events["deliveries"], 2).tolist(),
        "moves": np.round(alone.events["moves"], 2).tolist(),
        "collisions": np.round(alone.events["collisions"], 2).tolist(),
        "in seat 1 with ippo": np.round(first, 1).tolist(),
        "in seat 2 with ippo": np.round(second.T, 1).tolist(),
        "with an idle partner": np.round(np.stack([lone, other], axis=1), 1).tolist(),
    }


def together(runs: Path) -> list[list[Any]]:
    """What workers, free-riders and SRPO's cooks earn with each other: rows of `train.blocks`."""
    import jax

    import games.overcooked
    from rqe import train as t

    env = games.overcooked.Gridworld()
    both = [policies(runs / f"{name}.npz") for name in ("ippo", "srpo")]
    every, key = t.stack(both), jax.random.key(5)
    found = t.crossplay(env, every, every, key, episodes=EPISODES, steps=STEPS)
    kinds = t.free_riding(found.diagonal()).kinds
    kinds = [list(k) if n < len(both[0]) else ["SRPO"] * 2 for n, k in enumerate(kinds)]
    return [
        [block, pairs, *(digits(v, 4) for v in numbers)]
        for block, pairs, *numbers in t.blocks(found, kinds).rows
    ]


def newcomers(runs: Path) -> Row:
    """A fresh IPPO learner beside a trained cook of either algorithm, in either seat.

    Returns
    -------
    dict
        By algorithm: for each of the first runs and either seat of the learner, the sum of returns
        before and after, and the learner's share of the deliveries before and after.
    """
    import jax

    import games.overcooked
    from rqe import train as t

    env = games.overcooked.Gridworld()
    config = t.Config(env, t.IPPO(), steps=BUDGET // 2)
    out: Row = {}
    for name in ("ippo", "srpo"):
        kept = policies(runs / f"{name}.npz")[:KEPT]
        before = t.self_play(env, kept, jax.random.key(6), episodes=64, steps=STEPS)
        rows = []
        for seat in range(2):
            found = t.exploitability(config, kept, seat, jax.random.key(7 + seat))
            after = t.self_play(env, found.policies, jax.random.key(9), episodes=64, steps=STEPS)
            shares = [t.free_riding(p).shares[:, seat] for p in (before, after)]
            columns = (before.total, after.total, *shares)
            rows.append([[digits(v, 4) for v in run] for run in zip(*columns, strict=True)])
        out[name] = rows
    return out


def curves(stages: int = 20, seeds: int = 10) -> Row:
    """Self-play on the way: sums of returns and smaller shares by algorithm, stage and seed."""
    import jax
    import jax.numpy as jnp

    import games.overcooked
    from rqe import train as t

    env = games.overcooked.Gridworld()
    out: Row = {}
    for name, algorithm in (("ippo", t.IPPO()), ("srpo", t.SRPO())):
        trainer = t.Trainer(t.Config(env, algorithm, steps=BUDGET))
        states = jax.vmap(trainer.begin)(jax.vmap(jax.random.key)(jnp.arange(seeds)))
        part = trainer.config.updates // stages
        ahead = jax.jit(jax.vmap(lambda s, t=trainer, n=part: t.advance(s, n)[0]))
        rows = []
        for _ in range(stages):
            states = ahead(states)
            now = jax.vmap(trainer.policies)(states)
            found = t.self_play(env, now, jax.random.key(11), episodes=EPISODES, steps=STEPS)
            shares = t.free_riding(found).smallest
            rows.append([np.round(found.total, 1).tolist(), [digits(v, 3) for v in shares]])
        out[name] = {"steps a stage": part * trainer.config.interactions_per_update, "rows": rows}
    return out


def block_table(rows: list[list[Any]]) -> rqe.Table:
    """The rows of `together`."""
    columns = ("block", "pairs", "mean", "low", "high", "sd")
    return rqe.Table(columns, tuple(map(tuple, rows)), title="Sums of returns, 95% intervals")


def newcomer_table(found: Row) -> rqe.Table:
    """Means of `newcomers` over runs and seats, by who the newcomer replaced."""
    lines = []
    for name, seats in found.items():
        runs = np.array([run for rows in seats for run in rows])
        groups = {"sharing": (runs[:, 2] >= FREE) & (runs[:, 2] <= 1.0 - FREE)}
        groups |= {"free-rider": runs[:, 2] < FREE, "worker": runs[:, 2] > 1.0 - FREE}
        for kind, here in groups.items():
            if here.any():
                means = runs[here].mean(axis=0)
                cells = [round(float(v), d) for v, d in zip(means, (1, 1, 2, 2), strict=True)]
                lines.append((f"{name}: {kind}", int(here.sum()), *cells))
    columns = ("newcomer in place of", "cases", "sum before", "sum after", "share before",
               "share after")  # fmt: skip
    return rqe.Table(columns, tuple(lines), title="A fresh IPPO learner, 1,000,000 steps")


def curve_table(found: Row) -> rqe.Table:
    """Means of `curves` over seeds."""
    lines = []
    for name, curve in found.items():
        for stage, (totals, shares) in enumerate(curve["rows"], start=1):
            riding = int((np.array(shares, dtype=float) < FREE).sum())
            if stage in (1, 2, 3, 4, 6, 8, 12, 16, 20):
                steps = stage * curve["steps a stage"]
                mean = round(float(np.mean(totals)), 1)
                lines.append((name, steps, mean, riding))
    columns = ("algorithm", "steps", "self-play", "runs with a free-rider")
    return rqe.Table(columns, tuple(lines), title="On the way, 10 seeds")


def smaller_shares(row: Row) -> np.ndarray:
    """The smaller share of a run's deliveries, (runs,); NaN where nobody delivers anything."""
    deliveries = np.array(row["deliveries"])
    with np.errstate(invalid="ignore"):
        return np.asarray(deliveries.min(axis=1) / deliveries.sum(axis=1))


def summary(row: Row) -> dict[str, float]:
    """A case's means over runs, with their spread."""
    matrix, share = np.array(row["matrix"]), smaller_shares(row)
    apart = matrix[~np.eye(len(matrix), dtype=bool)]
    with_ippo = np.array([row["in seat 1 with ippo"], row["in seat 2 with ippo"]])
    return {
        "runs": len(matrix),
        "self-play": matrix.diagonal().mean(),
        "sd": matrix.diagonal().std(ddof=1),
        "cross-play": apart.mean(),
        "sd of pairs": apart.std(ddof=1),
        "free-riders": int((share < FREE).sum()),
        "smaller share": np.nanmean(share) if np.isfinite(share).any() else np.nan,
        "collision cost": 2.0 * np.array(row["collisions"]).sum(axis=1).mean(),
        "with ippo": with_ippo.mean(),
        "with idle": np.array(row["with an idle partner"]).mean(),
    }


def table(rows: dict[str, Row]) -> rqe.Table:
    """One line a case."""
    lines = [summary(row) for row in rows.values()]
    body = []
    for name, line in zip(rows, lines, strict=True):
        cells = [
            v if isinstance(v, int) else round(float(v), 3 if "share" in key else 1)
            for key, v in line.items()
        ]
        body.append((name, *cells))
    title = f"Sums of both cooks' returns over {STEPS} steps"
    return rqe.Table(("case", *lines[0]), tuple(body), title=title)


def saved(path: Path = RESULT) -> Row:
    """What the command wrote: ``cases`` by name, ``blocks``, ``newcomers`` and ``curves``."""
    found = read(path)
    assert isinstance(found, dict)
    return found


def _once(kept: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns; from its file, where an earlier call has left one."""
    if not kept.exists():
        found = function(*arguments)
        with whole_file(kept) as file:
            file.write(json.dumps(found).encode())
    return json.loads(kept.read_text())


def _keep(runs: Path) -> None:
    """A few policies of either algorithm, for the notebook and for whoever wants to look."""
    from rqe import train as t

    for name in ("ippo", "srpo"):
        t.save_policies(Path(POLICIES.format(name)), policies(runs / f"{name}.npz")[:KEPT])


def draw(cases: dict[str, Row]) -> None:
    """Figure 2: the matrices of IPPO and of SRPO."""
    from rqe import plot, plot_crossplay

    axes = plot_crossplay.matrices({n.upper(): cases[n]["matrix"] for n in ("ippo", "srpo")})
    with whole_file(PICTURE) as file:
        plot.save(axes[0], file, format="png")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.srpo``."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.srpo", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/srpo"), help="kept policies")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="train these cases and stop")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    chosen = cases()
    for name, case in chosen.items():
        if options.only is not None and name not in options.only:
            continue
        if not (options.runs / f"{name}.json").exists():
            began = time.perf_counter()
            train(name, case, options.runs)
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    if options.only is None:
        runs = options.runs
        rows = {name: _once(runs / f"{name}.row", evaluate, name, runs) for name in chosen}
        content = {
            "cases": rows,
            "blocks": _once(runs / "blocks.row", together, runs),
            "newcomers": _once(runs / "newcomers.row", newcomers, runs),
            "curves": _once(runs / "curves.row", curves),
        }
        write(options.out, "python -m benchmarks.srpo", content)
        _keep(options.runs)
        draw(rows)
        print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
