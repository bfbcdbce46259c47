"""Contents of files: read once, and again only where a file was written."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.damage import spoiled
from tests.support.opened import files_opened
from tests.support.project import PROJECT
from trainables.domains.file_digests import AT_ONCE, FOLDER, FileDigests
from trainables.domains.recipe import MissingData

NAMES = ["a.jpg", "b.jpg", "sub/c.png"]


def write(path: Path, content: bytes, mtime_ns: int | None = None) -> None:
    """Like a program that keeps the time of the content, if there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))


def digests(root: Path, cache: Path, names: list[str] = NAMES) -> list[bytes | None]:
    return FileDigests(root, cache).of(names, lambda done, files: None)


def expected(root: Path, names: list[str] = NAMES) -> list[bytes]:
    return [hashlib.blake2b((root / name).read_bytes(), digest_size=16).digest() for name in names]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        write(tmp_path / "data" / name, bytes([number]) * 100, mtime_ns=10**18)
    return tmp_path / "data"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def cached(cache: Path) -> Path:
    (file,) = (cache / FOLDER).glob("*.parquet")
    return file


def test_a_file_that_was_read_before_is_not_read_again(root: Path, cache: Path) -> None:
    with files_opened(root) as opened:
        first = digests(root, cache)
    assert first == expected(root)
    assert sorted(opened) == [root / name for name in NAMES]
    with files_opened(root) as opened:
        again = digests(root, cache)
    assert opened == []
    assert again == expected(root)


def test_only_the_file_that_was_written_is_read_again(root: Path, cache: Path) -> None:
    digests(root, cache)
    write(root / "b.jpg", b"other")
    with files_opened(root) as opened:
        found = digests(root, cache)
    assert opened == [root / "b.jpg"]
    assert found == expected(root)


@pytest.mark.parametrize("how", ["written in place", "exchanged by renaming"])
def test_two_files_of_equal_size_and_time_that_were_swapped_are_noticed(root: Path, cache: Path, how: str) -> None:
    before = digests(root, cache)
    time.sleep(0.05)  # the clock of file systems ticks every few milliseconds
    a, b = root / "a.jpg", root / "b.jpg"
    if how == "written in place":
        of_a, of_b = a.read_bytes(), b.read_bytes()
        write(a, of_b, mtime_ns=10**18)
        write(b, of_a, mtime_ns=10**18)
    else:
        a.rename(root / "aside")
        b.rename(a)
        (root / "aside").rename(b)
    assert digests(root, cache) == [before[1], before[0], before[2]]


def test_an_absent_file_has_no_digest_until_it_is_there(root: Path, cache: Path) -> None:
    (root / "a.jpg").rename(root / "aside")
    assert digests(root, cache)[0] is None
    (root / "aside").rename(root / "a.jpg")
    assert digests(root, cache) == expected(root)
    (root / "a.jpg").unlink()
    assert digests(root, cache)[0] is None


def test_folders_have_caches_of_their_own(root: Path, cache: Path, tmp_path: Path) -> None:
    digests(root, cache)
    copy = shutil.copytree(root, tmp_path / "copy")
    write(copy / "a.jpg", b"other")
    assert digests(copy, cache) == expected(copy)
    with files_opened(root) as opened:
        digests(root, cache)
    assert opened == []


@pytest.mark.parametrize("damage", ["empty", "cut off", "of another kind", "spoiled"])
def test_a_damaged_cache_is_made_anew(root: Path, cache: Path, damage: str) -> None:
    digests(root, cache)
    file, chance = cached(cache), random.Random(0)
    content = file.read_bytes()
    for _ in range(30 if damage == "spoiled" else 1):
        file.write_bytes(
            {
                "empty": b"",
                "cut off": content[: len(content) // 2],
                "of another kind": b"PAR1 something else PAR1",
                "spoiled": spoiled(content, chance, cut=0.3),
            }[damage]
        )
        assert digests(root, cache) == expected(root)
    with files_opened(root) as opened:
        digests(root, cache)
    assert opened == []


def test_a_file_that_is_written_while_it_is_read_is_no_data_yet(root: Path, cache: Path) -> None:
    write(root / "a.jpg", bytes(50_000_000))
    done = Event()

    def write_on() -> None:
        with (root / "a.jpg").open("ab", buffering=0) as stream:
            while not done.is_set():
                stream.write(b"more")

    writer = Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(MissingData, match=r"a\.jpg was written while it was read: wait until the data is complete"):
            digests(root, cache)
    finally:
        done.set()
        writer.join()
    assert digests(root, cache) == expected(root)


def test_what_was_read_before_an_interruption_is_not_read_again(root: Path, cache: Path) -> None:
    names = [f"{number:04d}" for number in range(AT_ONCE + 5)]
    for name in names:
        write(root / name, name.encode())

    def interrupt(done: int, files: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FileDigests(root, cache).of(names, interrupt)
    with files_opened(root) as opened:
        found = digests(root, cache, names)
    assert len(opened) == 5
    assert found == expected(root, names)


def test_processes_at_once_read_the_same(root: Path, cache: Path) -> None:
    for number in range(300):
        write(root / f"{number:03d}", bytes([number % 256]) * 10)
    script = (
        "import sys; from pathlib import Path; from trainables.domains.file_digests import FileDigests\n"
        "root, cache = map(Path, sys.argv[1:])\n"
        "names = sorted(path.name for path in root.iterdir() if path.is_file())\n"
        "print([digest.hex() for digest in FileDigests(root, cache).of(names, lambda done, files: None)])"
    )
    command = [sys.executable, "-c", script, str(root), str(cache)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) for _ in range(3)]
    printed = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(printed) == 1
    names = sorted(path.name for path in root.iterdir() if path.is_file())
    with files_opened(root) as opened:
        digests(root, cache, names)
    assert opened == []
