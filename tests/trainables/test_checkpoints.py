"""Checkpoints of a trial: never more than two files, and never a state that differs from what was saved."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import random
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.damage import spoiled
from tests.support.full_disk import no_file_larger_than
from trainables.checkpoints import Checkpoints, serialized
from trainables.storage import Storage

FOLDER = "checkpoints/key"
KILLS = 20


class Payload:
    """Creates a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


@pytest.fixture
def checkpoints(folder: Storage) -> Checkpoints:
    return Checkpoints(folder, "key")


def state(iteration: int) -> dict[str, Any]:
    weights = torch.randn(200, generator=torch.Generator().manual_seed(iteration))
    return {
        "trainer": {"weights": weights, "rows": None},
        "report": {"iteration": iteration, "names": ["a", 0.5, True]},
    }


def same(found: Any, expected: Any) -> bool:
    """Equal to the last bit, of the same types, on the CPU."""
    if isinstance(expected, torch.Tensor):
        return found.device.type == "cpu" and found.dtype == expected.dtype and torch.equal(found, expected)
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[name], expected[name]) for name in expected)
    return type(found) is type(expected) and found == expected


def files(folder: Storage) -> list[Path]:
    return sorted(folder.local_path(FOLDER).iterdir())


def saved(checkpoints: Checkpoints, folder: Storage, *iterations: int) -> list[Path]:
    for iteration in iterations:
        checkpoints.save(iteration, state(iteration))
    return files(folder)


def flip(path: Path, position: int = 700) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def written_with_checksum(folder: Storage, iteration: int, content: bytes) -> Path:
    """A file that only its content tells from a checkpoint."""
    name = f"{iteration:09d}-{hashlib.blake2b(content, digest_size=16).hexdigest()}.pt"
    folder.write_bytes(f"{FOLDER}/{name}", content)
    return folder.local_path(f"{FOLDER}/{name}")


def test_a_trial_without_checkpoints_begins_anew(checkpoints: Checkpoints) -> None:
    loaded = checkpoints.newest()
    assert (loaded.state, loaded.iteration, loaded.warnings) == (None, 0, ())


def test_the_newest_checkpoint_is_loaded_as_it_was_saved(checkpoints: Checkpoints, folder: Storage) -> None:
    saved(checkpoints, folder, 999_999_980, 1_000_000_000)
    loaded = checkpoints.newest()
    assert same(loaded.state, state(1_000_000_000))
    assert (loaded.iteration, loaded.warnings) == (1_000_000_000, ())


def test_a_checkpoint_is_a_plain_torch_file(checkpoints: Checkpoints, folder: Storage) -> None:
    (path,) = saved(checkpoints, folder, 20)
    assert path.name.startswith("000000020-")
    assert path.suffix == ".pt"
    assert same(torch.load(path, weights_only=True), state(20))


def test_the_newest_two_stay(checkpoints: Checkpoints, folder: Storage) -> None:
    assert [path.name[:9] for path in saved(checkpoints, folder, 20, 40, 60)] == ["000000040", "000000060"]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "not of torch", "with code"])
def test_a_bad_newest_one_gives_way_to_the_one_before_with_a_warning(
    checkpoints: Checkpoints, folder: Storage, damage: str, tmp_path: Path
) -> None:
    good, bad = saved(checkpoints, folder, 20, 40)
    why = "its content does not have the checksum in its name"
    if damage == "flipped":
        flip(bad)
    elif damage in ("truncated", "empty"):
        os.truncate(bad, bad.stat().st_size - 1 if damage == "truncated" else 0)
    else:
        bad.unlink()
        content = b"no torch file" if damage == "not of torch" else serialized({"trainer": Payload(tmp_path / "done")})
        bad = written_with_checksum(folder, 40, content)
        why = "it is refused, since it is not a torch file of tensors and plain values only"
    loaded = checkpoints.newest()
    assert same(loaded.state, state(20))
    assert loaded.iteration == 20
    assert loaded.warnings == (
        f"checkpoint {FOLDER}/{bad.name} cannot be used, {why}; the trial goes on from {FOLDER}/{good.name}",
    )
    assert not (tmp_path / "done").exists()


def test_with_none_that_is_good_the_trial_begins_anew_with_a_warning_for_each(
    checkpoints: Checkpoints, folder: Storage
) -> None:
    older, newer = saved(checkpoints, folder, 20, 40)
    flip(older)
    flip(newer)
    loaded = checkpoints.newest()
    assert (loaded.state, loaded.iteration) == (None, 0)
    assert [newer.name in loaded.warnings[0], older.name in loaded.warnings[1]] == [True, True]
    assert all("the trial begins anew" in warning for warning in loaded.warnings)


def test_after_a_bad_one_the_next_takes_its_place_and_the_good_one_stays(
    checkpoints: Checkpoints, folder: Storage
) -> None:
    good, bad = saved(checkpoints, folder, 20, 40)
    flip(bad)
    checkpoints.save(40, {**state(40), "again": True})
    first, second = files(folder)
    assert first == good
    assert second.name.startswith("000000040-")
    assert second != bad
    assert checkpoints.newest().warnings == ()


def test_files_of_foreign_names_are_neither_loaded_nor_touched(checkpoints: Checkpoints, folder: Storage) -> None:
    (ours,) = saved(checkpoints, folder, 20)
    foreign = ["000000060.pt", "notes.txt", ours.name.replace("000000020", "60"), f"{ours.name}.bak"]
    for name in foreign:
        folder.write_bytes(f"{FOLDER}/{name}", b"x")
    loaded = checkpoints.newest()
    assert (loaded.iteration, loaded.warnings) == (20, ())
    saved(checkpoints, folder, 40, 60)
    assert all(folder.exists(f"{FOLDER}/{name}") for name in foreign)


def test_trials_do_not_see_each_others_checkpoints(checkpoints: Checkpoints, folder: Storage) -> None:
    saved(checkpoints, folder, 20)
    assert Checkpoints(folder, "other").newest().state is None


@pytest.mark.chaos
def test_a_full_disk_is_told_and_takes_nothing_away(checkpoints: Checkpoints, folder: Storage) -> None:
    before = saved(checkpoints, folder, 20, 40)
    large = {"weights": torch.zeros(1_000_000)}
    with no_file_larger_than(1 << 20), pytest.raises(OSError, match=rf"File too large: '.*{FOLDER}/000000060-"):
        checkpoints.save(60, large)
    assert files(folder) == before[1:]
    loaded = checkpoints.newest()
    assert (loaded.iteration, loaded.warnings) == (40, ())
    checkpoints.save(60, large)
    assert [path.name[:9] for path in files(folder)] == ["000000040", "000000060"]


@pytest.mark.chaos
def test_writers_killed_at_any_moment_leave_two_files_at_most_and_the_last_state_they_told(folder: Storage) -> None:
    chance, processes = random.Random(0), multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["trainables.checkpoints"])
    first, most = 1, 0
    for _ in range(KILLS):
        receiver, sender = processes.Pipe(duplex=False)
        writer = processes.Process(target=save_for_ever, args=(folder, first, sender))
        writer.start()
        sender.close()
        told = receiver.recv()
        killed = time.monotonic() + chance.uniform(0, 0.1)
        while time.monotonic() < killed:
            most = max(most, len(files(folder)))
        writer.kill()
        writer.join()
        with suppress(EOFError):
            while True:
                told = receiver.recv()
        assert len(files(folder)) <= 2
        loaded = Checkpoints(folder, "key").newest()
        assert loaded.state is not None
        assert loaded.iteration in (told, told + 1)  # a checkpoint may be there that the writer could not tell of
        assert loaded.warnings == ()
        assert (loaded.state["weights"] == loaded.iteration).all()
        first = loaded.iteration + 1
    assert most == 2
    assert first > 2 * KILLS


def save_for_ever(folder: Storage, first: int, sender: Connection) -> None:
    checkpoints = Checkpoints(folder, "key")
    for iteration in itertools.count(first):
        checkpoints.save(iteration, {"iteration": iteration, "weights": torch.full((100_000,), float(iteration))})
        sender.send(iteration)


@pytest.mark.chaos
def test_any_damage_to_the_files_is_noticed_or_harmless(checkpoints: Checkpoints, folder: Storage) -> None:
    chance = random.Random(0)
    paths = saved(checkpoints, folder, 20, 40)
    contents = {path: path.read_bytes() for path in paths}
    fallbacks = 0
    for _ in range(50):
        for path, content in contents.items():
            path.write_bytes(content)
        damaged = [path for path in paths if chance.random() < 0.6] or paths[1:]
        for path in damaged:
            path.write_bytes(spoiled(contents[path], chance, cut=0.4))
        loaded = checkpoints.newest()
        expected = 20 if paths[1] in damaged else 40
        expected = 0 if paths == damaged else expected
        assert loaded.iteration == expected
        assert same(loaded.state, state(expected) if expected else None)
        assert len(loaded.warnings) == {40: 0, 20: 1, 0: 2}[expected]
        fallbacks += expected < 40
    assert fallbacks > 25
