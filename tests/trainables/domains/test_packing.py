from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from tests.support.full_disk import no_file_larger_than
from tests.support.kills import descendants
from tests.support.packing_process import IMAGES, Noise, noise_pack
from trainables.domains.pack import NoRoom, Pack, packed_bytes
from trainables.domains.packed import PackedSet, open_packed, shard_files
from trainables.domains.packing import LOCK, PackingFailed, make
from trainables.domains.progress import Progress
from trainables.domains.recipe import UnusableImages
from trainables.domains.verified import is_verified
from trainables.storage import NO_ROOM

ROOT = Path(__file__).parents[3]


def _start(folder: Path, seconds: float, workers: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.packing_process", str(folder), str(seconds), str(workers)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _opened(pack: Pack) -> PackedSet:
    packed = open_packed(pack.folder, pack.hash)
    expected = Noise().build("source", None, range(IMAGES))
    np.testing.assert_array_equal(packed.images[:], expected.images)
    np.testing.assert_array_equal(packed.labels[:], expected.labels)
    assert packed.names == expected.names
    return packed


def _builds(folder: Path) -> list[int]:
    return sorted(map(int, (folder / "builds").read_text().split()))


def _contents(pack: Pack) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in shard_files(pack.folder)}


def test_several_processes_make_the_same_files_as_one(tmp_path: Path) -> None:
    one, several = noise_pack(tmp_path / "one"), noise_pack(tmp_path / "several")
    assert make(one, workers=1) == make(several, workers=2) == []
    assert len(_contents(one)) == 6
    assert _contents(one) == _contents(several)
    _opened(several)


def test_whoever_watches_is_told_what_is_checked_and_packed(tmp_path: Path) -> None:
    pack, told = noise_pack(tmp_path), []
    make(pack, workers=1, watch=told.append)
    assert told == [Progress("source", "packing", done, IMAGES) for done in range(0, IMAGES + 1, 2)]
    pack.file(pack.parts[2]).unlink()
    told.clear()
    make(pack, workers=1, watch=told.append)
    checked = [Progress("source", "checking", done, 10) for done in range(2, 11, 2)]
    assert told == [*checked, Progress("source", "packing", 0, 2), Progress("source", "packing", 2, 2)]


def test_a_packing_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    pack = noise_pack(tmp_path, log=True)
    killed = _start(tmp_path, seconds=0.1, workers=2)
    _wait(lambda: len(shard_files(pack.folder)) >= 2)
    workers = descendants(killed.pid)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    _wait(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers))
    left = {file: file.stat().st_mtime_ns for file in shard_files(pack.folder)}
    assert 2 <= len(left) < 6
    assert not is_verified(pack.folder)
    (tmp_path / "builds").unlink()
    (pack.folder / "000004.arrow.0123.tmp").write_bytes(b"what the killed writer had written")
    assert make(pack, workers=1) == []
    assert _builds(tmp_path) == sorted(part.start for part in pack.parts if pack.file(part) not in left)
    assert left.items() <= {file: file.stat().st_mtime_ns for file in shard_files(pack.folder)}.items()
    assert not list(pack.folder.glob("*.tmp"))
    _opened(pack)


def test_processes_that_start_at_once_make_each_file_once(tmp_path: Path) -> None:
    processes = [_start(tmp_path, seconds=0.02, workers=2) for _ in range(2)]
    assert [process.communicate()[1] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    pack = noise_pack(tmp_path)
    assert _builds(tmp_path) == [part.start for part in pack.parts]
    _opened(pack)


def test_ctrl_c_ends_all_processes_at_once(tmp_path: Path) -> None:
    process = _start(tmp_path, seconds=600, workers=2)
    _wait(lambda: (tmp_path / "builds").exists() and len(_builds(tmp_path)) == 2)
    workers = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=240)[1]
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    _wait(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers))


def test_a_worker_that_is_killed_is_told_and_what_is_made_stays(tmp_path: Path) -> None:
    pack = noise_pack(tmp_path, deadly=(11,))
    with pytest.raises(PackingFailed, match="A process that packs noise was killed, perhaps because memory ran out"):
        make(pack, workers=2)
    made = len(_contents(pack))
    assert made < 6
    make(noise_pack(tmp_path), workers=1)
    _opened(pack)


def test_who_waits_for_another_process_is_told(tmp_path: Path) -> None:
    pack, told = noise_pack(tmp_path), []
    pack.folder.mkdir()
    lock = FileLock(pack.folder / LOCK)
    lock.acquire()

    def watch(progress: Progress) -> None:
        told.append(progress.action)
        lock.release()

    make(pack, workers=1, watch=watch)
    assert told[0] == "waiting for another process"
    _opened(pack)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_unusable_images_of_a_set_are_told_at_once_and_good_files_stay(tmp_path: Path, workers: int) -> None:
    pack = noise_pack(tmp_path, unusable=(9, 2, 3))
    with pytest.raises(UnusableImages) as caught:
        make(pack, workers=workers)
    assert str(caught.value) == (
        "3 of 12 images cannot be used:\n  2.png: not an image\n  3.png: not an image\n  9.png: not an image"
    )
    assert sorted(_contents(pack)) == ["000000.arrow", "000004.arrow", "000006.arrow", "000010.arrow"]
    assert not is_verified(pack.folder)


@pytest.mark.parametrize("damage", ["altered", "cut off", "of another set", "lost"])
def test_a_damaged_file_is_made_again_and_no_other(tmp_path: Path, damage: str) -> None:
    pack = noise_pack(tmp_path)
    make(pack, workers=1)
    expected, file = _contents(pack), pack.file(pack.parts[3])
    before = {file.name: file.stat().st_mtime_ns for file in shard_files(pack.folder)}
    content = file.read_bytes()
    if damage == "lost":
        file.unlink()
    elif damage == "of another set":
        file.write_bytes(pack.file(pack.parts[4]).read_bytes())
    else:
        middle = len(content) // 2
        file.write_bytes(content[:-10] if damage == "cut off" else content[:middle] + b"####" + content[middle + 4 :])
    notices = make(pack, workers=1)
    assert _contents(pack) == expected
    assert [notice.split(": ")[0] for notice in notices] == [str(file)] * (damage != "lost")
    after = {file.name: file.stat().st_mtime_ns for file in shard_files(pack.folder)}
    assert {name for name in after if after[name] != before[name]} == {file.name}


def test_files_that_were_not_written_since_are_trusted_unless_told_otherwise(tmp_path: Path) -> None:
    pack = noise_pack(tmp_path)
    make(pack, workers=1)
    file = pack.file(pack.parts[1])
    written = file.stat()
    with file.open("r+b") as stream:
        stream.seek(1000)
        stream.write(bytes(100))
    os.utime(file, ns=(written.st_mtime_ns, written.st_mtime_ns))
    assert is_verified(pack.folder)
    assert make(pack, workers=1) == []
    (notice,) = make(pack, workers=1, trust=False)
    assert notice.startswith(f"{file}: 1 of 2 images differ from their checksums: image 2; it is made again")
    _opened(pack)


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"000000.arrow": [1, 2, 3]}'])
def test_a_note_that_does_not_fit_is_no_reason_to_trust(tmp_path: Path, note: str) -> None:
    pack = noise_pack(tmp_path)
    make(pack, workers=1)
    assert is_verified(pack.folder)
    (pack.folder / "verified.json").write_text(note)
    assert not is_verified(pack.folder)
    make(pack, workers=1)
    assert is_verified(pack.folder)


def test_a_set_that_does_not_fit_on_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    sizes: Any = {"source": 10**6}
    pack = Pack(Noise(sizes=sizes, size=(1280, 720)), "source", None, tmp_path)
    with pytest.raises(NoRoom, match=r"^Packing needs 6451\.\d GB in .* \(source 6451\.\d GB\), and .* GB are free\."):
        make(pack, workers=1)
    assert not shard_files(pack.folder)


def test_the_bytes_of_a_packed_set_are_known_before(tmp_path: Path) -> None:
    recipe = Noise(size=(640, 360))
    pack = Pack(recipe, "source", None, tmp_path)
    make(pack, workers=1)
    taken = sum(map(len, _contents(pack).values()))
    assert taken <= packed_bytes(recipe, "source") < 1.01 * taken


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_fills_up_meanwhile_has_the_file_named_and_no_part_of_it_left(tmp_path: Path, workers: int) -> None:
    pack = noise_pack(tmp_path, size=(640, 360))
    with no_file_larger_than(100_000), pytest.raises(OSError, match=r"/0000\d\d\.arrow'$") as caught:
        make(pack, workers=workers)
    assert caught.value.errno in NO_ROOM
    assert [file.name for file in pack.folder.iterdir()] == [LOCK]
    make(pack, workers=1)
