"""Games to and from Gambit's files and the objects of pygambit, nashpy and quantecon."""

from .arrays import from_nashpy, from_quantecon, to_nashpy, to_quantecon
from .gambit import from_gambit, read_game, to_gambit, write_game

__all__ = [
    "from_gambit",
    "from_nashpy",
    "from_quantecon",
    "read_game",
    "to_gambit",
    "to_nashpy",
    "to_quantecon",
    "write_game",
]
