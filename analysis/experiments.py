"""Access to an MLflow: which one is meant, its client, its settings, its errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DEFAULT_STORE = Path("studies") / "mlflow.db"
"""The database of `ass_tune.run` where neither a URI nor `$MLFLOW_TRACKING_URI` is given."""
URI_VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE_SERVERS = ("postgresql", "mysql", "mssql")
_NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def prepare_mlflow(retries: int = 2, logging_level: str = "ERROR") -> None:
    """Set what MLflow reads at import and at each call: no telemetry, little output, few retries.

    Settings of the user's own stay as they are, except that telemetry is always off.

    Args:
        retries: of one request; the last of MLflow's own 7 take minutes.
        logging_level: messages below it are not printed.
    """
    os.environ.update(_NO_TELEMETRY)
    chosen = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries), "MLFLOW_LOGGING_LEVEL": logging_level}
    for name, value in {**_SETTINGS, **chosen}.items():
        os.environ.setdefault(name, value)


def chosen_uri(tracking_uri: str | None) -> str:
    """URI of the MLflow that is meant: the one given, else `$MLFLOW_TRACKING_URI`, else the database in `studies/`."""
    return tracking_uri or os.environ.get(URI_VARIABLE) or f"sqlite:///{DEFAULT_STORE.resolve()}"


def mlflow_client(uri: str) -> MlflowClient:
    """A client that sends no telemetry and prints little."""
    keep_secret(uri)
    prepare_mlflow()
    return open_client(uri)


def open_client(uri: str) -> MlflowClient:
    """A client of a store. A database that does not answer is asked twice; MLflow itself goes on for two minutes."""
    if uri.partition(":")[0].partition("+")[0] in DATABASE_SERVERS:
        from mlflow.store.db import utils

        utils.MAX_RETRY_COUNT = 2
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


def tags_of_experiment(name: str, uri: str) -> dict[str, str]:
    """Tags of an experiment that exists."""
    experiment = mlflow_client(uri).get_experiment_by_name(name)
    assert experiment is not None
    return dict(experiment.tags)


@contextmanager
def mlflow_errors_as_mistakes(uri: str) -> Iterator[None]:
    """Turn what an MLflow refuses or cannot do into a UserMistake that names it."""
    keep_secret(uri)
    prepare_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        reason = without_credentials(str(error).strip().partition("\n")[0])
        raise UserMistake(f"MLflow in {without_credentials(uri)}: {reason}") from error
