"""What a study will take: iterations after screening and pruning, hours, and bytes on disk and on the device."""

from __future__ import annotations

import os
from collections.abc import Sequence

from analysis.screened import better_half
from ass_tune.plan.gpus import gpus_here
from ass_tune.plan.step_time import StepTime
from ass_tune.search.cells import CellPlan
from ass_tune.spec import StudySpec
from ass_tune.spec.catalogue import PRUNERS


def _trials(cell: CellPlan) -> int:
    return cell.tuning_trials + cell.replicates


def _most_trials(cell: CellPlan) -> int:
    return cell.tuning_trials + cell.most_replicates


def expected_iterations(spec: StudySpec, cell: CellPlan) -> int:
    """Of a cell: after its screening, and the pruning that is to be expected of trials that are all alike."""
    judged_at = spec.judged
    length = spec.train.iterations
    kept = min(cell.configurations, spec.search.keep or cell.configurations)
    # later seeds do not train what the first one pruned
    whole = (cell.trials_if_left(kept) + cell.replicates) * length - _screened_out(spec, cell.configurations, kept)
    if not judged_at:
        return whole
    share = PRUNERS[spec.prune.pruner].expected_share(spec.prune.arguments)
    judged = max(0, kept - spec.prune.startup_trials)
    stopped = judged * share
    not_needed = cell.trials_if_left(kept) - cell.trials_if_left(kept - round(stopped))
    return whole - round(stopped * (length - judged_at[0])) - not_needed * length


def _screened_out(spec: StudySpec, configurations: int, kept: int) -> int:
    """Iterations that are not trained since their configurations are not among those kept."""
    trained, before, left = 0, 0, configurations
    for iteration in spec.screened_at:
        trained += max(0, left - kept) * (iteration - before)
        before, left = iteration, better_half(left)
    return (configurations - kept) * spec.train.iterations - trained


def times(spec: StudySpec, known: Sequence[tuple[CellPlan, StepTime]], parallel: int) -> dict[str, float | None]:
    """The plan's seconds and hours, of all cells with the times of their steps."""
    iterations, reports = spec.train.iterations, len(spec.train.reports)
    hours = sum(_most_trials(cell) * time.seconds(iterations, reports) for cell, time in known) / 3600
    expected = sum(_expected_seconds(spec, cell, time) for cell, time in known)
    return {
        "seconds_expected": expected / parallel if parallel else None,
        "cpu_hours": hours * spec.resources.cpu,
        "cpu_hours_expected": expected / 3600 * spec.resources.cpu,
        "gpu_hours": hours * spec.resources.gpu,
        "gpu_hours_expected": expected / 3600 * spec.resources.gpu,
    }


def measured_costs(
    spec: StudySpec, known: Sequence[tuple[CellPlan, StepTime]], parallel: int
) -> dict[str, float | None]:
    """The plan's figures for which evaluations and checkpoints were measured, too."""
    return {
        "seconds_between_reports": max(time.seconds_between_reports(spec.train.evaluate_every) for _, time in known),
        # while a checkpoint is written, the one before it is still there
        "bytes_while_running": parallel * max(2 * time.running_bytes for _, time in known)
        + _bytes_waiting(spec, known),
        "bytes_at_the_end": sum(_most_trials(cell) * time.finished_bytes for cell, time in known),
        "device_bytes": max((time.device_bytes for _, time in known if time.device_bytes is not None), default=None),
    }


def _bytes_waiting(spec: StudySpec, known: Sequence[tuple[CellPlan, StepTime]]) -> float:
    """Of checkpoints: trials that wait keep the newest two, or as many as they have."""
    kept = min(2, max(spec.search.screens, default=0))
    return sum(kept * cell.configurations * time.running_bytes for cell, time in known)


def _expected_seconds(spec: StudySpec, cell: CellPlan, time: StepTime) -> float:
    iterations, trials = spec.train.iterations, _trials(cell)
    saved = trials * iterations - expected_iterations(spec, cell)
    return trials * time.seconds(iterations, len(spec.train.reports)) - saved * time.seconds_per_iteration


def parallel_here(spec: StudySpec) -> int:
    """How many trials run on this machine at once; 0 where a trial asks for more GPUs than it has."""
    on_cpus = max(1, int((os.cpu_count() or 1) / spec.resources.cpu))
    return min(on_cpus, _on_gpus(spec.resources.gpu, len(gpus_here()))) if spec.resources.gpu else on_cpus


def _on_gpus(asked: float, gpus: int) -> int:
    """How many trials run on some GPUs at once: a share is a share of one GPU."""
    return int(1 / asked) * gpus if asked <= 1 else int(gpus / asked)
