"""What a study will run and cost, before it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ass_tune.cells import CellPlan, LeftOut, cells
from ass_tune.identity import build_config
from ass_tune.spec import StudySpec
from ass_tune.step_time import StepTime, measured, remembered
from trainables.config import TrialConfig, Value

EXPECTED_SHARE = {
    "median": lambda _: 0.5,
    "percentile": lambda arguments: 1 - arguments.get("percentile", 50.0) / 100,
    "successive_halving": lambda arguments: 1 - 1 / arguments.get("reduction_factor", 4),
    "hyperband": lambda arguments: 1 - 1 / arguments.get("reduction_factor", 3),
}
"""Share of the judged trials that a pruner stops if trials are exchangeable; others are counted as stopping none."""


class PlannedCell(BaseModel):
    """One row of the plan."""

    model_config = ConfigDict(frozen=True)

    cell: str
    tuned: tuple[str, ...]
    points: int | None
    tuning_trials: int
    replicates: int
    seconds_per_trial: float | None


class StudyPlan(BaseModel):
    """The whole plan; times in seconds, sizes in bytes; None where no step was measured."""

    model_config = ConfigDict(frozen=True)

    study: str
    trainable: str
    domains: str
    profile: str
    protocol: str
    sampler: str
    pruner: str
    seeds: tuple[int, ...]
    cells: tuple[PlannedCell, ...]
    left_out: tuple[dict[str, str], ...]
    tuning_trials: int
    replicates: int
    iterations: int
    """If no trial is pruned."""
    iterations_expected: int
    """After the pruning that is to be expected of trials that are all alike."""
    parallel_trials: int
    seconds_between_reports: float | None
    """In the slowest cell."""
    seconds_expected: float | None
    bytes_while_running: float | None
    bytes_at_the_end: float | None


def make_plan(spec: StudySpec, data_root: Path | None, *, measure: bool) -> StudyPlan:
    """Plan a study.

    Args:
        spec: the search-space file.
        data_root: folder of the real data sets.
        measure: whether to measure steps that this machine has not measured before; takes seconds and torch.

    Raises:
        MeasurementFailed: a measured step ended with an error.
    """
    kept, left_out = cells(spec)
    times = _step_times(spec, kept, data_root, measure)
    tuning = sum(cell.tuning_trials for cell in kept)
    replicates = sum(cell.replicates for cell in kept)
    parallel = min(_parallel_here(spec), tuning + replicates)
    return StudyPlan(
        study=spec.study,
        trainable=spec.trainable,
        domains=spec.domains,
        profile=spec.profile,
        protocol=spec.protocol,
        sampler=spec.search.sampler,
        pruner=spec.prune.pruner,
        seeds=spec.replicate.seeds,
        cells=tuple(_planned(spec, cell, time) for cell, time in zip(kept, times, strict=True)),
        left_out=tuple(_named(left) for left in left_out),
        tuning_trials=tuning,
        replicates=replicates,
        iterations=(tuning + replicates) * spec.train.iterations,
        iterations_expected=sum(_expected_iterations(spec, cell) for cell in kept),
        parallel_trials=parallel,
        **_costs(spec, kept, times, parallel),
    )


def _step_times(
    spec: StudySpec, kept: Sequence[CellPlan], data_root: Path | None, measure: bool
) -> Sequence[StepTime | None]:
    configs = [_typical(spec, cell) for cell in kept]
    threads = max(1, int(spec.resources.cpu))
    if measure:
        return measured(spec.trainable, configs, threads, data_root)
    return remembered(spec.trainable, configs, threads)


def _typical(spec: StudySpec, cell: CellPlan) -> TrialConfig:
    """Any configuration of the cell: no hyperparameter that matters to a step's cost is a number in between."""
    chosen: dict[str, Value] = {}
    for variable in cell.space:
        if variable.active(chosen):
            values = variable.domain.values()
            chosen[variable.name] = values[0] if values is not None else variable.domain.low  # type: ignore[union-attr]
    return build_config(spec, cell.cell, chosen, spec.replicate.seeds[0])


def _planned(spec: StudySpec, cell: CellPlan, time: StepTime | None) -> PlannedCell:
    return PlannedCell(
        cell=cell.cell.name,
        tuned=tuple(variable.name for variable in cell.space),
        points=cell.points,
        tuning_trials=cell.tuning_trials,
        replicates=cell.replicates,
        seconds_per_trial=time.seconds(spec.train.iterations, len(spec.train.reports)) if time else None,
    )


def _named(left: LeftOut) -> dict[str, str]:
    return {"cell": left.cell.name, "reason": left.reason}


def _trials(cell: CellPlan) -> int:
    return cell.tuning_trials + cell.replicates


def _expected_iterations(spec: StudySpec, cell: CellPlan) -> int:
    judged_at = spec.judged
    share = EXPECTED_SHARE.get(spec.prune.pruner)
    whole = _trials(cell) * spec.train.iterations
    if share is None or not judged_at:
        return whole
    judged = max(0, cell.tuning_trials - spec.prune.startup_trials)
    return whole - round(judged * share(spec.prune.arguments) * (spec.train.iterations - judged_at[0]))


def _costs(
    spec: StudySpec, kept: Sequence[CellPlan], times: Sequence[StepTime | None], parallel: int
) -> dict[str, float | None]:
    known = [(cell, time) for cell, time in zip(kept, times, strict=True) if time is not None]
    if len(known) < len(kept):
        unknown = ("seconds_between_reports", "seconds_expected", "bytes_while_running", "bytes_at_the_end")
        return dict.fromkeys(unknown)
    return {
        "seconds_between_reports": max(time.seconds_between_reports(spec.train.evaluate_every) for _, time in known),
        "seconds_expected": sum(_expected_seconds(spec, cell, time) for cell, time in known) / parallel,
        # while a checkpoint is written, the one before it is still there
        "bytes_while_running": parallel * max(2 * time.running_bytes for _, time in known),
        "bytes_at_the_end": sum(_trials(cell) * time.finished_bytes for cell, time in known),
    }


def _expected_seconds(spec: StudySpec, cell: CellPlan, time: StepTime) -> float:
    iterations, trials = spec.train.iterations, _trials(cell)
    saved = trials * iterations - _expected_iterations(spec, cell)
    return trials * time.seconds(iterations, len(spec.train.reports)) - saved * time.seconds_per_iteration


def _parallel_here(spec: StudySpec) -> int:
    return max(1, int((os.cpu_count() or 1) / spec.resources.cpu))
