from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from ass_tune.ledger.reuse import FinishedTrials
from ass_tune.replay.virtual_time import Event, TryFailed, VirtualSlots
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.cells import cells
from ass_tune.search.director import Director
from ass_tune.search.faults import Fault, FaultKind
from ass_tune.search.pruners import make_pruner
from ass_tune.spec import StudySpec
from ass_tune.trial import End, Listener, Report, Trial
from trainables.contract import StepResult
from trainables.curves import CurvesConfig
from trainables.learning_curve import measured
from trainables.words import Cell, Stage

SPEC = {
    "study": "driven",
    "trainable": "curves",
    "domains": "synthetic",
    "profile": "synthetic",
    "ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5, 50]},
    "tune": {
        "lambda_sadv": {"type": "log_uniform", "low": 0.01, "high": 100.0},
        "lr": {"type": "log_uniform", "low": 0.01, "high": 0.1},
    },
    "search": {"sampler": "random", "trials_per_cell": 6},
    "replicate": {"seeds": [0, 1]},
    "train": {"iterations": 100, "evaluate_every": 10},
}


def select_miou(trial: Trial, iteration: int) -> float:
    """What a driven trial measures on the select split, in percent."""
    return measured(CurvesConfig(**trial.config), "select", iteration)


class Driven(Listener):
    """A study of curves on `slots` slots of virtual time; it is a listener of its own director.

    Args:
        spec: the study.
        storage: the ledger, which may hold what an earlier driver left.
        fails: iteration at which a trial fails, or None for one that does not.
        listeners: told after this one.
        finished: trials of other studies.
        tries: as the director's.
        record: told first, e.g. a tracker.
        seeds_wanted: as the director's, of these searches.
    """

    def __init__(
        self,
        spec: StudySpec,
        storage: BaseStorage,
        fails: Callable[[Trial], int | None] = lambda trial: None,
        listeners: Callable[[Sequence[CellSearch]], Sequence[Listener]] = lambda searches: [],
        finished: FinishedTrials | None = None,
        tries: int = 1,
        record: Listener | None = None,
        seeds_wanted: Callable[[Sequence[CellSearch]], Mapping[str, int]] = lambda searches: {},
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.spec, self.storage, self.fails = spec, storage, fails
        kept, self.left_out = cells(spec)
        self.searches = [CellSearch(spec, cell, storage, make_pruner(spec)) for cell in kept]
        self.events: list[tuple[str, Trial, Any]] = []
        self.director = Director(
            self.searches,
            record or Listener(),
            [self, *listeners(self.searches)],
            finished,
            tries,
            lambda: seeds_wanted(self.searches),
        )
        self._slots = VirtualSlots(self.director, self._life)
        self._times: np.random.Generator | None = None

    def trial_started(self, trial: Trial) -> None:
        self.events.append(("start", trial, None))

    def trial_reported(self, trial: Trial, report: Report) -> None:
        self.events.append(("report", trial, report))

    def trial_ended(self, trial: Trial, end: End) -> None:
        self.events.append(("end", trial, end))

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        self.events.append(("notice", trial, notice))

    def trial_interrupted(self, trial: Trial) -> None:
        self.events.append(("interrupted", trial, None))

    def run(self, slots: int = 1, order: int | None = None, reports: int | None = None) -> Driven:
        """Run to the end, or stop dead after some reports; trials are equally fast, or draw their paces."""
        self._times = None if order is None else np.random.default_rng(order)
        self._slots.run(slots, reports)
        return self

    def _life(self, trial: Trial, time: float) -> Iterator[Event]:
        fails_at = self.fails(trial)
        for at in self.spec.train.reports:
            time += 1.0 if self._times is None else self._times.exponential()
            if fails_at is not None and at >= fails_at:
                yield TryFailed(time, Fault(FaultKind.BUG, f"asked to fail: {trial.key}"))
                return
            metrics, final = {"select/miou": select_miou(trial, at)}, at == self.spec.train.iterations
            if final:
                metrics["report/miou"] = measured(CurvesConfig(**trial.config), "report", at)
            yield StepResult(iteration=at, time=time, metrics=metrics, final=final)

    def trials(self, stage: Stage | None = None, cell: Cell | None = None) -> list[Trial]:
        """Trials in the order in which they were handed out."""
        started = [trial for kind, trial, _ in self.events if kind == "start"]
        return [trial for trial in started if stage in (None, trial.stage) and cell in (None, trial.cell)]

    def ends(self) -> dict[str, End]:
        """How the trials ended, by key."""
        return {trial.key: end for kind, trial, end in self.events if kind == "end"}

    def reports(self, key: str) -> dict[int, float]:
        """mIoU that a trial reported, by iteration."""
        found = [what for kind, trial, what in self.events if kind == "report" and trial.key == key]
        return {report.iteration: report.value for report in found}

    def optuna(self, cell: Cell, stage: Stage = Stage.TUNING) -> list[FrozenTrial]:
        """What Optuna's own API reads from the ledger."""
        return optuna.load_study(study_name=f"{self.spec.study}/{cell.name}/{stage}", storage=self.storage).trials


@pytest.fixture
def spec() -> Callable[..., StudySpec]:
    """A study of curves; arguments replace whole sections."""
    return lambda **sections: StudySpec.model_validate({**SPEC, **sections})


@pytest.fixture
def driven() -> Callable[..., Driven]:
    """`driven(spec, **how)`: a study without Ray, in memory unless a storage is given."""

    def make(spec: StudySpec, storage: BaseStorage | None = None, **how: Any) -> Driven:
        return Driven(spec, storage or optuna.storages.InMemoryStorage(), **how)

    return make


@pytest.fixture
def miou_of() -> Callable[[Trial, int], float]:
    return select_miou
