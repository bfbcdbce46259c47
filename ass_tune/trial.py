"""The words of a study as types: cell, trial, report, end. They know neither Ray nor Optuna nor MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from trainables.config import Value


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
    FAILED = "failed"


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

    @property
    def name(self) -> str:
        """What people read: cell, stage and number."""
        return f"{self.cell.name} {self.stage} {self.number}"


@dataclass(frozen=True)
class Report:
    """One evaluation during a trial, at a multiple of `evaluate_every` iterations."""

    iteration: int
    metrics: Mapping[str, float]
    time: float
    """Seconds since the epoch at which the trial measured it."""

    @property
    def miou(self) -> float:
        """mIoU on the select split in percent: what pruning and the choice of configurations act on."""
        return self.metrics["select/miou"]


@dataclass(frozen=True)
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


class Listener(Protocol):
    """Somebody who is told what happens in a study: the tracker and the progress view."""

    def trial_started(self, trial: Trial) -> None:
        """The trial was handed to Ray."""

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """The trial was evaluated and the ledger has its mIoU."""

    def trial_ended(self, trial: Trial, end: End) -> None:
        """The ledger has the outcome."""


def format_value(value: Value) -> str:
    """A factor level or hyperparameter as people write it; floats in the shortest form that reads back."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"
