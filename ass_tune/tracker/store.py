"""Where MLflow keeps a study: a tracking server, or by default a database next to the studies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from analysis.experiments import URI_VARIABLE
from analysis.tracking_uri import check_uri
from trainables.credentials import keep_secret, without_credentials


@dataclass(frozen=True)
class MlflowStore:
    """A tracking URI, and where artifacts go if not where the server decides."""

    uri: str
    artifact_root: Path | None = None

    def __post_init__(self) -> None:
        keep_secret(self.uri)

    @property
    def display(self) -> str:
        """The URI as it may be shown and logged."""
        return without_credentials(self.uri)


def mlflow_store(studies: Path, tracking_uri: str | None = None) -> MlflowStore:
    """The store of all studies in a folder: `tracking_uri`, else `$MLFLOW_TRACKING_URI`, else `mlflow.db` in there.

    Behind a database there is no server that owns artifacts, so they go to `mlartifacts` in the folder.
    """
    uri = tracking_uri or os.environ.get(URI_VARIABLE) or default_uri(studies)
    served = uri.lower().startswith(("http://", "https://", "databricks"))
    return MlflowStore(uri, None if served else studies.resolve() / "mlartifacts")


def usable_store(studies: Path, tracking_uri: str | None = None) -> MlflowStore:
    """`mlflow_store`; raises UserMistake where MLflow can never open it. Nothing is connected to."""
    store = mlflow_store(studies, tracking_uri)
    check_uri(store.uri)
    return store


def default_uri(studies: Path) -> str:
    """The database next to the studies."""
    return f"sqlite:///{studies.resolve() / 'mlflow.db'}"
