"""The study that a driver reads back: its table against an independent computation, and against the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.conclusions import split_note
from analysis.pruning import said_of_finalists
from analysis.readers.folder import read_folder
from analysis.records import Metrics, decode, encode, read_line, write_line
from analysis.report.table_files import table_markdown
from analysis.statistics.gains import Judged
from analysis.table import Row, table_rows
from ass_tune.arguments import parse
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import StudySpec
from ass_tune.tracker.opening import open_tracker
from ass_tune.tracker.read_back import FolderDiffers, read_back
from ass_tune.trial import Trial
from trainables.curves import CurvesConfig
from trainables.learning_curve import measured
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

Spec = Callable[..., StudySpec]
BASELINE = {"adaptor": "joint"}
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}


@pytest.fixture
def recorded(driven: Callable, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`recorded(spec, **how)`: a driven study that a tracker records into `folder`; no MLflow answers."""
    trackers = []

    def make(spec: StudySpec, **how: Any) -> Any:
        file = tmp_path / "driven.yaml"
        file.write_text("study: driven\n")
        arguments = parse([str(file), "--studies", str(tmp_path), "--tracking-uri", "http://127.0.0.1:9"])
        plan = make_plan(spec, None, measure=False, step_time=0.01)
        tracker = open_tracker(spec, plan, Storage(str(tmp_path / "driven")), arguments, {})
        trackers.append(tracker)
        study = driven(spec, record=tracker, **how)
        study.folder = tmp_path / "driven"
        return study

    yield make
    for tracker in trackers:
        tracker.close(0)


def rows_of(study: Any) -> list[Row]:
    return table_rows(Judged(read_back(study.searches, study.folder)))


def by_seed(study: Any, cell: Cell) -> dict[int, tuple[float, float]]:
    """Per seed, select and report mIoU of the cell's chosen configuration, computed from the events alone."""
    ends, replicates = study.ends(), study.trials(Stage.REPLICATE, Cell(cell.factors))
    return {
        trial.seed: (study.reports(trial.key)[100], measured(CurvesConfig(**trial.config), "report", 100))
        for trial in replicates
        if ends[trial.key].outcome is Outcome.FINISHED
    }


def test_rows_are_mean_deviation_and_paired_gain_of_the_best_configurations(spec: Spec, recorded: Callable) -> None:
    study = recorded(spec(baseline=BASELINE, prune=MEDIAN, replicate={"seeds": [0, 1, 2, 3, 4]})).run(3, order=1)
    rows = rows_of(study)
    assert [row.cell.name for row in rows] == [search.plan.cell.name for search in study.searches]
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
        trials = {trial.run: trial for trial in study.trials(cell=Cell(row.cell.factors))}
        made_of = [measured(CurvesConfig(**trials[run].config), "report", 100) for run in row.runs]
        assert sorted(made_of) == sorted(report.tolist())
        assert row.is_baseline is (row.cell.level("adaptor") == "joint")
        if row.is_baseline:
            assert row.gain is None
            continue
        assert row.gain is not None
        differences = report - [joint[seed][1] for seed in range(5)]
        found = row.gain.comparison
        assert found.gain == pytest.approx(differences.mean()) and found.seeds == (0, 1, 2, 3, 4)
        assert found.low < found.gain < found.high and found.primary


def test_counts_and_hyperparameters_are_those_of_the_ledger(spec: Spec, recorded: Callable) -> None:
    study = recorded(spec(prune=MEDIAN), fails=lambda trial: 20 if trial.number == 1 else None).run(2)
    for row in rows_of(study):
        outcomes = [study.ends()[trial.key].outcome for trial in study.trials(cell=Cell(row.cell.factors))]
        counted = tuple(row.outcomes.get(outcome, 0) for outcome in Outcome)
        assert counted == tuple(outcomes.count(outcome) for outcome in Outcome)
        assert sum(counted) == 8
        assert row.outcomes["failed"] == 2
        [replicate] = {tuple(t.hyperparameters.items()) for t in study.trials(Stage.REPLICATE, Cell(row.cell.factors))}
        assert tuple(row.hyperparameters.items()) == replicate


def test_gains_are_paired_over_the_seeds_that_both_have(spec: Spec, recorded: Callable) -> None:
    def fails(trial: Trial) -> int | None:
        missing = {"joint": 1, "ga": 2}.get(str(trial.cell.level("adaptor")))
        return 10 if trial.stage is Stage.REPLICATE and trial.seed == missing else None

    ablate = {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5]}
    study = recorded(spec(ablate=ablate, baseline=BASELINE, replicate={"seeds": [0, 1, 2]}), fails=fails).run()
    joint, ga, csa = rows_of(study)
    assert [row.report.n if row.report else 0 for row in (joint, ga, csa)] == [2, 2, 3]
    reports = [{seed: pair[1] for seed, pair in by_seed(study, row.cell).items()} for row in (joint, ga, csa)]
    assert ga.gain is not None
    assert (ga.gain.comparison.gain, ga.gain.comparison.seeds) == (pytest.approx(reports[1][0] - reports[0][0]), (0,))
    assert ga.gain.comparison.why_not_judged == "one seed"
    assert csa.gain is not None
    assert csa.gain.comparison.seeds == (0, 2)
    assert csa.gain.comparison.gain == pytest.approx(np.mean([reports[2][seed] - reports[0][seed] for seed in (0, 2)]))


def test_the_baseline_of_a_cell_left_out_is_the_cell_it_equals(spec: Spec, recorded: Callable) -> None:
    # lambda_sadv has no effect with ga, so of adaptor=ga only lambda_sadv=1 is trained, and it serves both rows below
    ablate = {"adaptor": ["ga", "ga+csa"], "lambda_sadv": [1.0, 10.0]}
    study = recorded(spec(ablate=ablate, baseline={"adaptor": "ga"}, tune={})).run()
    assert [left.cell.name for left in study.left_out] == ["adaptor=ga,lambda_sadv=10.0"]
    ga, *others = rows_of(study)
    assert ga.is_baseline
    reference = by_seed(study, ga.cell)
    for row in others:
        ours = by_seed(study, row.cell)
        assert row.gain is not None
        assert row.gain.comparison.seeds == (0, 1)
        assert row.gain.comparison.gain == pytest.approx(
            np.mean([ours[seed][1] - reference[seed][1] for seed in range(2)])
        )


def test_without_a_baseline_or_its_counterpart_there_is_no_gain(spec: Spec, recorded: Callable) -> None:
    ablate = {"adaptor": ["ga", "ga+csa"], "labeled_images": [0, 5]}
    study = recorded(spec(ablate=ablate, baseline={"adaptor": "ga+csa"})).run()
    gains = {row.cell.name: (row.gain is not None, row.is_baseline) for row in rows_of(study)}
    assert gains == {
        "adaptor=ga,labeled_images=0": (False, False),
        "adaptor=ga,labeled_images=5": (True, False),
        "adaptor=ga+csa,labeled_images=5": (False, True),
    }
    bare = rows_of(recorded(spec(study="bare", ablate=ablate)).run())
    assert {(row.gain, row.is_baseline) for row in bare} == {(None, False)}


def test_a_cell_whose_every_trial_failed_has_no_figures_and_gives_none(spec: Spec, recorded: Callable) -> None:
    ablate = {"adaptor": ["joint", "ga"], "labeled_images": [5]}
    study = recorded(
        spec(ablate=ablate, baseline=BASELINE),
        fails=lambda trial: 10 if trial.cell.level("adaptor") == "joint" else None,
    ).run()
    joint, ga = rows_of(study)
    assert (joint.report, joint.select, joint.gain, joint.hyperparameters) == (None, None, None, {})
    assert joint.outcomes == {"failed": 6}
    assert ga.report is not None
    assert ga.gain is None


def test_an_unfinished_study_has_rows_of_what_is_there(spec: Spec, recorded: Callable) -> None:
    asked = spec(ablate={"adaptor": ["ga"]})
    searching = recorded(asked).run(reports=15)
    [row] = rows_of(searching)
    assert (row.outcomes["finished"], row.report) == (1, None)
    study = recorded(asked, storage=searching.storage).run(reports=60)
    [row] = rows_of(study)
    assert row.report is not None
    assert (row.outcomes["finished"], row.report.n) == (7, 1)


@pytest.mark.parametrize("seeds", [[1000], [7, 8]])
def test_the_table_is_made_of_fresh_seeds_alone(spec: Spec, recorded: Callable, seeds: list[int]) -> None:
    search = {"sampler": "random", "trials_per_cell": 3, "train_seeds": seeds}
    study = recorded(spec(ablate=ONE_CELL, search=search)).run(2)
    read = read_back(study.searches, study.folder)
    assert (read.train_seeds, read.seeds) == (tuple(seeds), (0, 1))
    [cell] = read.cells
    frame = read.frame.set_index("run")
    assert {seed: frame.loc[run, "seed"] for seed, run in read.results(cell).items()} == {0: 0, 1: 1}
    assert set(frame.query("chosen")["stage"]) == {"replicate"}
    chosen = study.searches[0].chosen()
    assert sorted(frame.query("best")["seed"]) == seeds
    assert (
        set(frame.query("best")["lambda_sadv"]) == set(frame.query("chosen")["lambda_sadv"]) == {chosen["lambda_sadv"]}
    )


def test_the_report_says_what_finalists_saved(spec: Spec, recorded: Callable) -> None:
    search = {"sampler": "random", "trials_per_cell": 5, "train_seeds": [7, 8, 9], "finalists": 2}
    study = recorded(spec(ablate=ONE_CELL, search=search)).run(2)
    read = read_back(study.searches, study.folder)
    assert "under seeds 7, 8, 9; all but the best 2 of a cell under the first of them alone." in split_note(read)
    assert said_of_finalists(read) == (
        "3 configurations that finished under seed 7 were not among the best 2 of a cell and not trained under seeds "
        "8, 9, which saved 600 iterations. How good they are under other seeds is not known."
    )
    trained = read.frame.query("stage == 'tuning'")
    assert 5 * 3 * 100 - sum(trained["iteration"].tolist()) == 600


def test_under_the_papers_protocol_the_seed_that_searched_is_in_the_table(spec: Spec, recorded: Callable) -> None:
    study = recorded(spec(ablate=ONE_CELL, protocol="paper")).run(2)
    judged = Judged(read := read_back(study.searches, study.folder))
    frame = read.frame.query("chosen").set_index("seed")
    assert dict(frame["stage"]) == {0: "tuning", 1: "replicate"}
    assert "seed 0 made it and is in the table too" in split_note(read)
    assert "seed 0 made it and is in the table too" in table_markdown(judged, table_rows(judged))


def rewritten(folder: Path, change: Callable[[Metrics], Metrics | None]) -> None:
    """Change the metrics in an outbox, or leave some out, with sound checksums."""
    kept = []
    for line in (folder / "outbox.jsonl").read_bytes().splitlines(keepends=True):
        found = read_line(line, 0)
        assert found is not None
        record = decode(found.body)
        changed = change(record) if isinstance(record, Metrics) else record
        if changed is not None:
            kept.append(write_line(found.sequence, encode(changed)))
    (folder / "outbox.jsonl").write_bytes(b"".join(kept))


ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}


def test_a_value_that_the_ledger_does_not_have_is_refused_by_name(spec: Spec, recorded: Callable) -> None:
    study = recorded(spec(ablate=ONE_CELL)).run()
    first = study.trials()[0]

    def change(record: Metrics) -> Metrics:
        if record.key != first.run or record.step != 50:
            return record
        return Metrics(record.key, record.step, record.time, {name: 12.5 for name in record.values})

    rewritten(study.folder, change)
    ours = study.reports(first.key)[50]
    expected = f"{first.name}, select/miou at iteration 50: the folder has 12.5, the ledger {ours}"
    with pytest.raises(FolderDiffers, match=re.escape(expected)):
        read_back(study.searches, study.folder)


def test_a_result_that_is_missing_is_refused_by_name(spec: Spec, recorded: Callable) -> None:
    study = recorded(spec(ablate=ONE_CELL)).run()
    last = study.trials()[-1]

    def without_result(record: Metrics) -> Metrics:
        values = {name: value for name, value in record.values.items() if name != "report/miou"}
        return replace(record, values=values) if record.key == last.run else record

    rewritten(study.folder, without_result)
    with pytest.raises(FolderDiffers, match=re.escape(f"{last.name}, report/miou: the folder has None, the ledger ")):
        read_back(study.searches, study.folder)


def test_a_trial_that_the_ledger_does_not_know_is_refused(spec: Spec, recorded: Callable, driven: Callable) -> None:
    study = recorded(spec(ablate=ONE_CELL)).run()
    shorter = driven(spec(ablate=ONE_CELL), study.storage.__class__()).run(reports=10)
    with pytest.raises(FolderDiffers, match="which finished, is not in the ledger"):
        read_back(shorter.searches, study.folder)


def test_a_trial_that_ended_in_the_folder_alone_counts_as_interrupted(
    spec: Spec, recorded: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver died after the record and before the ledger."""
    study = recorded(spec(ablate=ONE_CELL))
    [search] = study.searches
    monkeypatch.setattr(search, "end", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        study.run()
    assert set(read_folder(study.folder).frame["outcome"]) == {"finished"}
    [row] = table_rows(Judged(read_back(study.searches, study.folder)))
    assert (row.outcomes, row.report) == ({"interrupted": 1}, None)


def test_an_interrupted_study_that_goes_on_has_each_report_once(spec: Spec, recorded: Callable) -> None:
    asked = spec(ablate=ONE_CELL)
    first = recorded(asked).run(reports=25)
    second = recorded(asked, storage=first.storage).run()
    study = read_back(second.searches, second.folder)
    assert set(study.frame["outcome"]) == {"finished"}
    for run, curve in study.metric("select/miou").groupby("run")["iteration"]:
        assert curve.tolist() == list(range(10, 101, 10)), run
