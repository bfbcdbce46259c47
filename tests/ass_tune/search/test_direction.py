"""A search of what should be small chooses and prunes as one of its mirror image, which should be large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import optuna
import pytest
from optuna.study import StudyDirection

from ass_tune.ledger.ledger import optuna_study
from ass_tune.replay.virtual_time import Event
from ass_tune.spec.model import StudySpec
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import Trial
from tests.ass_tune.conftest import SPEC, Driven
from trainables.config import TrialConfig
from trainables.contract import StepResult
from trainables.curves import CurvesConfig
from trainables.mistakes import UserMistake
from trainables.objective import MIOU, Objective

ERROR = Objective(name="error", metric="error", unit="%", direction="minimize")
PRUNED = {**SPEC, "prune": {"pruner": "median", "startup_trials": 2}}


class Errors(CurvesConfig):
    """Curves whose error is what they lack to 100%."""

    objective: ClassVar[Objective] = ERROR


class ErrorSpec(StudySpec):
    """A study of errors."""

    @property
    def config_class(self) -> type[TrialConfig]:
        return Errors


class DrivenErrors(Driven):
    """Trials that report errors."""

    def _life(self, trial: Trial, time: float) -> Iterator[Event]:
        for step in super()._life(trial, time):
            assert isinstance(step, StepResult)
            mirrored = {name.replace("miou", "error"): 100.0 - value for name, value in step.metrics.items()}
            yield step.model_copy(update={"metrics": mirrored})


@pytest.fixture
def both(driven: Callable[..., Driven]) -> tuple[Driven, Driven]:
    large = driven(StudySpec.model_validate(PRUNED)).run()
    small = DrivenErrors(ErrorSpec.model_validate(PRUNED), optuna.storages.InMemoryStorage()).run()
    return large, small


def test_choices_and_pruning_are_mirrored(both: tuple[Driven, Driven]) -> None:
    chosen = [[search.chosen() for search in study.searches] for study in both]
    assert chosen[0] == chosen[1]
    ends = [[(end.outcome, end.iteration) for end in study.ends().values()] for study in both]
    assert ends[0] == ends[1]
    assert any(outcome == "pruned" for outcome, _ in ends[0])


def test_the_best_so_far_is_the_smallest(both: tuple[Driven, Driven]) -> None:
    bests = [
        [cell.best for cell in StudyProgress(study.searches, 100).cells.values() if cell.best is not None]
        for study in both
    ]
    assert bests[1] == pytest.approx([100.0 - best for best in bests[0]])


def test_the_ledger_says_what_it_is_and_which_way(both: tuple[Driven, Driven]) -> None:
    _, small = both
    name = f"{small.spec.study}/adaptor=ga,labeled_images=5/tuning"
    study = optuna.load_study(study_name=name, storage=small.storage)
    assert study.directions == [StudyDirection.MINIMIZE]
    assert study.metric_names == ["select/error"]
    with pytest.raises(UserMistake, match=r"directions \['minimize'\]; allowed: \['maximize'\]"):
        optuna_study(small.storage, name)
    assert optuna_study(small.storage, name, objective=replace_direction(MIOU)).study_name == name


def replace_direction(objective: Objective) -> Objective:
    return objective.model_copy(update={"direction": "minimize"})


def test_reports_of_a_finished_trial_are_reused_under_its_own_name(both: tuple[Driven, Driven]) -> None:
    _, small = both
    search = small.searches[0]
    trial = next(trial for trial, entry in search.trials() if entry.outcome == "finished")
    reused: Any = search.finished(trial)
    assert set(reused.reports[0].metrics) == {"select/error"}
    assert reused.reports[0].value == small.reports(trial.key)[10]
    assert replace(reused.reports[0], time=0.0).objective is ERROR
