"""Memory that the packed files of several trials take, in pages as the kernel counts them.

As a program it reads all of a packed set, says so, waits for a line, says what it has mapped, and waits for the next.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from trainables.domains.packed import open_packed

KILOBYTE = 1024


def mapped_bytes(path: Path, processes: int) -> list[tuple[int, int]]:
    """Resident and proportional bytes (RSS, PSS) of a packed set in each of some processes that have read all of it.

    A page that n processes have mapped is in the RSS of each, and a part 1/n of it in the PSS of each: so PSS adds up
    to the memory that is taken.
    """
    command = [sys.executable, "-m", __name__, str(path)]
    with ExitStack() as stack:
        readers = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(processes)
        ]
        for reader in readers:
            _answer(reader)
        found = []
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.write("count\n")
            reader.stdin.flush()
            rss, pss = _answer(reader).split()
            found.append((int(rss), int(pss)))
        return found


def _answer(reader: subprocess.Popen[str]) -> str:
    assert reader.stdout is not None
    if line := reader.stdout.readline():
        return line
    raise RuntimeError("a process that reads the packed files died")


def _read(path: Path) -> None:
    packed = open_packed(path)
    for image, labels in zip(packed.images, packed.labels, strict=True):
        image[:, ::64].max()
        labels[:, ::64].max()
    print("read", flush=True)
    sys.stdin.readline()
    print(*_mapped(path), flush=True)
    sys.stdin.readline()


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


if __name__ == "__main__":
    _read(Path(sys.argv[1]))
