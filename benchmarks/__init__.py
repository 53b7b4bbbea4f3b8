"""Benchmarks: ``python -m benchmarks`` times the package against its peers in the same run."""
