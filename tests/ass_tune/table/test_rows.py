"""The numbers of the table against an independent computation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ass_tune.spec import StudySpec
from ass_tune.table.rows import Row, table_rows
from ass_tune.trial import Trial
from trainables.curves import CurvesConfig
from trainables.learning_curve import measured
from trainables.words import Cell, Outcome, Stage

Spec = Callable[..., StudySpec]
BASELINE = {"adaptor": "joint"}
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}


def rows_of(study: Any) -> list[Row]:
    return table_rows(study.searches, study.left_out, study.spec.baseline)


def by_seed(study: Any, cell: Cell) -> dict[int, tuple[float, float]]:
    """Per seed, select and report mIoU of the cell's best configuration, computed from the events alone."""
    ends = study.ends()
    finished = [trial for trial in study.trials(cell=cell) if ends[trial.key].outcome is Outcome.FINISHED]
    tuned = [trial for trial in finished if trial.stage is Stage.TUNING]
    if not tuned:
        return {}
    best = max(tuned, key=lambda trial: (study.reports(trial.key)[100], -trial.number))
    runs = [best, *(trial for trial in finished if trial.stage is Stage.REPLICATE)]
    return {
        trial.seed: (study.reports(trial.key)[100], measured(CurvesConfig(**trial.config), "report", 100))
        for trial in runs
    }


def test_rows_are_mean_deviation_and_paired_gain_of_the_best_configurations(spec: Spec, driven: Callable) -> None:
    study = driven(spec(baseline=BASELINE, prune=MEDIAN, replicate={"seeds": [0, 1, 2, 3, 4]})).run(3, order=1)
    rows = rows_of(study)
    assert [row.cell for row in rows] == [search.plan.cell for search in study.searches]
    for row in rows:
        ours = by_seed(study, row.cell)
        joint = by_seed(study, Cell((("adaptor", "joint"), ("labeled_images", row.cell.level("labeled_images")))))
        assert sorted(ours) == [0, 1, 2, 3, 4]
        select, report = np.array([ours[seed] for seed in range(5)]).T
        assert row.report is not None
        assert row.select is not None
        assert (row.report.n, row.select.n) == (5, 5)
        assert (row.report.mean, row.report.std) == pytest.approx((report.mean(), report.std(ddof=1)))
        assert (row.select.mean, row.select.std) == pytest.approx((select.mean(), select.std(ddof=1)))
        trials = {trial.run: trial for trial in study.trials(cell=row.cell)}
        made_of = [measured(CurvesConfig(**trials[run].config), "report", 100) for run in row.runs]
        assert sorted(made_of) == sorted(report.tolist())
        assert row.is_baseline is (row.cell.level("adaptor") == "joint")
        if row.is_baseline:
            assert row.gain is None
            continue
        assert row.gain is not None
        test = stats.ttest_rel(report, [joint[seed][1] for seed in range(5)])
        interval = test.confidence_interval(0.95)
        assert row.gain.mean - row.gain.half_width == pytest.approx(interval.low)
        assert row.gain.mean + row.gain.half_width == pytest.approx(interval.high)
        assert row.gain.seeds == (0, 1, 2, 3, 4)


def test_counts_and_hyperparameters_are_those_of_the_ledger(spec: Spec, driven: Callable) -> None:
    study = driven(spec(prune=MEDIAN), fails=lambda trial: 20 if trial.number == 1 else None).run(2)
    for row in rows_of(study):
        outcomes = [study.ends()[trial.key].outcome for trial in study.trials(cell=row.cell)]
        counted = (row.finished, row.pruned, row.diverged, row.failed)
        assert counted == tuple(outcomes.count(outcome) for outcome in Outcome)
        assert sum(counted) == 8
        assert row.failed == 2
        [replicate] = {tuple(t.hyperparameters.items()) for t in study.trials(Stage.REPLICATE, row.cell)}
        assert tuple(row.hyperparameters.items()) == replicate


def test_gains_are_paired_over_the_seeds_that_both_have(spec: Spec, driven: Callable) -> None:
    def fails(trial: Trial) -> int | None:
        missing = {"joint": 1, "ga": 2}.get(str(trial.cell.level("adaptor")))
        return 10 if trial.stage is Stage.REPLICATE and trial.seed == missing else None

    ablate = {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5]}
    study = driven(spec(ablate=ablate, baseline=BASELINE), fails=fails).run()
    joint, ga, csa = rows_of(study)
    assert [row.report.n if row.report else 0 for row in (joint, ga, csa)] == [2, 2, 3]
    reports = [{seed: pair[1] for seed, pair in by_seed(study, row.cell).items()} for row in (joint, ga, csa)]
    assert ga.gain is not None
    assert (ga.gain.mean, ga.gain.seeds) == (pytest.approx(reports[1][0] - reports[0][0]), (0,))
    assert math.isnan(ga.gain.half_width)
    assert csa.gain is not None
    assert csa.gain.seeds == (0, 2)
    assert csa.gain.mean == pytest.approx(np.mean([reports[2][seed] - reports[0][seed] for seed in (0, 2)]))


def test_the_baseline_of_a_cell_left_out_is_the_cell_it_equals(spec: Spec, driven: Callable) -> None:
    # lambda_sadv has no effect with ga, so of adaptor=ga only lambda_sadv=1 is trained, and it serves both rows below
    ablate = {"adaptor": ["ga", "ga+csa"], "lambda_sadv": [1.0, 10.0]}
    study = driven(spec(ablate=ablate, baseline={"adaptor": "ga"}, tune={})).run()
    assert [left.cell.name for left in study.left_out] == ["adaptor=ga,lambda_sadv=10.0"]
    ga, *others = rows_of(study)
    assert ga.is_baseline
    reference = by_seed(study, ga.cell)
    for row in others:
        ours = by_seed(study, row.cell)
        assert row.gain is not None
        assert row.gain.seeds == (0, 1, 2)
        assert row.gain.mean == pytest.approx(np.mean([ours[seed][1] - reference[seed][1] for seed in range(3)]))


def test_without_a_baseline_or_its_counterpart_there_is_no_gain(spec: Spec, driven: Callable) -> None:
    ablate = {"adaptor": ["ga", "ga+csa"], "labeled_images": [0, 5]}
    study = driven(spec(ablate=ablate, baseline={"adaptor": "ga+csa"})).run()
    gains = {row.cell.name: (row.gain is not None, row.is_baseline) for row in rows_of(study)}
    assert gains == {
        "adaptor=ga,labeled_images=0": (False, False),
        "adaptor=ga,labeled_images=5": (True, False),
        "adaptor=ga+csa,labeled_images=5": (False, True),
    }
    bare = rows_of(driven(spec(ablate=ablate)).run())
    assert {(row.gain, row.is_baseline) for row in bare} == {(None, False)}


def test_a_cell_whose_every_trial_failed_has_no_figures_and_gives_none(spec: Spec, driven: Callable) -> None:
    ablate = {"adaptor": ["joint", "ga"], "labeled_images": [5]}
    study = driven(
        spec(ablate=ablate, baseline=BASELINE),
        fails=lambda trial: 10 if trial.cell.level("adaptor") == "joint" else None,
    ).run()
    joint, ga = rows_of(study)
    assert (joint.report, joint.select, joint.gain, joint.hyperparameters) == (None, None, None, {})
    assert (joint.finished, joint.pruned, joint.failed) == (0, 0, 6)
    assert ga.report is not None
    assert ga.gain is None


def test_an_unfinished_study_has_rows_of_what_is_there(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate={"adaptor": ["ga"]})).run(reports=15)
    [row] = rows_of(study)
    assert row.report is not None
    assert (row.finished, row.pruned, row.failed, row.report.n) == (1, 0, 0, 1)
