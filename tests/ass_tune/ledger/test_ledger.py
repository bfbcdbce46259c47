"""The ledger is the only state: a new driver on the same storage goes on where the last one was."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.trial import TrialState

from analysis.tracking_uri import check_uri
from ass_tune.ledger.ledger import JOURNAL, Stratum, open_journal, open_ledger, open_to_read
from ass_tune.spec import StudySpec
from ass_tune.trial import End, Trial
from tests.support.results import results_of
from trainables.mistakes import UserMistake
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

Spec = Callable[..., StudySpec]
SMALL = {"adaptor": ["ga", "ga+csa"], "labeled_images": [5]}
GRID = {
    "lr": {"type": "grid", "values": [0.02, 0.05]},
    "lambda_sadv": {"type": "grid", "values": [0.1, 1.0, 10.0]},
}
FINITE = {name: {**values, "type": "choice"} for name, values in GRID.items()}
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}
SEARCHES = {
    "random": {"search": {"sampler": "random", "trials_per_cell": 5}},
    "tpe": {"search": {"sampler": "tpe", "trials_per_cell": 5, "arguments": {"n_startup_trials": 2}}},
    "qmc": {"search": {"sampler": "qmc", "trials_per_cell": 5}},
    "grid": {"search": {"sampler": "grid"}, "tune": GRID},
    "qmc exhausted": {
        "search": {"sampler": "qmc", "trials_per_cell": 12},
        "tune": {"fail_at": {"type": "int", "low": 1, "high": 12}},
    },
    "exhausted": {"search": {"sampler": "tpe", "trials_per_cell": 6}, "tune": FINITE},
    "several seeds": {"search": {"sampler": "tpe", "trials_per_cell": 4, "train_seeds": [7, 8, 9]}},
}


def contents(study: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that the ledger holds but the times."""
    return {
        f"{search.plan.cell.name}/{stage}": [
            (trial.number, trial.state, trial.params, trial.intermediate_values, trial.value, trial.user_attrs)
            for trial in study.optuna(search.plan.cell, stage)
        ]
        for search in study.searches
        for stage in Stage
    }


def journal(folder: Path) -> BaseStorage:
    return open_journal(Storage(str(folder)))


@pytest.mark.costly
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("every", [1, 7, 23])
def test_drivers_that_stop_dead_leave_the_study_that_an_undisturbed_one_leaves(
    spec: Spec, driven: Callable, tmp_path: Path, search: str, every: int
) -> None:
    wanted = spec(ablate=SMALL, prune=MEDIAN, **SEARCHES[search])
    undisturbed = driven(wanted).run()
    deaths, known = 0, InMemoryStorage()
    while True:
        # a trial that is taken over begins at its first report again, as if it had no checkpoint
        study = driven(wanted, journal(tmp_path) if every == 7 else known).run(reports=every + 9)
        if not study.director.running and study.director.next_trial() is None:
            break
        deaths += 1
    assert deaths > 1
    assert contents(study) == contents(undisturbed)


@pytest.mark.parametrize("slots", [1, 3])
def test_unfinished_trials_are_handed_out_first_under_their_number(
    spec: Spec, driven: Callable, tmp_path: Path, slots: int
) -> None:
    wanted = spec(ablate=SMALL, prune=MEDIAN)
    first = driven(wanted, journal(tmp_path)).run(slots, order=2, reports=42)
    left = {trial.key: trial for trial in first.director.running}
    second = driven(wanted, journal(tmp_path)).run(slots, order=3)
    assert len(left) == slots
    again = second.trials()[:slots]
    assert {trial.key: trial for trial in again} == left
    assert not {trial.key for trial in second.trials()} & first.ends().keys()
    assert len(first.ends()) + len(second.ends()) == 2 * (6 + 2)


def test_reports_from_before_the_death_are_neither_recorded_nor_told_again(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    first = driven(spec(ablate=SMALL), storage).run(reports=4)
    [trial] = first.director.running
    before = first.optuna(trial.cell)[0].intermediate_values
    second = driven(spec(ablate=SMALL), storage).run(reports=10)
    assert list(before) == [10, 20, 30, 40]
    assert list(second.reports(trial.key)) == [50, 60, 70, 80, 90, 100]
    assert second.ends()[trial.key].outcome is Outcome.FINISHED
    after = second.optuna(trial.cell)[0]
    assert after.intermediate_values == before | second.reports(trial.key)
    assert after.value == second.reports(trial.key)[100]


def test_a_finished_study_has_nothing_left_to_run(spec: Spec, driven: Callable, tmp_path: Path) -> None:
    first = driven(spec(ablate=SMALL), journal(tmp_path)).run(3)
    before = contents(first)
    second = driven(spec(ablate=SMALL), journal(tmp_path)).run(3)
    assert second.events == []
    assert contents(second) == before
    assert [results_of(search) for search in second.searches] == [results_of(search) for search in first.searches]


def test_more_trials_and_more_seeds_are_added_to_a_finished_study(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    one = {"adaptor": ["ga+csa"], "labeled_images": [5]}
    few = spec(ablate=one, search={"sampler": "random", "trials_per_cell": 3}, replicate={"seeds": [0, 1]})
    more = spec(ablate=one, search={"sampler": "random", "trials_per_cell": 5}, replicate={"seeds": [0, 1, 2]})
    first = driven(few, storage).run()
    second = driven(more, storage).run()
    undisturbed = driven(more).run()
    assert len(second.trials(Stage.TUNING)) == 2
    keys = [trial.key for trial in first.trials(Stage.TUNING) + second.trials(Stage.TUNING)]
    assert keys == [trial.key for trial in undisturbed.trials(Stage.TUNING)]
    results, wanted = results_of(second.searches[0]), results_of(undisturbed.searches[0])
    assert {seed: (entry.key, entry.result) for seed, entry in results.items()} == {
        seed: (entry.key, entry.result) for seed, entry in wanted.items()
    }


def stratum(storage: BaseStorage) -> Stratum:
    return Stratum(storage, "s", Cell((("adaptor", "ga"),)), Stage.TUNING, optuna.pruners.NopPruner())


def trials(storage: BaseStorage) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="s/adaptor=ga/tuning", storage=storage).trials


def test_a_trial_that_was_asked_for_but_not_begun_is_closed() -> None:
    storage = InMemoryStorage()
    asked = stratum(storage).ask(optuna.samplers.RandomSampler(seed=1))
    asked.suggest_float("lr", 0, 1)
    asked.set_user_attr("seed", 0)
    later = stratum(storage)
    assert later.readopt() == later.entries() == []
    assert [trial.state for trial in trials(storage)] == [TrialState.FAIL]


def test_a_trial_that_was_queued_but_not_asked_for_is_closed() -> None:
    storage = InMemoryStorage()
    stratum(storage)
    optuna.load_study(study_name="s/adaptor=ga/tuning", storage=storage).enqueue_trial({"lr": 0.25})
    later = stratum(storage)
    assert later.readopt() == later.entries() == []
    assert [trial.state for trial in trials(storage)] == [TrialState.FAIL]
    assert later.open({"lr": 0.5}).suggest_float("lr", 0, 1) == 0.5


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_trial_that_was_not_begun_is_suggested_again(spec: Spec, driven: Callable, sampler: str) -> None:
    wanted = spec(ablate={}, search={"sampler": sampler, "trials_per_cell": 4})
    storage = InMemoryStorage()
    driven(wanted, storage).run(reports=10)
    killed = optuna.load_study(study_name="driven/all/tuning", storage=storage)
    killed.ask().suggest_float("lr", 0.01, 0.1, log=True)
    second = driven(wanted, storage).run()
    undisturbed = driven(wanted).run()
    assert [trial.key for trial in second.trials()] == [trial.key for trial in undisturbed.trials()[1:]]


def trial(number: int, reused_from: str | None = None) -> Trial:
    return Trial("abc"[number], Cell(()), Stage.TUNING, number, 7, {"lr": 0.5}, {}, reused_from)


def test_entries_hold_what_was_recorded() -> None:
    storage = InMemoryStorage()
    ours = stratum(storage)
    config = {"lr": 0.5, "sizes": [1, 2], "network": None, "flip": True}
    for number, key in enumerate(("a", "b", "c")):
        opened = ours.open({"lr": 0.5})
        opened.suggest_float("lr", 0, 1)
        ours.begin(number, key, seed=7, config=config)
        ours.report(number, 10, 31.5)
        ours.report(number, 20, 30.25)
    ours.end(trial(0), End(Outcome.FINISHED, 20, 0.0, {"report/miou": 29.0}, ("results/a/panel.png",)), 30.25)
    ours.end(trial(1), End(Outcome.FAILED, 20, 0.0, error="Traceback\nValueError: x"), 30.25)
    entries = stratum(storage).entries()
    assert [entry.outcome for entry in entries] == [Outcome.FINISHED, Outcome.FAILED, None]
    assert entries == ours.entries()
    for entry, key in zip(entries, "abc", strict=True):
        assert (entry.key, entry.seed, entry.config, entry.hyperparameters) == (key, 7, config, {"lr": 0.5})
        assert (entry.select_miou, entry.last_iteration) == (30.25, 20)
    assert (entries[0].result, entries[0].artifacts) == ({"report/miou": 29.0}, ("results/a/panel.png",))
    assert [entry.error for entry in entries] == [None, "Traceback\nValueError: x", None]


def test_the_journal_lies_in_the_study_folder(tmp_path: Path) -> None:
    storage = journal(tmp_path / "studies" / "new")
    assert isinstance(storage, JournalStorage)
    assert (tmp_path / "studies" / "new" / JOURNAL).is_file()


def test_a_url_names_a_database_instead(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with open_ledger(Storage(str(tmp_path / "study")), "demo", url) as storage:
        assert isinstance(storage, RDBStorage)
    assert (tmp_path / "ledger.db").is_file()


@pytest.mark.parametrize(
    "url", ["postgresql://ann:s3cret@127.0.0.1:1/db", "nonsense://ann:s3cret@there", "sqlite:////no/such/folder/l.db"]
)
def test_a_database_that_cannot_be_opened_is_one_clear_error_without_credentials(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserMistake, match=r"the ledger \S+ cannot be opened: ") as refused:
        with open_ledger(Storage(str(tmp_path / "study")), "demo", url):
            pass
    assert "s3cret" not in str(refused.value)
    assert not (tmp_path / "study").exists()


def test_plots_of_optuna_name_their_axis_after_what_is_maximised(tmp_path: Path) -> None:
    storage = journal(tmp_path)
    for _ in range(2):
        Stratum(storage, "s", Cell((("adaptor", "ga"),)), Stage.TUNING, optuna.pruners.NopPruner())
    assert optuna.load_study(study_name="s/adaptor=ga/tuning", storage=storage).metric_names == ["select/miou"]


def test_a_driver_that_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = re.escape("not installed, the module psycopg: pip install 'ass-tune[postgres]'")
    for ask in (
        lambda: open_to_read(tmp_path, "postgresql://ann@host/x"),
        lambda: check_uri("postgresql://ann@host/x"),
    ):
        with pytest.raises(UserMistake, match=said):
            ask()
