"""Solvers: a game and its players' attitudes in, an equilibrium with evidence out."""
