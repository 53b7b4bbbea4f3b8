"""The public names, written out, and what each of them owes its reader."""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import textwrap

import pytest

import games
import rqe

RQE = {
    "Agent",
    "AggregativeGame",
    "AnonymousGame",
    "BatchEquilibrium",
    "Bifurcation",
    "Branch",
    "Certificate",
    "CollaborativeGame",
    "ConvergenceError",
    "Entropic",
    "Equilibrium",
    "EquilibriumSet",
    "FitResult",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "Learning",
    "MarkovEquilibrium",
    "MarkovGame",
    "MissingExtraError",
    "CVaR",
    "ChiSquared",
    "LogBarrier",
    "NegEntropy",
    "Neutral",
    "ReverseKL",
    "TotalVariation",
    "Tsallis",
    "WorstCase",
    "NormalFormGame",
    "Path",
    "PolymatrixGame",
    "Proof",
    "QuadraticGame",
    "Status",
    "SymmetricGame",
    "Table",
    "__version__",
    "certify",
    "enumerate_rqe",
    "is_tractable",
    "learn",
    "load",
    "prove_rqe",
    "read_game",
    "save",
    "solve",
    "solve_many",
    "solve_nash",
    "solve_qre",
    "solve_rqe",
    "solve_security",
    "trace_rqe",
    "write_game",
}

RECORDS = {
    "BatchEquilibrium",
    "Bifurcation",
    "Branch",
    "Certificate",
    "ConvergenceError",
    "Equilibrium",
    "EquilibriumSet",
    "FitResult",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "Learning",
    "MarkovEquilibrium",
    "Path",
    "Proof",
}
"""What a solver hands out and nobody builds: these owe a list of attributes, not an example."""

PLAIN = {"MissingExtraError"}
"""Carries nothing but its message."""

GAMES = {
    "Board",
    "CatalogueEntry",
    "ObservedPlay",
    "Parameter",
    "asymmetric_matching_pennies",
    "battle_of_the_sexes",
    "catalogue",
    "chicken",
    "cliff_walk",
    "cliff_walk_board",
    "free_riding",
    "get",
    "goeree_holt_palfrey",
    "matching_pennies",
    "mckelvey_mclennan",
    "minimum_effort",
    "Kitchen",
    "overcooked_gridworld",
    "overcooked_kitchen",
    "prisoners_dilemma",
    "public_goods",
    "push_object",
    "random_game",
    "rock_paper_scissors",
    "selten_chmura",
    "selten_chmura_play",
    "stag_hunt",
    "volunteers_dilemma",
}

ORDER = (
    "game", "payoffs", "agents", "tau", "epsilon", "lam", "method", "select", "start", "tol",
    "max_steps", "throw",
)  # fmt: skip
"""The one order of the arguments that solvers share; others may stand between."""

CALLABLE = sorted(name for name in RQE if callable(getattr(rqe, name, None)))
SOLVERS = sorted(name for name in RQE if name.startswith(("solve", "enumerate", "trace")))


def sections(documented) -> set[str]:
    """Titles underlined with dashes in a numpydoc docstring."""
    lines = (inspect.getdoc(documented) or "").splitlines()
    return {
        title.strip()
        for title, rule in itertools.pairwise(lines)
        if rule and set(rule.strip()) == {"-"}
    }


def test_the_names_are_these():
    assert set(rqe.__all__) == RQE
    assert len(rqe.__all__) == len(RQE)
    assert set(games.__all__) == GAMES


@pytest.mark.parametrize("name", sorted(RQE))
def test_every_name_is_there(name):
    assert hasattr(rqe, name)


@pytest.mark.parametrize("name", [n for n in CALLABLE if n not in PLAIN])
def test_every_callable_shows_how_it_is_used(name):
    thing = getattr(rqe, name)
    documented = inspect.getdoc(thing) or ""
    assert documented, f"{name} has no docstring"
    if isinstance(thing, enum.EnumMeta):
        # its values are the messages
        assert all(isinstance(member.value, str) and len(member.value) > 20 for member in thing)
    elif name in RECORDS:
        assert "Attributes" in sections(thing)
    else:
        assert "Examples" in sections(thing)
        assert ">>>" in documented


@pytest.mark.parametrize("name", CALLABLE)
def test_what_is_raised_is_documented(name):
    thing = getattr(rqe, name)
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    makers = ("__init__", "__post_init__", "__new__", thing.__name__)
    raises = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in makers
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and node.exc is not None
    ]
    if raises:
        assert "Raises" in sections(thing), f"{name} raises {ast.unparse(raises[0])}"


@pytest.mark.parametrize("name", CALLABLE)
def test_every_argument_is_documented(name):
    thing = getattr(rqe, name)
    if name in RECORDS | PLAIN or isinstance(thing, enum.EnumMeta):
        return
    documented = inspect.getdoc(thing) or ""
    for argument in inspect.signature(thing).parameters:
        assert argument in documented, f"{name} does not say what {argument} is"


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_share_one_order_of_arguments_and_document_their_errors(name):
    thing = getattr(rqe, name)
    arguments = list(inspect.signature(thing).parameters)
    shared = [a for a in arguments if a in ORDER]
    assert shared == [a for a in ORDER if a in shared]
    assert {"tol", "max_steps", "throw"} <= set(arguments) or name == "enumerate_rqe"
    assert "Raises" in sections(thing)
    if "throw" in arguments:
        assert "ConvergenceError" in (inspect.getdoc(thing) or "")


@pytest.mark.parametrize("name", sorted(GAMES))
def test_every_game_says_what_it_is(name):
    assert len(inspect.getdoc(getattr(games, name)) or "") > 20
