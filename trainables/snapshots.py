"""Which snapshot of its network a trial reports: the last one, or the one that was best on the select split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trainables.objective import MIOU
from trainables.words import BEST_ITERATION

Snapshot = Literal["last", "best_on_select"]


@dataclass
class BestEvaluation:
    """The evaluation with the highest mIoU on the select split so far, the earliest of equals.

    Attributes:
        iteration: 0 before the first evaluation.
        miou: on the select split, in percent.
    """

    iteration: int = 0
    miou: float = -math.inf

    def improves(self, iteration: int, miou: float) -> bool:
        """Take in an evaluation; whether it is the best one now."""
        better = self.iteration == 0 or miou > self.miou
        if better:
            self.iteration, self.miou = iteration, miou
        return better


def snapshot_metrics(
    snapshot: Snapshot, last_on_select: float, best: BestEvaluation, on_report: Mapping[str, float]
) -> dict[str, float]:
    """What a finished trial reports: mIoU of both snapshots on the report split, and what the choice compares.

    Args:
        snapshot: the one that `report/miou` is of.
        last_on_select: mIoU of the last snapshot on the select split, in percent.
        best: the best evaluation on the select split.
        on_report: mIoU of both snapshots on the report split, in percent.
    """
    return {
        MIOU.report: on_report[snapshot],
        MIOU.report_last: on_report["last"],
        MIOU.report_best: on_report["best_on_select"],
        MIOU.of_snapshot: last_on_select if snapshot == "last" else best.miou,
        BEST_ITERATION: float(best.iteration),
    }
