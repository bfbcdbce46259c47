"""A disk of a few kilobytes or megabytes, as a quota would leave one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory that can be given more room. Skips the test where none can be mounted."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir()
        if _mount(folder, f"size={size}").returncode:
            pytest.skip("this machine lets nobody mount a small file system")

    def enlarge(self, size: str) -> None:
        """Make room."""
        assert _mount(self.folder, f"remount,size={size}").returncode == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes (`k` and `m` may follow) at a new folder."""
    disk = SmallDisk(folder, size)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(folder: Path, options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
