"""The progress of a study: a view that is redrawn in place on a terminal, a line per event elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ass_tune.limit import TimeLimit
from ass_tune.nodes import Node, NodeState
from ass_tune.terminal.columns import best_column, count_column, level_columns, level_pairs
from ass_tune.terminal.layout import MOST_LINES, Column, FittedTable, listing, wrapped
from ass_tune.terminal.nodes import node_lines
from ass_tune.terminal.progress import CellProgress, StudyProgress
from ass_tune.terminal.waits import WAITING, wait_lines
from ass_tune.trial import End, Listener, Report, Trial, Wait
from ass_tune.wording import format_seconds, short
from trainables.objective import MIOU
from trainables.words import Cell, Outcome, Stage, format_points

BAR = 40
"""Terminal columns of the progress bar, where there is room."""
SHORTEST_BAR = 10
SECONDS_BETWEEN_WAITS = 300.0
"""After so long, lines of what is still waited for are printed again."""


class LiveView(Listener):
    """What runs, what is left, and as many cells as fit below; it fills no more than the terminal's height."""

    def __init__(self, console: Console, study: str, progress: StudyProgress) -> None:
        self._console, self._study, self._progress = console, study, progress
        self._waits: Sequence[Wait] = ()
        self._nodes: Sequence[Node] = ()

    def nodes_changed(self, nodes: Sequence[Node]) -> None:
        """Lines below the title, where there is more than one machine without a GPU."""
        self._nodes = tuple(nodes)

    def trials_wait(self, waits: Sequence[Wait]) -> None:
        """Lines below the running trials, for as long as these are late."""
        self._waits = tuple(waits)

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """A line above the view with what the user should know of a trial."""
        self._console.print(f"{trial.name}: {notice}", highlight=False, markup=False, style="yellow")

    def study_ends_early(self, how: str) -> None:
        """A line above the view."""
        self._console.print(how, highlight=False, markup=False, style="bold yellow")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        height = (options.height or console.size.height) - 1  # a line below stays free for the cursor
        running = list(self._progress.running.values())
        left = _left(self._progress, width)
        # a third of the height at most, so that the cells of a large cluster's study are seen too
        now = _running(self._progress, running, width, max(MOST_LINES, height // 3))
        late = [
            Text(line, style="yellow", overflow="fold")
            for sentence in wait_lines(self._waits)
            for line in wrapped(sentence.split(), width)
        ]
        nodes = _nodes(self._nodes, width, max(MOST_LINES, height // 4))
        head = [*_title(self._study, len(running), width), *nodes, *now, *late[: max(MOST_LINES, height // 3)], *left]
        yield from head[:height]
        yield from _cells(self._progress, running, width, height - len(head))


def _title(study: str, running: int, width: int) -> list[RenderableType]:
    now = f"{running} trial{'' if running == 1 else 's'} running now"
    return [Text(line, style="bold", overflow="fold") for line in wrapped([f"study {study}:", now], width)]


def _nodes(nodes: Sequence[Node], width: int, height: int) -> list[RenderableType]:
    """A line about all nodes and one for each, or for as many as fit."""
    if not nodes:
        return []
    entries = [wrapped(line.split(" "), width) for line in node_lines(nodes)]
    fitting = _fitting([len(entry) for entry in entries], height)
    lines: list[RenderableType] = [Text(line, overflow="fold") for entry in entries[:fitting] for line in entry]
    return [*lines, *_more(len(entries) - fitting, "nodes", width)]


def _running(progress: StudyProgress, running: Sequence[Trial], width: int, height: int) -> list[RenderableType]:
    """A line for each running trial, more where it is long, and how many are not shown."""
    if not running:
        what = "no trial runs yet: waiting for Ray to start one"
        if progress.done:
            what = "all trials have ended"
        return [Text(line) for line in wrapped(what.split(" "), width)]
    heads = [level_pairs(dict(trial.cell.factors)) for trial in running]
    entries = listing(heads, [_position(progress, trial) for trial in running], width, ", ")
    fitting = _fitting([len(entry) for entry in entries], height)
    lines: list[RenderableType] = [Text(line, style="green") for entry in entries[:fitting] for line in entry]
    return [*lines, *_more(len(entries) - fitting, "running trials", width)]


def _position(progress: StudyProgress, trial: Trial) -> list[str]:
    reached = progress.reached(trial)
    where = [f"{trial.stage} {trial.number}", f"iteration {reached.iteration}/{progress.iterations}"]
    return [
        *where,
        "no report yet" if reached.value is None else f"{progress.objective.name} {format_points(reached.value)}",
    ]


def _left(progress: StudyProgress, width: int) -> list[RenderableType]:
    """The progress bar with the time left, and below it the time elapsed and what pruning saved."""
    left = progress.seconds_left
    items = [
        f"{progress.trials_ended}/{progress.trials_wanted} trials",
        f"about {format_seconds(left)} left" if left is not None else "time left unknown before the first report",
    ]
    after = [f"{format_seconds(progress.seconds)} elapsed"]
    if pruned := progress.count(Outcome.PRUNED):
        after.append(f"{pruned} pruned, which saved {progress.iterations_saved} iterations")
    if progress.limit is not None:
        after.append(_limit_left(progress.limit))
    text = ", ".join(items)
    room = min(BAR, width - cell_len(text) - 2)
    below = [Text(line) for line in wrapped(after, width, ", ")]
    if waiting := len(progress.waiting):
        below += [Text(line) for line in wrapped(f"{waiting} waiting {WAITING}".split(), width)]
    if room < SHORTEST_BAR:
        return [*(Text(line) for line in wrapped(items, width, ", ")), *below]
    bar = ProgressBar(total=max(1, progress.trials_wanted), completed=progress.trials_ended, width=room)
    line = Table.grid(padding=(0, 2))
    line.add_row(bar, Text(text, no_wrap=True))
    return [line, *below]


def _cells(progress: StudyProgress, running: Sequence[Trial], width: int, height: int) -> Iterator[RenderableType]:
    """An empty line and as many cells as fit into `height` lines, in the order of the study if all do.

    Otherwise those in which a trial runs come first.
    """
    runs = Counter(trial.cell for trial in running)
    waiting = Counter(progress.waiting.values())
    cells = list(progress.cells.values())
    table = FittedTable(_columns(cells, runs, waiting), width)
    if table.rows_in(height - 1) < len(cells):
        cells.sort(key=lambda cell: runs[cell.plan.cell] == 0)
        table = FittedTable(_columns(cells[: max(1, height)], runs, waiting), width)
        shown = table.rows_in(height - 2)
    else:
        shown = len(cells)
    if shown and cells:
        yield Text("")
        yield table.first(shown)
    if height > 0:
        yield from _more(len(cells) - shown, "cells", width)


def _columns(cells: Sequence[CellProgress], runs: Counter[Cell], waiting: Counter[Cell]) -> list[Column]:
    tuning = [f"{cell.ended[Stage.TUNING]}/{cell.tuning_wanted}" for cell in cells]
    replicates = [f"{cell.ended[Stage.REPLICATE]}/{cell.replicates_wanted}" for cell in cells]
    outcomes = (Outcome.PRUNED, Outcome.DIVERGED, Outcome.FAILED)
    return [
        *level_columns([cell.plan.shown for cell in cells]),
        Column("tuning", tuning),
        Column("replicates", replicates),
        count_column("running", [runs[cell.plan.cell] for cell in cells], spare=1),
        count_column("waiting", [waiting[cell.plan.cell] for cell in cells], spare=1),
        *(count_column(outcome, [cell.outcomes[outcome] for cell in cells]) for outcome in outcomes),
        best_column([cell.best for cell in cells], cells[0].objective if cells else MIOU),
    ]


def _fitting(heights: Sequence[int], height: int) -> int:
    """How many entries fit, with a line to spare for the others where not all do; one is always shown."""
    if sum(heights) <= height:
        return len(heights)
    return next(n for n in range(len(heights), 0, -1) if n == 1 or sum(heights[:n]) < height)


def _more(number: int, what: str, width: int) -> list[RenderableType]:
    return [Text(f"... and {number} more {what if number > 1 else what[:-1]}", style="dim")] if number else []


class LinesView(Listener):
    """A line for every start, report, notice and end, for files and pipes."""

    def __init__(self, console: Console, progress: StudyProgress) -> None:
        self._console = console
        self._progress = progress
        self._why_late: set[tuple[str, str]] = set()
        self._said_late = 0.0
        self._nodes: dict[str, NodeState] = {}

    def nodes_changed(self, nodes: Sequence[Node]) -> None:
        """A line about all nodes at first, then one for each that joins, is prepared, set aside or gone."""
        if not self._nodes:
            self._print(node_lines(nodes)[0])
        for node in nodes:
            before = self._nodes.get(node.id)
            if before is None and self._nodes and node.state is NodeState.READY:
                self._print(f"node     {node.name}: joined the cluster")
            elif node.state is not (before or NodeState.READY):
                self._print(f"node     {node.name}: {': '.join(filter(None, (node.state, node.details)))}")
        self._nodes |= {node.id: node.state for node in nodes}

    def trial_started(self, trial: Trial) -> None:
        """A line that says what runs."""
        chosen = ", ".join(f"{name}={short(value)}" for name, value in trial.hyperparameters.items())
        kind = "start" if trial.reused_from is None else "reuse"
        self._print(f"{kind:<9}{trial.name} (seed {trial.seed}{', ' + chosen if chosen else ''})")

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """A line with the objective on the select split."""
        if trial.reused_from is None:
            value = f"{report.objective.name} {format_points(report.value)}"
            self._print(f"report   {trial.name}: {value} at iteration {report.iteration}")

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        """A line with what the user should know of a trial."""
        self._print(f"notice   {trial.name}: {notice}")

    def study_ends_early(self, how: str) -> None:
        """A line."""
        self._print(how)

    def trial_paused(self, trial: Trial) -> None:
        """A line that says what it waits for."""
        self._print(f"waits    {trial.name}: {WAITING.replace('their', 'its')}")

    def trials_wait(self, waits: Sequence[Wait]) -> None:
        """A line for each reason why trials are late: when that changes, and every few minutes while it lasts."""
        why, now = {(wait.trial, wait.reason) for wait in waits}, time.monotonic()
        if not why <= self._why_late or now - self._said_late > SECONDS_BETWEEN_WAITS:
            self._said_late = now
            for line in wait_lines(waits):
                self._print(line)
        self._why_late = why

    def trial_ended(self, trial: Trial, end: End) -> None:
        """A line with the outcome and how far the study is."""
        objective = self._progress.objective
        reported = end.metrics.get(objective.report)
        value = "" if reported is None else f", report {objective.name} {format_points(reported)}"
        error = f": {end.error.strip().splitlines()[-1]}" if end.error else ""
        self._print(f"{end.outcome:<9}{trial.name} at iteration {end.iteration}{value}{error}")
        if end.outcome is not Outcome.FAILED:
            self._print(f"         {summary(self._progress)}")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def shown(console: Console, study: str, progress: StudyProgress) -> Iterator[Listener]:
    """Show the progress while the block runs; yields the listener that draws it."""
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
        f"{progress.trials_ended}/{progress.trials_wanted} trials, {len(progress.running)} running, "
        f"{progress.count(Outcome.PRUNED)} pruned, {progress.iterations_saved} iterations saved, "
        f"{format_seconds(progress.seconds)} elapsed, "
        + (f"about {format_seconds(left)} left" if left is not None else "time left unknown")
        + (f", {_limit_left(progress.limit)}" if progress.limit is not None else "")
    )


def _limit_left(limit: TimeLimit) -> str:
    return f"{format_seconds(limit.left)} of the time limit left"
