"""Progress bars of packing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from trainables.domains.progress import Progress as Packed
from trainables.domains.progress import Watcher

SPEED_OVER = 300.0
"""Seconds over which the speed is measured: long, because a packed file of many images counts only once it is whole."""


@contextmanager
def packing_shown(transient: bool = False) -> Iterator[Watcher]:
    """A progress bar on stderr for each step of each set.

    With `transient` the bars disappear when all is done, and nothing is written where stderr is a file.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, speed_estimate_period=SPEED_OVER, transient=transient) as progress:
        tasks: dict[tuple[str, str], TaskID] = {}

        def show(packed: Packed) -> None:
            key = packed.set_name, packed.action
            if key not in tasks:
                unit = "files" if packed.action == "reading" else "images"
                tasks[key] = progress.add_task(f"{packed.action} {packed.set_name}", total=packed.images, unit=unit)
            progress.update(tasks[key], completed=packed.done)

        yield show


class _Rate(ProgressColumn):
    """Images or files per second since the bar began."""

    def render(self, task: Task) -> Text:
        """The rate, once at least one is done."""
        seconds = task.finished_time or task.elapsed
        return Text(f"{task.completed / seconds:.1f} {task.fields['unit']}/s" if seconds and task.completed else "")
