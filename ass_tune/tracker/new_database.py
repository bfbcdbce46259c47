"""MLflow's database file, which is made whole or not at all.

MLflow makes its tables one after the other, for seconds. A process that is killed meanwhile would leave a file that no
MLflow can open again: with tables that its version number knows nothing of.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import uuid
from contextlib import closing, suppress
from pathlib import Path

from trainables.storage import Storage

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP)
"""What file systems say that have no hard links."""


class UnfinishedDatabase(Exception):
    """A database whose maker was killed before it had all tables."""


def make_database(file: Path) -> None:
    """Make a database with MLflow's tables and no experiment, unless the file is there.

    Of several processes that make it at once, one does. Raises what MLflow and the disk raise.
    """
    if file.exists():
        return
    folder, name = Storage(str(file.parent), patient=False), f".{file.name}-{uuid.uuid4().hex}"
    folder.write_bytes(name, _tables())
    try:
        with suppress(FileExistsError):
            os.link(folder.local_path(name), file)  # a rename would replace the database of a study that was faster
    except OSError as error:
        if error.errno not in _NO_LINKS:  # there MLflow makes the file in its place
            raise
    finally:
        folder.delete(name)


def check_finished(file: Path) -> None:
    """Raise UnfinishedDatabase for one that MLflow never had open: it makes an experiment as soon as it has.

    Raises sqlite3.Error for what is no database, and OSError.
    """
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not ("experiments" in tables and database.execute("SELECT 1 FROM experiments").fetchone()):
            raise UnfinishedDatabase(
                f"{file} has no experiment and not all tables, since the process that made it was killed: remove it"
            )


def _tables() -> bytes:
    """The file of a database with MLflow's tables."""
    from mlflow.store.db import utils
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401  # makes all tables known

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "new.db"
        engine = utils.create_sqlalchemy_engine(f"sqlite:///{file}")
        utils._initialize_tables(engine)
        engine.dispose()
        return file.read_bytes()
