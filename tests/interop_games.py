"""Games and trees shared by the tests of conversions."""

from __future__ import annotations

import numpy as np

import rqe

CARD = """EFG 2 R "a card" { "Ann" "Bob" }
""
c "" 1 "deal" { "red" 1/3 "black" 2/3 } 0
p "" 1 1 "red" { "raise" "fold" } 0
p "" 2 1 "raised" { "meet" "pass" } 0
t "" 1 "" { 2 -2 }
t "" 2 "" { 1 -1 }
t "" 3 "" { 1 -1 }
p "" 1 2 "black" { "raise" "fold" } 0
p "" 2 1 "raised" { "meet" "pass" } 0
t "" 4 "" { -2 2 }
t "" 2 "" { 1 -1 }
t "" 5 "" { -1 1 }
"""


def chain(moves):
    """One player stops or goes on, `moves` times: moves + 1 reduced strategies."""
    lines = ['EFG 2 R "chain" { "a" "b" }', '""']
    for i in range(moves):
        lines.append(f'p "" 1 {i + 1} "" {{ "stop" "go" }} 0')
        lines.append(f't "" {i + 1} "" {{ {i} 0 }}')
    return "\n".join([*lines, f't "" {moves + 1} "" {{ 99 0 }}']) + "\n"


def after_chance(moves):
    """One binary choice after each of `moves` chance draws: 2 ** moves strategies."""
    draws = " ".join(f'"{i}" 1/{moves}' for i in range(moves))
    lines = ['EFG 2 R "wide" { "a" "b" }', '""', f'c "" 1 "" {{ {draws} }} 0']
    for i in range(moves):
        lines.append(f'p "" 1 {i + 1} "" {{ "x" "y" }} 0')
        lines += [f't "" {2 * i + side} "" {{ 1 2 }}' for side in (1, 2)]
    return "\n".join(lines) + "\n"


def distinct_game(*shape):
    """Every payoff another number, so that no axis can be mistaken for another."""
    size = int(np.prod(shape))
    blocks = np.arange(len(shape) * size, dtype=float).reshape((len(shape), *shape))
    return rqe.NormalFormGame(list(blocks))
