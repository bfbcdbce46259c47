"""One call from a name to a study: out of MLflow, an export, or the study's own folder. `analysis.load` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.experiments import chosen_uri, mlflow_client, mlflow_errors_as_mistakes
from analysis.records import STUDY_TAG
from analysis.study import Study
from analysis.tracking_uri import check_there
from trainables.callable_module import make_callable
from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake, nearest
from trainables.patience import first_line
from trainables.storage import Storage

if TYPE_CHECKING:
    from mlflow.entities import Experiment
    from mlflow.tracking import MlflowClient

DATABASES = ("sqlite:", "postgresql", "mysql", "mssql")


def load_study(study: str | Path, tracking_uri: str | None = None) -> Study:
    """A study by its name in MLflow, by the folder of its export, or by its own folder.

    Args:
        study: the name; or the path of a folder, which is read without MLflow: one that `analysis.export` wrote, or
            the study's own, e.g. `studies/csa`; or the URL of the latter, e.g. `s3://bucket/studies/csa`.
        tracking_uri: of MLflow; else `$MLFLOW_TRACKING_URI`, else the database in `studies/`.

    Raises UserMistake where there is no such study.
    """
    from analysis.readers.export import is_export, read_export
    from analysis.readers.folder import is_study_folder, read_folder

    if "://" in str(study):
        return read_folder(study_at(str(study)))
    if is_export(Path(study)):
        return read_export(Path(study))
    if is_study_folder(Path(study)):
        return read_folder(Path(study))
    return study_in_mlflow(str(study), chosen_uri(tracking_uri))


def study_at(url: str) -> Storage:
    """The folder of a study on an object store. Raises UserMistake where there is none, or no way to it."""
    from analysis.readers.folder import is_study_folder

    keep_secret(url)
    folder = Storage(url, patient=False)
    try:
        found = is_study_folder(folder)
    except (OSError, ValueError, NotImplementedError) as error:
        raise UserMistake(f"{folder.shown()} cannot be read: {first_line(error)}") from None
    if not found:
        raise UserMistake(
            f"{folder.shown()}: holds no records of a study; allowed: the URL of the folder of a study that was run "
            "with --studies URL, such as s3://BUCKET/PREFIX/STUDY. Exports are read from local folders"
        )
    return Storage(url)


def study_in_mlflow(name: str, tracking_uri: str, instance: str | None = None) -> Study:
    """The newest study of this name in MLflow, or the one with this identity (the tag `ass_tune.study`)."""
    check_there(tracking_uri)
    with mlflow_errors_as_mistakes(tracking_uri):
        client = mlflow_client(tracking_uri)
        experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        raise UserMistake(_unknown(name, client))
    from analysis.readers.api import RunFiles, read_through_api
    from analysis.readers.sql import read_through_sql

    parent = _newest_parent(client, experiment, instance)
    read = read_through_sql if tracking_uri.startswith(DATABASES) else read_through_api
    trials, reports = read(client, tracking_uri, parent)
    return Study(name, trials, reports, RunFiles(client))


def _newest_parent(client: MlflowClient, experiment: Experiment, instance: str | None) -> str:
    """The study's own run; the newest, where the study was begun afresh."""
    query = "tags.stage = 'study'" + (f" and tags.`{STUDY_TAG}` = '{instance}'" if instance else "")
    found = client.search_runs([experiment.experiment_id], query, order_by=["start_time DESC"], max_results=1)
    if not found:
        raise UserMistake(f"experiment '{experiment.name}' holds no study: none of its runs has the tag stage=study")
    return found[0].info.run_id


def _unknown(name: str, client: MlflowClient) -> str:
    names = sorted(found.name for found in client.search_experiments() if found.name != "Default")
    hint = nearest(name, names) or f"; studies there: {', '.join(names) or 'none'}"
    return f"no study '{name}' in {without_credentials(client.tracking_uri)}{hint}"


make_callable(__name__, load_study)
