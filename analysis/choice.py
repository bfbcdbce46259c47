"""The choice of a cell's configuration, the same for the driver that makes it and for everybody who reads it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypeVar

from trainables.objective import MIOU, Objective

Configuration = TypeVar("Configuration")


def best_configuration(
    select: Mapping[Configuration, Mapping[int, float]], seeds: Sequence[int], objective: Objective = MIOU
) -> tuple[Configuration, float] | None:
    """The configuration with the best mean on the select split, and this mean; of equal ones the first.

    Args:
        select: per configuration, by seed, the objective of its finished tuning trials on the select split.
        seeds: those that search. A configuration that has not finished under all of them cannot be chosen.
        objective: says whether more is better.
    """
    means = {
        configuration: fmean(found[seed] for seed in seeds)
        for configuration, found in select.items()
        if found.keys() >= set(seeds)
    }
    return max(means.items(), key=lambda item: objective.sign * item[1], default=None)
