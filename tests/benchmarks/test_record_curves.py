"""The table of curves of a study is what replays read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from analysis.study import Study
from ass_tune.replay.curve_set import DIVERGED
from ass_tune.replay.curve_table import read_table
from benchmarks import record_curves
from tests.support.synthetic import Made, made_study

STEPS = tuple(range(25, 401, 25))
LR = {"lr": {"type": "log_uniform", "low": 0.01, "high": 0.1}}


def trials() -> Iterator[Made]:
    for cell in ("ga", "ga+csa"):
        for number, lr in enumerate((0.05, 0.02)):
            for seed in (0, 1):
                curve = {step: 20 + step / 40 + number - seed for step in STEPS}
                diverges = (cell, lr, seed) == ("ga", 0.02, 1)
                curves = {"select/miou": {step: value for step, value in curve.items() if step < 300 or not diverges}}
                if not diverges:
                    curves["report/miou"] = {400: curve[400] + 1}
                outcome = "diverged" if diverges else "finished"
                place = number + 2 * seed
                yield Made({"adaptor": cell}, curves, {"lr": lr}, "tuning", place, seed, outcome)
    yield Made({"adaptor": "ga"}, {"select/miou": {25: 1.0}}, {"lr": 0.03}, "tuning", 9, 0, "pruned")
    for seed in (100, 101):
        curves = {"select/miou": {400: 1.0}, "report/miou": {400: seed / 4}}
        yield Made({"adaptor": "ga"}, curves, {"lr": 0.05}, "replicate", seed - 100, seed)


@pytest.fixture
def study() -> Study:
    return made_study({"adaptor": ["ga", "ga+csa"]}, LR, list(trials()), iterations=400, seeds=(100, 101))


def test_a_replay_reads_what_was_recorded(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(study, "settings", {**study.settings, "train": {"iterations": 400, "evaluate_every": 25}})
    file = tmp_path / "streets.parquet"
    monkeypatch.setattr(record_curves, "CURVES", file)
    monkeypatch.setattr(record_curves, "SEEDS", tmp_path / "seeds.parquet")
    monkeypatch.setattr(record_curves, "load_study", lambda name: study)
    assert record_curves.main(["studies/streets_curves"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seeds.parquet", "streets.parquet"]
    ga, csa = read_table(file, STEPS).cells
    assert csa.values[1, 0].tolist() == [21 + step / 40 for step in STEPS]
    assert csa.results.tolist() == [[31.0, 30.0], [32.0, 31.0]]
    assert ga.values.shape == (2, 2, len(STEPS)), "neither pruned trials nor replicates are in it"
    assert ga.results[1, 1] == DIVERGED
    assert ga.values[1, 1, STEPS.index(300)] == DIVERGED
    assert math.isnan(ga.values[1, 1, -1])
    seeds = pyarrow.parquet.read_table(tmp_path / "seeds.parquet").to_pylist()
    assert seeds == [{"cell": "adaptor=ga", "seed": seed, "value": seed / 4} for seed in (100, 101)]


def test_a_study_that_is_not_there_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    assert record_curves.main(["streets_curves"]) == 2
    assert "none.db" in capsys.readouterr().err
    assert record_curves.main([]) == 2
