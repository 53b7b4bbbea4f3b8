"""The command ``rqe``: the only place that prints, shows progress and chooses exit codes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import games
import rqe

from . import cli_crossplay, cli_figure2, cli_sweep, cli_train
from .cli_bars import counting_bar
from .result.files import whole_file
from .result.serialize import to_dict

CONCEPTS = ("rqe", "qre", "nash", "security")
TARGETS = ("games", "figure1", "theorems", "figure2")
USUAL = TARGETS[:2]
"""What ``rqe reproduce`` does where it is not told."""
DRAWS = 20
"""Random instances for each statement of ``rqe reproduce theorems``."""
SURVEY_TAU, SURVEY_EPSILON = 1.0, 0.2
"""Attitudes at which ``rqe reproduce games`` solves every built-in game, in payoff units."""

FAILED, INTERRUPTED, PIPE_CLOSED = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after ``rqe``; by default those of the process.

    Returns
    -------
    int
        Exit code: 0, 2 where a request cannot be met (one line on standard error says why), 130
        where interrupted, 141 where the reader of the output went away.
    """
    try:
        options = _parser().parse_args(argv)
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still buffered has no reader: let the interpreter's last flush go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except (ValueError, rqe.ConvergenceError, rqe.MissingExtraError, OSError, MemoryError) as error:
        return _complain(str(error) or type(error).__name__, FAILED)
    return 0


def _complain(message: str, code: int) -> int:
    print(f"rqe: {' '.join(message.split())}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Refuses in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rqe", description="Equilibria of risk-averse, boundedly rational play.")
    parser.add_argument("--version", action="version", version=f"rqe {rqe.__version__}")
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    commands.add_parser("games", help="list the built-in games").set_defaults(run=_games)

    solve = commands.add_parser(
        "solve",
        help="solve a built-in game or a file",
        description="Solve a game and print its equilibrium with the evidence for it.",
    )
    solve.add_argument(
        "game",
        metavar="NAME[:arg=value,...]|FILE",
        help="a name from `rqe games`, or a .nfg or .efg file",
    )
    each = "one number, or a comma-separated one for each player"
    solve.add_argument("--tau", type=_degrees, help=f"risk aversion, 0 to inf: {each}")
    solve.add_argument("--epsilon", type=_degrees, help=f"bounded rationality: {each}")
    solve.add_argument("--concept", choices=CONCEPTS, default="rqe", help="default: rqe")
    solve.add_argument("--select", choices=("principal", "any"), help="which one, if several")
    solve.add_argument("--all", action="store_true", help="every equilibrium that can be found")
    solve.add_argument(
        "--rigorous", action="store_true", help="with --all: prove their number (small games)"
    )
    solve.add_argument("--json", action="store_true", help="print JSON (docs/json.md)")
    solve.set_defaults(run=_solve)

    trace = commands.add_parser(
        "trace",
        help="trace every branch of equilibria of a built-in game or a file",
        description=(
            "Trace RQE along tau (at the given epsilon) or epsilon (at the given tau, 0 by "
            "default), print branches and bifurcations, and draw them."
        ),
    )
    trace.add_argument("game", metavar="NAME[:arg=value,...]|FILE", help="as for solve")
    trace.add_argument("--parameter", choices=("tau", "epsilon"), default="tau")
    trace.add_argument("--start", type=float, required=True, help="epsilon may start at inf")
    trace.add_argument("--stop", type=float, required=True, help="epsilon may stop at 0")
    trace.add_argument("--tau", type=_degrees, help=f"held while epsilon is traced: {each}")
    trace.add_argument("--epsilon", type=_degrees, help=f"held while tau is traced: {each}")
    trace.add_argument("--principal", action="store_true", help="the principal branch alone")
    trace.add_argument("--json", action="store_true", help="print JSON (docs/json.md)")
    trace.add_argument(
        "--out", type=Path, metavar="DIR", help="write a picture (PNG, PDF) and all points (CSV)"
    )
    trace.set_defaults(run=_trace)

    cli_sweep.add_command(commands, _find_game)
    _add_reproduce(commands)
    cli_train.add_command(commands, _degrees)
    cli_crossplay.add_command(commands)
    return parser


def _add_reproduce(commands: Any) -> None:
    reproduce = commands.add_parser(
        "reproduce",
        help="solve the built-in games, draw Figures 1 and 2, check the theorems",
        description=(
            "Solve every built-in game, compute Figure 1 and print the numbers; or check every "
            "theorem on random instances and print the verdicts; or train IPPO and SRPO, and draw "
            "Figure 2 (extra srpo; minutes)."
        ),
    )
    reproduce.add_argument(
        "target", nargs="*", help="games, figure1, theorems, figure2; by default the first two"
    )
    reproduce.add_argument(
        "--draws", type=int, default=DRAWS, help=f"random instances a theorem (default: {DRAWS})"
    )
    reproduce.add_argument("--seed", type=int, default=0, help="of these instances (default: 0)")
    reproduce.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR")
    reproduce.add_argument(
        "--quick", action="store_true", help="figure2 with fewer seeds and steps: not the figure"
    )
    reproduce.set_defaults(run=_reproduce)


def _degrees(text: str) -> float | list[float]:
    """A number, or a comma-separated list of them."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be numbers separated by commas (inf is one); got {text!r}"
        ) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _games(options: argparse.Namespace) -> None:
    for name, line in games.catalogue().items():
        print(f"{name:<28} {line}".rstrip())


def _find_game(text: str) -> Any:
    """A built-in game by name, or one read from a file."""
    name = text.partition(":")[0]
    if name in games.catalogue():
        return games.get(text)
    path = Path(text)
    if path.exists() or path.suffix.lower() in (".nfg", ".efg"):
        return rqe.read_game(path)
    raise ValueError(f"game must be a name that `rqe games` lists, or a file; got {text!r}")


def _solve(options: argparse.Namespace) -> None:
    needed = {"rqe": ("tau", "epsilon"), "qre": ("epsilon",)}.get(options.concept, ())
    for name in ("tau", "epsilon"):
        given = getattr(options, name) is not None
        if given != (name in needed):
            word = "takes no" if given else "needs"
            raise ValueError(f"--concept {options.concept} {word} --{name}")
    if options.all and options.concept == "security":
        raise ValueError("--all goes with the concepts rqe, qre and nash, not security")
    if options.rigorous and not (options.all and needed):
        raise ValueError("--rigorous goes with --all and the concepts rqe and qre")
    if options.select and (options.all or not needed):
        raise ValueError("--select goes with one rqe or qre, not with --all, nash or security")
    result = _result(_find_game(options.game), options)
    if options.json:
        print(json.dumps(to_dict(result), allow_nan=False, indent=1))
    else:
        print(result)


def _trace(options: argparse.Namespace) -> None:
    game = _find_game(options.game)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)  # a bad place is refused before any work
    with counting_bar("branches", None) as progress:
        path = rqe.trace_rqe(
            game,
            parameter=options.parameter,
            tau=options.tau,
            epsilon=options.epsilon,
            select="principal" if options.principal else "all",
            start=options.start,
            stop=options.stop,
            max_step=0.05,
            throw=False,
            progress=lambda done: progress(done, done),
        )
    written = [] if options.out is None else _drawn(path, options.out)
    if options.json:
        print(json.dumps(to_dict(path), allow_nan=False, indent=1))
    else:
        print(path)
        for place in written:
            print("wrote", place)
    if path.status is not rqe.Status.CONVERGED:
        raise rqe.ConvergenceError(path)


def _drawn(path: rqe.Path, out: Path) -> list[Path]:
    """The picture of a path, and its points as a table."""
    from . import plot

    written = [out / f"trace.{kind}" for kind in ("png", "pdf", "csv")]
    (ax,) = plot.panels()
    plot.branches(path, ax)
    ax.set_title(path.name, loc="left")
    for place in written[:2]:
        with whole_file(place) as file:
            plot.save(ax, file, format=place.suffix[1:])
    with whole_file(written[2]) as file:
        file.write(path.points().to_csv().encode())
    return written


def _result(game: Any, options: argparse.Namespace) -> Any:
    if options.concept == "nash":
        return rqe.solve_nash(game)
    if options.concept == "security":
        return rqe.solve_security(game)
    tau = 0.0 if options.concept == "qre" else options.tau
    if options.all:
        return rqe.enumerate_rqe(game, tau=tau, epsilon=options.epsilon, rigorous=options.rigorous)
    if options.concept == "qre":
        return rqe.solve_qre(game, epsilon=options.epsilon, select=options.select)
    return rqe.solve_rqe(game, tau=tau, epsilon=options.epsilon, select=options.select)


def _reproduce(options: argparse.Namespace) -> None:
    unknown = [t for t in options.target if t not in TARGETS]
    if unknown:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}; got {unknown[0]!r}")
    if options.draws < 1 or options.seed < 0:
        raise ValueError(
            f"--draws must be >= 1 and --seed >= 0; got {options.draws} and {options.seed}"
        )
    wanted = [t for t in TARGETS if t in (options.target or USUAL)]
    if "figure1" in wanted or "figure2" in wanted:
        options.out.mkdir(parents=True, exist_ok=True)  # a bad place is refused before any work
    for k, target in enumerate(wanted):
        if k:
            print()
        if target == "games":
            print(_survey())
        elif target == "figure1":
            _figure1(options.out)
        elif target == "theorems":
            _theorems(options.draws, options.seed)
        else:
            cli_figure2.figure2(options.out, options.quick)


def _survey() -> rqe.Table:
    """Every built-in game solved: the RQE at stated attitudes, and its Nash equilibria."""
    rows = []
    names = list(games.catalogue())
    with counting_bar("games", len(names)) as progress:
        for done, name in enumerate(names, start=1):
            rows.append((name, *_survey_row(games.get(name))))
            progress(done, len(names))
    columns = ("game", "players", "actions", "branch", "residual", "regret", "Nash", "Nash regret")
    title = f"RQE at tau = {SURVEY_TAU:g}, epsilon = {SURVEY_EPSILON:g}, and Nash equilibria found"
    return rqe.Table(columns, tuple(rows), title=title)


def _survey_row(game: Any) -> tuple[Any, ...]:
    eq = rqe.solve_rqe(game, tau=SURVEY_TAU, epsilon=SURVEY_EPSILON)
    evidence = _short(eq.residual), _short(eq.max_regret)
    if not isinstance(game, rqe.NormalFormGame):
        branch = "unique" if eq.unique else "unknown"
        return game.n_players, "real numbers", branch, *evidence, None, None
    nash = rqe.solve_nash(game)
    sizes = " x ".join(map(str, game.shape))
    gain = _short(max(e.max_regret for e in nash))
    return game.n_players, sizes, eq.branch, *evidence, len(nash), gain


def _theorems(draws: int, seed: int) -> None:
    """Every statement: its words, its check on random instances, its verdict."""
    from .analysis import theorems

    with counting_bar("theorems", len(theorems.NAMES)) as progress:
        checked = []
        for done, name in enumerate(theorems.NAMES, start=1):
            statement = theorems.get(name)
            checked.append((statement, statement.check(draws, seed)))
            progress(done, len(theorems.NAMES))
    for statement, table in checked:
        print(f"{statement.name} ({statement.source}): {statement.verdict}")
        for label, text in (
            ("says", statement.says),
            ("correction", statement.correction),
            ("counterexample", statement.counterexample),
        ):
            if text:
                print(f"  {label}: {' '.join(text.split())}")
        print(f"{table}\n")
    print(theorems.verdicts())


def _short(number: float) -> float:
    """Two digits: all that a residual at the size of rounding has to say."""
    return float(f"{number:.1e}")


def _figure1(out: Path) -> None:
    from . import plot
    from .analysis.figure1 import figure1

    with counting_bar("figure1", None) as progress:
        found = figure1(games.push_object(), games.free_riding(), progress=progress)
    left, right = plot.panels(2)
    plot.collaboration(found.collaboration, left, best=found.best)
    plot.free_riding(found.free_riding, right, fork=found.pitchfork)
    left.set_title("(i) pushing an object, ε = 1", loc="left")
    right.set_title("(ii) free-riding, ε = 0.2", loc="left")
    written = []
    for kind in ("png", "pdf"):
        path = out / f"figure1.{kind}"
        with whole_file(path) as file:
            plot.save(left, file, format=kind)
        written.append(path)
    tables = {"": found.numbers, "-i": found.collaboration, "-ii": found.free_riding}
    for suffix, table in tables.items():
        path = out / f"figure1{suffix}.csv"
        with whole_file(path) as file:
            file.write(table.to_csv().encode())
        written.append(path)
    print(found.numbers)
    print("wrote", ", ".join(str(path) for path in written))
