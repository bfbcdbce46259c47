"""A real object store on loopback: MinIO where its program is installed, else moto's server, all in memory."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.support.mlflow_server import free_port, wait_until

KEY, SECRET = "ann", "s3cret-of-ann"


@dataclass(frozen=True)
class ObjectStore:
    """A server that speaks S3.

    Attributes:
        port: on loopback.
    """

    port: int

    @property
    def variables(self) -> dict[str, str]:
        """The usual variables, of which the whole project knows where the server is and who asks."""
        return variables(self.port)

    @property
    def client(self) -> Any:
        """boto3's client."""
        import boto3

        endpoint = f"http://127.0.0.1:{self.port}"
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=endpoint, **keys)

    def bucket(self) -> str:
        """Name of a new bucket."""
        name = f"studies-{uuid.uuid4().hex[:8]}"
        self.client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        """Names of all objects, of empty ones that stand for folders too."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


def variables(port: int) -> dict[str, str]:
    """What a process needs in its environment to use a server on this port of loopback."""
    endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1"}
    return {**endpoint, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}


def why_there_is_none() -> str | None:
    """Why no server can be started here; None where one can."""
    missing = [name for name in ("boto3", "moto", "flask") if importlib.util.find_spec(name) is None]
    return f"no object store: {', '.join(missing)} is not installed" if missing else None


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """An empty server that ends with the block; moto's takes seconds to start."""
    port, silent, minio = free_port(), subprocess.DEVNULL, shutil.which("minio")
    with tempfile.TemporaryDirectory(prefix="ass-s3-") as scratch:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        if minio is not None:
            command = [minio, "server", scratch, "--address", f"127.0.0.1:{port}", "--quiet"]
        environment = {**os.environ, "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}
        server = subprocess.Popen(command, env=environment, cwd=scratch, stdout=silent, stderr=silent)
        try:
            wait_until(lambda: _listens(port))
            yield ObjectStore(port)
        finally:
            server.kill()
            server.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Gate:
    """Passes connections on to a server; closed, it refuses them and cuts those that are open.

    Args:
        upstream: port of the server on loopback.
    """

    def __init__(self, upstream: int) -> None:
        self.port, self._upstream = free_port(), upstream
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        """Accept connections, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        assert self._listener is not None
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near = listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(1 << 16):
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)


@contextmanager
def gate(upstream: int) -> Iterator[Gate]:
    """A gate that is closed at the end."""
    with closing(Gate(upstream)) as found:
        yield found
