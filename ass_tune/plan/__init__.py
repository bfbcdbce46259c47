"""What a study will run and cost. `ass_tune.plan(space)` plans a study from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainables.callable_module import make_callable

if TYPE_CHECKING:
    from ass_tune.plan.study_plan import StudyPlan
    from ass_tune.spec import StudySpec


def plan(
    space: StudySpec, *, data_root: str | Path | None = None, measure: bool = True, step_time: float | None = None
) -> StudyPlan:
    """Plan a study: its cells and trials, the time and the disk that they take. Trains nothing and imports no Ray.

    Args:
        space: what `ass_tune.load_space` returned.
        data_root: folder of the real data sets; else `$ASS_DATA_ROOT`.
        measure: whether to measure training steps that this machine has not measured before; takes seconds.
        step_time: seconds per training iteration; then nothing is measured.

    Raises MissingData and UserMistake.
    """
    from ass_tune.arguments import data_folder
    from ass_tune.plan.study_plan import make_plan

    return make_plan(space, data_folder(data_root), measure=measure, step_time=step_time)


make_callable(__name__, plan)
