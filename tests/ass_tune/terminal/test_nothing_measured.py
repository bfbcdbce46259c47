"""A study in which no trial gave a result says so, says why, and does not end as if all were well."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ass_tune.arguments import parse
from ass_tune.plan.study_plan import make_plan
from ass_tune.search.director import Director
from ass_tune.search.faults import Fault, FaultKind
from ass_tune.spec import load
from ass_tune.terminal import end_of_study
from ass_tune.terminal.end_of_study import end_study
from ass_tune.tracker.opening import open_tracker
from ass_tune.trial import End, Trial
from tests.support.study_files import curves_file
from trainables.mistakes import ExitCode
from trainables.storage import Storage
from trainables.words import Outcome

STUDY = curves_file(
    study="nothing",
    baseline={"adaptor": "ga"},
    ablate={"adaptor": ["ga", "ga+csa"]},
    search={"sampler": "random", "trials_per_cell": 1},
    replicate={"seeds": [0, 1]},
    train={"iterations": 20, "evaluate_every": 10},
)


def fail(director: Director, trial: Trial) -> None:
    director.fault(trial.key, Fault(FaultKind.BUG, "Traceback\n\nRuntimeError: asked to fail at iteration 10"), 1.5e9)


def diverge(director: Director, trial: Trial) -> None:
    director.end(trial.key, End(Outcome.DIVERGED, 10, 1.5e9, error="loss/total is nan at iteration 10"))


@pytest.mark.parametrize(
    ("becomes", "outcome", "error"),
    [
        (fail, "failed", "RuntimeError: asked to fail at iteration 10"),
        (diverge, "diverged", "loss/total is nan at iteration 10"),
    ],
)
def test_a_study_whose_trials_all_failed_or_diverged_says_so(
    driven: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    becomes: Callable[[Director, Trial], None],
    outcome: str,
    error: str,
) -> None:
    monkeypatch.setattr(end_of_study, "SECONDS_FOR_MLFLOW", 0.0)
    file = tmp_path / "nothing.yaml"
    file.write_text(STUDY)
    spec = load(file)
    arguments = parse([str(file), "--studies", str(tmp_path), "--tracking-uri", "http://127.0.0.1:9"])
    folder = Storage(str(tmp_path / "nothing"))
    tracker = open_tracker(spec, make_plan(spec, None, measure=False, step_time=0.01), folder, arguments, {})
    study = driven(spec, record=tracker)
    while (trial := study.director.next_trial()) is not None:
        becomes(study.director, trial)
    console = Console(file=io.StringIO(), width=160)
    assert end_study(console, spec, arguments, folder, study.searches, tracker, None) == ExitCode.INCOMPLETE
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    nothing = f"Nothing was measured: no cell has a finished trial for the table. Its trials: 2 {outcome}."
    assert nothing in said
    assert f"2 trials {outcome}: {error} (adaptor=ga tuning 0, adaptor=ga+csa tuning 0)\n" in said
    page = tmp_path / "nothing/report/report.html"
    assert f"report: {page}" in said
    assert nothing in page.read_text()
