"""Files that are there whole or not at all, under one root and nowhere else."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.full_disk import no_file_larger_than
from trainables.storage import Storage


@pytest.fixture(params=["path", "uri"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    root = tmp_path / "studies" / "a study #1 50%"
    return Storage(str(root) if request.param == "path" else root.as_uri())


def test_what_is_written_is_read_back(storage: Storage) -> None:
    storage.write_bytes("tables/table.md", b"first")
    storage.write_bytes("tables/table.md", b"second")
    storage.write_bytes("empty", b"")
    assert storage.read_bytes("tables/table.md") == b"second"
    assert storage.read_bytes("empty") == b""
    assert storage.local_path("tables/table.md").read_bytes() == b"second"
    assert storage.local_path().name == "a study #1 50%"


def test_only_files_exist(storage: Storage) -> None:
    storage.write_bytes("folder/file", b"x")
    assert storage.exists("folder/file")
    assert not storage.exists("folder")
    assert not storage.exists("folder/other")
    with pytest.raises(FileNotFoundError):
        storage.read_bytes("folder/other")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_that_is_listed(storage: Storage) -> None:
    storage.write_bytes("checkpoints/10.pt", b"old")
    with no_file_larger_than(1 << 20), pytest.raises(OSError, match="File too large"):
        storage.write_bytes("checkpoints/10.pt", bytes(4 << 20))
    with no_file_larger_than(1 << 20), pytest.raises(OSError, match="File too large"):
        storage.write_bytes("checkpoints/20.pt", bytes(4 << 20))
    assert storage.read_bytes("checkpoints/10.pt") == b"old"
    assert storage.list("checkpoints") == ["checkpoints/10.pt"]
    storage.write_bytes("checkpoints/20.pt", b"new")
    assert storage.list("checkpoints") == ["checkpoints/10.pt", "checkpoints/20.pt"]


def test_listing_is_sorted_and_of_finished_files_only(storage: Storage) -> None:
    for name in ("b/2", "b/1", "b/c/3", "b/1.0f.tmp"):
        storage.write_bytes(name, b"")
    assert storage.list("b") == ["b/1", "b/2"]
    assert storage.list("nowhere") == []


def test_deleted_files_are_gone(storage: Storage) -> None:
    storage.write_bytes("a", b"x")
    storage.delete("a")
    assert not storage.exists("a")
    with pytest.raises(FileNotFoundError):
        storage.delete("a")


@pytest.mark.parametrize("name", ["../other", "a/../../other", "/etc/passwd"])
def test_no_name_leaves_the_folder(storage: Storage, name: str) -> None:
    for use in (storage.read_bytes, storage.exists, storage.list, storage.delete, storage.local_path):
        with pytest.raises(ValueError, match="leaves the study folder"):
            use(name)
    with pytest.raises(ValueError, match="leaves the study folder"):
        storage.write_bytes(name, b"x")


def test_a_storage_travels_to_other_processes(storage: Storage) -> None:
    storage.write_bytes("a", b"x")
    copy = pickle.loads(pickle.dumps(storage))
    assert copy.uri == storage.uri
    assert copy.read_bytes("a") == b"x"


def test_a_relative_path_is_settled_when_the_storage_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = Storage("study")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.write_bytes("a", b"x")
    assert (tmp_path / "study" / "a").read_bytes() == b"x"


def test_a_storage_elsewhere_has_no_local_path() -> None:
    remote = Storage("mock://bucket/study")
    assert not remote.is_local
    with pytest.raises(ValueError, match="is not on this machine's disk"):
        remote.local_path("a")


def test_a_storage_elsewhere_keeps_files_too() -> None:
    remote = Storage("mock://bucket/study")
    remote.write_bytes("checkpoints/10.pt", b"x")
    assert remote.read_bytes("checkpoints/10.pt") == b"x"
    assert remote.list("checkpoints") == ["checkpoints/10.pt"]
