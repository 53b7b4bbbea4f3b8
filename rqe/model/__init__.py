"""Games and agents as frozen, read-only data."""
