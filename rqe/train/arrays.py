"""Names for what JAX leaves untyped."""

from __future__ import annotations

from typing import Any

Array = Any
"""A JAX array, traced or not."""
Key = Any
"""A JAX random key."""
Tree = Any
"""A pytree of arrays."""
