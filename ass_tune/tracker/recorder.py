"""Records into MLflow: which run a key means, and what of a record MLflow does not have yet."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from analysis.experiments import open_client
from analysis.records import (
    KEY_TAG,
    PARENT_TAG,
    STUDY_TAG,
    TABLE_TAG,
    TAGS_OF_AN_END,
    Artifact,
    Metrics,
    Record,
    RunEnded,
    RunsOfTable,
    RunStarted,
    Tags,
    Views,
)
from analysis.tracking_uri import database_file
from ass_tune.tracker.bulk_metrics import insert_metrics
from ass_tune.tracker.new_database import check_finished, make_database
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.transaction import one_transaction
from trainables.storage import Storage

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Metric, Run
    from mlflow.tracking import MlflowClient
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)
KIND_OF_EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow then opens the experiment as a list of training runs, not of traces."""
MOST_RUNS = 50_000
"""MLflow gives no more at once."""


class RecordError(Exception):
    """A record that can never be applied, whatever the server says."""


@dataclass
class _Run:
    """What is known of a run in MLflow."""

    id: str
    steps: dict[str, int] = field(default_factory=dict)
    """The last recorded step of each metric: a repeated training reports the same steps again."""
    gaps: dict[str, set[int]] | None = None
    """Every recorded step of each metric, for a run in which earlier steps may be missing; else None."""

    def lacks(self, name: str, step: int) -> bool:
        """Whether a metric has no value at a step."""
        if self.gaps is not None:
            return step not in self.gaps.get(name, ())
        return step > self.steps.get(name, -1)


@dataclass
class _Batch:
    """What goes to MLflow in one call; `steps` are the run's once it has arrived."""

    metrics: list[Metric] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Applies records to one experiment. Whatever is applied twice, in part or whole, changes nothing more.

    Not thread-safe; every method raises what MLflow, its store or the study's storage raise.

    Args:
        store: where MLflow keeps the study.
        study: name of the experiment.
        instance: identity of the study; runs of another one are never taken over.
        files: the study's storage, where artifacts come from.
    """

    def __init__(self, store: MlflowStore, study: str, instance: str, files: Storage) -> None:
        self._store, self._study, self._instance, self._files = store, study, instance, files
        self._client: MlflowClient | None = None
        self.experiment = ""
        """Id of the study's experiment; empty as long as MLflow has not been reached."""
        self._holds_only_ours = False
        self._runs: dict[str, _Run] = {}
        self._with_gaps: set[str] = set()
        self._session: Session | None = None
        """Of the database, while many runs are written to it in one transaction."""

    def fill_gaps(self, keys: Collection[str]) -> None:
        """From now on compare every step of these runs with what MLflow has, not only the last one of each metric."""
        self._with_gaps |= set(keys)

    def write_something(self) -> None:
        """Write what MLflow accepts from everybody who may record at all: a tag that the experiment may have already.

        Raises where it does not, as the other methods do.
        """
        self.connect().set_experiment_tag(self.experiment, STUDY_TAG, self._instance)

    def connect(self) -> MlflowClient:
        """Import MLflow, reach its store and find or create the experiment, unless that is done already."""
        if self._client is None:
            client = self._opened()
            experiment = client.get_experiment_by_name(self._study)
            self._holds_only_ours = experiment is None
            self.experiment = self._reopened(client, experiment) if experiment else self._create_experiment(client)
            self._client = client
        return self._client

    def _opened(self) -> MlflowClient:
        if (file := database_file(self._store.uri)) is None:
            return open_client(self._store.uri)
        make_database(file)
        try:
            return open_client(self._store.uri)
        except Exception:
            check_finished(file)
            raise

    def forget(self) -> None:
        """Drop all knowledge of the server, so that the next call looks everything up again."""
        self._client = None
        self._runs.clear()

    def apply_together(self, of_runs: Iterable[Sequence[Record]]) -> None:
        """`apply` for each of several runs; all or nothing where MLflow is a database."""
        with one_transaction(self.connect()) as self._session:
            try:
                for records in of_runs:
                    self.apply(records)
            finally:
                self._session = None

    def apply(self, records: Sequence[Record]) -> None:
        """Bring records of one run, in their order, to MLflow."""
        batch = _Batch()
        for record in records:
            match record:
                case RunStarted():
                    self._flush(record.key, batch)
                    batch = self._start(record)
                case Metrics():
                    self._add_metrics(record, batch)
                case Tags():
                    batch.tags |= record.tags
                case Artifact():
                    self._upload(record)
                case Views():
                    self._offer(record)
                case RunsOfTable():
                    self._mark(record)
                case RunEnded():
                    self._flush(record.key, batch)
                    batch = _Batch()
                    self._end(record)
        self._flush(records[-1].key, batch)

    def _start(self, record: RunStarted) -> _Batch:
        """Create the run, or take it over; returns what is still to be written about the start."""
        found = self._find(record.key)
        if found is None:
            self._create(record)
            return _Batch(parameters=dict(record.parameters))
        client, run = self.connect(), self._known(record.key, found)
        self._runs[record.key] = run
        for tag in TAGS_OF_AN_END:
            if tag in found.data.tags:
                client.delete_tag(run.id, tag)
        if found.info.status != "RUNNING":
            client.update_run(run.id, status="RUNNING")
        # MLflow refuses to change a parameter; the parent's may differ when the file asks for more than before.
        new = {name: value for name, value in record.parameters.items() if name not in found.data.params}
        return _Batch(parameters=new, tags=dict(record.tags))

    def _create(self, record: RunStarted) -> _Run:
        tags = {**record.tags, KEY_TAG: record.key, STUDY_TAG: self._instance}
        if record.parent is not None:
            tags[PARENT_TAG] = self._run(record.parent).id
        run = self.connect().create_run(self.experiment, _milliseconds(record.time), tags, record.name)
        self._runs[record.key] = _Run(run.info.run_id)
        return self._runs[record.key]

    def _run(self, key: str) -> _Run:
        """The run of a key. Where somebody deleted it, a bare one is created, so that no value is lost."""
        if key not in self._runs:
            found = self._find(key)
            self._runs[key] = self._known(key, found) if found else self._create(RunStarted(key, key, time=0.0))
        return self._runs[key]

    def _find(self, key: str) -> Run | None:
        """The run of a key as MLflow has it now, or None."""
        client = self.connect()
        if key in self._runs:
            return client.get_run(self._runs[key].id)
        if self._holds_only_ours:
            return None
        found = client.search_runs([self.experiment], f"tags.`{KEY_TAG}` = '{key}'", order_by=["start_time ASC"])
        return next((run for run in found if run.data.tags.get(STUDY_TAG) == self._instance), None)

    def _known(self, key: str, run: Run) -> _Run:
        last = {metric.key: metric.step for metric in run.data.to_proto().metrics}
        if key not in self._with_gaps:
            return _Run(run.info.run_id, last)
        history = self.connect().get_metric_history
        return _Run(run.info.run_id, last, {name: {at.step for at in history(run.info.run_id, name)} for name in last})

    def _add_metrics(self, record: Metrics, batch: _Batch) -> None:
        from mlflow.entities import Metric

        run = self._run(record.key)
        for name, value in record.values.items():
            if run.lacks(name, record.step) and (run.gaps is not None or record.step > batch.steps.get(name, -1)):
                batch.metrics.append(Metric(name, value, _milliseconds(record.time), record.step))
                batch.steps[name] = record.step
                if run.gaps is not None:
                    run.gaps.setdefault(name, set()).add(record.step)

    def _flush(self, key: str, batch: _Batch) -> None:
        from mlflow.entities import Param, RunTag

        if not (batch.metrics or batch.parameters or batch.tags):
            return
        run, metrics = self._run(key), batch.metrics
        if self._session is not None and metrics and run.gaps is None:
            insert_metrics(self._session, run.id, metrics, known=run.steps)
            metrics = []
        self.connect().log_batch(
            run.id,
            metrics=metrics,
            params=[Param(name, value) for name, value in batch.parameters.items()],
            tags=[RunTag(name, value) for name, value in batch.tags.items()],
        )
        run.steps |= batch.steps

    def _upload(self, record: Artifact) -> None:
        try:
            content = self._files.read_bytes(record.file)
        except (FileNotFoundError, ValueError) as error:
            raise RecordError(f"artifact {record.file}: {error}") from error
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / PurePosixPath(record.file).name
            path.write_bytes(content)
            self.connect().log_artifact(self._run(record.key).id, str(path), record.folder or None)

    def _end(self, record: RunEnded) -> None:
        run = self._run(record.key)
        self.connect().set_terminated(run.id, record.status, _milliseconds(record.time))
        run.steps.clear()  # Should the run start again, they are read from MLflow.

    def _offer(self, record: Views) -> None:
        client = self.connect()
        present = client.get_experiment(self.experiment).tags
        for tag, value in record.tags.items():
            if tag not in present:
                client.set_experiment_tag(self.experiment, tag, value)

    def _mark(self, record: RunsOfTable) -> None:
        """Tag the runs of the table, and no others: a study that goes on may find a better configuration."""
        client = self.connect()
        marked = client.search_runs([self.experiment], f"tags.{TABLE_TAG} = 'yes'", max_results=MOST_RUNS)
        ours = {run.data.tags[KEY_TAG]: run for run in marked if run.data.tags.get(STUDY_TAG) == self._instance}
        for key in ours.keys() - set(record.runs):
            client.delete_tag(ours[key].info.run_id, TABLE_TAG)
        for key in record.runs:
            if key not in ours:
                client.set_tag(self._run(key).id, TABLE_TAG, "yes")

    def _create_experiment(self, client: MlflowClient) -> str:
        location = self._store.artifacts_of(self._study)
        return client.create_experiment(self._study, artifact_location=location, tags=KIND_OF_EXPERIMENT)

    def _reopened(self, client: MlflowClient, experiment: Experiment) -> str:
        if experiment.lifecycle_stage == "deleted":
            logger.warning("experiment %s was deleted in MLflow: restored, because its study runs again", self._study)
            client.restore_experiment(experiment.experiment_id)
        return experiment.experiment_id


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
