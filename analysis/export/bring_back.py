"""An export into an MLflow that does not have its study: whole and compared, or not at all."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track

from analysis.dataset.tables import Digests
from analysis.experiments import DEFAULT_STORE, chosen_uri, mlflow_client, mlflow_errors_as_mistakes
from analysis.export.compare import difference
from analysis.load import DATABASES, study_in_mlflow
from analysis.readers.export import experiment_tags, left_out_of, read_export
from analysis.records import NAME_TAG, PARENT_TAG
from analysis.study import Study
from analysis.tracking_uri import check_uri
from trainables.command_line import as_process
from trainables.credentials import without_credentials
from trainables.mistakes import ExitCode, UserMistake

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PROGRAM = "python -m analysis.import"
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Arguments:
    """What the command line says."""

    export: Path
    tracking_uri: str
    artifacts: Path | None


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Import an export; returns the exit code."""
    arguments = _parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        check_uri(arguments.tracking_uri)
        study = read_export(arguments.export)
        with mlflow_errors_as_mistakes(arguments.tracking_uri):
            import_study(study, experiment_tags(arguments.export), arguments.tracking_uri, arguments.artifacts, console)
        console.print(
            f"study {study.name} is in {without_credentials(arguments.tracking_uri)}, read back and found the same: "
            f"{len(study.trials)} runs, {len(study.reports)} reported values"
        )
        if left_out := left_out_of(arguments.export):
            console.print(f"the export does without: {'; '.join(left_out)}")
    except (UserMistake, OSError) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print("Interrupted: nothing was imported; run the same command again.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.FINISHED


def import_study(
    study: Study, tags: Mapping[str, str], uri: str, artifacts: Path | None, console: Console | None = None
) -> None:
    """Record a study, under new identities of its runs, and compare; it has its name only after that.

    Until then its experiment is called `STUDY (importing ...)`. What an interrupted import leaves under such a name
    is deleted by the next one.

    Args:
        study: to record.
        tags: of its experiment.
        uri: of the MLflow, which has no experiment of its name.
        artifacts: folder of all artifacts; None for `mlartifacts` next to a database, or what a server has.
        console: for a progress bar.

    Raises UserMistake where MLflow has such an experiment or what it recorded is not the same, and MlflowException.
    """
    location = _artifact_location(study.name, uri, artifacts)
    client = _client_for(uri)
    _check_free(client, study.name)
    for experiment in client.search_experiments():
        if re.fullmatch(rf"{re.escape(study.name)} \(importing [0-9a-f]{{32}}\)", experiment.name):
            client.delete_experiment(experiment.experiment_id)
    unfinished = f"{study.name} (importing {uuid.uuid4().hex})"
    experiment = client.create_experiment(unfinished, location, dict(tags))
    try:
        place, digests = _Recording(client, experiment, study).record(console)
        found = study_in_mlflow(unfinished, uri)
        if differs := difference(study, found, digests, place, _as_databases_keep):
            raise UserMistake(f"study '{study.name}' was not imported: in {without_credentials(uri)}, {differs}")
        _check_free(client, study.name)
        client.rename_experiment(experiment, study.name)
    except BaseException:
        with suppress(Exception):
            client.delete_experiment(experiment)
        raise


class _Recording:
    """Records the runs of a study, its own first, since the others name it."""

    def __init__(self, client: MlflowClient, experiment: str, study: Study) -> None:
        self._client, self._experiment, self._study = client, experiment, study
        self._place: dict[str, str] = {}
        self._digests: Digests = {}

    def record(self, console: Console | None) -> tuple[Mapping[str, str], Digests]:
        """The new runs by the old ones, and the artifacts that they got."""
        rows, reports = self._study.trials.to_pylist(), _reports_by_run(self._study.reports)
        silent = console is None or not console.is_terminal
        for row in track(rows, "importing", console=console, transient=True, disable=silent):
            self._place[row["run"]] = self._create(row)
            self._log(row, reports.get(row["run"], []))
            self._upload(row["run"])
            self._end(row)
        return self._place, self._digests

    def _create(self, row: Mapping[str, Any]) -> str:
        tags = dict(row["tags"])
        if PARENT_TAG in tags:
            tags[PARENT_TAG] = self._place[tags[PARENT_TAG]]
        start = _milliseconds(row["start"])
        return self._client.create_run(self._experiment, start, tags, tags.get(NAME_TAG, row["name"])).info.run_id

    def _log(self, row: Mapping[str, Any], points: list[tuple[str, float, int, int]]) -> None:
        """The client sends as much at once as a server takes: 1000 values, 100 parameters."""
        from mlflow.entities import Metric, Param

        metrics = [Metric(metric, value, time, iteration) for metric, value, time, iteration in points]
        params = [Param(name, value) for name, value in row["params"]]
        self._client.log_batch(self._place[row["run"]], metrics, params)

    def _upload(self, run: str) -> None:
        paths = self._study.files.paths(run)
        if not paths:
            return
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                    raise UserMistake(f"run {run} has an artifact '{path}', which leaves the run's folder")
                content = self._study.files.read(run, path)
                self._digests[run, path] = hashlib.sha256(content).digest()
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_bytes(content)
            self._client.log_artifacts(self._place[run], folder)

    def _end(self, row: Mapping[str, Any]) -> None:
        run, end = self._place[row["run"]], row["end"]
        if end is not None:
            self._client.set_terminated(run, row["status"], _milliseconds(end))
        elif row["status"] != "RUNNING":
            self._client.update_run(run, row["status"])


def _reports_by_run(reports: pa.Table) -> dict[str, list[tuple[str, float, int, int]]]:
    """Metric, value, time in ms and iteration of everything that a run reported."""
    columns = [reports[name].to_pylist() for name in ("run", "metric", "value")]
    times, iterations = reports["time"].cast(pa.int64()).to_pylist(), reports["iteration"].to_pylist()
    found: dict[str, list[tuple[str, float, int, int]]] = {}
    for run, metric, value, time, iteration in zip(*columns, times, iterations, strict=True):
        found.setdefault(run, []).append((metric, value, time, iteration))
    return found


def _client_for(uri: str) -> MlflowClient:
    if uri.startswith(_SQLITE):
        Path(uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    return mlflow_client(uri)


def _check_free(client: MlflowClient, name: str) -> None:
    """Names of deleted experiments are taken, too."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return
    where = without_credentials(client.tracking_uri)
    if experiment.lifecycle_stage == "deleted":
        raise UserMistake(
            f"{where} has a deleted experiment '{name}', which keeps its name until `mlflow gc` removes it for good"
        )
    raise UserMistake(f"{where} has an experiment '{name}' already: nothing is imported over it")


def _artifact_location(name: str, uri: str, artifacts: Path | None) -> str | None:
    """Behind a database there is no server that owns artifacts: they go where `ass_tune` puts them."""
    if not uri.startswith(DATABASES):
        if artifacts is not None:
            raise UserMistake(
                f"{without_credentials(uri)} decides itself where artifacts go: --artifacts is for databases"
            )
        return None
    if artifacts is None:
        next_to = Path(uri.removeprefix(_SQLITE)).parent if uri.startswith(_SQLITE) else DEFAULT_STORE.parent
        artifacts = next_to / "mlartifacts"
    return f"{artifacts.resolve().as_uri()}/{quote(name, safe='')}"


def _as_databases_keep(values: np.ndarray) -> np.ndarray:
    """MLflow's databases turn infinities into the largest number, and SQLite has no negative zero."""
    return np.nan_to_num(values, nan=np.nan) + 0.0


def _milliseconds(time: Any) -> int:
    return round(time.timestamp() * 1000)


def _parse(argv: list[str] | None, program: str) -> Arguments:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Record the study of an export in an MLflow that does not have it.",
    )
    parser.add_argument("export", type=Path, metavar="EXPORT", help="folder that analysis.export wrote")
    parser.add_argument("--tracking-uri", metavar="URI", help="else $MLFLOW_TRACKING_URI, else studies/mlflow.db")
    parser.add_argument("--artifacts", type=Path, metavar="DIR", help="of a database; else mlartifacts/ next to it")
    found = parser.parse_args(argv)
    return Arguments(found.export, chosen_uri(found.tracking_uri), found.artifacts)


if __name__ == "__main__":
    sys.exit(as_process(main))
