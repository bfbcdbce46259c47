"""Who needs another seed: asked between two looks, answered from the study's own folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.statistics.gains import Judged
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.faults import StudyPaused
from ass_tune.tracker.read_back import read_back
from trainables.mistakes import UserMistake
from trainables.storage import Storage


def seeds_wanted(searches: Sequence[CellSearch], folder: Path, files: Storage | None = None) -> Mapping[str, int]:
    """Cells of comparisons that are undecided and can still be decided, with the seeds that their next look needs.

    The verdicts are those of the final table, by the same code from the same records.

    Args:
        searches: the cells, as the ledger has them.
        folder: holds the outbox of the study.
        files: the folder of the study with its result files; by default the same.

    Raises StudyPaused where no look can be taken: records differ from the ledger, or counts are damaged or missing.
    """
    try:
        progress = Judged(read_back(searches, folder, files)).progress
    except (UserMistake, ValueError, OSError) as problem:
        raise StudyPaused(f"no look at the comparisons can be taken: {problem}") from problem
    return {} if progress is None else progress.wanted
