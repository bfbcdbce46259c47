"""Plan, live view, status and final table on terminals of 80 columns and more: everything fits, nothing is cut."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from analysis.table import Row, gain_text, verdict_text
from ass_tune.ledger.ledger import open_journal
from ass_tune.places import Studies
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import StudySpec, load
from ass_tune.terminal.columns import level_columns, level_pairs, short_names
from ass_tune.terminal.final_table import final_table
from ass_tune.terminal.live_view import LiveView
from ass_tune.terminal.plan_view import plan_tables
from ass_tune.terminal.progress import StudyProgress
from ass_tune.terminal.status import status_tables, study_status
from ass_tune.wording import short
from tests.support.played import finished_rows, played
from tests.support.project import PROJECT
from trainables.storage import Storage
from trainables.words import format_points, format_value, plus_minus

PAPER = sorted(f"paper/{file.stem}" for file in (PROJECT / "search_spaces" / "paper").glob("*.yaml"))
RUN = ["csa", "adaptors", "table1_streets", "lambda_sadv", "real_csa", "nasty", "single"]
SIZES = [(80, 24), (160, 50), (60, 12)]
WIDTHS = pytest.mark.parametrize(("width", "height"), SIZES)
NASTY = """
study: nasty
trainable: ass
domains: streets
profile: laptop
baseline: {adaptor: ga, network: small}
ablate:
  adaptor: [joint, ga, ga+fcsa]
  network: [small, deeplab_v2, efficientnet_lite0]
  classifier_lr_factor: [10.0, 0.12345678901234567]
  backbone_weights: [none, a/rather/long/path/of/weights/of_a_backbone.pt]
  channels_last: [true, false]
tune:
  lambda_sadv: {type: log_uniform, low: 0.1, high: 10}
  lambda_gadv: {type: log_uniform, low: 0.001, high: 0.1}
  weight_decay: {type: log_uniform, low: 1e-6, high: 1e-2}
fixed: {labeled_images: 20}
search: {sampler: tpe, trials_per_cell: 6}
replicate: {seeds: [0, 1, 2]}
train: {iterations: 400, evaluate_every: 50}
"""
SINGLE = """
study: single
trainable: curves
domains: synthetic
profile: synthetic
tune: {lr: {type: log_uniform, low: 0.01, high: 0.1}}
search: {sampler: random, trials_per_cell: 20}
replicate: {seeds: [0, 1]}
train: {iterations: 40, evaluate_every: 20}
"""


@cache
def study(name: str) -> StudySpec:
    """A shipped study, or one of the texts above."""
    if (text := {"nasty": NASTY, "single": SINGLE}.get(name)) is None:
        return load(PROJECT / "search_spaces" / f"{name}.yaml", ())
    with TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.yaml")
        file.write_text(text)
        return load(file, ())


@cache
def progress_of(name: str, running: int) -> StudyProgress:
    """The study with twelve trials ended and some running."""
    return played(study(name), 12, running)


@cache
def rows_of(name: str) -> Sequence[Row]:
    """The rows of the study's table."""
    return finished_rows(study(name))


def printed(width: int, height: int, *what: RenderableType) -> str:
    """What a terminal shows; no line of it is too wide or ends in the dots of something cut."""
    console = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None, markup=False
    )
    console.print(*what, sep="\n")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "…" not in text
    assert "-0.0 " not in text
    return text


def check_levels(text: str, cells: Sequence[Mapping[str, Any]]) -> None:
    """Every factor is named, and every cell has all its levels in a row, or as pairs one after the other."""
    names = short_names(cells[0])
    heading = text.partition("──")[0]
    words, lines = text.split(), [line.split() for line in text.splitlines()]
    for name in names.values():
        assert all(part in heading for part in name.split("_")) or f"{name}=" in text
    for cell in cells:
        levels = [format_value(level) for level in cell.values()]
        pairs = [f"{names[factor]}={format_value(level)}" for factor, level in cell.items()]
        in_a_row = any(line[: len(levels)] == levels for line in lines)
        assert in_a_row or any(words[at : at + len(pairs)] == pairs for at in range(len(words))), cell


@WIDTHS
@pytest.mark.parametrize("name", [*RUN, *PAPER])
def test_the_plan_fits(name: str, width: int, height: int) -> None:
    plan = make_plan(study(name), None, measure=False, step_time=0.1)
    text = printed(width, height, *plan_tables(plan, width))
    if name != "single":
        check_levels(text, [cell.shown for cell in plan.cell_plans])
    assert {tuned for cell in plan.cells for tuned in cell.tuned} <= set(text.replace(",", " ").split())
    most = f" to {plan.most_replicates}" if plan.most_replicates > plan.replicates else ""
    for total in (f"{plan.tuning_trials} tuning trials", f"{plan.replicates}{most} replicates"):
        assert total in " ".join(text.split())


@WIDTHS
@pytest.mark.parametrize("running", [2, 40])
@pytest.mark.parametrize("name", RUN)
def test_the_live_view_fits(name: str, running: int, width: int, height: int) -> None:
    progress = progress_of(name, running)
    text = printed(width, height, LiveView(Console(), name, progress))
    lines = text.splitlines()
    assert len(lines) < height, "the cursor's line is free"
    assert f"/{progress.trials_wanted} trials" in text
    assert " left" in text
    shown = sum("iteration " in line for line in lines)
    assert shown >= min(1, len(progress.running))
    more = re.search(r"and (\d+) more running trials?", text)
    assert shown + int(more[1] if more else 0) == len(progress.running)
    hidden = re.search(r"and (\d+) more cells?$", text.rstrip())
    count = sum(bool(re.search(r"\d+/\d+.* \d+/\d+", line)) for line in lines if "iteration" not in line)
    assert count + int(hidden[1] if hidden else 0) == len(progress.cells)
    if not hidden and name != "single":
        check_levels(text, [cell.plan.shown for cell in progress.cells.values()])
    for trial in list(progress.running.values())[:1]:
        names = short_names(factor for factor, _ in trial.cell.factors)
        assert all(f"{names[factor]}={format_value(level)}" in text.split() for factor, level in trial.cell.factors)


@pytest.mark.costly
@pytest.mark.parametrize("name", RUN)
def test_the_status_fits(name: str, tmp_path: Path) -> None:
    spec = study(name)
    played(spec, 12, 2, open_journal(Storage(str(tmp_path / spec.study))))
    status = study_status(spec, Studies.at(tmp_path), None)
    assert sum(cell.running for cell in status.cells) == 2
    for width, height in SIZES:
        text = printed(width, height, *status_tables(status, Studies.at(tmp_path), width))
        if name != "single":
            check_levels(text, [cell.levels for cell in status.cells])
        mious = [f"{cell.best_select:.1f}" for cell in status.cells if cell.best_select is not None]
        assert set(mious) <= set(text.replace(",", " ").split())
        assert ("diverged" in text) or not any(cell.diverged for cell in status.cells)


@WIDTHS
@pytest.mark.parametrize("name", RUN)
def test_the_final_table_fits(name: str, width: int, height: int) -> None:
    rows = rows_of(name)
    text = printed(width, height, *final_table(name, rows, width))
    if name != "single":
        check_levels(text, [row.cell.shown for row in rows])
    for row in rows:
        assert row.report is not None
        assert plus_minus(row.report.mean, row.report.std) in text
        if row.gain is not None and not row.is_baseline:
            assert gain_text(row.gain.comparison) in text
            assert set(verdict_text(row.gain).replace(",", " ").split()) <= set(text.replace(",", " ").split())
        assert {f"{name}={short(value)}" for name, value in row.hyperparameters.items() if value == value} <= set(
            text.split()
        )
    if width == 160 and name != "nasty":
        assert {"mIoU", "select"} <= set(text.split())


def test_before_the_first_trial_the_live_view_says_what_it_waits_for() -> None:
    progress = played(study("csa"), 0, 0)
    text = printed(80, 24, LiveView(Console(), "csa", progress))
    assert "no trial runs yet: waiting for Ray to start one" in text
    assert f"0/{progress.trials_wanted} trials, time left unknown before the first report" in text


def test_the_final_table_has_gain_and_verdict_at_80_columns() -> None:
    lines = printed(80, 24, *final_table("csa", rows_of("csa"), 80)).splitlines()
    titles = " ".join(lines[1:3]).split()
    assert {"adaptor", "labels", "report", "gain", "(95%)", "verdict", "seeds"} <= set(titles)


def test_a_table_of_no_rows_says_so() -> None:
    assert "no cell has a result yet" in printed(80, 24, *final_table("empty", [], 80))


@pytest.mark.parametrize(
    ("factors", "names"),
    [
        (["adaptor", "labeled_images"], ["adaptor", "labels"]),
        (["labels", "labeled_images"], ["labels", "labeled_images"]),
        (["lr_sd"], ["lr_sd"]),
    ],
)
def test_short_names_stay_clear(factors: list[str], names: list[str]) -> None:
    assert list(short_names(factors).values()) == names


@pytest.mark.parametrize("value", [-0.04, -0.0, 0.0])
def test_there_is_no_minus_zero(value: float) -> None:
    assert (format_points(value), format_points(value, "+")) == ("0.0", "+0.0")
    assert plus_minus(value, 0.0, "+") == "+0.0 ± 0.0"


@pytest.mark.parametrize(
    ("level", "text"), [(None, "none"), (True, "true"), (False, "false"), (1e-05, "1e-05"), ("tuned", "tuned")]
)
def test_levels_are_written_as_in_the_file(level: Any, text: str) -> None:
    [factor, _] = level_columns([{"lr_sd": level, "adaptor": "ga"}])
    assert (factor.title, list(factor.texts)) == ("lr_sd", [text])
    assert level_pairs({"lr_sd": level}) == [f"lr_sd={text}"]
