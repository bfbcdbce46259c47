"""What a study will run and cost, before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, InstanceOf

from ass_tune.places import Studies
from ass_tune.plan.comparisons import NotCompared, PlannedComparison, primary_comparisons
from ass_tune.plan.costs import expected_iterations, measured_costs, parallel_here, times
from ass_tune.plan.gpus import gpus_here
from ass_tune.plan.power import PlannedPower, planned_power
from ass_tune.plan.savings import PlannedSavings, planned_savings
from ass_tune.plan.step_time import MeasurementFailed, StepTime, measured, remembered
from ass_tune.search.cells import CellPlan, LeftOut, cells
from ass_tune.search.identity import build_config
from ass_tune.spec import StudySpec
from trainables.config import TrialConfig, Value
from trainables.gpu_share import check_share
from trainables.objective import MIOU, Objective


class PlannedCell(BaseModel):
    """One row of the plan."""

    model_config = ConfigDict(frozen=True)

    cell: str
    levels: dict[str, Value]
    """The cell's level of each factor."""
    idle: tuple[str, ...]
    """Factors whose level has no effect in the cell."""
    tuned: tuple[str, ...]
    points: int | None
    configurations: int
    """How many the search tries; 0 where there is only one."""
    tuning_trials: int
    """Configurations times the seeds that search, if none is pruned."""
    replicates: int
    """At least."""
    most_replicates: int
    seconds_per_trial: float | None


class StudyPlan(BaseModel):
    """The whole plan; times in seconds, sizes in bytes; None where no step was measured.

    Where `step_time` was given instead, times are those of training alone.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    trainable: str
    domains: str
    profile: str
    protocol: str
    design: str
    """Which combinations of levels are cells."""
    sampler: str
    screen: int | tuple[int, ...] = 0
    """Reports that all configurations of a cell get before any goes on, or with several numbers these and then the
    better half; 0 where each is trained at once."""
    keep: int | None = None
    """How many of a cell then go on; None for all."""
    finalists: int | None = None
    """How many of a cell are trained under the seeds that search after the first one; None for all that finish."""
    pruner: str
    train_seeds: tuple[int, ...]
    """Seeds that search; none of `seeds`, except under `protocol: paper` the first one."""
    seeds: tuple[int, ...]
    """Seeds of the table; where they are added until something is decided, all that there may be."""
    first_look: int | None = None
    """Seeds after which undecided comparisons get further ones; None where their number is fixed."""
    comparisons: tuple[PlannedComparison, ...]
    """The primary ones."""
    not_compared: tuple[NotCompared, ...]
    savings: PlannedSavings | None = None
    """What stopping trials early saved in earlier studies; None where that was not asked for, or none can tell."""
    power: PlannedPower | None = None
    """Which gain the comparisons will be able to show; None where that was not asked for, or nothing can be shown."""
    smallest_difference: float
    """Of interest, in points of the objective."""
    objective: Objective = MIOU
    """What trials are judged by; of mIoU where an old plan does not say it."""
    cells: tuple[PlannedCell, ...]
    left_out: tuple[dict[str, str], ...]
    tuning_trials: int
    replicates: int
    """At least; all of them where the number of seeds is fixed."""
    most_replicates: int
    """If every comparison takes all seeds."""
    iterations: int
    """If no trial is pruned, with as many replicates as there may be."""
    iterations_expected: int
    """After the screening, and the pruning that is to be expected of trials that are all alike, with as few replicates
    as possible."""
    evaluations_per_trial: int
    cpus_per_trial: float
    gpus_per_trial: float
    parallel_trials: int
    """On this machine; 0 where a trial asks for more GPUs than it has."""
    step_time: float | None
    """Seconds per training iteration, as they were given; None where they were not."""
    not_measured: str | None
    """Why steps that were to be measured were not."""
    seconds_between_reports: float | None = None
    """In the slowest cell."""
    seconds_expected: float | None = None
    """On this machine, after pruning."""
    cpu_hours: float | None = None
    """Hours of all trials times the CPU cores that each occupies, if none is pruned."""
    cpu_hours_expected: float | None = None
    """After pruning."""
    gpu_hours: float | None = None
    """Hours of all trials times the GPUs that each occupies, if none is pruned."""
    gpu_hours_expected: float | None = None
    """After pruning."""
    bytes_while_running: float | None = None
    bytes_at_the_end: float | None = None
    device_bytes: float | None = None
    """Tensors of one trial on its device, in the cell that needs most; an estimate."""
    cell_plans: tuple[InstanceOf[CellPlan], ...] = Field(default=(), exclude=True, repr=False)
    """The cells of the table as the search takes them; not part of the JSON form."""


def make_plan(spec: StudySpec, data_root: Path | None, *, measure: bool, step_time: float | None = None) -> StudyPlan:
    """Plan a study.

    Args:
        spec: the search-space file.
        data_root: folder of the real data sets.
        measure: whether to measure steps that this machine has not measured before; takes seconds and torch.
        step_time: seconds per training iteration; then nothing is measured, and no data is needed.
    """
    kept, left_out = cells(spec)
    comparisons, not_compared = primary_comparisons(spec, [planned.cell for planned in kept], left_out)
    kept = _with_seeds_to_add(kept, comparisons)
    steps, not_measured = _step_times(spec, kept, data_root, measure, step_time)
    tuning = sum(cell.tuning_trials for cell in kept)
    replicates, most = sum(cell.replicates for cell in kept), sum(cell.most_replicates for cell in kept)
    parallel = min(parallel_here(spec), tuning + replicates)
    known = [(cell, step) for cell, step in zip(kept, steps, strict=True) if step is not None]
    all_known = len(known) == len(kept)
    return StudyPlan(
        study=spec.study,
        trainable=spec.trainable,
        domains=spec.domains,
        profile=spec.profile,
        protocol=spec.protocol,
        design=spec.design,
        sampler=spec.search.sampler,
        screen=spec.search.screen,
        keep=spec.search.keep,
        finalists=spec.search.finalists,
        pruner=spec.prune.pruner,
        train_seeds=spec.train_seeds,
        seeds=spec.replicate.table,
        first_look=len(spec.replicate.seeds) if spec.replicate.until else None,
        comparisons=comparisons,
        not_compared=not_compared,
        power=None,
        savings=None,
        smallest_difference=spec.compare.smallest_difference,
        objective=spec.objective,
        cells=tuple(_planned(spec, cell, time) for cell, time in zip(kept, steps, strict=True)),
        left_out=tuple(_named(left) for left in left_out),
        tuning_trials=tuning,
        replicates=replicates,
        most_replicates=most,
        iterations=(tuning + most) * spec.train.iterations,
        iterations_expected=sum(expected_iterations(spec, cell) for cell in kept),
        evaluations_per_trial=len(spec.train.reports),
        cpus_per_trial=spec.resources.cpu,
        gpus_per_trial=spec.resources.gpu,
        parallel_trials=parallel,
        step_time=step_time,
        not_measured=not_measured,
        cell_plans=tuple(kept),
        **(times(spec, known, parallel) if all_known else {}),
        **(measured_costs(spec, known, parallel) if all_known and step_time is None else {}),
    )


def with_earlier(plan: StudyPlan, spec: StudySpec, studies: Studies) -> StudyPlan:
    """The plan with what earlier studies tell: the gain that it will be able to show, and what its search will save.

    Args:
        plan: of the study.
        spec: the search-space file.
        studies: folder of all studies, where earlier ones say how much runs vary.
    """
    cells = {cell.cell: cell.levels for cell in plan.cells}
    like = (plan.trainable, plan.domains)
    return plan.model_copy(
        update={
            "power": planned_power(plan.comparisons, cells, len(plan.seeds), like, studies, plan.first_look),
            "savings": planned_savings(spec, studies, plan.parallel_trials),
        },
    )


def check_memory(plan: StudyPlan) -> None:
    """Raise `UserMistake` where a trial is known not to fit into its share of this machine's smallest GPU."""
    if plan.device_bytes is not None and plan.gpus_per_trial and (gpus := gpus_here()):
        check_share(plan.device_bytes, plan.gpus_per_trial, min(gpu.memory for gpu in gpus))


def _step_times(
    spec: StudySpec, kept: Sequence[CellPlan], data_root: Path | None, measure: bool, step_time: float | None
) -> tuple[Sequence[StepTime | None], str | None]:
    """For each cell what a trial costs, and why that could not be measured where it should have been."""
    if step_time is not None:
        return [StepTime.of_training(step_time)] * len(kept), None
    configs = [typical_config(spec, cell) for cell in kept]
    threads = max(1, int(spec.resources.cpu))
    known = remembered(spec.trainable, configs, threads)
    if not measure or all(known):
        return known, None
    if spec.resources.gpu and not gpus_here():
        return known, "a trial asks for a GPU, and this machine has none to measure it on"
    try:
        return measured(spec.trainable, configs, threads, data_root), None
    except MeasurementFailed as failed:
        return known, str(failed)


def typical_config(spec: StudySpec, cell: CellPlan) -> TrialConfig:
    """Any configuration of the cell will do: numbers from a range do not affect the cost of a step."""
    chosen: dict[str, Value] = {}
    for variable in cell.space:
        if variable.active(chosen):
            values = variable.domain.values()
            chosen[variable.name] = values[0] if values is not None else variable.domain.low  # type: ignore[union-attr]
    return build_config(spec, cell.cell, chosen, spec.replicate.seeds[0])


def _planned(spec: StudySpec, cell: CellPlan, time: StepTime | None) -> PlannedCell:
    return PlannedCell(
        cell=cell.cell.name,
        levels=dict(cell.cell.factors),
        idle=cell.idle,
        tuned=tuple(variable.name for variable in cell.space),
        points=cell.points,
        configurations=cell.configurations,
        tuning_trials=cell.tuning_trials,
        replicates=cell.replicates,
        most_replicates=cell.most_replicates,
        seconds_per_trial=time.seconds(spec.train.iterations, len(spec.train.reports)) if time else None,
    )


def _with_seeds_to_add(kept: Sequence[CellPlan], comparisons: Sequence[PlannedComparison]) -> list[CellPlan]:
    """Without further seeds for cells that are in no comparison."""
    compared = {name for one in comparisons for name in (one.ours, one.theirs, one.control)}
    return [cell if cell.cell.name in compared else replace(cell, further_seeds=()) for cell in kept]


def _named(left: LeftOut) -> dict[str, str]:
    same_as = {"same_as": left.same_as.name} if left.same_as is not None else {}
    return {"cell": left.cell.name, "reason": left.reason, **same_as}
