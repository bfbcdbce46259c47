"""Seeds until decided, in whole studies without Ray: what runs next follows from the ledger and the folder alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from analysis.conclusions import conclusions, seeds_saved
from analysis.report.as_data import conclusions_of
from analysis.statistics.gains import Judged
from analysis.statistics.sequential import Stopped
from analysis.statistics.verdict import Verdict
from ass_tune.arguments import parse
from ass_tune.plan.study_plan import make_plan
from ass_tune.search.faults import StudyPaused
from ass_tune.spec import StudySpec
from ass_tune.terminal.progress import StudyProgress
from ass_tune.tracker.opening import open_tracker
from ass_tune.tracker.read_back import read_back
from ass_tune.tracker.seeds_wanted import seeds_wanted
from trainables.storage import Storage
from trainables.words import Stage

Spec = Callable[..., StudySpec]
UNTIL = {"seeds": 3, "at_most": 7, "until": "decided"}
ABLATE = {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5, 50]}


@pytest.fixture
def followed(driven: Callable, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`followed(spec, folder, ledger, **how)`: a driven study with its tracker and its looks; no MLflow answers."""
    trackers = []

    def make(spec: StudySpec, folder: str = "one", ledger: BaseStorage | None = None, **how: Any) -> Any:
        studies = tmp_path / folder
        studies.mkdir(exist_ok=True)
        file = studies / "driven.yaml"
        file.write_text("study: driven\n")
        arguments = parse([str(file), "--studies", str(studies), "--tracking-uri", "http://127.0.0.1:9"])
        plan = make_plan(spec, None, measure=False, step_time=0.01)
        tracker = open_tracker(spec, plan, Storage(str(studies / "driven")), arguments, {})
        trackers.append(tracker)

        def wanted(searches: Any) -> Any:
            return seeds_wanted(searches, studies / "driven")

        study = driven(spec, ledger, record=tracker, seeds_wanted=wanted, **how)
        study.folder, study.close = studies / "driven", lambda: trackers.pop().close(0)
        return study

    yield make
    for tracker in trackers:
        tracker.close(0)


@pytest.fixture
def sequential(spec: Spec) -> StudySpec:
    return spec(
        ablate=ABLATE,
        baseline={"adaptor": "joint"},
        tune={},
        replicate=UNTIL,
        compare={"smallest_difference": 1.5},
        train={"iterations": 40, "evaluate_every": 20},
    )


def seeds_of(study: Any) -> dict[str, list[int]]:
    """By cell, the seeds that were trained, from the ledger."""
    return {one.plan.cell.name: sorted(entry.seed for entry in one.replicate_entries()) for one in study.searches}


def judged(study: Any) -> Judged:
    return Judged(read_back(study.searches, study.folder))


def test_seeds_are_added_to_open_comparisons_alone_and_in_order(sequential: StudySpec, followed: Callable) -> None:
    study = followed(sequential).run(3, order=2)
    found, seeds = judged(study), seeds_of(study)
    assert found.progress is not None and found.progress.wanted == {}
    needed = dict.fromkeys(seeds, 3)
    for (ours, theirs), one in found.progress.followed.items():
        assert one.stopped in (Stopped.DECIDED, Stopped.HOPELESS, Stopped.LAST_LOOK)
        looked = one.comparison.looked
        assert looked is not None and looked >= 3
        assert one.comparison.seeds == tuple(range(looked))
        assert (one.stopped is Stopped.DECIDED) == (one.comparison.verdict is not Verdict.UNDECIDED)
        needed |= {cell: max(needed[cell], looked) for cell in (ours, theirs)}
    assert seeds == {cell: list(range(number)) for cell, number in needed.items()}
    assert len(set(needed.values())) > 1, "not all comparisons took as many seeds"


@pytest.mark.parametrize(("slots", "order"), [(1, None), (5, 1), (40, 3)])
def test_slots_and_the_order_of_results_change_nothing(
    slots: int, order: int | None, sequential: StudySpec, followed: Callable
) -> None:
    alone, other = followed(sequential, "one").run(2), followed(sequential, "two").run(slots, order)
    assert seeds_of(other) == seeds_of(alone)
    assert [one.verdict for one in judged(other).corrected] == [one.verdict for one in judged(alone).corrected]


def test_a_study_that_is_killed_while_it_adds_seeds_ends_as_an_undisturbed_one(
    sequential: StudySpec, followed: Callable
) -> None:
    undisturbed = followed(sequential, "one").run(2)
    total = sum(len(seeds) for seeds in seeds_of(undisturbed).values())
    ledger = InMemoryStorage()
    for kill in range(10):
        followed(sequential, "two", ledger).run(2, order=kill, reports=total * 2 // 11 + kill % 2).close()
    killed = followed(sequential, "two", ledger).run(2)
    assert seeds_of(killed) == seeds_of(undisturbed)
    assert conclusions(judged(killed)) == conclusions(judged(undisturbed))
    ended = [trial.outcome for one in killed.searches for trial in one.replicate_entries()]
    assert len(ended) == total and set(ended) == {"finished"}


def test_people_and_programs_are_told_after_how_many_seeds_and_what_was_saved(
    sequential: StudySpec, followed: Callable
) -> None:
    found = judged(followed(sequential).run(4))
    runs = sum(len(found.study.results(cell)) for cell in found.study.cells)
    assert seeds_saved(found) == (
        f"Seeds until decided: {runs} runs of the compared cells, where 7 seeds for each would have been 42: "
        f"{42 - runs} saved ({(42 - runs) / 42:.0%})."
    )
    said = " ".join(conclusions(found))
    data = conclusions_of(found)
    assert data.seeds_until_decided is not None
    assert (data.seeds_until_decided.first_look, data.seeds_until_decided.at_most) == (3, 7)
    assert (data.seeds_until_decided.runs, data.seeds_until_decided.runs_of_fixed_number) == (runs, 42)
    for one in data.primary:
        assert one.comparison.after_seeds == len(one.comparison.seeds)
        assert f"after {one.comparison.after_seeds} seeds" in one.sentence
        assert f"after {one.comparison.after_seeds} seeds" in said
        assert one.decided_by is None, "nobody adds seeds by hand to a study that adds them itself"


def test_the_live_view_counts_seeds_as_they_are_added(sequential: StudySpec, followed: Callable) -> None:
    shown: list[StudyProgress] = []

    def listeners(searches: Any) -> Any:
        shown.append(StudyProgress(searches, 40))
        return shown

    study = followed(sequential, listeners=listeners).run(3)
    (progress,) = shown
    trained = sum(len(seeds) for seeds in seeds_of(study).values())
    assert trained > 18 and progress.trials_wanted == progress.trials_ended == trained
    again = StudyProgress(study.searches, 40)
    assert again.trials_wanted == again.trials_ended == trained, "also after a new start"


def test_a_failed_run_is_no_result_and_is_not_waited_for(sequential: StudySpec, followed: Callable) -> None:
    def fails(trial: Any) -> int | None:
        return 20 if trial.seed == 1 and trial.cell.level("adaptor") == "ga" else None

    study = followed(sequential, fails=fails).run(3)
    found = judged(study)
    assert found.progress is not None and found.progress.wanted == {}
    of_ga = [one.comparison for (ours, _), one in found.progress.followed.items() if "adaptor=ga," in ours]
    assert len(of_ga) == 2 and all(1 not in one.seeds for one in of_ga)


def test_the_search_ends_before_the_first_look_in_every_cell(spec: Spec, followed: Callable) -> None:
    tuned = spec(baseline={"adaptor": "joint"}, ablate=ABLATE, replicate=UNTIL, compare={"smallest_difference": 1.5})
    study = followed(tuned).run(4, order=1)
    kinds = [(kind, trial.stage) for kind, trial, _ in study.events]
    assert {trial.stage for trial in study.trials()} == set(Stage)
    searched = max(at for at, event in enumerate(kinds) if event == ("end", Stage.TUNING))
    later = [trial.seed for kind, trial, _ in study.events[:searched] if kind == "start"]
    assert max(seed for seed in later if seed < 100) <= 2, "no fourth seed before every search has ended"
    progress = judged(study).progress
    assert progress is not None and progress.wanted == {}


def test_records_that_differ_from_the_ledger_pause_the_study(sequential: StudySpec, followed: Callable) -> None:
    study = followed(sequential, "one").run(2, reports=20)
    study.close()
    with pytest.raises(StudyPaused, match=r"no look at the comparisons can be taken: .*not what the ledger has"):
        followed(sequential, "two", study.storage).run(2)
