"""Named games, each with its source and its known equilibria."""
