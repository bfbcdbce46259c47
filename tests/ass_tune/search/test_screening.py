"""Screening: every configuration gets a few reports, then the best go on first, and all end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest

from ass_tune.search.screening import BEST
from ass_tune.spec import StudySpec
from ass_tune.trial import Trial
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
SEARCH = {"sampler": "random", "trials_per_cell": 6, "screen": 2}
MEDIAN = {"pruner": "median", "startup_trials": 2}
TWO_CELLS = {"adaptor": ["joint", "ga+csa"], "labeled_images": [5]}
AT = 20
"""The iteration at which the screening ends."""


def reports(study: Any) -> list[tuple[Trial, int]]:
    """Every new report of a trial that tries a configuration, in order."""
    first = study.spec.train_seeds[0]
    found = [(trial, what) for kind, trial, what in study.events if kind == "report"]
    return [(trial, what.iteration) for trial, what in found if trial.stage is Stage.TUNING and trial.seed == first]


@pytest.mark.parametrize("slots", [1, 4])
def test_no_configuration_goes_on_before_all_of_its_cell_were_screened(
    spec: Spec, driven: Callable, slots: int
) -> None:
    study = driven(spec(search=SEARCH, ablate=TWO_CELLS)).run(slots, order=slots)
    screened: dict[str, int] = {}
    for trial, iteration in reports(study):
        name = trial.cell.name
        if iteration == AT:
            screened[name] = screened.get(name, 0) + 1
        assert iteration <= AT or screened[name] == 6
    ends = [study.ends()[trial.key] for trial in study.trials(Stage.TUNING)]
    assert all(end.outcome is Outcome.FINISHED and end.iteration == 100 for end in ends)


def test_the_best_of_all_cells_go_on_first_and_then_the_others_in_turns(spec: Spec, driven: Callable) -> None:
    study = driven(spec(search=SEARCH, ablate=TWO_CELLS)).run(1)
    values = {trial.key: study.reports(trial.key)[AT] for trial in study.trials(Stage.TUNING)}
    went_on = [trial for trial, iteration in reports(study) if iteration == AT + 10]
    cells = list(dict.fromkeys(trial.cell for trial in went_on))
    for cell in cells:
        found = [values[trial.key] for trial in went_on if trial.cell == cell]
        assert found == sorted(found, reverse=True)
    first, others = went_on[: 2 * BEST], went_on[2 * BEST :]
    assert [trial.cell for trial in first] == [cell for cell in cells for _ in range(BEST)]
    assert [trial.cell for trial in others] == (6 - BEST) * cells


def test_it_changes_the_order_alone(spec: Spec, driven: Callable) -> None:
    plain = driven(spec(search={**SEARCH, "screen": 0}, ablate=TWO_CELLS)).run(2)
    screened = driven(spec(search=SEARCH, ablate=TWO_CELLS)).run(2)
    assert {trial.key for trial in screened.trials()} == {trial.key for trial in plain.trials()}
    assert [search.chosen() for search in screened.searches] == [search.chosen() for search in plain.searches]


@pytest.mark.parametrize("dies_after", [7, 23, 40, 90])
def test_a_study_that_dies_while_trials_are_paused_ends_as_undisturbed(
    spec: Spec, driven: Callable, dies_after: int
) -> None:
    wanted = spec(search={**SEARCH, "train_seeds": [1000, 1001]}, prune=MEDIAN, ablate=TWO_CELLS)
    undisturbed = driven(wanted).run(1)
    storage = optuna.storages.InMemoryStorage()
    driven(wanted, storage).run(1, reports=dies_after)
    resumed = driven(wanted, storage).run(1)
    for one, other in zip(undisturbed.searches, resumed.searches, strict=True):
        assert one.chosen() == other.chosen()
        entries = [{e.key: (e.outcome, dict(e.curve)) for e in search.tuning_entries()} for search in (one, other)]
        assert entries[0] == entries[1]


def test_once_a_trial_has_finished_the_others_can_be_given_up_where_they_wait(spec: Spec, driven: Callable) -> None:
    threshold = {"pruner": "threshold", "arguments": {"lower": 1000.0}}
    study = driven(spec(search=SEARCH, prune=threshold, ablate=TWO_CELLS)).run(1)
    ends = [study.ends()[key] for key in {trial.key for trial in study.trials(Stage.TUNING)}]
    assert sorted((end.outcome, end.iteration) for end in ends) == 2 * [(Outcome.FINISHED, 100)] + 10 * [
        (Outcome.PRUNED, AT)
    ]
