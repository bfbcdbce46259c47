"""What a search will save, by a replay of it on the learning curves of earlier studies that pruned nothing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ass_tune.places import Studies
from ass_tune.plan.power import earlier_studies
from ass_tune.spec import StudySpec
from trainables.mistakes import UserMistake


class PlannedSavings(BaseModel):
    """Of a search that stops trials early, on curves of earlier studies of the same trainable, domains and reports."""

    model_config = ConfigDict(frozen=True)

    saved: float
    """Share of the iterations of tuning."""
    kept: int
    """Cells in which it chooses what it chooses if every trial is trained to its end."""
    cells: int
    studies: tuple[str, ...]
    """Earlier studies that have these cells."""


def planned_savings(spec: StudySpec, studies: Studies, workers: int) -> PlannedSavings | None:
    """None where nothing is stopped early, or where no earlier study trained all of its trials to their ends.

    Args:
        spec: its sampler, pruner and screening; cells and configurations are those of the earlier studies.
        studies: folder of all studies.
        workers: trials that run at once.
    """
    stops_trials = spec.prune.pruner != "none" or spec.search.keep is not None
    earlier = list(earlier_studies(studies, (spec.trainable, spec.domains))) if stops_trials else []
    if not earlier:
        return None
    from analysis.readers.folder import read_folder
    from ass_tune.replay.recorded_study import curves_of
    from ass_tune.replay.replay import replay

    found, names = [], []
    for name, study in earlier:
        folder = studies.disk_of(name) if studies.is_local else studies.files_of(name)
        try:
            curves = curves_of(read_folder(folder), tuple(spec.train.reports))
        except (UserMistake, OSError, ValueError):
            continue  # other reports, no tuning, or nothing that can be read
        if curves.complete:
            found += replay(spec, curves, max(1, workers)).cells
            names.append(study.study)
    if not found:
        return None
    full = sum(cell.full for cell in found)
    return PlannedSavings(
        saved=1 - sum(cell.spent for cell in found) / full,
        kept=sum(cell.kept for cell in found),
        cells=len(found),
        studies=tuple(names),
    )
