"""A study's folder on a real object store: whole files, no leftovers, waits that are heard of."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from threading import Thread

import pytest

from tests.support.mlflow_server import wait_until
from tests.support.object_store import ObjectStore, gate, variables
from trainables.checkpoints import Checkpoints
from trainables.patience import telling
from trainables.storage import Storage


@pytest.fixture
def storage(bucket: str) -> Storage:
    return Storage(f"s3://{bucket}/studies").below("a study")


def test_files_are_kept_without_temporary_names(storage: Storage, bucket: str, object_store: ObjectStore) -> None:
    storage.write_bytes("tables/table.md", b"first")
    storage.write_bytes("tables/table.md", b"second")
    storage.write_bytes("empty", b"")
    big = bytes(range(256)) * (12 << 12)  # more than one part of an upload
    storage.write_bytes("checkpoints/key/1.pt", big)
    assert storage.read_bytes("tables/table.md") == b"second"
    assert storage.read_bytes("empty") == b""
    assert storage.read_bytes("checkpoints/key/1.pt") == big
    names = ["checkpoints/key/1.pt", "empty", "tables/table.md"]
    assert object_store.keys(bucket) == [f"studies/a study/{name}" for name in names]
    assert storage.list("tables") == ["tables/table.md"]
    assert storage.list_all("") == names
    assert storage.folders("") == ["checkpoints", "tables"]
    assert storage.exists("empty")
    assert not storage.exists("tables")
    assert storage.shown("empty") == f"s3://{bucket}/studies/a%20study/empty"
    assert (storage.name, storage.is_local) == ("a study", False)
    assert pickle.loads(pickle.dumps(storage)).read_bytes("empty") == b""


def test_what_is_deleted_is_gone_and_empty_folders_are_no_files(storage: Storage) -> None:
    for name in ("a/b/1", "a/b/c/2", "a/3"):
        storage.write_bytes(name, b"x")
    storage.delete("a/b/1")
    with pytest.raises(FileNotFoundError):
        storage.delete("a/b/1")
    with pytest.raises(FileNotFoundError):
        storage.read_bytes("a/b/1")
    assert storage.list("a/b") == []
    storage.delete_folder("a/b")
    storage.delete_folder("a/b")
    assert storage.folders("a") == []
    assert storage.list_all("") == ["a/3"]
    assert storage.list("nowhere") == storage.folders("nowhere") == []


def test_two_checkpoints_are_kept(storage: Storage) -> None:
    checkpoints = Checkpoints(storage, "key")
    for iteration in (10, 20, 30):
        checkpoints.save(iteration, {"at": iteration})
    assert [name.rpartition("/")[2][:9] for name in storage.list("checkpoints/key")] == ["000000020", "000000030"]
    assert checkpoints.newest().state == {"at": 30}


def test_ctrl_c_does_not_leave_half_a_file(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object store takes what a stream has when it is left, so that half a file would be there as a whole one."""
    files = storage._files
    begun = threading.Event()

    class Slow:
        type_name = files.type_name

        def open_output_stream(self, path: str):
            begun.set()
            time.sleep(0.3)
            return files.open_output_stream(path)

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(storage, "_opened", (Slow(), storage._root))
    thread = Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            storage.write_bytes("interrupted", b"whole" * 1000)
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    path = f"{storage._root}/interrupted"
    wait_until(lambda: files.get_file_info(path).is_file)
    with files.open_input_file(path) as stream:
        assert stream.read() == b"whole" * 1000


def test_every_signal_is_heard_while_a_call_tries_to_reach_the_store(
    object_store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []

    def send() -> None:
        for _ in range(3):
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

    with gate(object_store.port) as way:
        for name, value in variables(way.port).items():
            monkeypatch.setenv(name, value)
        storage = Storage(f"s3://{bucket}/studies/away").impatient
        storage.write_bytes("before", b"1")
        way.close()
        before, sender = signal.signal(signal.SIGINT, lambda *_: heard.append(time.monotonic())), Thread(target=send)
        try:
            sender.start()
            with pytest.raises(OSError, match="NETWORK_CONNECTION"):
                storage.read_bytes("before")
            ended = time.monotonic()
        finally:
            sender.join()
            signal.signal(signal.SIGINT, before)
    assert len([at for at in heard if at < ended]) == 3


def test_a_store_that_is_away_for_a_while_is_waited_for_and_loses_nothing(
    object_store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str | None] = []
    with gate(object_store.port) as way:
        for name, value in variables(way.port).items():
            monkeypatch.setenv(name, value)
        storage = Storage(f"s3://{bucket}/studies/away")
        storage.write_bytes("before", b"1")
        way.close()
        back = threading.Timer(8.0, way.open)
        back.start()
        with telling(heard.append):
            storage.write_bytes("during", b"2" * (6 << 20))
            assert storage.read_bytes("during") == b"2" * (6 << 20)
        back.join()
        assert storage.list_all("") == ["before", "during"]
        assert heard[-1] is None
        assert heard[0] is not None
        assert heard[0].startswith(f"s3://{bucket}/studies/away does not answer: ")
        assert "NETWORK_CONNECTION" in heard[0]


def test_a_bucket_that_is_not_there_is_an_error_at_once(bucket: str) -> None:
    heard: list[str | None] = []
    with telling(heard.append), pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        Storage(f"s3://{bucket}-other/studies").write_bytes("a", b"x")
    assert heard == []
