"""A study as MLflow shows it: an experiment, a parent run for the study, a child run for every trial."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.experiments import prepare_mlflow
from analysis.records import (
    STUDY_KEY,
    Artifact,
    Metrics,
    Record,
    RunEnded,
    RunsOfTable,
    RunStarted,
    Status,
    Tags,
    Views,
    encode,
)
from ass_tune.tracker import names
from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.views import address_of_table, saved_views
from ass_tune.tracker.writer import Patience, Writer
from ass_tune.tracker.writer_process import WriterProcess
from ass_tune.trial import End, Listener, Report, Trial
from trainables.credentials import without_credentials
from trainables.objective import MIOU, Objective
from trainables.storage import Storage
from trainables.words import Cell, Outcome

LONGEST_ERROR = 5000
_STATUS = {
    Outcome.FINISHED: Status.FINISHED,
    Outcome.PRUNED: Status.KILLED,
    Outcome.DIVERGED: Status.FAILED,
    Outcome.FAILED: Status.FAILED,
}
_OUTCOME_OF_STUDY = {Status.FINISHED: "finished", Status.KILLED: "interrupted", Status.FAILED: "failed"}


class Tracker(Listener):
    """Tells MLflow what happens in a study, without ever waiting for it.

    Every method appends to the outbox and returns; a thread or a process in the background delivers. What an earlier
    driver left in the outbox is delivered first; a tracker that is made and closed does only that.
    Raises OutboxError where the disk is full.

    Args:
        study: name of the study, of its experiment and of its parent run.
        folder: where the outbox lies, on a local disk.
        store: where MLflow keeps the study.
        files: the study's storage, where artifacts come from; `folder` if not given.
        instance: identity of this study beyond its name. Runs of another instance in the same experiment are
            never taken over: somebody else's study of the same name, or this one before it was begun afresh.
        common_tags: tags of every run, e.g. `environment.source_tags(...)`.
        patience: how errors of the server are met.
        apart: whether a process of its own delivers, so that this one has its time for other things, as a driver has.
    """

    def __init__(
        self,
        study: str,
        folder: Path,
        store: MlflowStore,
        *,
        files: Storage | None = None,
        instance: str | None = None,
        common_tags: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        apart: bool = False,
    ) -> None:
        # The writer waits for a server that is away, and reports errors itself, once: MLflow's own retries would hold
        # one call for minutes, and it prints each error with a traceback into the live view.
        prepare_mlflow(retries=0, logging_level="CRITICAL")
        self._study, self._files, self._instance = study, files or Storage(str(folder)), instance or study
        self._common_tags = dict(common_tags or {})
        self._running: set[str] = set()
        self._outbox = Outbox(folder)
        self._store = store
        if apart:
            self._writer = WriterProcess(self._outbox, store, study, self._instance, self._files, patience)
        else:
            recorder = Recorder(store, study, self._instance, self._files)
            self._writer = Writer(self._outbox, recorder, patience)

    @property
    def waiting(self) -> int:
        """Number of records that MLflow does not have yet."""
        return self._outbox.waiting

    @property
    def set_aside(self) -> int:
        """Number of records that MLflow refused while it accepted others; every start offers them again."""
        return self._outbox.set_aside_count

    @property
    def path_of_set_aside(self) -> Path:
        """The file with these records and the reasons."""
        return self._outbox.rejected_path

    @property
    def trouble(self) -> str | None:
        """Why nothing reaches MLflow at present, without credentials; None while all is well."""
        return self._writer.trouble

    @property
    def address_of_table(self) -> str | None:
        """Where a browser finds the study's table in MLflow; None as long as MLflow has not been reached."""
        experiment = self._writer.experiment
        return address_of_table(self._store.uri, experiment, self._instance) if experiment else None

    def start(self, parameters: Mapping[str, Any], tags: Mapping[str, Any]) -> None:
        """Begin the study's parent run, or go on with it. A parameter keeps the value it had first; tags change."""
        values = {name: without_credentials(names.mlflow_value(value)) for name, value in parameters.items()}
        masked = {name: without_credentials(names.mlflow_value(value)) for name, value in tags.items()}
        self._tell(
            RunStarted(
                STUDY_KEY,
                self._study[: names.LONGEST_NAME],
                time.time(),
                parameters=names.parameters(values),
                tags=names.tags({**self._common_tags, **masked, "stage": "study", "outcome": "running"}),
            )
        )

    def study_file(self, file: str, folder: str = "") -> None:
        """Attach a file of the study's storage to the parent run, under `folder` among its artifacts."""
        self._tell(Artifact(STUDY_KEY, file, folder))

    def study_text(self, name: str, text: str, folder: str = "") -> None:
        """Attach a text to the parent run, credentials masked; it is kept as `tracking/<name>` in the storage."""
        file = f"tracking/{name}"
        self._files.write_bytes(file, without_credentials(text).encode())
        self.study_file(file, folder)

    def describe(self, markdown: str) -> None:
        """Set the description that MLflow shows on the parent run's page, e.g. the final table."""
        self._tell(Tags(STUDY_KEY, names.tags({"mlflow.note.content": without_credentials(markdown)})))

    def offer_views(
        self,
        cells: Sequence[Cell],
        hyperparameters: Sequence[str],
        protocol: str = "split",
        objective: Objective = MIOU,
    ) -> None:
        """Save views of the experiment, which MLflow lists under `Views`; one that somebody changed stays as it is."""
        views = saved_views(cells, hyperparameters, self._instance, time.time(), protocol, objective)
        self._tell(Views("views", views))

    def table_is_of(self, runs: Sequence[str]) -> None:
        """Tag the runs that the table is made of with `in_table`, and no others of the study."""
        self._tell(RunsOfTable("table", list(runs)))

    def trial_started(self, trial: Trial) -> None:
        """Begin the trial's run; a run that the same key has already is taken over."""
        self._running.add(trial.run)
        about = {
            "cell": trial.cell.name,
            "row": names.row_name(trial.cell),
            "stage": trial.stage,
            "number": trial.number,
            "seed": trial.seed,
        }
        tags = {**self._common_tags, **dict(trial.cell.factors), **about, "key": trial.key, "outcome": "running"}
        if trial.reused_from is not None:
            tags["reused_from"] = trial.reused_from
        parameters = names.parameters(trial.config)
        self._tell(RunStarted(trial.run, names.run_name(trial), time.time(), STUDY_KEY, parameters, names.tags(tags)))

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """Record the metrics at the report's iteration and time.

        MLflow's plots begin with the metric that a run reported first: the objective.
        """
        first = report.objective.select
        ordered = {name: report.metrics[name] for name in sorted(report.metrics, key=lambda name: name != first)}
        self._tell(*_metrics(trial, report.iteration, report.time, ordered))

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """Tag the run with what happened last to the trial that is no result of it, e.g. a damaged checkpoint."""
        self._tell(Tags(trial.run, names.tags({"notice": without_credentials(notice)})))

    def trial_interrupted(self, trial: Trial) -> None:
        """End the run for now; a further start takes it over."""
        self._tell_end(trial.run, Status.KILLED)
        self._running.discard(trial.run)

    def trial_paused(self, trial: Trial) -> None:
        """Tag the run, which stays open."""
        self._tell(Tags(trial.run, names.tags({"outcome": "paused"})))

    def trial_ended(self, trial: Trial, end: End) -> None:
        """Record final metrics, artifacts and outcome, and end the run: pruned ones are KILLED in MLflow's words."""
        records = [*_metrics(trial, end.iteration, end.time, end.metrics)]
        records += [Artifact(trial.run, file) for file in end.artifacts]
        tags: dict[str, Any] = {"outcome": end.outcome}
        if end.outcome is Outcome.PRUNED:
            tags["pruned_at"] = end.iteration
        if end.error is not None:
            tags["error"] = names.mlflow_value(without_credentials(end.error), LONGEST_ERROR)
        records.append(Tags(trial.run, names.tags(tags)))
        self._tell(*records, RunEnded(trial.run, _STATUS[end.outcome], end.time))
        self._running.discard(trial.run)

    def end(self, status: Status = Status.FINISHED) -> None:
        """End the parent run, and as interrupted every trial that is still running."""
        for key in sorted(self._running):
            self._tell_end(key, Status.KILLED)
        self._running.clear()
        self._tell_end(STUDY_KEY, status)

    def close(self, timeout: float) -> int:
        """Deliver what is left, for `timeout` seconds at most; returns how many records still wait on disk."""
        waiting = self._writer.close(timeout)
        self._outbox.close()
        return waiting

    def _tell_end(self, key: str, status: Status) -> None:
        self._tell(Tags(key, {"outcome": _OUTCOME_OF_STUDY[status]}), RunEnded(key, status, time.time()))

    def _tell(self, *records: Record) -> None:
        if records:
            self._outbox.append(*map(encode, records))
            self._writer.notify()


def _metrics(trial: Trial, iteration: int, at: float, metrics: Mapping[str, float]) -> Iterator[Record]:
    """MLflow has no place for NaN and turns infinity into a number, so a tag names such metrics instead."""
    values = {names.mlflow_name(name): float(value) for name, value in metrics.items() if math.isfinite(value)}
    if values:
        yield Metrics(trial.run, iteration, at, values)
    if len(values) < len(metrics) and (odd := [name for name in metrics if not math.isfinite(metrics[name])]):
        yield Tags(trial.run, names.tags({"not_finite": f"{', '.join(odd)} at {iteration}"}))
