"""Which tracking URIs MLflow can open, said before anything starts: no connection is made.

A server or database that is away is no mistake, since records wait for it. An address that can never be opened is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from analysis.experiments import DATABASE_SERVERS, URI_VARIABLE, mlflow_errors_as_mistakes, prepare_mlflow
from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake, missing_driver, nearest

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

SERVERS = ("http", "https")
DATABASES = ("sqlite", *DATABASE_SERVERS)
ALLOWED = (
    "http://HOST:PORT, https://HOST, sqlite:////ABSOLUTE/PATH/mlflow.db, postgresql://USER:PASSWORD@HOST/NAME, "
    "mysql://..., mssql://..., databricks"
)
_NEVER = ("uc", "databricks-uc")
"""MLflow keeps models there, but no runs."""
_DATABASE_FILES = (".db", ".sqlite", ".sqlite3")
_SQLITE_HEAD = b"SQLite format 3\0"
_HOST = re.compile(r"(\S+@)?(\[[0-9a-fA-F:.]+\]|localhost|[\w-]+(\.[\w-]+)+|[\w.-]+(?=:\d))(:\d+)?([/?]\S*)?")
"""A host with a dot or a port, which somebody wrote without a scheme."""


def check_uri(uri: str) -> None:
    """Raise UserMistake, with what is allowed and the nearest valid URI, for one that MLflow can never open.

    MLflow itself is asked, and imported, for folders and for schemes of its plugins only.
    """
    keep_secret(uri)
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _unusable(uri, str(error)) from None
    scheme = "databricks" if uri == "databricks" else parts.scheme.lower()
    is_file = scheme.partition("+")[0] in ("sqlite", "file", "")  # whose folders may have spaces in their names
    if uri != uri.strip() or uri[:1] in "'\"" or re.search(r"[\r\n]" if is_file else r"\s", uri):
        bare = re.sub(r"\s", "", uri).strip("'\"")
        raise _unusable(uri, "there are quotes, spaces or line breaks in it", bare)
    if scheme in SERVERS:
        _check_server(uri, parts)
    elif scheme.partition("+")[0] in DATABASES:
        _check_database(uri)
    elif scheme == "file" or scheme in _plugins() or (not scheme and _is_path(uri)):
        _ask_mlflow(uri)
    elif scheme != "databricks":
        raise _unknown_scheme(uri, scheme)


def check_there(uri: str) -> None:
    """`check_uri` for who only reads; a database file that does not exist is refused too, which MLflow would make."""
    check_uri(uri)
    path = database_file(uri)
    if path is not None and not path.is_file():
        raise UserMistake(f"no database {path}: say where MLflow is, with --tracking-uri or {URI_VARIABLE}")


def database_file(uri: str) -> Path | None:
    """The file of an SQLite URI; None for any other URI, and for one of SQLite's own, `sqlite:///file:...`."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///(?!file:)([^?]+)(?:\?.*)?", uri, re.IGNORECASE)
    return Path(found[1]) if found else None


def _check_server(uri: str, parts: SplitResult) -> None:
    try:
        port = parts.port
    except ValueError:
        raise _unusable(uri, "its port is not a number from 1 to 65535") from None
    if not parts.hostname:
        rest = uri[len(parts.scheme) + 1 :].lstrip("/")
        raise _unusable(uri, "it names no host", f"{parts.scheme}://{rest}" if rest else None)
    if port == 0 or not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", parts.hostname):
        raise _unusable(uri, f"'{parts.hostname}' is no name of a host" if port != 0 else "its port is 0")


def _check_database(uri: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(uri)
        dialect = url.get_dialect()
        dialect.import_dbapi()
        if url.get_backend_name() == "sqlite":
            _check_sqlite(uri, url)
        dialect().create_connect_args(url)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        scheme, _, rest = uri.partition(":")
        slashes = ":///" if scheme.startswith("sqlite") else "://"
        meant = None if "://" in uri else f"{scheme}{slashes}{rest.lstrip('/')}"
        raise _unusable(uri, str(error).splitlines()[0], meant) from None
    except ImportError as error:
        raise _unusable(uri, missing_driver(error)) from None


def _check_sqlite(uri: str, url: URL) -> None:
    if url.host:
        raise _unusable(uri, "SQLite needs a third slash before its file", f"{url.drivername}:///{uri.split('://')[1]}")
    if not url.database or url.database == ":memory:":
        raise _unusable(uri, "it names no file, and a database in memory is gone when the command ends")
    if url.database.startswith("file:"):
        return
    path = Path(url.database)
    if path.is_dir():
        raise _unusable(uri, "it is a folder", f"{uri.rstrip('/')}/mlflow.db")
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEAD))
        if head and head != _SQLITE_HEAD:
            raise _unusable(uri, f"{path} is no SQLite database")
        return
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise _unusable(uri, f"no file can be created in {folder}")


def _ask_mlflow(uri: str) -> None:
    """Let MLflow open the store, and pass on what it says."""
    path = Path(uri.removeprefix("file://"))
    if path.is_file() or path.suffix in _DATABASE_FILES:
        raise _unusable(uri, "a file can be a database only", f"sqlite:///{path.absolute()}")
    prepare_mlflow(retries=0, logging_level="CRITICAL")
    try:
        with mlflow_errors_as_mistakes(uri):
            from mlflow.tracking import MlflowClient

            MlflowClient(tracking_uri=uri)
    except UserMistake as mistake:
        said = str(mistake).partition(": ")[2] or str(mistake)
        raise _unusable(uri, said, f"sqlite:///{path.absolute() / 'mlflow.db'}") from None
    except OSError as error:  # a folder that cannot be made or written
        raise _unusable(uri, str(error)) from None


def _unknown_scheme(uri: str, scheme: str) -> UserMistake:
    head, separator, rest = uri.partition("://")
    if not separator and (typed := re.match(r"(https?)[:/]+(.*)", uri, re.IGNORECASE)):
        return _unusable(uri, "it has no '://'", f"{typed[1]}://{typed[2]}")
    if not separator and _HOST.fullmatch(uri):
        return _unusable(uri, "it has no scheme", f"http://{uri}")
    if not separator:
        head, _, rest = uri.partition(":")
    meant = _nearest_of(head, [*SERVERS, *DATABASES, "databricks", "file", *_plugins()])
    if meant and rest:
        meant = f"{meant}://{rest}" if separator else f"{meant}://{rest.lstrip('/')}"
    return _unusable(uri, f"MLflow cannot record to '{head}'", meant)


def _is_path(uri: str) -> bool:
    """Whether a URI without a scheme is meant as a path rather than a host."""
    if re.match(r"https?//", uri, re.IGNORECASE) or uri in _NEVER:
        return False
    return Path(uri).exists() or Path(uri).suffix in _DATABASE_FILES or not _HOST.fullmatch(uri)


def _nearest_of(scheme: str, allowed: list[str]) -> str | None:
    found = re.search("'(.*)'", nearest(scheme.lower(), allowed))
    return found[1] if found else None


def _plugins() -> Iterator[str]:
    """Schemes that installed plugins of MLflow open."""
    return (point.name for point in entry_points(group="mlflow.tracking_store"))


def _unusable(uri: str, reason: str, meant: str | None = None) -> UserMistake:
    whence = f" (from ${URI_VARIABLE})" if os.environ.get(URI_VARIABLE) == uri else ""
    hint = f"; did you mean '{without_credentials(meant)}'?" if meant else ""
    shown = without_credentials(uri)
    said = without_credentials(reason).rstrip(".")
    return UserMistake(f"MLflow cannot open the tracking URI '{shown}'{whence}: {said}{hint}\nallowed: {ALLOWED}")
