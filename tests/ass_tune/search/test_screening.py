"""Screening: every configuration gets a few reports, then the best go on first, and all end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from io import StringIO
from typing import Any

import optuna
import pytest
from rich.console import Console

from ass_tune.search.screening import BEST, waits
from ass_tune.spec import StudySpec
from ass_tune.terminal.live_view import LiveView
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import Trial
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
SEARCH = {"sampler": "random", "trials_per_cell": 6, "screen": 2}
NONE = {"pruner": "none"}
MEDIAN = {"pruner": "median", "startup_trials": 2}
TWO_CELLS = {"adaptor": ["joint", "ga+csa"], "labeled_images": [5]}
AT = 20
"""The iteration at which the screening ends."""


def watched(driven: Callable, *what: Any) -> tuple[Any, StudyProgress]:
    """A driven study with its progress."""
    found: list[StudyProgress] = []

    def listeners(searches: Any) -> list[StudyProgress]:
        found.append(StudyProgress(searches, 100))
        return found

    return driven(*what, listeners=listeners), found[0]


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


@pytest.mark.parametrize("slots", [1, 3])
def test_only_the_best_are_kept_and_the_others_end_where_they_wait(spec: Spec, driven: Callable, slots: int) -> None:
    study, progress = watched(driven, spec(search={**SEARCH, "keep": 2}, ablate=TWO_CELLS))
    study.run(slots, order=slots)
    for search in study.searches:
        entries = search.tuning_entries()
        best = sorted(entries, key=lambda entry: -entry.curve[AT])[:2]
        assert {entry.key for entry in entries if entry.outcome is Outcome.FINISHED} == {entry.key for entry in best}
        pruned = [entry for entry in entries if entry not in best]
        assert {(entry.outcome, entry.last_iteration) for entry in pruned} == {(Outcome.PRUNED, AT)}
        assert search.chosen() is not None
    assert progress.iterations_saved == 2 * 4 * (100 - AT)
    assert progress.trials_ended == progress.trials_wanted == 2 * 6 + 2 * 2
    assert not progress.running and not progress.waiting


@pytest.mark.parametrize("finalists", [1, 2, 5])
def test_progress_counts_finalists(spec: Spec, driven: Callable, finalists: int) -> None:
    search = {**SEARCH, "keep": 3, "train_seeds": [1000, 1001, 1002], "finalists": finalists}
    study, progress = watched(driven, spec(search=search, ablate=TWO_CELLS), optuna.storages.InMemoryStorage())
    study.run(2)
    assert progress.trials_ended == progress.trials_wanted == 2 * (6 + min(3, finalists) * 2) + 2 * 2


def test_paused_trials_wait_visibly_and_are_counted_again_by_the_next_driver(spec: Spec, driven: Callable) -> None:
    storage = optuna.storages.InMemoryStorage()
    wanted = spec(search=SEARCH, ablate=TWO_CELLS)
    study, progress = watched(driven, wanted, storage)
    study.run(1, reports=5 * 2 + 1)
    assert [*Counter(progress.waiting.values()).values()] == [3, 2]
    waiting = [[waits(wanted, entry) for entry in search.tuning_entries()] for search in study.searches]
    assert [sum(found) for found in waiting] == [3, 2]
    out = Console(file=(text := StringIO()), width=120, height=40, force_terminal=True, color_system=None)
    out.print(LiveView(out, "driven", progress))
    shown = text.getvalue()
    assert "5 waiting for others of their cell to be screened, or to go on first" in shown
    assert [line.split()[-1] for line in shown.splitlines() if "0/6" in line] == ["3", "2"]
    assert watched(driven, wanted, storage)[1].waiting == progress.waiting


@pytest.mark.parametrize("slots", [1, 4])
def test_the_better_half_of_each_comparison_goes_on_to_the_next_and_then_all_to_their_ends(
    spec: Spec, driven: Callable, slots: int
) -> None:
    study = driven(spec(search={**SEARCH, "screen": [1, 3, 6]}, ablate=TWO_CELLS)).run(slots, order=slots)
    for search in study.searches:
        of_cell = [(trial.key, at) for trial, at in reports(study) if trial.cell == search.plan.cell]
        curves = {entry.key: entry.curve for entry in search.tuning_entries()}
        best = list(curves)
        for number, (at, before, further) in enumerate([(10, 0, 3), (30, 10, 2), (60, 30, 1)]):
            # whatever was compared before is compared again before any other goes on
            assert {key for key, _ in of_cell[: len(best) * (at - before) // 10]} == {*best}, number
            of_cell = of_cell[len(best) * (at - before) // 10 :]
            assert not any(iteration <= at and key in best for key, iteration in of_cell)
            best = sorted(best, key=lambda key: -curves[key][at])[:further]
        assert of_cell[0] == (best[0], 70)
        assert {(entry.outcome, entry.last_iteration) for entry in search.tuning_entries()} == {(Outcome.FINISHED, 100)}


@pytest.mark.parametrize("slots", [1, 3])
def test_those_that_came_further_are_kept(spec: Spec, driven: Callable, slots: int) -> None:
    study, progress = watched(driven, spec(search={**SEARCH, "screen": [1, 3], "keep": 4}, ablate=TWO_CELLS))
    study.run(slots, order=slots)
    for search in study.searches:
        entries = search.tuning_entries()
        compared = sorted(entries, key=lambda entry: -entry.curve[10])
        kept = {entry.key for entry in compared[:4]}
        assert {entry.key for entry in entries if entry.outcome is Outcome.FINISHED} == kept
        assert {(e.outcome, e.last_iteration) for e in compared[4:]} == {(Outcome.PRUNED, 10)}
    assert progress.iterations_saved == 2 * 2 * (100 - 10)
    study = driven(spec(search={**SEARCH, "screen": [1, 3], "keep": 2}, ablate=TWO_CELLS)).run(slots, order=slots)
    for search in study.searches:
        ends = sorted(entry.last_iteration for entry in search.tuning_entries())
        assert ends == [10, 10, 10, 30, 100, 100]


@pytest.mark.parametrize("screen", [2, [1, 3, 6]], ids=str)
@pytest.mark.parametrize("keep", [None, 2])
@pytest.mark.parametrize("dies_after", [7, 13, 20, 23, 24, 25, 40, 90])
def test_a_study_that_dies_while_trials_are_paused_ends_as_undisturbed(
    spec: Spec, driven: Callable, dies_after: int, keep: int | None, screen: int | list[int]
) -> None:
    wanted = spec(
        search={**SEARCH, "train_seeds": [1000, 1001], "keep": keep, "screen": screen},
        prune=MEDIAN if keep is None else NONE,
        ablate=TWO_CELLS,
    )
    undisturbed = driven(wanted).run(1)
    storage = optuna.storages.InMemoryStorage()
    driven(wanted, storage).run(1, reports=dies_after)
    resumed = driven(wanted, storage).run(1)
    for one, other in zip(undisturbed.searches, resumed.searches, strict=True):
        assert one.chosen() == other.chosen()
        entries = [{e.key: (e.outcome, dict(e.curve)) for e in search.tuning_entries()} for search in (one, other)]
        assert entries[0] == entries[1]


def test_whoever_waits_in_vain_ends_even_if_the_best_have_ended_before(spec: Spec, driven: Callable) -> None:
    """As a driver leaves it that dies after the last screening, when the best were reused and not trained."""
    storage = optuna.storages.InMemoryStorage()
    everything = spec(search=SEARCH, ablate=TWO_CELLS)
    first = driven(everything, storage).run(1, reports=2 * 6 * 2 + 2 * 10)
    assert [len([e for e in search.tuning_entries() if e.outcome]) for search in first.searches] == [2, 0]
    study = driven(spec(search={**SEARCH, "keep": 2}, ablate=TWO_CELLS), storage).run(1)
    for search in study.searches:
        outcomes = Counter((entry.outcome, entry.last_iteration) for entry in search.tuning_entries())
        assert outcomes == {(Outcome.FINISHED, 100): 2, (Outcome.PRUNED, AT): 4}
        assert len(search.replicate_entries()) == 2


def test_once_a_trial_has_finished_the_others_can_be_given_up_where_they_wait(spec: Spec, driven: Callable) -> None:
    threshold = {"pruner": "threshold", "arguments": {"lower": 1000.0}}
    study = driven(spec(search=SEARCH, prune=threshold, ablate=TWO_CELLS)).run(1)
    ends = [study.ends()[key] for key in {trial.key for trial in study.trials(Stage.TUNING)}]
    assert sorted((end.outcome, end.iteration) for end in ends) == 2 * [(Outcome.FINISHED, 100)] + 10 * [
        (Outcome.PRUNED, AT)
    ]
