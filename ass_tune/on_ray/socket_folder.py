"""The folder for the sockets and logs of a local Ray, whose paths must be short."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 107
"""Bytes that the path of a Unix socket may have."""
SOCKET = "session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store.1"
"""What Ray adds to its folder, with the longest id that a process can have."""
SHORT = ("/tmp", "/var/tmp", "/dev/shm")


@contextmanager
def socket_folder() -> Iterator[str | None]:
    """A folder that Ray can use: None for the one that it takes by itself, where that will do.

    Ray itself takes `$RAY_TMPDIR`, else `$TMPDIR`, else /tmp. Where that is too long for a socket or cannot be written
    to, a folder of a short name is made, and removed at the end; where there is none, Ray's own error says why.
    """
    from ray._common.utils import get_default_ray_temp_dir

    if will_do(Path(get_default_ray_temp_dir())):
        yield None
        return
    for parent in filter(will_do, map(Path, SHORT)):
        with tempfile.TemporaryDirectory(prefix="ray-", dir=parent, ignore_cleanup_errors=True) as folder:
            yield folder
        return
    yield None


def will_do(folder: Path) -> bool:
    """Whether Ray can make its sockets in a folder, which it makes if needed."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    fits = len(os.fsencode(folder.absolute() / SOCKET)) <= LONGEST
    return fits and there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)
