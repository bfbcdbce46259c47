"""Processes killed as preemption kills them: at once, with all their children, without a word."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """All processes below one, nearest first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def kill_tree(pid: int) -> None:
    """Kill -9 a driver and all of Ray with it; the driver is stopped first, so that it starts nothing meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        for one in [*descendants(pid), pid]:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def trial_processes(driver: int) -> list[int]:
    """The Ray workers that train for a driver now."""
    return [pid for pid in descendants(driver) if "Trainable" in title(pid)]


def training(above: int) -> list[int]:
    """The Ray workers below a process that train at this moment."""
    return [pid for pid in descendants(above) if title(pid).startswith("ray::ResourceTrainable.train")]


def title(pid: int) -> str:
    """Command line of a process; empty where it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
