from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from analysis.export.__main__ import main
from analysis.records import IDENTITY, KEY_TAG
from ass_tune.plan.study_plan import make_plan
from ass_tune.search.cells import cells
from ass_tune.search.identity import build_config, trial_key
from ass_tune.spec import StudySpec, load
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End, Report, Trial
from trainables.ass.metrics import iou_per_class, miou
from trainables.confusions import confusions_to_parquet
from trainables.domains.classes import ClassSet
from trainables.domains.sampling import stream
from trainables.panel import panel_png
from trainables.predictions import predictions_to_parquet
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

FILE = """
study: recorded
trainable: curves
domains: synthetic
profile: synthetic
baseline: {adaptor: joint}
ablate:
  adaptor: [joint, ga+csa]
  labeled_images: [5, 20]
tune:
  lr: {type: log_uniform, low: 0.01, high: 0.1}
search: {sampler: random, trials_per_cell: 3}
prune: none
replicate: {seeds: [0, 1, 2]}
train: {iterations: 100, evaluate_every: 25}
"""
CLASSES = ClassSet(("road", "traffic sign", "sky"), ((128, 64, 128), (220, 220, 0), (70, 130, 180)))
IMAGES = 8
SIZE = (24, 32)
LEARNING_RATES = (0.01, 0.03, 0.1)
"""Of tuning trials 0 to 2; the second is the best one of every cell."""


@dataclass(frozen=True)
class Recorded:
    """A study in a real MLflow database: 4 cells of 3 tuning trials and 3 replicates.

    Tuning trial 2 of ga+csa at 5 labels was pruned at iteration 75, tuning trial 0 of joint at 20 labels kept no
    artifacts, and tuning trial 0 of joint at 5 labels has a metric `by_hand` of NaN, infinities and odd numbers.
    """

    uri: str
    name: str
    spec: StudySpec

    @property
    def folder(self) -> Path:
        """Of `mlflow.db` and `mlartifacts`."""
        return Path(self.uri.removeprefix("sqlite:///")).parent


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Recorded:
    """Not to be changed: tests in any order compare it with what was made of it."""
    return begin_recorded(tmp_path_factory.mktemp("recorded"), migrated)


@pytest.fixture(scope="module")
def with_report(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Recorded:
    """The same study again, for commands that add their report to its run in MLflow."""
    return begin_recorded(tmp_path_factory.mktemp("with_report"), migrated)


def begin_recorded(folder: Path, migrated: Path) -> Recorded:
    shutil.copy(migrated, folder / "mlflow.db")
    file = folder / "recorded.yaml"
    file.write_text(FILE)
    found = Recorded(f"sqlite:///{folder / 'mlflow.db'}", "recorded", load(file))
    key = record(found, Storage(str(folder / "recorded")))
    log_odd_numbers(found, key)
    return found


@pytest.fixture(scope="session")
def exported(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole export of the recorded study; not to be changed."""
    folder = tmp_path_factory.mktemp("exports") / recorded.name
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(folder)]) == 0
    return folder


def record(study: Recorded, files: Storage) -> str:
    """Tell a tracker all that happens in the study; returns the run of the first trial."""
    spec, plan = study.spec, make_plan(study.spec, None, measure=False, step_time=0.01)
    tracker = Tracker(
        spec.study, files.local_path(), mlflow_store(study.folder, study.uri), files=files, instance="0123456789abcdef"
    )
    files.write_bytes(IDENTITY, b"0123456789abcdef")
    settings = {name: getattr(spec, name) for name in ("trainable", "domains", "profile", "protocol")}
    tracker.start({**settings, "sampler": plan.sampler, "pruner": plan.pruner, "seeds": plan.seeds}, settings)
    tracker.study_text("written_recorded.yaml", FILE)
    resolved = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    tracker.study_text("resolved.yaml", yaml.safe_dump(resolved, sort_keys=False))
    tracker.study_text("plan.json", plan.model_dump_json(indent=2))
    trials = [trial for planned in cells(spec)[0] for trial in trials_of(spec, planned.cell)]
    for trial in trials:
        train(tracker, trial, files)
        time.sleep(0.002)  # so that no two runs begin in the same millisecond: their order is part of a study
    tracker.study_text("final.md", "| adaptor | mIoU |", "tables")
    tracker.describe("| adaptor | mIoU |")
    tracker.end()
    assert tracker.close(120) == 0
    return trials[0].run


def trials_of(spec: StudySpec, cell: Cell) -> list[Trial]:
    tuning = [trial(spec, cell, Stage.TUNING, number, 1000, lr) for number, lr in enumerate(LEARNING_RATES)]
    return tuning + [trial(spec, cell, Stage.REPLICATE, seed, seed, LEARNING_RATES[1]) for seed in range(3)]


def trial(spec: StudySpec, cell: Cell, stage: Stage, number: int, seed: int, lr: float) -> Trial:
    config = build_config(spec, cell, {"lr": lr}, seed)
    return Trial(trial_key(config), cell, stage, number, seed, {"lr": lr}, config.model_dump(mode="json"))


def train(tracker: Tracker, trial: Trial, files: Storage) -> None:
    """Four reports and the end, with the artifacts of a real trial."""
    begun = time.time()
    place = (str(trial.cell.level("adaptor")), trial.cell.level("labeled_images"), trial.stage, trial.number)
    tracker.trial_started(trial)
    for iteration in (25, 50, 75, 100):
        counts, _ = evaluated(trial, "select", iteration)
        metrics = measured("select", counts.sum(0)) | {"loss/total": 5 / iteration, "lr/backbone": 1 - iteration / 100}
        tracker.trial_reported(trial, Report(iteration, metrics, begun + iteration / 1000))
        if iteration == 75 and place == ("ga+csa", 5, Stage.TUNING, 2):
            tracker.trial_ended(trial, End(Outcome.PRUNED, iteration, begun + iteration / 1000))
            return
    counts, truth_and_prediction = evaluated(trial, "report", 100)
    artifacts = (
        () if place == ("joint", 20, Stage.TUNING, 0) else left_behind(trial, files, counts, truth_and_prediction)
    )
    end = End(Outcome.FINISHED, 100, begun + 0.11, measured("report", counts.sum(0)), artifacts)
    tracker.trial_ended(trial, end)


def left_behind(
    trial: Trial, files: Storage, counts: np.ndarray, truth_and_prediction: tuple[np.ndarray, np.ndarray]
) -> tuple[str, ...]:
    truth, prediction = (labels[:2] for labels in truth_and_prediction)
    images = np.random.default_rng(7).integers(0, 256, (2, *SIZE, 3), np.uint8)
    names = [f"city/{index:03}.png" for index in range(IMAGES)]
    contents = {
        "report_confusions.parquet": confusions_to_parquet(counts, names, CLASSES.names),
        "panel.png": panel_png(images, truth, prediction, CLASSES),
        "predictions.parquet": predictions_to_parquet(names[:2], images, truth, prediction, CLASSES),
    }
    for name, content in contents.items():
        files.write_bytes(f"results/{trial.run}/{name}", content)
    return tuple(f"results/{trial.run}/{name}" for name in contents)


def evaluated(trial: Trial, split: str, iteration: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Counts per image, and the labels that were counted; the same truth for all trials."""
    number = ("select", "report").index(split)
    truth = np.random.default_rng(number).integers(0, len(CLASSES), (IMAGES, *SIZE)).astype(np.uint8)
    truth[:, :2] = 255
    gain = 0.06 if trial.cell.level("adaptor") == "ga+csa" else 0.0
    right = 0.5 + gain + 0.05 * (trial.cell.level("labeled_images") == 20) + 0.002 * iteration
    right -= 0.1 * (trial.hyperparameters["lr"] != LEARNING_RATES[1]) + 0.03 * trial.number * (
        trial.stage is Stage.TUNING
    )
    rng = stream(trial.seed, f"{trial.cell.name}/{trial.hyperparameters}/{number}", iteration)  # whatever the keys are
    guessed = rng.integers(0, len(CLASSES), truth.shape).astype(np.uint8)
    prediction = np.where((rng.random(truth.shape) < right) & (truth < 255), truth, guessed)
    counts = np.zeros((IMAGES, len(CLASSES), len(CLASSES)), np.int64)
    for image in range(IMAGES):
        seen = truth[image] < 255
        np.add.at(counts[image], (truth[image][seen], prediction[image][seen]), 1)
    return counts, (truth, prediction)


def measured(split: str, total: np.ndarray) -> dict[str, float]:
    ious = zip(CLASSES.names, iou_per_class(total), strict=True)
    return {f"{split}/miou": miou(total)} | {f"{split}/iou/{name}": float(iou) for name, iou in ious}


def log_odd_numbers(study: Recorded, key: str) -> None:
    """What only a hand can log: the tracker sends nothing that is not finite."""
    client = MlflowClient(tracking_uri=study.uri)
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`{KEY_TAG}` = '{key}'")
    numbers = (float("nan"), float("inf"), float("-inf"), 0.1 + 0.2, 5e-324, -0.0)
    metrics = [Metric("by_hand", value, run.info.start_time + step, step) for step, value in enumerate(numbers)]
    client.log_batch(run.info.run_id, metrics=metrics)
