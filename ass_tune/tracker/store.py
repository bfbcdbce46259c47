"""Where MLflow keeps a study: a tracking server, or by default a database next to the studies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from analysis.experiments import URI_VARIABLE
from analysis.tracking_uri import check_uri
from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake

ARTIFACTS_VARIABLE = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""Where MLflow's own server puts the artifacts of new experiments, too."""
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


@dataclass(frozen=True)
class MlflowStore:
    """A tracking URI, and where artifacts go if not where the server decides."""

    uri: str
    artifact_root: Path | str | None = None
    """A folder on this disk, or a URL."""

    def __post_init__(self) -> None:
        keep_secret(self.uri)

    def artifacts_of(self, study: str) -> str | None:
        """The URL of a new experiment's artifacts; None where the server decides."""
        if self.artifact_root is None:
            return None
        root = self.artifact_root.as_uri() if isinstance(self.artifact_root, Path) else self.artifact_root
        return f"{root.rstrip('/')}/{quote(study, safe='')}"

    @property
    def display(self) -> str:
        """The URI as it may be shown and logged."""
        return without_credentials(self.uri)


def mlflow_store(studies: Path, tracking_uri: str | None = None) -> MlflowStore:
    """The store of all studies in a folder: `tracking_uri`, else `$MLFLOW_TRACKING_URI`, else `mlflow.db` in there.

    Behind a database there is no server that owns artifacts, so they go to `mlartifacts` in the folder, or where
    `$MLFLOW_DEFAULT_ARTIFACT_ROOT` says for a database that was named.
    """
    uri = tracking_uri or os.environ.get(URI_VARIABLE) or default_uri(studies)
    if uri.lower().startswith(("http://", "https://", "databricks")):
        return MlflowStore(uri)
    asked = os.environ.get(ARTIFACTS_VARIABLE) if uri != default_uri(studies) else None
    return MlflowStore(uri, artifact_place(asked) if asked else studies.resolve() / "mlartifacts")


def artifact_place(text: str) -> Path | str:
    """What a path or a URL means."""
    return text if "://" in text else Path(text).resolve()


def usable_store(studies: Path, tracking_uri: str | None = None, ledger: str | None = None) -> MlflowStore:
    """`mlflow_store`; raises UserMistake where MLflow can never open it. Nothing is connected to.

    Nor can it open the database that is the ledger: Optuna notes the version of its tables where MLflow notes its own.
    """
    store = mlflow_store(studies, tracking_uri)
    check_uri(store.uri)
    _check_artifacts(store)
    if ledger is not None and _place(ledger) == _place(store.uri):
        raise UserMistake(
            f"ledger and MLflow have the same database, {without_credentials(ledger)}; allowed: two databases, also of "
            "one server, since the tables of Optuna and of MLflow cannot be in one"
        )
    return store


def _check_artifacts(store: MlflowStore) -> None:
    """Raise UserMistake where MLflow's artifacts go to S3 and what it needs for that is not installed."""
    if str(store.artifact_root).startswith("s3://"):
        try:
            import_module("boto3")
        except ImportError:
            raise UserMistake(
                f"${ARTIFACTS_VARIABLE} is {without_credentials(str(store.artifact_root))}, for which MLflow needs the "
                "module boto3, which is not installed: pip install 'ass-tune[s3]'"
            ) from None


def _place(uri: str) -> tuple[str | int | None, ...]:
    """Which database a URI means."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except ArgumentError:  # whoever opens it says so
        return (uri,)
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database:
        return backend, str(Path(url.database).resolve())
    return backend, url.host, url.port or _PORTS.get(backend), url.database


def default_uri(studies: Path) -> str:
    """The database next to the studies."""
    return f"sqlite:///{studies.resolve() / 'mlflow.db'}"
