"""What a function draws from its key, drawn ahead of the loop in which the rest of it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

from .arrays import Key, Tree


def ahead(
    function: Callable[..., Tree], key: Key, *args: Tree
) -> tuple[Callable[[Key], list[Any]], Callable[..., Tree]]:
    """Split a function of a key into what depends on the key alone, and the rest.

    A loop pays for every small operation, and random numbers are many of these: drawn for all
    steps at once they cost a tenth.

    Parameters
    ----------
    function : callable
        ``function(key, *args)``, pure.
    key, *args : pytree
        Arguments, or their shapes; one key.

    Returns
    -------
    draw : function of a key
        A list of arrays.
    rest : function (drawn, *args)
        With what `draw` gave for a key: the function with that key, up to rounding.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> def step(key, x):
    ...     return jnp.cos(x) + jax.random.uniform(key)
    >>> key = jax.random.key(3)
    >>> draw, rest = ahead(step, key, 1.0)
    >>> bool(abs(rest(draw(key), 0.5) - step(key, 0.5)) < 1e-6)
    True
    """
    traced, shape = jax.make_jaxpr(function, return_shape=True)(key, *args)
    flat = jax.make_jaxpr(lambda *leaves: _inlined(traced, leaves))(*traced.in_avals)
    whole, structure = flat.jaxpr, jax.tree.structure(shape)
    fixed, early = set(whole.constvars), set(whole.invars[:1])
    sooner, later = [], []
    for eqn in whole.eqns:
        inputs = {v for v in eqn.invars if not isinstance(v, Literal)}
        if eqn.effects or not inputs <= fixed | early:
            later.append(eqn)
        elif inputs <= fixed:
            # constants are made where they are used, in place of being stored for every step
            fixed.update(eqn.outvars)
            sooner.append(eqn)
            later.append(eqn)
        else:
            early.update(eqn.outvars)
            sooner.append(eqn)
    used = [v for eqn in later for v in eqn.invars] + list(whole.outvars)
    drawn = list(dict.fromkeys(v for v in used if not isinstance(v, Literal) and v in early))
    draw = _function(flat, whole.invars[:1], drawn, sooner)
    finish = _function(flat, drawn + list(whole.invars[1:]), whole.outvars, later)

    def rest(drawn: list[Any], *args: Tree) -> Tree:
        return jax.tree.unflatten(structure, finish(*drawn, *jax.tree.leaves(args)))

    return draw, rest


def _function(closed: Any, inputs: Any, outputs: Any, eqns: Any) -> Callable[..., list[Any]]:
    """Some equations of a traced function as a function."""
    effects = set().union(*(eqn.effects for eqn in eqns))
    part = closed.jaxpr.replace(invars=inputs, outvars=outputs, eqns=eqns, effects=effects)
    found: Callable[..., list[Any]] = jaxpr_as_fun(ClosedJaxpr(part, closed.consts))
    return found


def _inlined(closed: Any, leaves: Any) -> list[Any]:
    """Outputs of a traced function, with the functions that are jitted in it taken apart."""
    inner = closed.jaxpr
    values = dict(zip(inner.constvars, closed.consts, strict=True))
    values |= dict(zip(inner.invars, leaves, strict=True))

    def read(v: Any) -> Any:
        return v.val if isinstance(v, Literal) else values[v]

    for eqn in inner.eqns:
        if eqn.primitive.name in ("jit", "pjit"):
            out = _inlined(eqn.params["jaxpr"], [read(v) for v in eqn.invars])
        else:
            names = list(dict.fromkeys(v for v in eqn.invars if not isinstance(v, Literal)))
            alone = ClosedJaxpr(inner.replace(constvars=[]), [])
            out = _function(alone, names, eqn.outvars, [eqn])(*(values[v] for v in names))
        values |= dict(zip(eqn.outvars, out, strict=True))
    return [read(v) for v in inner.outvars]


__all__ = ["ahead"]
