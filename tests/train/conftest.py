"""Compiled programs are forgotten file by file."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def compiled_programs_are_forgotten():
    """Thousands of programs in one process use up the memory maps that a system allows it."""
    yield
    jax.clear_caches()
