"""Files that are there whole or not at all, under one root and nowhere else."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from tests.support.full_disk import no_file_larger_than
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


def test_a_write_that_fails_names_the_file_and_leaves_the_old_one_and_nothing_else(storage: Storage) -> None:
    storage.write_bytes("checkpoints/10.pt", b"old")
    for name in ("checkpoints/10.pt", "checkpoints/20.pt"):
        with no_file_larger_than(1 << 20), pytest.raises(OSError, match=f"File too large: '.*/{name}'") as caught:
            storage.write_bytes(name, bytes(4 << 20))
        assert caught.value.errno == errno.EFBIG
    assert storage.read_bytes("checkpoints/10.pt") == b"old"
    assert [path.name for path in storage.local_path("checkpoints").iterdir()] == ["10.pt"]
    storage.write_bytes("checkpoints/20.pt", b"new")
    assert storage.list("checkpoints") == ["checkpoints/10.pt", "checkpoints/20.pt"]


def test_listing_is_sorted_and_of_finished_files_only(storage: Storage) -> None:
    for name in ("b/2", "b/1", "b/c/3", "b/1.0f.tmp"):
        storage.write_bytes(name, b"")
    assert storage.list("b") == ["b/1", "b/2"]
    assert storage.list("nowhere") == []
    assert storage.folders("b") == ["b/c"]
    assert storage.folders("nowhere") == []


def test_deleted_files_are_gone(storage: Storage) -> None:
    storage.write_bytes("a", b"x")
    storage.delete("a")
    assert not storage.exists("a")
    with pytest.raises(FileNotFoundError):
        storage.delete("a")


def test_what_killed_writers_left_can_be_removed(storage: Storage) -> None:
    for name in ("a/1", "a/2.0f.tmp", "b/3.0f.tmp"):
        storage.write_bytes(name, b"")
    storage.delete_unfinished("a")
    storage.delete_unfinished("nowhere")
    assert [path.name for path in storage.local_path("a").iterdir()] == ["1"]
    assert [path.name for path in storage.local_path("b").iterdir()] == ["3.0f.tmp"]


def test_a_deleted_folder_takes_everything_in_it_along_and_nothing_else(storage: Storage) -> None:
    for name in ("a/b/1", "a/b/1.0f.tmp", "a/b/c/2", "a/3"):
        storage.write_bytes(name, b"x")
    storage.delete_folder("a/b")
    storage.delete_folder("a/b")
    assert storage.folders("a") == []
    assert storage.list("a") == ["a/3"]


def test_a_deleted_folder_does_not_take_along_what_it_links_to(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    storage.write_bytes("a/b/1", b"x")
    storage.local_path("a/b/link").symlink_to(tmp_path / "elsewhere")
    storage.delete_folder("a/b")
    assert (tmp_path / "elsewhere" / "file").exists()


@pytest.mark.parametrize("name", ["", ".", "./"])
def test_the_root_is_not_deleted(storage: Storage, name: str) -> None:
    storage.write_bytes("a", b"x")
    with pytest.raises(ValueError, match="is the study folder itself"):
        storage.delete_folder(name)
    assert storage.exists("a")


@pytest.mark.parametrize("name", ["../other", "a/../../other", "/etc/passwd"])
def test_no_name_leaves_the_folder(storage: Storage, name: str) -> None:
    of_files = (storage.read_bytes, storage.exists, storage.delete, storage.local_path)
    of_folders = (storage.list, storage.folders, storage.delete_unfinished, storage.delete_folder)
    for use in (*of_files, *of_folders):
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
    assert remote.folders("") == ["checkpoints"]
    remote.delete_folder("checkpoints")
    remote.delete_folder("checkpoints")
    assert not remote.exists("checkpoints/10.pt")
