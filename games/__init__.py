"""Named games, each with its source and its known equilibria."""

from typing import Any

from .aggregative import push_object
from .classic import (
    asymmetric_matching_pennies,
    battle_of_the_sexes,
    chicken,
    matching_pennies,
    mckelvey_mclennan,
    prisoners_dilemma,
    random_game,
    rock_paper_scissors,
    stag_hunt,
)
from .cliff_walk import Board, cliff_walk, cliff_walk_board
from .collaborative import free_riding, minimum_effort, public_goods, volunteers_dilemma
from .experiments import (
    ObservedPlay,
    goeree_holt_palfrey,
    selten_chmura,
    selten_chmura_play,
)
from .listing import CatalogueEntry, Parameter, entry, parse
from .overcooked_gridworld import Kitchen, overcooked_gridworld, overcooked_kitchen

__all__ = [
    "Board",
    "CatalogueEntry",
    "Kitchen",
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
]

_ENTRIES = {
    line.name: line
    for line in (
        entry(free_riding, "SRA, Example 4.2"),
        entry(push_object, "SRA, Example 4.1"),
        entry(volunteers_dilemma, "Diekmann85"),
        entry(public_goods, "IsaacWalker88"),
        entry(minimum_effort, "VHBB90"),
        entry(prisoners_dilemma, "AxelrodHamilton81"),
        entry(stag_hunt, "Skyrms04"),
        entry(chicken, "RapoportChammah66"),
        entry(battle_of_the_sexes, "OsborneRubinstein94"),
        entry(matching_pennies, "OsborneRubinstein94"),
        entry(asymmetric_matching_pennies, "Ochs95"),
        entry(mckelvey_mclennan, "MM97"),
        entry(rock_paper_scissors, "OsborneRubinstein94"),
        entry(selten_chmura, "SC08"),
        entry(goeree_holt_palfrey, "GHP03"),
        entry(random_game, ""),
    )
}


def catalogue() -> dict[str, CatalogueEntry]:
    """The named games.

    Returns
    -------
    dict of str to CatalogueEntry
        By name, a fresh dict; ``str(entry)`` is one line for a person.

    Examples
    --------
    >>> import games
    >>> print(games.catalogue()["free_riding"])
    Free-riding on a costly task that one player can do alone (cost=0.4) [SRA, Example 4.2]
    """
    return dict(_ENTRIES)


def get(text: str) -> Any:
    """A named game from text.

    Parameters
    ----------
    text : str
        ``NAME`` or ``NAME:arg=value,...``; a shape is written ``3x4``. Arguments left out take
        their defaults.

    Returns
    -------
    NormalFormGame, CollaborativeGame or AggregativeGame

    Raises
    ------
    ValueError
        An unknown name or argument (the message lists the valid ones and the nearest), a malformed
        or repeated argument, or a value outside the game's range.

    Examples
    --------
    >>> import games
    >>> games.get("volunteers_dilemma:n=4,cost=0.5").shape
    (2, 2, 2, 2)
    >>> games.get("random_game:shape=2x5,seed=3").shape
    (2, 5)
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be NAME or NAME:arg=value,...; got {text!r}")
    return parse(text, _ENTRIES)
