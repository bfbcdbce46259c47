"""A cell of a study that was run, with its levels as tables, figures and sentences show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.words import ANY, BUDGET, Cell, format_value, label


@dataclass(frozen=True)
class StudyCell(Cell):
    """A cell of a study that was run.

    Attributes:
        tuned: names of the hyperparameters that it tunes.
        idle: factors whose level has no effect in it.
    """

    tuned: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()

    @property
    def levels(self) -> dict[str, str]:
        """The levels as people write them, by factor, in the order of the study's factors."""
        return {factor: format_value(level) for factor, level in self.factors}

    @property
    def shown(self) -> Mapping[str, str]:
        """The levels as tables show them: those without effect as `any`."""
        return self.levels | dict.fromkeys(self.idle, ANY)

    @property
    def effective(self) -> Mapping[str, str]:
        """The levels that have an effect."""
        return {factor: level for factor, level in self.levels.items() if factor not in self.idle}

    @property
    def budget(self) -> int | None:
        """Number of labeled images, where that is a factor."""
        level = self.levels.get(BUDGET, "")
        return int(level) if level.isdigit() else None

    def without_budget(self) -> str:
        """The cell's levels except its number of labeled images, e.g. `ga+csa`."""
        return label((factor, level) for factor, level in self.effective.items() if factor != BUDGET)

    @property
    def label(self) -> str:
        """The cell as sentences and figures name it, e.g. `ga+csa, 50 labels`."""
        return label(self.effective.items())
