"""Refusals of files that are small to store and too large to read.

A header of forty characters can declare a table of many gigabytes, and a tree's strategies grow
exponentially in its information sets. What a file asks for is counted here before pygambit sees it;
whether the file is well formed is pygambit's to say.
"""

from __future__ import annotations

import re
from math import prod

MAX_PROFILES = 4_000_000
"""Largest number of action profiles that is read, written or converted through pygambit."""
MAX_BYTES = 2**30
"""Largest file that is read."""
MAX_PLAYERS = 63
"""Most players: NumPy's arrays have 64 axes, and one is needed to tell payoffs apart."""
MAX_ACTIONS = 10_000
"""Most actions of one player: pygambit compares each label with every other, four seconds' work."""
MAX_DIGITS = 400
"""Most digits of a number in a row; arithmetic takes time as their square."""
MAX_WORK = 20_000_000
"""Most moves times profiles of an ``.efg`` file: half a minute or so."""
MAX_MOVES = 5_000
"""Most moves of an ``.efg`` file: its reader recurses, and ends the process on deeper trees."""

QUOTED = re.compile(r'"(?:\\"|[^"])*"')
# a decimal exponent of four digits or more is beyond any double, and exact arithmetic chokes on it
_GROUP = re.compile(r"\{[^{}]*\}")
_LONG = re.compile(rf"[0-9]{{{MAX_DIGITS + 1}}}")
_EXPONENT = re.compile(r"[0-9.][eE][+-]?0*[1-9][0-9]{3,}")
_TABLE = re.compile(r'\s*NFG\s+1\s+[DR]\s*"\s*\{[\s"]*\}\s*\{([\s"{}0-9]*)')
_MOVE = re.compile(r"[cpt](?![\w.])")
_CHANCE = re.compile(r'\s*"?\s*(?P<number>\d+)\s*"?\s*(?P<actions>\{[^{}]*\})?')
_PERSONAL = re.compile(r'\s*"?\s*(?P<player>\d+)\s+(?P<number>\d+)\s*"?\s*(?P<actions>\{[^{}]*\})?')

Infoset = tuple[int, int]
Move = tuple[Infoset, int]


def refuse_large(profiles: int) -> None:
    """Refuse a game with more profiles than can be handled cell by cell."""
    if profiles > MAX_PROFILES:
        raise ValueError(
            f"the game must have at most {MAX_PROFILES:,} profiles; got {profiles:,} or more"
        )


def refuse_players(bare: str) -> None:
    """Refuse more players than an array can have axes; they come first in either format."""
    players = bare.partition("{")[2].partition("}")[0].count('"')
    if players > MAX_PLAYERS:
        raise ValueError(f"the game must have at most {MAX_PLAYERS} players; got {players:,}")


def refuse_actions(most: int) -> None:
    """Refuse more actions of one player than can be told apart in reasonable time."""
    if most > MAX_ACTIONS:
        raise ValueError(f"a player must have at most {MAX_ACTIONS:,} actions; got {most:,}")


def refuse_impossible(text: str, kind: str) -> None:
    """Refuse a file whose numbers, table or strategies are too large to be read at all."""
    bare = QUOTED.sub('"', text)
    huge = _EXPONENT.search(bare)
    if huge:
        raise ValueError(f"payoffs must fit in a double; got one that ends {huge.group()[:20]!r}")
    refuse_players(bare)
    most = max((group.count('"') for group in _GROUP.findall(bare)), default=0)
    refuse_actions(most)
    if _LONG.search(bare):
        raise ValueError(f"numbers must have at most {MAX_DIGITS} digits in a row; one has more")
    if kind == ".nfg":
        profiles = _declared_profiles(bare)
        if profiles > len(bare):
            raise ValueError(f"it declares {profiles:,} profiles, more than the file can hold")
        refuse_large(profiles)
    else:
        moves = len(re.findall(r"[cp](?![\w.])", bare))
        if moves > MAX_MOVES:
            raise ValueError(f"the tree must have at most {MAX_MOVES:,} moves; got {moves:,}")
        profiles = _reduced_profiles(bare)
        refuse_large(profiles)
        if profiles * moves > MAX_WORK:
            raise ValueError(
                f"the tree must have at most {MAX_WORK:,} moves times profiles; got "
                f"{moves:,} times {profiles:,}"
            )


def _declared_profiles(bare: str) -> int:
    header = _TABLE.match(bare)
    if header is None:
        return 0  # not a header that a reader could follow
    inside = header.group(1)
    if "{" not in inside:
        sizes = [int(size) for size in inside.split("}")[0].replace('"', " ").split()]
        profiles = prod(sizes)
        if profiles <= MAX_PROFILES:
            refuse_actions(max(sizes, default=0))
        return profiles
    return prod(own.count('"') for own in re.findall(r"\{([^{}]*)\}", inside))


def _reduced_profiles(bare: str) -> int:
    """Profiles of reduced strategies, exact under perfect recall.

    A player's reduced strategies are those of the information sets it can meet first: at each, one
    action and a reduced strategy of the information sets that follow that action.
    """
    after: dict[Infoset, tuple[int, Move | None]] = {}
    sizes: dict[Infoset, int] = {}
    # each open move: its information set (None at chance), next action, actions left, own past
    stack: list[tuple[Infoset | None, int, int, dict[int, tuple[int, Move]]]] = []
    body = bare.partition("{")[2].partition("}")[2]
    starts = [found.start() for found in _MOVE.finditer(body)]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        past = _step(stack)
        if body[start] == "t":
            continue
        pattern = _CHANCE if body[start] == "c" else _PERSONAL
        found = pattern.match(body[start + 1 : end].lstrip().removeprefix('"'))
        if found is None:
            return 0  # malformed: pygambit says how
        player = 0 if body[start] == "c" else int(found["player"])
        infoset = (player, int(found["number"]))
        if found["actions"]:
            sizes.setdefault(infoset, max(1, found["actions"].count('"')))
        if player:
            depth, last = past.get(player, (0, None))
            after.setdefault(infoset, (depth, last))
        stack.append((infoset if player else None, 0, sizes.get(infoset, 1), past))
    return _count(after, sizes)


def _step(
    stack: list[tuple[Infoset | None, int, int, dict[int, tuple[int, Move]]]],
) -> dict[int, tuple[int, Move]]:
    """Take the next branch of the innermost open move; each player's last own move on it."""
    while stack and stack[-1][2] == 0:
        stack.pop()
    if not stack:
        return {}
    infoset, action, left, past = stack[-1]
    stack[-1] = (infoset, action + 1, left - 1, past)
    if infoset is None:
        return past
    depth = past[infoset[0]][0] if infoset[0] in past else 0
    return {**past, infoset[0]: (depth + 1, (infoset, action))}


def _count(after: dict[Infoset, tuple[int, Move | None]], sizes: dict[Infoset, int]) -> int:
    ways: dict[tuple[int, Move | None], int] = {}
    for infoset in sorted(after, key=lambda key: -after[key][0]):
        player, last = infoset[0], after[infoset][1]
        options = sum(ways.get((player, (infoset, a)), 1) for a in range(sizes.get(infoset, 1)))
        ways[player, last] = ways.get((player, last), 1) * options
        if ways[player, last] > MAX_PROFILES:
            return ways[player, last]
    return prod(number for (_, last), number in ways.items() if last is None)
