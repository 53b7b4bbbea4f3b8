"""What agents may see and do: spaces with the names that JaxMARL's have."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..model._checks import whole
from .arrays import Array, Key


class Discrete:
    """The numbers 0, ..., n - 1.

    Parameters
    ----------
    n : int
        At least 1.

    Examples
    --------
    >>> space = Discrete(5)
    >>> space.shape, bool(space.contains(4)), bool(space.contains(5))
    ((), True, False)
    """

    shape: tuple[int, ...] = ()
    dtype: Any = np.dtype(np.int32)

    def __init__(self, n: int) -> None:
        self.n = whole(n, "n")

    def sample(self, key: Key) -> Array:
        """One of the numbers, each as likely as the others."""
        return jax.random.randint(key, (), 0, self.n, dtype=self.dtype)

    def contains(self, x: Any) -> Array:
        """Whether ``x`` is a whole number of the space; a boolean, traced if ``x`` is."""
        value = jnp.asarray(x)
        if value.shape != () or not jnp.issubdtype(value.dtype, jnp.integer):
            return jnp.asarray(False)
        return (value >= 0) & (value < self.n)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Discrete) and other.n == self.n

    def __hash__(self) -> int:
        return hash(("Discrete", self.n))

    def __repr__(self) -> str:
        return f"Discrete({self.n})"


class Box:
    """Arrays of one shape, each entry between bounds of its own.

    Parameters
    ----------
    low, high : float or array_like (shape)
        Bounds, both included; infinite ones are allowed.
    shape : tuple of int, optional
        By default the shape that the bounds have together.
    dtype : dtype
        ``float32`` by default.

    Raises
    ------
    ValueError
        Bounds that do not fit the shape, are not numbers, or leave no room.

    Examples
    --------
    >>> space = Box(0.0, [4.0, 1.0])
    >>> space.shape, bool(space.contains([4.0, 1.0])), bool(space.contains([1.0, 4.0]))
    ((2,), True, False)
    """

    def __init__(
        self, low: Any, high: Any, shape: tuple[int, ...] | None = None, dtype: Any = np.float32
    ) -> None:
        self.dtype: Any = np.dtype(dtype)
        try:
            if shape is None:
                shape = np.broadcast_shapes(np.shape(low), np.shape(high))
            self.shape: tuple[int, ...] = tuple(shape)
            self.low, self.high = (
                # plus zero: -0.0 and 0.0 are one bound, and get one hash
                np.broadcast_to(np.asarray(b, np.float64) + 0.0, self.shape)
                for b in (low, high)
            )
        except (TypeError, ValueError):
            raise ValueError(
                f"low and high must be numbers or arrays that fit shape {shape!r}; got {low!r} "
                f"and {high!r}"
            ) from None
        if not np.all(self.low <= self.high):
            raise ValueError(f"low must not exceed high; got {low!r} and {high!r}")

    def sample(self, key: Key) -> Array:
        """An element drawn evenly where bounds are finite, else at a random distance from them."""
        even, far, side = jax.random.split(key, 3)
        low, high = (jnp.asarray(b, jnp.float32) for b in (self.low, self.high))
        below, above = jnp.isfinite(low), jnp.isfinite(high)
        floor, roof = jnp.where(below, low, 0.0), jnp.where(above, high, 0.0)
        inside = floor + (roof - floor) * jax.random.uniform(even, self.shape)
        reach = jax.random.exponential(far, self.shape)
        either = jnp.where(jax.random.bernoulli(side, 0.5, self.shape), reach, -reach)
        outside = jnp.where(below, floor + reach, jnp.where(above, roof - reach, either))
        drawn = jnp.where(below & above, inside, outside)
        if jnp.issubdtype(self.dtype, jnp.integer):
            drawn = jnp.clip(jnp.round(drawn), low, high)
        return drawn.astype(self.dtype)

    def contains(self, x: Any) -> Array:
        """Whether ``x`` has the space's shape and no entry outside; a boolean, traced if ``x``."""
        value = jnp.asarray(x)
        if value.shape != self.shape:
            return jnp.asarray(False)
        # not-a-number compares false with both bounds
        return jnp.all((value >= self.low) & (value <= self.high))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Box)
            and (self.shape, self.dtype) == (other.shape, other.dtype)
            and np.array_equal(self.low, other.low)
            and np.array_equal(self.high, other.high)
        )

    def __hash__(self) -> int:
        return hash(("Box", self.shape, self.dtype, self.low.tobytes(), self.high.tobytes()))

    def __repr__(self) -> str:
        if self.low.size and all(np.all(b == b.flat[0]) for b in (self.low, self.high)):
            low, high = float(self.low.flat[0]), float(self.high.flat[0])
            return f"Box({low:g}, {high:g}, {self.shape}, {self.dtype})"
        return f"Box({self.low.tolist()}, {self.high.tolist()}, {self.shape}, {self.dtype})"
