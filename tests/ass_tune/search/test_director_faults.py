"""What the director does when trials cannot go on, and when two trials are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from ass_tune.ledger.ledger import entries_of, open_journal
from ass_tune.ledger.reuse import FinishedTrial, FinishedTrials, finished_in
from ass_tune.places import Studies
from ass_tune.search.faults import LOSSES, Fault, FaultKind, StudyPaused
from ass_tune.spec import StudySpec
from ass_tune.trial import End, Listener, Report, Trial
from trainables.storage import Storage
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}
ONE_SEED = {"seeds": [0]}
LOST = Fault(FaultKind.LOST, "The actor died unexpectedly before finishing this task.")


def bug(number: int = 0) -> Fault:
    return Fault(FaultKind.BUG, f'  File "a.py", line 3, in step\nValueError: {number}')


def kinds(study: Any, trial: Trial) -> list[str]:
    return [kind for kind, other, _ in study.events if other.key == trial.key]


def test_a_lost_trial_is_handed_out_again_as_the_same_trial(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=3)
    trial = study.director.next_trial()
    study.director.report(trial.key, Report(10, {"select/miou": 1.0}, 0.0))
    study.director.fault(trial.key, LOST, 1.0)
    assert study.director.running == []
    assert study.director.next_trial() == trial
    assert study.director.report(trial.key, Report(10, {"select/miou": 1.0}, 2.0)) == "continue"
    assert kinds(study, trial) == ["start", "report", "notice", "interrupted", "start"]
    assert len(study.optuna(trial.cell)) == 1


@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.HUNG, FaultKind.OUT_OF_MEMORY])
def test_what_may_pass_is_tried_so_often_and_then_fails_with_its_error(
    spec: Spec, driven: Callable, kind: FaultKind
) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=3)
    trial = study.director.next_trial()
    for _ in range(2):
        study.director.fault(trial.key, Fault(kind, "it is gone"), 1.0)
        assert study.director.next_trial() == trial
    study.director.fault(trial.key, Fault(kind, "it is gone"), 1.0)
    assert study.ends()[trial.key] == End(Outcome.FAILED, 0, 1.0, error="it is gone")
    assert study.director.next_trial() != trial


def test_a_try_that_got_further_is_not_counted(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=2)
    trial = study.director.next_trial()
    for reached in (10, 20, 30, 40):
        study.director.report(trial.key, Report(reached, {"select/miou": 1.0}, 0.0))
        study.director.fault(trial.key, LOST, 1.0)
        assert study.director.next_trial() == trial
    # repeating a report from an older checkpoint is no progress
    study.director.report(trial.key, Report(40, {"select/miou": 1.0}, 0.0))
    study.director.fault(trial.key, LOST, 1.0)
    assert study.director.next_trial() == trial
    study.director.fault(trial.key, LOST, 1.0)
    assert study.ends()[trial.key] == End(Outcome.FAILED, 40, 1.0, error=LOST.error)
    notices = [notice.split(":")[0] for kind, _, notice in study.events if kind == "notice"]
    goes_on = [f"process lost, goes on from iteration {reached}" for reached in (10, 20, 30, 40)]
    assert notices == [*goes_on, "process lost, try 1 of 2 without a new report"]


def test_a_try_that_saved_itself_later_is_not_counted(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=2)
    trial = study.director.next_trial()
    for saved_at in (3, 6, 9):
        study.director.fault(trial.key, replace(LOST, saved_at=saved_at), 1.0)
        assert study.director.next_trial() == trial
    for _ in range(2):
        assert study.director.running == [trial]
        study.director.fault(trial.key, replace(LOST, saved_at=9), 1.0)
        study.director.next_trial()
    assert study.ends()[trial.key].outcome is Outcome.FAILED


@pytest.mark.parametrize("kind", [FaultKind.NODE_LOST, FaultKind.HANDED_BACK])
def test_a_machine_that_is_taken_away_is_no_try_of_the_trial(spec: Spec, driven: Callable, kind: FaultKind) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=1)
    trial = study.director.next_trial()
    for number in range(20):
        study.director.fault(trial.key, Fault(kind, "it was asked to end", saved_at=number // 2), 1.0)
        assert study.director.next_trial() == trial
    assert study.ends() == {}
    notices = [notice for event, _, notice in study.events if event == "notice"]
    assert notices[-1] == f"{kind}, goes on from iteration 9: it was asked to end"


def test_a_trial_under_which_every_machine_is_lost_fails_in_the_end(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=3)
    trial = study.director.next_trial()
    for _ in range(LOSSES):
        assert study.director.running == [trial]
        study.director.fault(trial.key, Fault(FaultKind.NODE_LOST, "its node has died"), 1.0)
        study.director.next_trial()
    assert study.ends()[trial.key].outcome is Outcome.FAILED


def test_what_an_earlier_driver_trained_is_no_progress_of_this_one(spec: Spec, driven: Callable) -> None:
    wanted, storage = spec(ablate=ONE_CELL), InMemoryStorage()
    first = driven(wanted, storage, tries=2)
    trial = first.director.next_trial()
    first.director.report(trial.key, Report(10, {"select/miou": 1.0}, 0.0))
    study = driven(wanted, storage, tries=2)
    for _ in range(2):
        assert study.director.next_trial() == trial
        study.director.fault(trial.key, LOST, 1.0)
    assert study.ends()[trial.key].outcome is Outcome.FAILED


def test_a_bug_is_not_tried_again(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), tries=3)
    trial = study.director.next_trial()
    study.director.fault(trial.key, bug(), 1.0)
    assert study.ends()[trial.key].outcome is Outcome.FAILED


def test_the_third_trial_in_a_row_with_the_same_traceback_pauses_the_study(spec: Spec, driven: Callable) -> None:
    study = driven(spec())
    trials = [study.director.next_trial() for _ in range(4)]
    study.director.fault(trials[0].key, bug(1), 1.0)
    study.director.fault(trials[1].key, bug(2), 1.0)
    with pytest.raises(StudyPaused, match="same error: ValueError: 3"):
        study.director.fault(trials[2].key, bug(3), 1.0)
    assert {study.ends()[trial.key].outcome for trial in trials[:3]} == {Outcome.FAILED}
    assert study.director.running == [trials[3]]


def test_trials_whose_processes_all_die_at_their_start_pause_the_study(spec: Spec, driven: Callable) -> None:
    study = driven(spec(), tries=2)
    with pytest.raises(StudyPaused, match="died before it could train: ImportError: libcuda"):
        for pid in range(8):
            trial = study.director.next_trial()
            error = f"its process {pid} on 10.0.0.1 died before it could train: ImportError: libcuda"
            study.director.fault(trial.key, Fault(FaultKind.LOST, error), 1.0)
    assert [end.outcome for end in study.ends().values()] == [Outcome.FAILED] * 3


def test_a_trial_that_ends_well_in_between_shows_that_not_every_trial_hits_the_bug(
    spec: Spec, driven: Callable
) -> None:
    study = driven(spec())
    trials = [study.director.next_trial() for _ in range(5)]
    for at, trial in enumerate(trials):
        if at == 2:
            study.director.report(trial.key, Report(100, {"select/miou": 1.0}, 0.0))
            study.director.end(trial.key, End(Outcome.FINISHED, 100, 0.0, {"report/miou": 1.0}))
        else:
            study.director.fault(trial.key, bug(at), 1.0)


def test_a_full_disk_pauses_the_study_and_fails_no_trial(spec: Spec, driven: Callable) -> None:
    study = driven(spec())
    trial = study.director.next_trial()
    with pytest.raises(StudyPaused, match="No space left on device"):
        study.director.fault(trial.key, Fault(FaultKind.NO_ROOM, "OSError: [Errno 28] No space left on device"), 1.0)
    assert study.director.running == [trial]
    assert [entry.outcome for entry in study.searches[0].tuning_entries()] == [None]


def test_a_diverged_trial_is_pruned_for_the_sampler_and_never_begun_again(spec: Spec, driven: Callable) -> None:
    wanted = spec(ablate=ONE_CELL, replicate=ONE_SEED)
    storage = InMemoryStorage()
    study = driven(wanted, storage)
    trial = study.director.next_trial()
    study.director.end(trial.key, End(Outcome.DIVERGED, 10, 1.0, error="loss/total is nan at iteration 10"))
    assert study.optuna(trial.cell)[0].state.name == "PRUNED"
    [entry] = study.searches[0].tuning_entries()
    assert (entry.outcome, entry.error) == (Outcome.DIVERGED, "loss/total is nan at iteration 10")
    assert trial.key not in {other.key for other in driven(wanted, storage).run().trials()}


def test_a_failed_trial_is_begun_again_by_later_runs_of_the_study_until_its_starts_are_used_up(
    spec: Spec, driven: Callable
) -> None:
    search, starts = {"sampler": "random", "trials_per_cell": 2}, 2
    wanted = spec(ablate=ONE_CELL, replicate=ONE_SEED, search=search, faults={"starts": starts})
    storage = InMemoryStorage()

    def fails(trial: Trial) -> int | None:
        return 30 if trial.key == first.key else None

    first = driven(wanted, InMemoryStorage()).director.next_trial()
    for start in range(1, starts + 3):
        study = driven(wanted, storage, fails=fails).run()
        entries = study.searches[0].tuning_entries()
        assert [entry.outcome for entry in entries] == [Outcome.FAILED, Outcome.FINISHED]
        assert [entry.starts for entry in entries] == [min(start, starts), 1]
        assert [trial.key for trial in study.trials()].count(first.key) == (start <= starts)


def test_a_retry_that_does_well_counts_and_the_cell_waits_for_it(spec: Spec, driven: Callable) -> None:
    wanted, storage = spec(ablate=ONE_CELL, prune={"pruner": "none"}), InMemoryStorage()
    driven(wanted, storage, fails=lambda trial: 30 if trial.stage is Stage.TUNING else None).run(reports=18)
    again = driven(wanted, storage).run(slots=3)
    undisturbed = driven(wanted).run(slots=3)
    ours, theirs = (study.searches[0].tuning_entries() for study in (again, undisturbed))
    assert [(entry.key, entry.curve, entry.outcome) for entry in ours] == [
        (entry.key, entry.curve, entry.outcome) for entry in theirs
    ]
    assert {t.key for t in again.trials(Stage.REPLICATE)} == {t.key for t in undisturbed.trials(Stage.REPLICATE)}


def test_a_decision_that_a_dying_driver_did_not_write_down_is_made_again(spec: Spec, driven: Callable) -> None:
    wanted = spec(ablate=ONE_CELL, prune={"pruner": "threshold", "arguments": {"lower": 1000.0}})
    storage = InMemoryStorage()
    study = driven(wanted, storage)
    first = study.director.next_trial()
    study.director.report(first.key, Report(100, {"select/miou": 2000.0}, 0.0))
    study.director.end(first.key, End(Outcome.FINISHED, 100, 0.0, {"report/miou": 1.0}))
    second = study.director.next_trial()
    study.searches[0].report(second, Report(10, {"select/miou": 1.0}, 0.0))
    again = driven(wanted, storage)
    assert again.director.next_trial() == second
    assert again.director.report(second.key, Report(10, {"select/miou": 1.0}, 0.0)) == "stop"
    assert again.ends()[second.key] == End(Outcome.PRUNED, 10, 0.0)


def test_the_record_is_told_before_the_ledger_and_of_every_repetition(spec: Spec, driven: Callable) -> None:
    storage, seen = InMemoryStorage(), []
    study = driven(spec(ablate=ONE_CELL, replicate=ONE_SEED), storage)

    class Record(Listener):
        def trial_reported(self, trial: Trial, report: Report) -> None:
            seen.append((report.iteration, dict(study.optuna(trial.cell)[trial.number].intermediate_values)))

        def trial_ended(self, trial: Trial, end: End) -> None:
            seen.append((end.outcome, study.optuna(trial.cell)[trial.number].state.name))

    study.director._record = Record()
    trial = study.director.next_trial()
    for iteration in (10, 10, 20):
        study.director.report(trial.key, Report(iteration, {"select/miou": 1.0 * iteration}, 0.0))
    study.director.end(trial.key, End(Outcome.FINISHED, 20, 0.0, {"report/miou": 1.0}))
    assert seen == [(10, {}), (10, {10: 10.0}), (20, {10: 10.0}), (Outcome.FINISHED, "RUNNING")]
    assert list(study.reports(trial.key)) == [10, 20]


TWINS = {
    "ablate": {"adaptor": ["ga+csa"], "lambda_sadv": ["tuned", 1.0]},
    "tune": {
        "lambda_sadv": {"type": "choice", "values": [1.0, 3.0]},
        "lr": {"type": "choice", "values": [0.02, 0.05]},
    },
    "search": {"sampler": "grid"},
    "replicate": {"seeds": [0, 1]},
}


@pytest.mark.parametrize(("slots", "order"), [(1, None), (4, 1), (4, 2), (9, 3)])
def test_trials_of_equal_content_in_two_cells_are_trained_once(
    spec: Spec, driven: Callable, slots: int, order: int | None
) -> None:
    study = driven(spec(**TWINS)).run(slots, order)
    tuned, control = study.searches
    keys, twins = ({entry.key for entry in search.tuning_entries()} for search in (tuned, control))
    assert (len(keys), len(twins)) == (4, 2)
    assert twins < keys
    trained = [trial for trial in study.trials() if trial.reused_from is None]
    assert len(trained) == len({trial.key for trial in trained})
    entries = [e for s in study.searches for e in (*s.tuning_entries(), *s.replicate_entries())]
    assert {entry.key for entry in entries} == {trial.key for trial in trained}
    by_key = {}
    for entry in entries:
        assert entry.outcome is Outcome.FINISHED
        same = by_key.setdefault(entry.key, entry)
        assert (entry.curve, entry.result) == (same.curve, same.result)
    assert sum(entry.reused_from is not None for entry in entries) == len(entries) - len(by_key) >= 2


def test_a_twin_trains_itself_where_the_first_one_failed(spec: Spec, driven: Callable) -> None:
    def fails(trial: Trial) -> int | None:
        return 30 if trial.cell.level("lambda_sadv") == "tuned" else None

    study = driven(spec(**TWINS), fails=fails).run(2)
    twins = study.searches[1].tuning_entries()
    assert [(twin.outcome, twin.reused_from) for twin in twins] == [(Outcome.FINISHED, None)] * 2


def test_another_study_of_the_same_folder_reuses_what_is_finished_with_its_files(
    spec: Spec, driven: Callable, tmp_path: Path
) -> None:
    def run(wanted: StudySpec) -> Any:
        folder = Storage(str(tmp_path / wanted.study))
        ledger = open_journal(folder)
        finished = FinishedTrials(folder, lambda: finished_in(Studies.at(tmp_path), wanted.study, ledger))
        return driven(wanted, ledger, finished=finished).run()

    first = run(spec(study="first", ablate=ONE_CELL))
    for trial in first.trials():
        Storage(str(tmp_path / "first")).write_bytes(f"results/{trial.key}/panel.png", trial.key.encode())
    second = run(spec(study="second", ablate={**ONE_CELL, "labeled_images": [5, 50]}))
    reused = {trial.key: trial for trial in second.trials() if trial.reused_from is not None}
    assert reused.keys() == {trial.key for trial in first.trials()}
    for trial in first.trials():
        assert reused[trial.key].reused_from == f"first/{trial.cell.name}/{trial.stage} {trial.number}"
        copied = tmp_path / "second" / "results" / trial.key / "panel.png"
        assert copied.read_bytes() == trial.key.encode()
    ours = {e.key: (e.curve, e.result) for entries in entries_of(second.storage).values() for e in entries}
    for entries in entries_of(first.storage).values():
        for entry in entries:
            assert ours[entry.key] == (entry.curve, entry.result)


def test_a_result_whose_files_are_gone_is_trained_again(spec: Spec, driven: Callable, tmp_path: Path) -> None:
    end = End(Outcome.FINISHED, 100, 0.0, {"report/miou": 1.0})
    wanted = spec(ablate=ONE_CELL, replicate=ONE_SEED)
    trial = driven(wanted).director.next_trial()

    def library(artifacts: tuple[str, ...]) -> FinishedTrials:
        other = Storage(str(tmp_path / "other"))
        finished = FinishedTrial("other/cell/tuning 0", {100: 1.0}, replace(end, artifacts=artifacts), other)
        return FinishedTrials(Storage(str(tmp_path / "ours")), lambda: [(trial.key, finished)])

    gone = driven(wanted, finished=library((f"results/{trial.key}/panel.png",))).run()
    assert gone.trials()[0].reused_from is None
    there = driven(wanted, finished=library(())).run()
    assert there.trials()[0].reused_from == "other/cell/tuning 0"


def test_a_damaged_ledger_of_another_study_is_left_out_with_a_warning(
    spec: Spec, driven: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ledger.journal").write_bytes(b"nonsense\n{}\n")
    ledger = open_journal(Storage(str(tmp_path / "ours")))
    assert list(finished_in(Studies.at(tmp_path), "ours", ledger)) == []
    assert "nothing is reused from" in caplog.text
