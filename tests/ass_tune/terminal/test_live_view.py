"""What a person reads while a study runs."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from ass_tune.limit import TimeLimit
from ass_tune.spec import StudySpec
from ass_tune.terminal.live_view import LinesView, LiveView, shown
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import End, Report, Trial
from ass_tune.wording import format_bytes, format_seconds, short
from trainables.words import Cell, Outcome, Stage, format_value

Spec = Callable[..., StudySpec]
TRIAL = Trial("k", Cell((("adaptor", "ga[red]"),)), Stage.TUNING, 3, 7, {"lr": 0.000123456, "warmup": 10}, {})


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def console(**how: Any) -> Console:
    return Console(file=io.StringIO(), width=120, **how)


@pytest.fixture
def idle(spec: Spec, driven: Callable) -> StudyProgress:
    return StudyProgress(driven(spec()).searches, 100)


def test_a_start_says_what_runs(idle: StudyProgress) -> None:
    out = console()
    LinesView(out, idle).trial_started(TRIAL)
    LinesView(out, idle).trial_started(Trial("k", Cell(()), Stage.REPLICATE, 0, 1, {}, {}))
    assert printed(out) == (
        "start    adaptor=ga[red] tuning 3 (seed 7, lr=0.000123, warmup=10)\nstart    all replicate 0 (seed 1)\n"
    )


def test_a_report_says_the_miou_and_where(idle: StudyProgress) -> None:
    out = console()
    LinesView(out, idle).trial_reported(TRIAL, Report(40, {"select/miou": 31.26}, 0.0))
    assert printed(out) == "report   adaptor=ga[red] tuning 3: mIoU 31.3 at iteration 40\n"


def test_an_end_says_the_outcome_and_how_far_the_study_is(idle: StudyProgress) -> None:
    out = console()
    LinesView(out, idle).trial_ended(TRIAL, End(Outcome.FINISHED, 100, 0.0, {"report/miou": 30.04}))
    LinesView(out, idle).trial_ended(TRIAL, End(Outcome.PRUNED, 40, 0.0))
    first, progress, second, _ = printed(out).splitlines()
    assert first == "finished adaptor=ga[red] tuning 3 at iteration 100, report mIoU 30.0"
    assert second == "pruned   adaptor=ga[red] tuning 3 at iteration 40"
    assert progress.startswith("         0/48 trials, 0 running, 0 pruned, 0 iterations saved, ")
    assert progress.endswith(" elapsed, time left unknown")


def test_a_failure_ends_with_the_last_line_of_its_traceback(idle: StudyProgress) -> None:
    out = console()
    error = "Traceback (most recent call last):\n  ...\nValueError: [/] lost\n"
    LinesView(out, idle).trial_ended(TRIAL, End(Outcome.FAILED, 20, 0.0, error=error))
    assert printed(out) == "failed   adaptor=ga[red] tuning 3 at iteration 20: ValueError: [/] lost\n"


def test_what_is_left_of_a_time_limit_is_shown(spec: Spec, driven: Callable) -> None:
    progress = StudyProgress(driven(spec()).searches, 100, TimeLimit.from_now("2h"))
    lines, live = console(), console()
    LinesView(lines, progress).trial_ended(TRIAL, End(Outcome.PRUNED, 40, 0.0))
    live.print(LiveView(live, "driven", progress))
    assert ", 2 h 0 min of the time limit left" in printed(lines)
    assert "2 h 0 min of the time limit left" in printed(live)


def test_a_study_that_ends_early_says_how(idle: StudyProgress) -> None:
    out = console()
    for view in (LinesView(out, idle), LiveView(out, "driven", idle)):
        view.study_ends_early("Interrupted: trials save themselves")
    assert printed(out) == 2 * "Interrupted: trials save themselves\n"


def test_lines_are_never_wrapped(idle: StudyProgress) -> None:
    out = console()
    LinesView(out, idle).trial_ended(TRIAL, End(Outcome.FAILED, 20, 0.0, error="x" * 500))
    assert printed(out).count("\n") == 1


def test_a_driven_study_prints_a_line_per_event_and_a_summary_per_end(spec: Spec, driven: Callable) -> None:
    out = console()

    def listeners(searches: Any) -> list[Any]:
        progress = StudyProgress(searches, 100)
        return [progress, LinesView(out, progress)]

    study = driven(spec(ablate={"adaptor": ["ga"]}), listeners=listeners).run(2)
    lines = printed(out).splitlines()
    starts, reports = ([line for line in lines if line.startswith(word)] for word in ("start", "report"))
    assert (len(starts), len(reports)) == (8, 80)
    summaries = [line.strip() for line in lines if line.startswith(" ")]
    assert [line.split(",")[0] for line in summaries] == [f"{ended}/8 trials" for ended in range(1, 9)]
    assert summaries[-1].endswith(" elapsed, about 0 s left")
    assert len(lines) == len(study.events) + 8


def test_the_live_view_shows_every_cell_and_the_summary(spec: Spec, driven: Callable) -> None:
    found: list[StudyProgress] = []

    def listeners(searches: Any) -> list[StudyProgress]:
        found.append(StudyProgress(searches, 100))
        return found

    prune = {"pruner": "threshold", "startup_trials": 2, "arguments": {"lower": 1000.0}}
    study = driven(spec(prune=prune), listeners=listeners).run(5, order=2)
    [progress] = found
    out = console(force_terminal=True, color_system=None)
    out.print(LiveView(out, "demo", progress))
    rows = [line.split() for line in printed(out).splitlines()]
    for search in study.searches:
        cell = progress.cells[search.plan.cell]
        levels = [format_value(level) for level in search.plan.shown.values()]
        pruned = cell.outcomes[Outcome.PRUNED]
        assert [*levels, "6/6", "2/2", *([str(pruned)] if pruned else []), f"{cell.best:.1f}"] in rows
    assert "48/48 trials, about 0 s left" in printed(out)
    saved = f"{progress.count(Outcome.PRUNED)} pruned, which saved {progress.iterations_saved} iterations"
    assert saved in printed(out)
    assert "all trials have ended" in printed(out)


def test_cells_that_run_come_first_where_not_all_fit(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate={"labeled_images": list(range(50))}))
    progress = StudyProgress(study.searches, 100)
    last = study.searches[-1].plan.cell
    progress.trial_started(Trial("k", last, Stage.TUNING, 0, 0, {}, {}))
    out = console(force_terminal=True, color_system=None, height=24)
    out.print(LiveView(out, "demo", progress))
    lines = printed(out).splitlines()
    assert lines[1].startswith("labels=49  tuning 0, iteration 0/100, no report yet")
    rows = [line.split()[0] for line in lines if "/6" in line]
    assert rows[:3] == ["49", "0", "1"]
    assert lines[-1] == f"... and {50 - len(rows)} more cells"
    assert len(lines) == 23


def test_a_terminal_is_drawn_on_while_the_study_runs(idle: StudyProgress) -> None:
    out = console(force_terminal=True, color_system=None)
    with shown(out, "demo", idle) as view:
        view.trial_noticed(TRIAL, "its checkpoint [20] is damaged")
    assert re.search(r"ga\+csa +50 +0/6 +0/2", printed(out))
    assert "adaptor=ga[red] tuning 3: its checkpoint [20] is damaged" in printed(out)


def test_anything_else_gets_lines(idle: StudyProgress) -> None:
    out = console(force_terminal=False)
    with shown(out, "demo", idle) as view:
        assert isinstance(view, LinesView)
    assert printed(out) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (999.6, "1.0 kB"), (1.4e9, "1.4 GB")])
def test_bytes_in_words(size: float, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.000123456, "0.000123"), (10, "10"), ("ga", "ga"), (None, "none"), (True, "true"), (2975.0, "2975")],
)
def test_values_in_short(value: object, text: str) -> None:
    assert short(value) == text
