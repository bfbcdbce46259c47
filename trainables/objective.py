"""What the trials of a study are judged by: its name, its unit, and whether more of it is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_OF_SNAPSHOT = "snapshot/select_"


class Objective(BaseModel):
    """A measure that every report of a trial has: on the select split it chooses and prunes, on the other it reports.

    Values are shown to a tenth, so choose a unit in which a tenth is little, such as percent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    """As people read it, e.g. `mIoU`."""
    metric: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """As metrics are called: `miou` is reported as `select/miou` and `report/miou`."""
    unit: str = ""
    """E.g. `%`; empty for a plain number."""
    direction: Literal["maximize", "minimize"] = "maximize"
    difference: str = ""
    """What differences are counted in, e.g. `a gain of 1 mIoU`; by default `points of NAME` or `UNIT of NAME`."""

    @property
    def select(self) -> str:
        """The metric that chooses and prunes."""
        return f"select/{self.metric}"

    @property
    def report(self) -> str:
        """The metric that the table is made of."""
        return f"report/{self.metric}"

    @property
    def report_last(self) -> str:
        """`report` of a trial's last snapshot."""
        return f"{self.report}_last"

    @property
    def report_best(self) -> str:
        """`report` of the snapshot that was best on the select split."""
        return f"{self.report}_best_on_select"

    @property
    def of_snapshot(self) -> str:
        """`select` of the snapshot that is reported, where that need not be the last one."""
        return f"{_OF_SNAPSHOT}{self.metric}"

    @property
    def sign(self) -> int:
        """1 where more is better, else -1: a gain is this times a difference."""
        return 1 if self.direction == "maximize" else -1

    @property
    def in_unit(self) -> str:
        """E.g. `mIoU in percent`."""
        return f"{self.name} in {'percent' if self.unit == '%' else self.unit}" if self.unit else self.name

    @property
    def axis(self) -> str:
        """What follows the name on an axis, e.g. `, %`."""
        return f", {self.unit}" if self.unit else ""

    @property
    def axis_of_difference(self) -> str:
        """What follows the name on an axis of differences, e.g. `, points`."""
        return ", points" if self.unit == "%" else self.axis

    @property
    def points(self) -> str:
        """What follows a difference in a sentence that names the objective, e.g. ` points`."""
        return " points" if self.unit == "%" else f" {self.unit}" if self.unit else ""

    @property
    def of_difference(self) -> str:
        """What differences are counted in, in a sentence."""
        unit = "points" if self.unit == "%" else self.unit
        return self.difference or (f"{unit} of {self.name}" if unit else self.name)

    def counted(self, amount: float) -> str:
        """A difference of that amount, e.g. `1 mIoU`, `1 point of accuracy`, `0.5 points of accuracy`."""
        unit = self.of_difference
        return f"{amount:g} {unit.replace('points of', 'point of', 1) if amount == 1 else unit}"


MIOU = Objective(name="mIoU", metric="miou", unit="%", difference="mIoU")


def chosen_by(metrics: Mapping[str, float]) -> float | None:
    """What a finished trial says that its configuration is chosen by; None where that is its last evaluation."""
    return next((value for name, value in metrics.items() if name.startswith(_OF_SNAPSHOT)), None)
