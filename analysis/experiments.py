"""An MLflow and its experiments, apart from the studies in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.mistakes import UserMistake

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DEFAULT_STORE = Path("studies") / "mlflow.db"
"""The database of `ass_tune.run` where neither a URI nor `$MLFLOW_TRACKING_URI` is given."""
_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of MLflow's own 7 the last take minutes
}
"""The user's own stand."""
_USER_AND_PASSWORD = re.compile(r"://\S*@")


def chosen_uri(tracking_uri: str | None) -> str:
    """What a command means where it says this: `$MLFLOW_TRACKING_URI` for None, else the database in `studies/`."""
    return tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{DEFAULT_STORE.resolve()}"


def mlflow_client(uri: str) -> MlflowClient:
    """A client that sends no telemetry and prints little."""
    _prepare()
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


def check_there(uri: str) -> None:
    """Raise UserMistake for a database file that does not exist: MLflow would make an empty one."""
    path = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not path.is_file():
        raise UserMistake(f"no database {path}: say where MLflow is, with --tracking-uri or MLFLOW_TRACKING_URI")


def display(uri: str) -> str:
    """A URI without its user and password."""
    scheme, separator, rest = uri.partition("://")
    return uri if scheme == "sqlite" else f"{scheme}{separator}{rest.rpartition('@')[2]}"


def tags_of_experiment(name: str, uri: str) -> dict[str, str]:
    """Tags of an experiment that exists."""
    experiment = mlflow_client(uri).get_experiment_by_name(name)
    assert experiment is not None
    return dict(experiment.tags)


@contextmanager
def told(uri: str) -> Iterator[None]:
    """What an MLflow refuses or cannot do becomes a UserMistake that names it."""
    _prepare()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        reason = _USER_AND_PASSWORD.sub("://", str(error).strip().partition("\n")[0])
        raise UserMistake(f"MLflow in {display(uri)}: {reason}") from error


def _prepare() -> None:
    """MLflow reads these when it is imported."""
    os.environ.update(_TELEMETRY)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
