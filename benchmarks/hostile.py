"""What the fuzz run is made of: hostile values, damaged files, and what counts as an answer.

Every case draws from a generator of its own, so a kind and a number say all of it.
"""

from __future__ import annotations

import decimal
import fractions
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import rqe

NUMBERS = (
    float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 5e-324, -5e-324, 1e-310, 2.3e-308, 1e-200,
    1e-16, 1e-8, 1e-3, 0.1, 1 / 3, 0.5, 1.0, -1.0, 1.0 + 2e-16, 2.0, 10.0, 1e3, 1e8, 1e15, 1e16,
    2.0**53 + 2.0, 1e100, 1e200, -1e200, 1e308, -1e308, 1.7976931348623157e308,
)  # fmt: skip
WORDS = (
    "", " ", "\x00", "nan", "inf", "-inf", "1", "0x10", "1_000", "a" * 300, "naïve", "日本",
    "\ud800", "a\nb", '"', "\\", "%s", "{}", "__class__", "eval(1)", "../x", "-1", "1e999", "None",
    "true",
)  # fmt: skip


class Failure(Exception):
    """A case that did not go as promised.

    Parameters
    ----------
    kind : {"undocumented error", "unnamed", "wrong", "warning"}
    message : str
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Refused(Exception):
    """A documented refusal, whose word is the outcome."""


def attempt(call: Callable[[], Any], names: Sequence[str]) -> Any:
    """The result of a call whose refusals are to name one of its arguments.

    Raises
    ------
    Refused
        A `ValueError` that names an argument, or a `ConvergenceError`.
    Failure
        A `ValueError` that names none of them; other errors pass through, and are failures too.
    """
    try:
        return call()
    except rqe.ConvergenceError as error:
        repr(error.result), str(error)
        raise Refused("not converged") from None
    except ValueError as error:
        if type(error) not in (ValueError, rqe.InfiniteRiskError):
            raise
        if not any(name in str(error) for name in names):
            raise Failure("unnamed", f"{error} names none of {', '.join(names)}") from None
        raise Refused("refused") from None


def require(holds: Any, message: str) -> None:
    """A `Failure` of the kind that matters most, unless the statement holds."""
    if not holds:
        raise Failure("wrong", message)


def shown(result: Any) -> None:
    """Whatever is returned prints, as text and in a notebook."""
    repr(result), str(result)
    if hasattr(result, "_repr_html_"):
        result._repr_html_()


def number(rng: np.random.Generator) -> float:
    """A number of the list, or one of any size."""
    if rng.random() < 0.6:
        return float(NUMBERS[rng.integers(len(NUMBERS))])
    return float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-320, 308))


def word(rng: np.random.Generator) -> str:
    """A text that somebody may take for something else."""
    return WORDS[rng.integers(len(WORDS))]


def thing(rng: np.random.Generator) -> Any:
    """An object that is no number."""
    things = (
        None, word(rng), b"1", 1j, True, [], {}, (), object(), [1, [2]], [[1, 2], [3]], set(),
        np.array(word(rng)), np.datetime64("2020-01-01"), np.timedelta64(1, "s"), 10**400,
        fractions.Fraction(1, 3), decimal.Decimal("0.1"), decimal.Decimal("NaN"), range(3), len,
        np.ma.array([1.0, 2.0], mask=[False, True]), np.array([None, 1.0]),
        np.zeros(3, dtype=[("a", "f8")]), float, np.float32(0.1), np.longdouble("1e400"),
        np.array([]), np.zeros((0, 3)), np.zeros((1,) * 30), memoryview(b"abc"), iter([1.0, 2.0]),
        rqe.Agent(rqe.Neutral(), rqe.NegEntropy(1.0)), np.random.default_rng(0), NotImplemented,
        -1, 0, 2**63, {"a": 1.0}, {0: 1.0}, "1,2", np.bool_(True), np.int8(-5),
    )  # fmt: skip
    return things[rng.integers(len(things))]


def anything(rng: np.random.Generator) -> Any:
    """A number or an object."""
    return number(rng) if rng.random() < 0.5 else thing(rng)


def array(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Payoffs of one of several laws and of any scale; sometimes with numbers of the list."""
    law = rng.integers(6)
    if law == 0:
        out = rng.random(shape)
    elif law == 1:
        out = rng.normal(size=shape)
    elif law == 2:
        out = rng.integers(-2, 3, size=shape).astype(float)
    elif law == 3:
        out = np.full(shape, rng.normal())
    elif law == 4:
        out = 1e8 + rng.integers(0, 2, size=shape) * 10.0 ** rng.uniform(-8, 8)
    else:
        out = rng.random(shape) * 10.0 ** rng.uniform(-12, 12, size=shape)
    if rng.random() < 0.3:
        out = out * 10.0 ** rng.choice([-300, -150, -20, -8, 8, 20, 150, 290])
    if rng.random() < 0.15 and out.size:
        out.flat[rng.integers(out.size)] = number(rng)
    return out


def damaged(rng: np.random.Generator, value: np.ndarray) -> Any:
    """An array as callers get it wrong: another type, shape, container or content."""
    choice = rng.integers(12) if value.ndim and value.dtype.kind == "f" else 9
    with np.errstate(all="ignore"):
        if choice == 0:
            kinds = ("i1", "f2", "f4", "g", "c16", "O", "?", "U8", "S4", "i8", "u1", ">f8")
            return value.astype(str(rng.choice(kinds)))
        if choice == 1:
            return value.reshape(-1)
        if choice == 2:
            return value[None]
        if choice == 3:
            return value.T
    if choice == 4:
        return value.tolist()
    if choice == 5:
        return np.ma.array(value, mask=rng.random(value.shape) < 0.3)
    if choice == 6:
        return value[..., :-1]
    if choice == 7 and value.size:
        out = value.astype(object)
        at = int(rng.integers(out.size))
        out[np.unravel_index(at, out.shape)] = rng.choice([None, "1", 1j, b"1"])
        return out
    if choice == 8 and value.ndim and len(value):
        out = value.tolist()
        out[rng.integers(len(out))] = anything(rng)
        return out
    if choice == 9:
        return anything(rng)
    if choice == 10:
        return np.asfortranarray(value)[..., ::-1]
    with np.errstate(all="ignore"):
        return value.astype(np.float32)


def text_damage(rng: np.random.Generator, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A file with some of its bytes changed, cut, doubled, or replaced by words of its format."""
    out = bytearray(data)
    for _ in range(int(rng.choice([0, 1, 1, 1, 2, 3, 8]))):
        at = int(rng.integers(len(out) + 1))
        to = min(len(out), at + int(rng.choice([0, 1, 1, 2, 5, 40])))
        choice = rng.integers(7)
        if choice == 0:
            out[at:to] = bytes(rng.integers(0, 256, size=max(1, to - at), dtype=np.uint8))
        elif choice == 1:
            del out[at:to]
        elif choice == 2:
            out[at:at] = out[at:to] * int(rng.choice([1, 2, 50]))
        elif choice in (3, 4):
            out[at:to] = tokens[rng.integers(len(tokens))]
        elif choice == 5:
            del out[at:]
        else:
            found = [k for k, byte in enumerate(out) if chr(byte).isdigit()]
            if found:
                place = found[rng.integers(len(found))]
                out[place : place + 1] = tokens[rng.integers(len(tokens))]
    return bytes(out)
