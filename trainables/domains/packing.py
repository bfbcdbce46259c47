"""Making the files of a set: several at once, only those that are missing or damaged, each whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from trainables.domains.pack import OtherData, Pack, bytes_of, check_room
from trainables.domains.processes import default_workers, processes
from trainables.domains.progress import Progress, Watcher, unwatched
from trainables.domains.recipe import UnusableImages
from trainables.domains.shard import DamagedPackError
from trainables.domains.verified import Identity, is_verified, note_verified, verify_file
from trainables.mistakes import UserMistake
from trainables.storage import UNFINISHED

LOCK = "lock"


class PackingFailed(UserMistake):
    """A process that packs was killed from outside."""


@dataclass(frozen=True)
class _Made:
    """The outcome for one file: its identity, or why its images cannot be used."""

    part: range
    identity: Identity | None
    problems: tuple[str, ...] = ()


def make(pack: Pack, workers: int | None = None, watch: Watcher = unwatched, trust: bool = True) -> list[str]:
    """Make what is missing of a set and check every file's checksums; returns notices of files that were damaged.

    One process does it at a time, whatever their number. A process that was killed has left whole files, and
    these are not made again.

    Args:
        pack: the set.
        workers: number of processes; by default one a core.
        watch: is called with the progress.
        trust: leave out the comparison where files were not written since the last one.

    Raises:
        UnusableImages: lists all of the set; what could be made stays.
        NoRoom: before anything is made.
        PackingFailed: a process was killed.
        OtherData: the images are not those that the set was to be made from.
        OSError: the disk filled up meanwhile, or failed.
    """
    pack.folder.mkdir(parents=True, exist_ok=True)
    with _sole_maker(pack, watch):
        if trust and is_verified(pack.folder):
            return []
        _remove_leftovers(pack)
        good, notices = _verify_present(pack, watch)
        missing = [part for part in pack.parts if pack.file(part).name not in good]
        check_room(pack.folder, {pack.set_name: bytes_of(pack, missing)})
        try:
            good |= _make_from_data(pack, missing, workers or default_workers(), watch)
        finally:
            _remove_leftovers(pack)  # of workers that were ended
        note_verified(pack.folder, good)
    return notices


@contextmanager
def _sole_maker(pack: Pack, watch: Watcher) -> Iterator[None]:
    lock = FileLock(pack.folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watch(Progress(pack.set_name, "waiting for another process", 0, pack.recipe.sizes[pack.set_name]))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove_leftovers(pack: Pack) -> None:
    # Only the holder of the lock writes, so temporary files belong to writers that were killed.
    for leftover in pack.folder.glob(f"*{UNFINISHED}"):
        leftover.unlink(missing_ok=True)


def _verify_present(pack: Pack, watch: Watcher) -> tuple[dict[str, Identity], list[str]]:
    """Identities of the files that are as they should be, by name, and a notice of each other one."""
    good: dict[str, Identity] = {}
    notices, done = [], 0
    present = [part for part in pack.parts if pack.file(part).exists()]
    images = sum(map(len, present))
    with ThreadPoolExecutor(default_workers()) as threads:  # hashing and reading let other threads run
        checks = {threads.submit(verify_file, pack.file(part), pack.hash, part): part for part in present}
        for check in as_completed(checks):
            part = checks[check]
            try:
                good[pack.file(part).name] = check.result()
            except DamagedPackError as error:
                notices.append(f"{error}; it is made again")
            done += len(part)
            watch(Progress(pack.set_name, "checking", done, images))
    return good, sorted(notices)


def _make_from_data(pack: Pack, missing: Sequence[range], workers: int, watch: Watcher) -> dict[str, Identity]:
    if not missing:
        return {}
    pack.check_data()
    made = _make_missing(pack, missing, workers, watch)
    try:
        pack.check_data()  # somebody may have replaced an image meanwhile
    except OtherData:
        for name in made:
            (pack.folder / name).unlink()
        raise
    return made


def _make_missing(pack: Pack, missing: Sequence[range], workers: int, watch: Watcher) -> dict[str, Identity]:
    identities: dict[str, Identity] = {}
    problems: dict[int, tuple[str, ...]] = {}
    done, images = 0, sum(map(len, missing))
    watch(Progress(pack.set_name, "packing", done, images))
    for made in _outcomes(pack, missing, min(workers, len(missing))):
        if made.identity is None:
            problems[made.part.start] = made.problems
        else:
            identities[pack.file(made.part).name] = made.identity
        done += len(made.part)
        watch(Progress(pack.set_name, "packing", done, images))
    if problems:
        listed = [problem for start in sorted(problems) for problem in problems[start]]
        raise UnusableImages(listed, pack.recipe.sizes[pack.set_name])
    return identities


def _outcomes(pack: Pack, missing: Sequence[range], workers: int) -> Iterator[_Made]:
    if workers <= 1:
        yield from (_make_file(pack, part) for part in missing)
        return
    try:
        with processes(workers) as pool:
            for future in as_completed([pool.submit(_make_file, pack, part) for part in missing]):
                yield future.result()
    except BrokenProcessPool as error:
        raise PackingFailed(
            f"A process that packs {pack.recipe.name} was killed, perhaps because memory ran out: {workers} of them "
            f"have about {2 * workers * pack.shard_bytes / 1e9:.1f} GB in use. Run it again with fewer to go on."
        ) from error


def _make_file(pack: Pack, part: range) -> _Made:
    try:
        pack.build(part)
    except UnusableImages as unusable:
        return _Made(part, None, unusable.problems)
    return _Made(part, verify_file(pack.file(part), pack.hash, part))
