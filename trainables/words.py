"""The words that all three packages use alike: cell, stage, outcome, and how values are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from trainables.config import Value
from trainables.objective import MIOU

SELECT, REPORT = MIOU.select, MIOU.report
"""Of the trainables whose objective is mIoU: the metric that chooses and prunes, and the one in the table."""
BEST_ITERATION = "snapshot/best_iteration"
"""The iteration of the snapshot that was best on the select split."""
OF_THE_RESULT = ("report/", "snapshot/")
"""How the names of metrics begin that are a finished trial's result."""
BUDGET = "labeled_images"
"""The factor whose levels are labeled-image budgets."""
CLEAR_ALONE = frozenset({"adaptor"})
"""Factors whose levels are understood without the factor's name."""
ANY = "any"
"""Stands in tables for the level of a factor that has no effect in a cell."""


@dataclass(frozen=True)
class Cell:
    """One combination of factor levels: a row of the final table and a stratum of the search."""

    factors: tuple[tuple[str, Value], ...]

    @property
    def name(self) -> str:
        """E.g. `adaptor=ga+csa,labeled_images=50`; `all` for a study without factors."""
        return ",".join(f"{factor}={format_value(level)}" for factor, level in self.factors) or "all"

    def level(self, factor: str) -> Value:
        """The level of one factor; raises KeyError for a name that is not ablated."""
        return dict(self.factors)[factor]


class Stage(StrEnum):
    """Why a trial runs: to search, or to repeat its cell's best configuration under another seed."""

    TUNING = "tuning"
    REPLICATE = "replicate"


class Outcome(StrEnum):
    """How a trial ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    """A loss became NaN or infinite: a result of the configuration, which the same key would repeat."""
    FAILED = "failed"


def format_value(value: Value) -> str:
    """A factor level or hyperparameter as people write it; floats in the shortest form that reads back."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


def format_points(value: float, sign: str = "") -> str:
    """A value of the objective, or a difference of two (`sign="+"`), to a tenth and never as `-0.0`."""
    return f"{value:{sign}z.1f}"


def plus_minus(mean: float, spread: float, sign: str = "") -> str:
    """E.g. `+1.2 ± 0.3`; without the spread where that is NaN, as it is for one seed."""
    return format_points(mean, sign) + ("" if math.isnan(spread) else f" ± {format_points(spread)}")


def level_texts(factors: Iterable[tuple[str, Value]]) -> list[str]:
    """Each level in few words: `ga+csa`, `50 labels`, and with its factor where it is unclear alone: `lr_sd=0`."""
    return [_level_text(factor, format_value(level)) for factor, level in factors]


def label(factors: Iterable[tuple[str, Value]]) -> str:
    """A combination of levels in few words, e.g. `ga+csa, lr_sd=0, 50 labels`; `all` where there are no factors."""
    return ", ".join(level_texts(factors)) or "all"


def _level_text(factor: str, level: str) -> str:
    if factor == BUDGET and level.isdigit():
        return f"{level} label" if level == "1" else f"{level} labels"
    return level if factor in CLEAR_ALONE else f"{factor}={level}"
