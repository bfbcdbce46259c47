"""Whatever keeps Ray from starting, or a cluster from being joined, is one error that says what to do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ass_tune.on_ray import start_faults
from ass_tune.on_ray.socket_folder import SHORT, socket_folder, will_do
from ass_tune.on_ray.start_faults import cannot_start, check_answers, took_too_long
from trainables.mistakes import UserMistake

SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that answers every connection in this way, and keeps it open; its address."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        for connection in kept:
            connection.close()
        server.shutdown(socket.SHUT_RDWR)


def test_an_address_where_nothing_listens_is_refused_at_once() -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as server:
        port = server.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(UserMistake, match=rf"no Ray cluster answers at 127\.0\.0\.1:{port}: Connection refused; is it"):
        check_answers(f"127.0.0.1:{port}")
    assert time.monotonic() - began < start_faults.SECONDS_TO_ANSWER


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_an_address_where_something_else_answers_or_nothing_is_said_is_refused(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_faults, "SECONDS_TO_ANSWER", 1.0)
    with (
        answering(answer) as address,
        pytest.raises(UserMistake, match="does not answer as a Ray cluster does; give the port"),
    ):
        check_answers(address)


def test_an_address_that_answers_as_grpc_does_is_left_to_ray() -> None:
    with answering(SETTINGS) as address:
        check_answers(address)


def test_a_host_that_is_not_known_is_one_clear_error() -> None:
    with pytest.raises(UserMistake, match=r"no Ray cluster answers at nowhere\.invalid:6379: "):
        check_answers("nowhere.invalid:6379")


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "http://127.0.0.1:8265"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(UserMistake, match="allowed: HOST:PORT of a cluster of which this machine is a node, or auto"):
        check_answers(address)


@pytest.mark.parametrize(
    ("error", "address", "says"),
    [
        (
            OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /x"),
            None,
            "RAY_TMPDIR",
        ),
        (PermissionError(13, "Permission denied", "/tmp/ray"), None, "RAY_TMPDIR"),
        (OSError(30, "Read-only file system", "/tmp/ray"), None, "RAY_TMPDIR"),
        (Exception("The current node timed out during startup. This could happen"), None, "the machine is too busy"),
        (ValueError("Attempting to cap object store memory usage at 1 bytes"), None, "Ray needs memory"),
        (RuntimeError("Version mismatch: The cluster was started with:\n  Ray: 2.9"), "a:1", "same versions of Ray"),
        (
            RuntimeError("No node info found matching attributes: ''"),
            "a:1",
            "no node of the cluster runs on this machine",
        ),
        (ValueError("invalid literal for int() with base 10: 'x'"), "a:x", "give --address as HOST:PORT, or as auto"),
        (ValueError("Invalid address format: ::"), "::", "give --address as HOST:PORT, or as auto"),
        (OSError(24, "Too many open files"), None, "ulimit -n"),
        (RuntimeError(""), "a:1", "`ray status --address=ADDRESS`"),
        (KeyError("what nobody has foreseen"), None, "its logs are in "),
    ],
)
def test_what_ray_raises_is_said_in_one_line_with_what_to_do(error: Exception, address: str | None, says: str) -> None:
    said = str(cannot_start(error, address))
    begin = "Ray cannot start: " if address is None else f"the Ray cluster at {address} cannot be joined: "
    assert said.startswith(begin)
    assert says in said
    assert "\n" not in said


def test_only_a_start_that_took_too_long_is_repeated() -> None:
    assert took_too_long(Exception("The current node timed out during startup."))
    assert not took_too_long(PermissionError(13, "Permission denied", "/tmp/ray"))


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_ray_gets_a_short_folder_where_its_own_would_be_too_long(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / ("long" * 20)))
    with socket_folder() as folder:
        assert folder is not None
        assert will_do(Path(folder))
        assert Path(folder).parent in map(Path, SHORT)
        (Path(folder) / "session").mkdir()
    assert not Path(folder).exists()


def test_ray_keeps_a_folder_that_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/tmp")
    with socket_folder() as folder:
        assert folder is None


@pytest.mark.parametrize("make", [Path.touch, lambda path: None])
def test_a_folder_that_is_a_file_will_not_do_and_one_that_can_be_made_will(make: Callable[[Path], None]) -> None:
    # a short path: those of pytest are too long for sockets
    path = Path("/tmp") / f"ass-{threading.get_native_id()}"
    make(path)
    try:
        assert will_do(path / "ray") is not path.exists()
    finally:
        path.unlink(missing_ok=True)
