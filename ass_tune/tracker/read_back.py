"""The study that a driver has run, read back from its own folder and compared with the ledger."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from analysis.readers.folder import read_folder
from analysis.study import Study
from ass_tune.ledger.ledger import Entry
from ass_tune.search.cell_search import CellSearch
from ass_tune.tracker.names import mlflow_name
from ass_tune.trial import Trial
from trainables.mistakes import UserMistake
from trainables.storage import Storage
from trainables.words import Outcome


class FolderDiffers(UserMistake):
    """What the study's folder recorded is not what the ledger has."""


def read_back(searches: Sequence[CellSearch], folder: Path, files: Storage | None = None) -> Study:
    """The study as `analysis` reads it, without MLflow.

    A trial that the folder has as ended and the ledger still as running counts as interrupted: the driver died in
    between, and the next one runs it on.

    Args:
        searches: the cells, as the ledger has them.
        folder: holds the outbox of the study.
        files: the folder of the study with its result files; by default the same.

    Raises FolderDiffers, which names the first difference, where an ended trial is not the same in both.
    """
    study = read_folder(folder, files)
    trials = [found for search in searches for found in search.trials()]
    if difference := next(_differences(study, trials), None):
        shown = str(folder) if files is None else files.shown()
        raise FolderDiffers(
            f"{shown}: its records are not what the ledger has, so no table is made of them: {difference}. "
            f"{shlex.join(['python', '-m', 'analysis.report', shown])} shows what the records say"
        )
    running = {trial.run for trial, entry in trials if entry.outcome is None}
    return _interrupted(study, running)


def _differences(study: Study, trials: Sequence[tuple[Trial, Entry]]) -> Iterator[str]:
    rows = {row["run"]: row for row in study.trials.drop_columns(["params", "tags"]).to_pylist()}
    curves: dict[str, dict[int, float]] = {}
    for run, iteration, value in study.metric(study.objective.select).itertuples(index=False):
        curves.setdefault(run, {})[iteration] = value
    for trial, entry in trials:
        if entry.outcome is not None:
            found = _of_trial(study, rows.get(trial.run), curves.get(trial.run, {}), trial.run, entry)
            yield from (f"{trial.name}, {difference}" for difference in found)
    known = {trial.run for trial, _ in trials}
    cells = {trial.cell.name for trial, _ in trials}
    for run, row in rows.items():
        if row["outcome"] == Outcome.FINISHED and row["cell"] in cells and run not in known:
            yield f"{row['cell']} {row['stage']} {row['number']}, which finished, is not in the ledger"


def _of_trial(
    study: Study, row: Mapping[str, Any] | None, curve: Mapping[int, float], run: str, entry: Entry
) -> Iterator[str]:
    if row is None:
        yield f"{entry.outcome} in the ledger: the folder has no record of it"
        return
    if row["outcome"] != entry.outcome:
        yield f"outcome: the folder has {row['outcome']}, the ledger {entry.outcome}"
    if entry.outcome is not Outcome.FINISHED:
        return
    for name, ours in (("number", entry.number), ("seed", entry.seed)):
        if row[name] != ours:
            yield f"{name}: the folder has {row[name]}, the ledger {ours}"
    for iteration in sorted(curve.keys() | entry.curve.keys()):
        if curve.get(iteration) != entry.curve.get(iteration):
            both = f"the folder has {curve.get(iteration)}, the ledger {entry.curve.get(iteration)}"
            yield f"{study.objective.select} at iteration {iteration}: {both}"
    for metric, ours in entry.result.items():
        value = study.last(mlflow_name(metric)).get(run)
        if value != ours and ours - ours == 0:  # the outbox has only finite values
            yield f"{metric}: the folder has {value}, the ledger {ours}"
    there = study.files.paths(run)
    for file in entry.artifacts:
        if Path(file).name not in there:
            yield f"file {file} is missing"


def _interrupted(study: Study, running: set[str]) -> Study:
    rows = zip(study.trials["run"].to_pylist(), study.trials["outcome"].to_pylist(), strict=True)
    outcomes = ["interrupted" if run in running else outcome for run, outcome in rows]
    place = study.trials.schema.get_field_index("outcome")
    trials = study.trials.set_column(place, study.trials.schema.field(place), pa.array(outcomes, pa.string()))
    return replace(study, trials=trials)
