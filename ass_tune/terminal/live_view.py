"""The views of a study's progress: a live table on a terminal, a line per event elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from ass_tune.terminal.progress import CellProgress, StudyProgress
from ass_tune.trial import End, Listener, Report, Trial
from ass_tune.wording import format_seconds, short
from trainables.words import REPORT, Outcome, Stage

ROWS_SHOWN = 30
"""Cells in the live table; of larger studies those that are running come first."""


class LiveView(Listener):
    """Cells, running trials, best mIoU, pruned trials, iterations saved and time left, redrawn four times a second."""

    def __init__(self, console: Console, study: str, progress: StudyProgress) -> None:
        self._console, self._study, self._progress = console, study, progress

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """A line above the table that nobody should miss."""
        self._console.print(f"{trial.name}: {notice}", highlight=False, markup=False, style="yellow")

    def __rich__(self) -> RenderableType:
        progress = self._progress
        cells = list(progress.cells.values())
        shown = sorted(cells, key=lambda cell: cell.running == 0) if len(cells) > ROWS_SHOWN else cells
        table = Table(title=f"study {self._study}", title_justify="left")
        for name in ("cell", "tuning", "replicates", "running", "pruned", "diverged", "failed", "best select mIoU"):
            table.add_column(name, justify="left" if name == "cell" else "right", overflow="fold")
        for cell in shown[:ROWS_SHOWN]:
            table.add_row(*_live_row(cell))
        bar = ProgressBar(total=max(1, progress.trials_wanted), completed=progress.trials_ended, width=40)
        below = Table.grid(padding=(0, 1))
        below.add_row(bar, summary(progress))
        return Group(table, below)


class LinesView(Listener):
    """A listener that prints a line for every report and every end."""

    def __init__(self, console: Console, progress: StudyProgress) -> None:
        self._console = console
        self._progress = progress

    def trial_started(self, trial: Trial) -> None:
        """A line that says what runs."""
        chosen = ", ".join(f"{name}={short(value)}" for name, value in trial.hyperparameters.items())
        kind = "start" if trial.reused_from is None else "reuse"
        self._print(f"{kind:<9}{trial.name} (seed {trial.seed}{', ' + chosen if chosen else ''})")

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """A line with the select-split mIoU."""
        if trial.reused_from is None:
            self._print(f"report   {trial.name}: mIoU {report.miou:.1f} at iteration {report.iteration}")

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """A line that nobody should miss."""
        self._print(f"notice   {trial.name}: {notice}")

    def trial_ended(self, trial: Trial, end: End) -> None:
        """A line with the outcome and how far the study is."""
        miou = f", report mIoU {end.metrics[REPORT]:.1f}" if REPORT in end.metrics else ""
        error = f": {end.error.strip().splitlines()[-1]}" if end.error else ""
        self._print(f"{end.outcome:<9}{trial.name} at iteration {end.iteration}{miou}{error}")
        if end.outcome is not Outcome.FAILED:
            self._print(f"         {summary(self._progress)}")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def shown(console: Console, study: str, progress: StudyProgress) -> Iterator[Listener]:
    """Show the progress while the block runs; yields a listener that shows what `progress` does not count."""
    if not console.is_terminal:
        yield LinesView(console, progress)
        return
    view = LiveView(console, study, progress)
    with Live(view, console=console, refresh_per_second=4):
        yield view


def summary(progress: StudyProgress) -> str:
    """One line: trials, pruned ones, iterations saved, time."""
    left = progress.seconds_left
    return (
        f"{progress.trials_ended}/{progress.trials_wanted} trials, {progress.running} running, "
        f"{progress.pruned} pruned, {progress.iterations_saved} iterations saved, "
        f"{format_seconds(progress.seconds)} gone, "
        + (f"about {format_seconds(left)} left" if left is not None else "time left unknown")
    )


def _live_row(cell: CellProgress) -> list[str]:
    return [
        cell.plan.cell.name,
        f"{cell.ended[Stage.TUNING]}/{cell.plan.tuning_trials}",
        f"{cell.ended[Stage.REPLICATE]}/{cell.plan.replicates}",
        str(cell.running or ""),
        str(cell.pruned or ""),
        str(cell.diverged or ""),
        str(cell.failed or ""),
        "" if cell.best is None else f"{cell.best:.1f}",
    ]
