"""Fitting people: degrees of risk aversion and bounded rationality from choice counts."""

from .comparison import LikelihoodRatio, comparison, likelihood_ratio
from .data import Observation
from .fitting import fit
from .prediction import cross_validate, predict, score

__all__ = [
    "LikelihoodRatio",
    "Observation",
    "comparison",
    "cross_validate",
    "fit",
    "likelihood_ratio",
    "predict",
    "score",
]
