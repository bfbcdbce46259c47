"""Correction for several comparisons at once: Dunnett's multivariate t (1955), for any correlations.

Comparisons that share an estimate of variance are corrected together, by the largest of their t values. Comparisons
with estimates of their own count as independent of the others, which errs on the safe side (Šidák, 1967). All are held
to one level: `Correction.adjusted` turns a comparison's own p-value into the probability that any of them has one as
small by chance, and `Correction.level` is the own p-value at which that probability is 5%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

DRAWS, BINS = 2**12, 32
"""Directions from a Sobol sequence with a fixed seed, so that results repeat, and how many quantiles stand for them.
What should be 5% is 4.9% to 5.1% for up to 12 comparisons."""
INDEPENDENT = 1e5
"""Degrees of freedom that stand for more."""


@dataclass(frozen=True)
class Together:
    """Comparisons that share an estimate of variance.

    Attributes:
        correlation: of their differences (comparisons, comparisons).
        df: degrees of freedom of what their variances share: of the whole estimate if they share it whole (Dunnett's
            case), more where each adds a part of its own, infinite or NaN where only their differences are correlated.
    """

    correlation: np.ndarray
    df: float


class Correction:
    """Of all comparisons of a study."""

    def __init__(self, families: Sequence[Together]) -> None:
        self._comparisons = sum(len(one.correlation) for one in families)
        self._families = [(one, _largest(one.correlation)) for one in families]

    def adjusted(self, p: float) -> float:
        """The probability that any comparison has an own p-value this small where nothing differs; 0 and 1 stay."""
        if not 0 < p < 1 or self._comparisons == 1:
            return p
        none = np.prod([_none_beyond(one, largest, p) for one, largest in self._families])
        return float(min(1.0, max(p, 1 - none)))

    def level(self, alpha: float = 0.05) -> float:
        """The own p-value whose adjusted one is alpha; a little below it rather than above."""
        if self.adjusted(alpha) <= alpha:
            return alpha
        lowest = alpha / self._comparisons / 2
        found = optimize.brentq(lambda p: self.adjusted(p) - alpha, lowest, alpha, xtol=1e-13)
        assert isinstance(found, float)
        while self.adjusted(found) > alpha:
            found *= 1 - 1e-10
        return found


def _none_beyond(family: Together, largest: np.ndarray | None, p: float) -> float:
    """The probability that no comparison's own p-value is below p: by directions of the vector of t values, in each of
    which its squared length follows an F distribution."""
    if largest is None:
        return 1 - p
    size, df = len(family.correlation), min(family.df, INDEPENDENT) if family.df == family.df else INDEPENDENT
    critical = -special.stdtrit(df, p / 2)
    return float(special.fdtr(size, df, (critical / largest) ** 2 / size).mean())


def _largest(correlation: np.ndarray) -> np.ndarray | None:
    """Quantiles (bins), over directions, of the largest absolute value of variables so correlated; None for one."""
    if len(correlation) == 1:
        return None
    return _quantiles(correlation.shape[0], np.ascontiguousarray(correlation.round(12)).tobytes())


@lru_cache(256)
def _quantiles(size: int, correlation: bytes) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.frombuffer(correlation).reshape(size, size))
    root = vectors * np.sqrt(np.maximum(values, 0))
    largest = np.sort(np.abs(_directions(size) @ root.T).max(axis=1))
    return largest.reshape(BINS, -1).mean(axis=1)


@lru_cache(64)
def _directions(size: int) -> np.ndarray:
    normals = stats.norm.ppf(stats.qmc.Sobol(size, rng=np.random.default_rng(0)).random(DRAWS))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)
