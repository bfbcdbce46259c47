from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from analysis.records import Status
from ass_tune.tracker.store import MlflowStore, mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.tracker.writer import Patience
from ass_tune.trial import End, Report, Trial
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

Make = Callable[..., Any]


def test_study_becomes_an_experiment_with_a_parent_run(
    open_tracker: Callable[..., Tracker], archive: Make, store: MlflowStore, folder: Path
):
    tracker = open_tracker(common_tags={"mlflow.user": "ann"})
    tracker.start({"iterations": 900, "ledger": "postgresql://ann:s3cret@db/x"}, {"file": "search_spaces/csa.yaml"})
    Storage(str(folder)).write_bytes("tables/final.md", b"| a |")
    tracker.study_file("tables/final.md", "tables")
    tracker.study_text("plan.txt", "6 cells, ledger postgresql://ann:s3cret@db/x")
    tracker.describe("# Results")
    tracker.end()
    assert tracker.close(60) == 0
    seen = archive()
    run = seen.run("study")
    assert (run.info.run_name, run.info.status) == ("demo", "FINISHED")
    assert run.data.params == {"iterations": "900", "ledger": "postgresql://***@db/x"}
    assert (
        run.data.tags.items()
        >= {"outcome": "finished", "mlflow.user": "ann", "mlflow.note.content": "# Results"}.items()
    )
    assert seen.artifacts("study") == ["plan.txt", "tables"]
    assert seen.artifacts("study", "tables") == ["tables/final.md"]
    plan = Path(seen.client.download_artifacts(run.info.run_id, "plan.txt")).read_text()
    assert plan == "6 cells, ledger postgresql://***@db/x"
    assert isinstance(store.artifact_root, Path)
    assert run.info.artifact_uri.startswith(f"{store.artifact_root.as_uri()}/demo/")


def test_finished_trial_has_parameters_tags_curves_results_and_artifacts(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make, make_report: Make, folder: Path
):
    trial, files = make_trial(), Storage(str(folder))
    files.write_bytes("trials/a/confusions.parquet", b"counts")
    files.write_bytes("trials/a/panel.png", b"png")
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(trial)
    for iteration in (10, 20, 30):
        tracker.trial_reported(trial, make_report(iteration))
    artifacts = ("trials/a/confusions.parquet", "trials/a/panel.png")
    tracker.trial_ended(trial, End(Outcome.FINISHED, 30, 1_700_000_040.5, {"report/miou": 47.11}, artifacts))
    assert tracker.close(60) == 0
    seen = archive()
    run = seen.run(trial.key)
    assert (run.info.run_name, run.info.status) == ("ga+csa · 50 labels · tuning 3", "FINISHED")
    assert run.info.end_time == 1_700_000_040_500
    assert run.data.params == {
        "adaptor": "ga+csa", "labeled_images": "50", "lr": "0.00025", "lambda_sadv": "0.1", "gd_channels": "[64, 1]",
    }  # fmt: skip
    about = {"cell": trial.cell.name, "adaptor": "ga+csa", "labeled_images": "50", "row": "ga+csa · 50 labels"}
    about |= {"stage": "tuning", "number": "3"}
    parent = {"mlflow.parentRunId": seen.run("study").info.run_id}
    assert run.data.tags.items() >= {**about, **parent, "seed": "7", "outcome": "finished"}.items()
    assert seen.points(trial.key, "select/miou") == [(10, 10 / 3), (20, 20 / 3), (30, 10.0)]
    assert seen.points(trial.key, "report/miou") == [(30, 47.11)]
    history = seen.client.get_metric_history(run.info.run_id, "loss/total")
    assert [point.timestamp for point in history] == [1_700_000_010_000, 1_700_000_020_000, 1_700_000_030_000]
    assert seen.artifacts(trial.key) == ["confusions.parquet", "panel.png"]


def test_pruned_trial_is_killed_and_tagged_with_its_iteration(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    tracker.trial_ended(make_trial(), End(Outcome.PRUNED, 20, 1_700_000_020.0))
    assert tracker.close(60) == 0
    (run,) = archive().runs("pruned")
    assert (run.info.status, run.data.tags["pruned_at"]) == ("KILLED", "20")


def test_failed_trial_keeps_its_error_shortened_and_without_credentials(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    error = "OSError: s3://ann:s3cret@bucket is away\n" + "at line 1\n" * 2000
    tracker.trial_ended(make_trial(), End(Outcome.FAILED, 20, 1_700_000_020.0, error=error))
    assert tracker.close(60) == 0
    (run,) = archive().runs("failed")
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("OSError: s3://***@bucket is away\nat line 1")
    assert len(run.data.tags["error"]) == 5000


def test_recorded_values_equal_the_reported_ones_bit_for_bit(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    values = np.random.default_rng(0).integers(0, 2**63, 2000, dtype=np.uint64).view(np.float64)
    values = [5e-324, math.pi, 0.1 + 0.2, 1.7976931348623157e308, *values[np.isfinite(values)].tolist()]
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    for step, value in enumerate(values):
        tracker.trial_reported(make_trial(), Report(step, {"x": value}, 1_700_000_000.0 + step))
    assert tracker.close(60) == 0
    assert archive().points(make_trial().key, "x") == list(enumerate(values))


def test_values_that_are_no_numbers_are_named_in_a_tag_instead(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make, make_report: Make
):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    odd = {"loss/gd": math.nan, "loss/sd": -math.inf}
    tracker.trial_reported(make_trial(), make_report(10, **odd))
    assert tracker.close(60) == 0
    run = archive().run(make_trial().key)
    assert set(run.data.metrics) == {"select/miou", "select/iou/traffic sign", "loss/total"}
    assert run.data.tags["not_finite"] == "loss/gd, loss/sd at 10"


def test_names_and_values_that_mlflow_refuses_arrive_in_a_permitted_form(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    trial = Trial("b" * 16, Cell((("ada+ptor", "ga"),)), Stage.REPLICATE, 0, 1, {}, {"notes": "x" * 9000, "a//b": 1})
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(trial)
    tracker.trial_reported(trial, Report(1, {"iou/sign (front)": 1.0}, 1_700_000_000.0))
    assert tracker.close(60) == 0
    run = archive().run(trial.key)
    assert run.data.metrics == {"iou/sign _front_": 1.0}
    assert set(run.data.params) == {"notes", "a/b"}
    assert run.data.tags["ada_ptor"] == "ga"


def test_trial_trained_again_after_a_failure_continues_the_same_run(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make, make_report: Make, finished: End
):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    for iteration in (10, 20):
        tracker.trial_reported(make_trial(), make_report(iteration))
    tracker.trial_ended(make_trial(), End(Outcome.FAILED, 20, 1_700_000_020.0, error="out of memory"))
    tracker.trial_started(make_trial())
    for iteration in (20, 30):
        tracker.trial_reported(make_trial(), make_report(iteration, seconds=100.0))
    tracker.trial_ended(make_trial(), finished)
    assert tracker.close(60) == 0
    seen = archive()
    run = seen.run(make_trial().key)
    assert (run.info.status, run.data.tags["outcome"], "error" in run.data.tags) == ("FINISHED", "finished", False)
    assert seen.points(make_trial().key, "select/miou") == [(10, 10 / 3), (20, 20 / 3), (30, 10.0)]
    assert len(seen.runs()) == 2


def test_next_driver_takes_over_the_runs_of_the_last(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make, make_report: Make, finished: End
):
    first = open_tracker()
    first.start({"trials": 12, "seed": 0}, {"file": "a.yaml"})
    first.trial_started(make_trial())
    first.trial_reported(make_trial(), make_report(10))
    assert first.close(60) == 0
    second = open_tracker()
    second.start({"trials": 24, "seed": 0, "new": 1}, {"file": "b.yaml"})
    second.trial_started(make_trial())
    second.trial_reported(make_trial(), make_report(10, seconds=50.0))
    second.trial_reported(make_trial(), make_report(20, seconds=50.0))
    second.trial_ended(make_trial(), finished)
    second.end()
    assert second.close(60) == 0
    seen = archive()
    assert [run.info.status for run in seen.runs()] == ["FINISHED", "FINISHED"]
    assert seen.points(make_trial().key, "select/miou") == [(10, 10 / 3), (20, 20 / 3)]
    parent = seen.run("study")
    assert parent.data.params == {"trials": "12", "seed": "0", "new": "1"}
    assert parent.data.tags["file"] == "b.yaml"


def test_study_begun_afresh_leaves_the_runs_of_the_old_one_alone(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make, make_report: Make
):
    for instance in ("first", "second"):
        tracker = open_tracker(instance=instance)
        tracker.start({}, {})
        tracker.trial_started(make_trial())
        tracker.trial_reported(make_trial(), make_report(10))
        assert tracker.close(60) == 0
    assert len(archive().runs()) == 4


def test_interrupted_study_leaves_no_run_running(open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial("a" * 16))
    tracker.trial_started(make_trial("b" * 16))
    tracker.trial_ended(make_trial("b" * 16), End(Outcome.PRUNED, 20, 1_700_000_020.0))
    tracker.end(Status.KILLED)
    assert tracker.close(60) == 0
    outcomes = {run.data.tags["ass_tune.key"][0]: run.data.tags["outcome"] for run in archive().runs()}
    assert outcomes == {"s": "interrupted", "a": "interrupted", "b": "pruned"}
    assert {run.info.status for run in archive().runs()} == {"KILLED"}


def test_trials_can_be_grouped_by_factor_in_mlflow(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    tracker = open_tracker()
    tracker.start({}, {})
    for number, adaptor in enumerate(("ga", "ga+csa", "ga")):
        tracker.trial_started(make_trial(f"{number}" * 16, number, adaptor, 5))
    tracker.trial_started(replace(make_trial("3" * 16, 3, "ga", 50), reused_from="other study"))
    assert tracker.close(60) == 0
    seen = archive()
    search = "tags.adaptor = 'ga' and params.labeled_images = '5' and tags.stage = 'tuning'"
    found = seen.client.search_runs([seen.experiment.experiment_id], search)
    assert sorted(run.data.tags["number"] for run in found) == ["0", "2"]
    assert seen.run("3" * 16).data.tags["reused_from"] == "other study"


def test_views_are_saved_once_and_stay_as_somebody_changed_them(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    changed = "mlflow.sharedViewState.table-demo"
    for cells in ([make_trial(labels=5).cell], [make_trial(labels=labels).cell for labels in (5, 50)]):
        tracker = open_tracker()
        tracker.start({}, {})
        tracker.offer_views(cells, ["lambda_sadv"])
        assert tracker.close(60) == 0
        seen = archive()
        seen.client.set_experiment_tag(seen.experiment.experiment_id, changed, "mine")
    tags = archive().experiment.tags
    assert tags[changed] == "mine"
    assert {"mlflow.sharedViewState.table-5-demo", "mlflow.sharedViewState.table-50-demo"} <= tags.keys()


def test_the_runs_of_the_table_are_marked_and_no_longer_when_others_take_their_place(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    trials = [make_trial(f"{number}" * 16, number) for number in range(3)]
    for instance, tables in (("first", [(0,)]), ("second", [(0, 1), (1, 2)])):
        for table in tables:
            tracker = open_tracker(instance=instance)
            tracker.start({}, {})
            for trial in trials:
                tracker.trial_started(trial)
            tracker.table_is_of([trials[number].run for number in table])
            assert tracker.close(60) == 0
    tags = [run.data.tags for run in archive().runs() if "number" in run.data.tags]
    marked = {(found["ass_tune.study"], found["number"]): found.get("in_table") for found in tags}
    of_first = {("first", "0"): "yes", ("first", "1"): None, ("first", "2"): None}
    assert marked == of_first | {("second", "0"): None, ("second", "1"): "yes", ("second", "2"): "yes"}


def test_a_run_begins_with_its_miou_which_plots_of_mlflow_show_first(
    open_tracker: Callable[..., Tracker], archive: Make, make_trial: Make
):
    tracker = open_tracker()
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    tracker.trial_reported(make_trial(), Report(10, {"loss/total": 2.0, "select/miou": 20.0}, 1_700_000_000.0))
    assert tracker.close(60) == 0
    assert list(archive().run(make_trial().key).data.metrics) == ["select/miou", "loss/total"]


def test_store_defaults_to_a_database_beside_the_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path.resolve()
    assert mlflow_store(tmp_path) == MlflowStore(f"sqlite:///{root}/mlflow.db", root / "mlartifacts")
    served = mlflow_store(tmp_path, "https://ann:s3cret@mlflow.org")
    assert (served.artifact_root, served.display) == (None, "https://***@mlflow.org")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://db/x")
    assert mlflow_store(tmp_path) == MlflowStore("postgresql://db/x", root / "mlartifacts")


def test_outbox_holds_every_record_as_json(
    open_tracker: Callable[..., Tracker], make_trial: Make, make_report: Make, folder: Path
):
    tracker = open_tracker()
    tracker.trial_started(make_trial())
    tracker.trial_reported(make_trial(), make_report(10))
    tracker.close(60)
    lines = [json.loads(line) for line in (folder / "outbox.jsonl").read_text().splitlines()]
    assert [line["record"]["kind"] for line in lines] == ["run_started", "metrics"]
    assert lines[1]["record"]["values"]["select/miou"] == 10 / 3


def test_reports_that_come_soon_after_another_travel_together(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, monkeypatch: pytest.MonkeyPatch
):
    sent: list[int] = []
    log_batch = MlflowClient.log_batch

    def counted(client: MlflowClient, run_id: str, metrics: Sequence[Metric] = (), **other: Any) -> Any:
        sent.append(len(metrics))
        return log_batch(client, run_id, metrics=metrics, **other)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    tracker = open_tracker(patience=Patience(gathering=1.0))
    trial = make_trial()
    tracker.trial_started(trial)
    for iteration in range(1, 41):
        tracker.trial_reported(trial, make_report(iteration))
        time.sleep(0.03)
    assert tracker.close(60) == 0
    assert len(archive().points(trial.key, "select/miou")) == 40
    # it takes 1.2 seconds to report them
    assert len([metrics for metrics in sent if metrics]) <= 4
