"""Replays of a search: what they decide is what a live study decides, and what an independent computation says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.pruning import pruning
from analysis.readers.folder import read_folder
from ass_tune.replay.command import main
from ass_tune.replay.curve_table import read_table
from ass_tune.replay.recorded_study import curves_of
from ass_tune.replay.replay import replay
from ass_tune.spec import StudySpec, load
from ass_tune.trial import End, Listener, Trial
from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, LR, curves_file
from trainables.words import Outcome

Spec = Callable[..., StudySpec]
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}
SEARCH = {"sampler": "random", "trials_per_cell": 8, "train_seeds": [1000, 1001]}


class Ends(Listener):
    """How trials ended, in order."""

    def __init__(self) -> None:
        self.found: list[tuple[Trial, End]] = []

    def trial_ended(self, trial: Trial, end: End) -> None:
        self.found.append((trial, end))


def test_without_a_pruner_everything_is_trained_and_nothing_lost(spec: Spec, table: Callable) -> None:
    wanted = spec(search={**SEARCH, "trials_per_cell": None})
    curves = read_table(table(), tuple(wanted.train.reports))
    for repeat in range(3):
        found = replay(wanted, curves, 3, repeat)
        assert [cell.spent for cell in found.cells] == [cell.full for cell in found.cells] == [4 * 2 * 100] * 2
        assert all(cell.kept and cell.chosen == 3 and cell.regret == 0 and cell.pruned == 0 for cell in found.cells)


def test_a_replay_is_a_function_of_its_arguments_and_repeats_differ(spec: Spec, table: Callable) -> None:
    wanted = spec(prune=MEDIAN, search={**SEARCH, "trials_per_cell": None})
    curves = read_table(table(), tuple(wanted.train.reports))
    found = [replay(wanted, curves, 3, repeat) for repeat in range(8)]
    assert found == [replay(wanted, curves, 3, repeat) for repeat in range(8)]
    assert len({tuple(cell.spent for cell in one.cells) for one in found}) > 3


def test_one_worker_in_recorded_order_prunes_what_is_below_the_median_of_those_before(
    spec: Spec, table: Callable
) -> None:
    """Configurations get better, so none is below those before it; the other way round, all are from the third on."""
    wanted = spec(prune=MEDIAN, search={**SEARCH, "trials_per_cell": None, "train_seeds": [1000]})
    curves = read_table(table(1, 6), tuple(wanted.train.reports))
    assert replay(wanted, curves, 1).cells[0].pruned == 0
    [cell] = curves.cells
    backwards = cell.ordered_by(np.arange(6)[::-1], np.arange(2))
    listener = Ends()
    [found] = replay(wanted, curves.__class__("back", (backwards,), curves.iterations), 1, 0, [listener]).cells
    assert [end.iteration for _, end in listener.found] == [100, 100, 30, 30, 30, 30]
    assert (found.chosen, found.pruned, found.spent, found.full) == (5, 4, 320, 600)


def test_learning_rates_are_searched_by_the_sampler_and_the_nearest_one_is_trained(spec: Spec, table: Callable) -> None:
    wanted = spec(search={"sampler": "tpe", "trials_per_cell": 5})
    path = table(1, 12, 1)
    rows = pd.read_parquet(path).rename(columns={"configuration": "lr"})
    rows.assign(lr=10.0 ** -rows["lr"]).to_parquet(path)
    listener = Ends()
    [found] = replay(wanted, read_table(path, tuple(wanted.train.reports)), 2, 0, [listener]).cells
    assert found.trials == 5
    places = [trial.config["place"] for trial, _ in listener.found]
    assert len(set(places)) == 5, "each is trained once"
    for trial, _ in listener.found:
        assert isinstance(asked := trial.hyperparameters["configuration"], float)
        rate = sorted(10.0**-k for k in range(1, 13))[trial.config["place"]]
        assert abs(np.log10(asked) - np.log10(rate)) <= 0.5


@pytest.fixture
def live(studies: Studies, write_file: Callable, request: pytest.FixtureRequest) -> tuple[StudySpec, Path]:
    """A study that Ray has run, one trial at a time, without screening or with one after so many reports."""
    screen = getattr(request, "param", 0)
    file = write_file(
        curves_file(
            ablate={"adaptor": ["joint", "ga+csa"]},
            tune={**LR, **LAMBDA_SADV},
            fixed={"noise": 3.0},
            search={**SEARCH, "screen": screen},
            prune=MEDIAN,
            resources={"cpu": 2},
        )
    )
    done = studies.run(file)
    assert done.returncode == 0, done.stderr
    return load(file), studies.folder / "curves"


@pytest.mark.parametrize("live", [0, [1, 2]], indirect=True)
def test_a_live_study_and_its_replay_make_the_same_decisions(live: tuple[StudySpec, Path]) -> None:
    spec, folder = live
    study = read_folder(folder)
    listener = Ends()
    found = replay(spec, curves_of(study, tuple(spec.train.reports)), 1, 0, [listener])
    tuning = study.frame.query("stage == 'tuning'").sort_values("end")
    recorded = [(row["cell"], row["seed"], row["outcome"], row["iteration"]) for _, row in tuning.iterrows()]
    assert [(t.cell.name, t.seed, str(end.outcome), end.iteration) for t, end in listener.found] == recorded
    outcomes = [end.outcome for _, end in listener.found]
    assert outcomes.count(Outcome.PRUNED) > 3 and outcomes.count(Outcome.FINISHED) > 6
    assert sum(cell.cut_short for cell in found.cells) == 0

    # and what it chose is what the table's replicates were trained with
    for cell, of_cell in zip(study.cells, found.cells, strict=True):
        assert of_cell.chosen is not None
        rows = tuning.query(f"cell == '{cell.name}'").sort_values(by="number")
        lr = list(dict.fromkeys(rows["lr"].tolist()))[of_cell.chosen]
        assert set(study.frame.query(f"stage == 'replicate' and cell == '{cell.name}'")["lr"]) == {lr}


def test_what_screening_keeps_depends_on_no_order_of_reports_so_that_many_slots_replay_too(
    studies: Studies, write_file: Callable
) -> None:
    """With a pruner on several slots, Ray's order of reports decides, which no replay has."""
    screened = {"sampler": "random", "trials_per_cell": 6, "screen": [1, 2], "keep": 2}
    cells = {"adaptor": ["joint", "ga+csa"]}
    file = write_file(curves_file(ablate=cells, tune={**LR, **LAMBDA_SADV}, fixed={"noise": 3.0}, search=screened))
    done = studies.run(file)
    assert done.returncode == 0, done.stderr
    assert "waits    " in done.stdout
    spec, study = load(file), read_folder(studies.folder / "curves")
    tuning = study.frame.query("stage == 'tuning'").sort_values("number")
    live = {
        (cell, place): (row["outcome"], row["iteration"])
        for cell, of_cell in tuning.groupby("cell")
        for place, (_, row) in enumerate(of_cell.iterrows())
    }
    assert sorted(live.values()) == 4 * [("finished", 100)] + 6 * [("pruned", 20)] + 2 * [("pruned", 40)]
    saved = pruning(study)
    assert saved is not None
    decisions = [(d.by, d.iteration, d.trials, d.iterations) for d in saved.decisions]
    assert decisions == [("screening", 20, 6, 480), ("screening", 40, 2, 120)]
    pace = study.frame.query("outcome == 'finished'").eval("(end - start) / iteration").dt.total_seconds()
    assert saved.hours <= 600 * max(pace) / 3600, "the time that trials waited is not part of their pace"
    for workers in (1, 2, 8):
        listener = Ends()
        found = replay(spec, curves_of(study, tuple(spec.train.reports)), workers, 0, [listener])
        ends = {(t.cell.name, t.config["place"]): (str(end.outcome), end.iteration) for t, end in listener.found}
        assert ends == live
        assert sum(cell.cut_short for cell in found.cells) == 0


def test_without_its_pruner_a_study_ends_where_its_record_ends(
    live: tuple[StudySpec, Path], capsys: pytest.CaptureFixture[str], write_file: Callable
) -> None:
    spec, folder = live
    file = str(spec.file)
    assert main([file, "--curves", str(folder), "--set", "prune=none", "--json", "--workers", "1"]) == 0
    *cells, total = json.loads(capsys.readouterr().out)["cells"]
    assert total["pruned"] == 0 and total["cut_short"] > 3
    assert all(cell["kept"] == 1.0 and cell["saved"] == 0.0 for cell in cells)
    assert main([file, "--curves", str(folder), "--workers", "1"]) == 0
    assert "in recorded order" in capsys.readouterr().out
    assert main([file, "--curves", str(folder), "--set", "train.iterations=80"]) == 2
    assert "recorded with train: {'iterations': 100, 'evaluate_every': 20}" in capsys.readouterr().err


def test_the_command_shows_savings_and_losses(
    table: Callable, write_file: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(curves_file(prune=MEDIAN, search={"sampler": "random", "trials_per_cell": 4}))
    assert main([str(file), "--curves", str(table()), "--repeats", "3", "--workers", "2"]) == 0
    shown = capsys.readouterr().out
    assert "curves on recorded: pruner median, 2 workers, mean of 3 repeats" in shown
    for word in ("cell=cell 0", "cell=cell 1", "all", "winner kept", "regret"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--curves", "nowhere.parquet"], "nowhere.parquet: found no such file"),
        (["--curves", "nowhere"], "--curves nowhere: found no table, study folder or export there; no database"),
        (["--curves", "nowhere", "--set", "prune.pruner=medain"], "did you mean 'median'"),
    ],
)
def test_a_mistake_is_one_clear_error(
    arguments: list[str],
    said: str,
    write_file: Callable,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main([str(write_file(curves_file(prune=MEDIAN))), *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err
