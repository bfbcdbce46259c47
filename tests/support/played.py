"""Studies in the middle of their work and at their end, for what a person sees of them: no trial trains."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.storages import BaseStorage, InMemoryStorage

from analysis.statistics.gains import Judged
from analysis.table import Row, table_rows
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
    plans = cells(spec)[0]
    made = [trial for plan in plans for trial in _trials(spec, plan)]
    tune = {variable.name: {} for plan in plans for variable in plan.space}
    ablate = {factor: list(levels) for factor, levels in spec.ablate.items()}
    study = made_study(ablate, tune, made, seeds=len(spec.replicate.seeds), baseline=spec.baseline)
    return table_rows(Judged(study))


def _trials(spec: StudySpec, plan: CellPlan) -> list[Made]:
    """A tuning trial and its replicates, and others that were pruned or failed."""
    levels = {factor: format_value(level) for factor, level in plan.cell.factors}
    draw = stream(0, plan.cell.name)
    params = {variable.name: float(10 ** draw.uniform(-4, 1)) for variable in plan.space}
    miou = float(draw.uniform(44, 48))
    trials = []
    for seed in spec.replicate.seeds:
        curves = {name: {100: miou + float(draw.normal())} for name in (SELECT, REPORT)}
        stage = Stage.TUNING if seed == spec.replicate.seeds[0] else Stage.REPLICATE
        trials.append(Made(levels, curves, params, stage, seed=seed))
    pruned = Made(levels, {}, params, Stage.TUNING, 1, outcome=Outcome.PRUNED)
    failed = Made(levels, {}, params, Stage.TUNING, 2, outcome=Outcome.FAILED)
    return [*trials, pruned, failed] if plan.space else trials
