"""A large ledger as a study leaves it, and how long a driver that goes on with it takes until it hands out a trial."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation

from ass_tune.ledger.journal import Journal
from ass_tune.ledger.ledger import JOURNAL, open_journal
from ass_tune.ledger.reuse import FinishedTrials, finished_in
from ass_tune.places import Studies
from ass_tune.plan.study_plan import StudyPlan, make_plan
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.director import Director
from ass_tune.search.kept_checkpoints import CheckpointKeeper
from ass_tune.search.pruners import make_pruner
from ass_tune.spec import StudySpec, load
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import Listener
from benchmarks.driver_studies import STUDY, Size, ours
from trainables.contract import StepResult
from trainables.curves import CurvesConfig
from trainables.learning_curve import measured
from trainables.storage import Storage
from trainables.words import REPORT, SELECT

CELLS = 20


def write_ledger(folder: Path, trials: int, reports: int) -> Path:
    """Write the ledger of a study with so many finished trials; returns the study's file, which asks for one more.

    The director writes the first trial of each cell; the lines of the others are copies with numbers of their own.
    """
    size = Size(trials + 2 * CELLS, reports, budgets=CELLS // 2)
    file = Path(ours(folder, size)[3])
    spec = load(file)
    director = resumed(spec, _plan(spec), folder)
    for _ in range(CELLS):
        _finish(director, reports)
    journal = Journal(folder / STUDY / JOURNAL)
    lines = list(journal.read_logs(0))
    journal.append_logs(list(_copies(lines, CELLS, trials)))
    return file


def _finish(director: Director, reports: int) -> None:
    """Run one trial to its end, as fast as the ledger takes it."""
    trial = director.next_trial()
    assert trial is not None
    config = CurvesConfig.model_validate(trial.config)
    for iteration in range(1, reports + 1):
        metrics = {SELECT: measured(config, "select", iteration), REPORT: measured(config, "report", iteration)}
        director.result(
            trial.key, StepResult(iteration=iteration, time=1e9, metrics=metrics, final=iteration == reports)
        )


def _copies(lines: list[dict[str, Any]], written: int, trials: int) -> Iterator[dict[str, Any]]:
    """The lines of further trials: those of the first ones again, under other numbers, keys and learning rates."""
    of_trials: list[list[dict[str, Any]]] = []
    for line in lines:
        if line["op_code"] == JournalOperation.CREATE_TRIAL:
            of_trials.append([line])
        elif "trial_id" in line:
            of_trials[line["trial_id"]].append(line)
    for number in range(written, trials):
        for line in of_trials[number % written]:
            yield _renumbered(line, number)


def _renumbered(line: dict[str, Any], number: int) -> dict[str, Any]:
    line = dict(line)
    if "trial_id" in line:
        line["trial_id"] = number
    if "param_value_internal" in line:
        line["param_value_internal"] = _rate(number)
    match line.get("user_attr"):
        case {"key": _}:
            line["user_attr"] = {"key": f"{number:016x}"}
        case {"config": config}:
            line["user_attr"] = {"config": {**config, "lr": _rate(number)}}
    return line


def _rate(number: int) -> float:
    return 0.01 + 0.09 * number / 1e6


def _plan(spec: StudySpec) -> StudyPlan:
    return make_plan(spec, None, measure=False)


def resumed(spec: StudySpec, plan: StudyPlan, studies: Path) -> Director:
    """The director of a study as a new driver has it, with what is asked about its ledger before the first trial."""
    folder = Storage(str(studies / spec.study))
    ledger = open_journal(folder)
    searches = [CellSearch(spec, planned, ledger, make_pruner(spec)) for planned in plan.cell_plans]
    keeper = CheckpointKeeper(folder)
    keeper.sweep(searches)
    progress = StudyProgress(searches, spec.train.iterations)
    finished = FinishedTrials(folder, lambda: finished_in(Studies.at(studies), spec.study, ledger, spec.objective))
    return Director(searches, Listener(), [progress, keeper], finished)


def main(file: str) -> None:
    """Print how long Optuna's own storage takes to read a study's ledger, and how long we take to go on with it."""
    studies = Path(file).parent
    begun = perf_counter()
    JournalStorage(JournalFileBackend(str(studies / STUDY / JOURNAL)))
    optuna = perf_counter() - begun
    spec = load(Path(file))
    plan = _plan(spec)
    begun = perf_counter()
    trial = resumed(spec, plan, studies).next_trial()
    seconds = perf_counter() - begun
    print(json.dumps({"optuna": optuna, "ours": seconds, "trial": trial.name if trial else None}))


if __name__ == "__main__":
    main(sys.argv[1])
