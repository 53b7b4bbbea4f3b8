"""Pure primitives in the caller's array namespace; imports nothing outside this folder."""
