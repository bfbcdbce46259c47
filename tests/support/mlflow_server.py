"""A real MLflow server on loopback, and what may stand between it and a study."""

from __future__ import annotations

import http.client
import http.server
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from ass_tune.tracker.store import MlflowStore

_FIRST = 20_000 + 500 * (os.getpid() % 24)
_PORTS = itertools.cycle(range(_FIRST, _FIRST + 500))
"""Of this process, below those that the system hands out: nobody takes one between its choice and its use."""


def free_port() -> int:
    """A port of loopback that nobody listens on, another one with each call."""
    for port in _PORTS:
        with socket.socket() as free, suppress(OSError):
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


def wait_until(condition: Callable[[], object], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@contextmanager
def mlflow_server(port: int, store: MlflowStore, artifacts: Path | str) -> Iterator[None]:
    """A real tracking server, killed with all its processes at the end; takes ten seconds to start."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    where = ["--backend-store-uri", store.uri, "--artifacts-destination", str(artifacts)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # Else it brings seven helpers along.
    environment["DO_NOT_TRACK"] = "true"
    silent = subprocess.DEVNULL
    server = subprocess.Popen([*command, *where], env=environment, start_new_session=True, stdout=silent, stderr=silent)
    try:
        wait_until(lambda: _answers(port))
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


class Proxy:
    """Passes requests on to a server, unless told otherwise; 502 where there is none."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.refuses = False
        """Answer every request with 503 and pass none on."""
        self.refuses_writes = False
        """Answer every request that changes something with 400, as a proxy does that takes it for malformed."""
        self.loses: list[str] = []
        """Ends of paths; the next request of each is passed on and its answer replaced by a 500."""
        self.requests: list[str] = []

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, content type and content."""
        self.requests.append(path)
        if self.refuses:
            return 503, "text/plain", b"overloaded"
        if self.refuses_writes and method == "POST" and not path.endswith("/search"):
            return 400, "text/plain", b"bad request"
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)) as server:
                server.request(method, path, body, headers)
                answer = server.getresponse()
                content = answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read()
        except (OSError, http.client.HTTPException):
            return 502, "text/plain", b"nobody there"
        if lost := [end for end in self.loses if path.endswith(end)]:
            self.loses.remove(lost[0])
            return 500, "text/plain", b"lost"
        return content


@contextmanager
def proxy(port: int, upstream: int) -> Iterator[Proxy]:
    """A proxy that listens on a port."""
    front = Proxy(upstream)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            status, kind, content = front.answer(self.command, self.path, body, headers)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    http.server.ThreadingHTTPServer.allow_reuse_address = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def wedged_server() -> Iterator[int]:
    """A server that accepts connections and never answers; yields its port."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    accepted.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()
