"""What happens in a study as types: trial, report, end. They know neither Ray nor Optuna nor MLflow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ass_tune.nodes import Node
from trainables.config import Value
from trainables.objective import MIOU, Objective
from trainables.words import Cell, Outcome, Stage


@dataclass(frozen=True)
class Trial:
    """One training run: a configuration and a seed."""

    key: str
    """Hash of the canonical configuration and the code version: the identity of the trial."""
    cell: Cell
    stage: Stage
    number: int
    """Number within the cell and stage, as Optuna counts."""
    seed: int
    hyperparameters: Mapping[str, Value]
    config: Mapping[str, Any]
    """All of it: factors, hyperparameters, profile defaults, seed and training length."""
    reused_from: str | None = None
    """The trial of equal content whose curve and result this one reuses; None if it is trained itself."""

    @property
    def name(self) -> str:
        """What people read: cell, stage and number."""
        return f"{self.cell.name} {self.stage} {self.number}"

    @property
    def run(self) -> str:
        """Identity of its run in the record, unlike the key: two cells may have a trial of the same key."""
        place = hashlib.sha256(f"{self.cell.name}/{self.stage}".encode()).hexdigest()
        return f"{self.key}-{place[:8]}"


@dataclass(frozen=True)
class Report:
    """One evaluation during a trial, at a multiple of `evaluate_every` iterations."""

    iteration: int
    metrics: Mapping[str, float]
    time: float
    """Seconds since the epoch at which the trial measured it."""
    objective: Objective = MIOU

    @property
    def value(self) -> float:
        """The objective on the select split: what pruning and the choice of configurations act on."""
        return self.metrics[self.objective.select]


@dataclass(frozen=True, slots=True)
class End:
    """How, when and with what result a trial ended."""

    outcome: Outcome
    iteration: int
    time: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Final metrics, `report/miou` among them; empty unless finished."""
    artifacts: tuple[str, ...] = ()
    """Files of the study folder that belong to the trial (confusion matrices, panel)."""
    error: str | None = None


class Wait(BaseModel):
    """Why a trial has not started, or not reported, by the time it should have."""

    model_config = ConfigDict(frozen=True)

    trial: str
    """Its name."""
    reason: str
    details: str
    """What changes while it waits: what nodes have free, the last lines of a log; may be empty."""
    since: float
    """Seconds since the epoch at which the wait began."""


class Listener:
    """Is informed of what happens in a study; subclasses override what they need."""

    def trial_started(self, trial: Trial) -> None:
        """The trial is started: for the first time, again after a fault, or by a later driver."""

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """The trial was evaluated."""

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """Something happened that people should know and that affects no result."""

    def trials_wait(self, waits: Sequence[Wait]) -> None:
        """These trials are late, and no others; called each time that this changes."""

    def study_ends_early(self, how: str) -> None:
        """The study ends before it is done, at a signal or its time limit; trials that train are waited for."""

    def nodes_changed(self, nodes: Sequence[Node]) -> None:
        """What the nodes of the cluster do now; called where that is more than one machine without a GPU."""

    def trial_interrupted(self, trial: Trial) -> None:
        """The trial stopped running without an outcome and will be started again."""

    def trial_paused(self, trial: Trial) -> None:
        """The trial waits for others of its cell after a report, and will be started again or ended there."""

    def trial_ended(self, trial: Trial, end: End) -> None:
        """The trial has its outcome."""


class StudyListener(Listener):
    """A record of a study that a package keeps. An interrupted study begins it anew, and some reports come again.

    Args:
        study: name of the study.
        folder: of its own in the study's folder.
    """

    def __init__(self, study: str, folder: Path) -> None:
        self.study, self.folder = study, folder

    def close(self) -> None:
        """The study has ended, for now or for good."""
