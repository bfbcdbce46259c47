"""Studies in the middle of their work and at their end, for what a person sees of them: no trial trains."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.storages import BaseStorage, InMemoryStorage

from analysis.statistics.gains import Judged
from analysis.table import Row, table_rows
from ass_tune.plan.comparisons import primary_comparisons
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.cells import CellPlan, cells
from ass_tune.search.director import Decision, Director
from ass_tune.search.pruners import make_pruner
from ass_tune.spec import StudySpec
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import End, Listener, Report, Trial
from tests.support.synthetic import Made, made_study
from trainables.domains.sampling import stream
from trainables.words import REPORT, SELECT, Outcome, Stage, format_value


def played(spec: StudySpec, ended: int, running: int, ledger: BaseStorage | None = None) -> StudyProgress:
    """The progress of a study in which some trials have ended and others run, half of them with a report."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ledger = ledger or InMemoryStorage()
    searches = [CellSearch(spec, plan, ledger, make_pruner(spec)) for plan in cells(spec)[0]]
    progress = StudyProgress(searches, spec.train.iterations)
    director = Director(searches, Listener(), [progress])
    for number in range(ended):
        if (trial := director.next_trial()) is None:
            break
        _play(director, trial, spec, Outcome.DIVERGED if number == 3 else Outcome.FINISHED)
    for number in range(running):
        if (trial := director.next_trial()) is not None and number % 2 == 0:
            director.report(trial.key, Report(spec.train.evaluate_every, {SELECT: _miou(trial)}, 0.0))
    return progress


def _play(director: Director, trial: Trial, spec: StudySpec, outcome: Outcome) -> None:
    for iteration in spec.train.reports:
        if director.report(trial.key, Report(iteration, {SELECT: _miou(trial)}, 0.0)) is Decision.STOP:
            return
    director.end(trial.key, End(outcome, spec.train.iterations, 0.0, {REPORT: _miou(trial)}))


def _miou(trial: Trial) -> float:
    return 20 + 30 * float(stream(trial.seed, f"{trial.key}").uniform())


def finished_rows(spec: StudySpec) -> Sequence[Row]:
    """The rows of the table of a study that has come to its end; mIoU and chosen values are drawn per cell."""
    plans, left_out = cells(spec)
    comparisons, _ = primary_comparisons(spec, [plan.cell for plan in plans], left_out)
    made = [trial for plan in plans for trial in _trials(spec, plan)]
    tune = {variable.name: {} for plan in plans for variable in plan.space}
    ablate = {factor: list(levels) for factor, levels in spec.ablate.items()}
    study = made_study(
        ablate,
        tune,
        made,
        seeds=spec.replicate.seeds,
        baseline=spec.baseline,
        comparisons=[(one.ours, one.theirs, one.control) for one in comparisons],
        control={name: format_value(level) for name, level in spec.control.items()},
    )
    return table_rows(Judged(study))


def _trials(spec: StudySpec, plan: CellPlan) -> list[Made]:
    """Trials that search under their own seeds, their replicates, and others that were pruned or failed."""
    levels = {factor: format_value(level) for factor, level in plan.cell.factors}
    draw = stream(0, plan.cell.name)
    params = {variable.name: float(10 ** draw.uniform(-4, 1)) for variable in plan.space}
    miou = float(draw.uniform(44, 48))
    searching = spec.train_seeds if plan.space else ()
    trials = []
    for stage, seeds in ((Stage.TUNING, searching), (Stage.REPLICATE, [*spec.replicate.seeds])):
        for seed in seeds:
            curves = {name: {100: miou + float(draw.normal())} for name in (SELECT, REPORT)}
            trials.append(Made(levels, curves, params, stage, seed=seed))
    for number, seed in enumerate(searching, start=1):
        for outcome in (Outcome.PRUNED, Outcome.FAILED):
            trials.append(Made(levels, {}, params, Stage.TUNING, number, seed, outcome))
    return trials
