"""How much memory the packed file of several trials takes: its pages counted as the kernel counts them."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from trainables.domains.packed import open_packed

KILOBYTE = 1024


def mapped_bytes(path: Path, processes: int) -> list[tuple[int, int]]:
    """Resident and proportional bytes (RSS, PSS) of a packed set in each of some processes that have read all of it.

    A page that n processes have mapped is in the RSS of each, and a part 1/n of it in the PSS of each: so PSS adds up
    to the memory that is taken.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    barrier, answers = context.Barrier(processes), context.SimpleQueue()
    readers = [context.Process(target=_read, args=(path, barrier, answers)) for _ in range(processes)]
    for reader in readers:
        reader.start()
    found = [answers.get() for _ in readers]
    for reader in readers:
        reader.join()
    return found


def _read(path: Path, barrier: Barrier, answers: SimpleQueue[tuple[int, int]]) -> None:
    packed = open_packed(path)
    for image, labels in zip(packed.images, packed.labels, strict=True):
        image[:, ::64].max()
        labels[:, ::64].max()
    barrier.wait()  # all have read
    found = _mapped(path)
    barrier.wait()  # all have counted
    answers.put(found)


def _mapped(path: Path) -> tuple[int, int]:
    """RSS and PSS of this process's mappings of a file or of the files in a folder, in bytes."""
    sizes = {"Rss:": 0, "Pss:": 0}
    counted = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *rest = line.split()
        if "-" in name:
            counted = str(path) in line
        elif counted and name in sizes:
            sizes[name] += int(rest[0]) * KILOBYTE
    return sizes["Rss:"], sizes["Pss:"]
