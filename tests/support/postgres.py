"""A real PostgreSQL server on loopback, of Debian's package `postgresql`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.mlflow_server import free_port, wait_until

USER, PASSWORD = "ann", "s3cret"
_SYSTEM_USER = "postgres"
"""PostgreSQL refuses to run as root."""


def programs() -> Path | None:
    """The folder of the newest server's programs; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else Path("/usr/lib/postgresql").glob("*/bin")
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def postgres() -> Iterator[str]:
    """An empty server that ends with the block; yields the URL of its database. Takes about two seconds."""
    folder, port = programs(), free_port()
    assert folder is not None
    as_user = ["runuser", "-u", _SYSTEM_USER, "--"] if os.geteuid() == 0 else []
    # not below pytest's folders, which other users cannot enter
    with tempfile.TemporaryDirectory(prefix="ass-pg-", dir="/tmp", ignore_cleanup_errors=True) as scratch:
        password, data = Path(scratch) / "password", Path(scratch) / "data"
        password.write_text(PASSWORD)
        if as_user:
            shutil.chown(scratch, _SYSTEM_USER)
            shutil.chown(password, _SYSTEM_USER)
        make = [folder / "initdb", "--pgdata", data, "--username", USER, "--pwfile", password, "--no-sync"]
        authentication = ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]
        subprocess.run([*as_user, *make, *authentication], check=True, capture_output=True, cwd="/")
        serve = [folder / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", scratch, "-F"]
        silent = subprocess.DEVNULL
        server = subprocess.Popen([*as_user, *serve], stdout=silent, stderr=silent, cwd="/")
        url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        try:
            wait_until(lambda: _answers(url))
            yield url
        finally:
            subprocess.run(
                [*as_user, folder / "pg_ctl", "-D", data, "-m", "immediate", "stop"], capture_output=True, cwd="/"
            )
            server.wait(60)


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=1):
            return True
    except psycopg.OperationalError:
        return False
