"""What a study costs beyond its trainings: the time of its trials against that of a loop over the same trainings."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import yaml

from analysis.readers.folder import records_in
from analysis.records import OUTBOX, Metrics
from ass_tune.ledger.ledger import entries_of, open_to_read
from benchmarks.command_line import PROJECT
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.cache import cache_folder
from trainables.domains.pairs import open_pair

STUDY = "short"


def seconds_of_study(folder: Path, trials: int, iterations: int) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the first report of a study's first trial to the last one's end, and the configurations it ran."""
    file = folder / f"{STUDY}.yaml"
    cells = 2
    content = {
        "study": STUDY,
        "trainable": "ass",
        "domains": "streets",
        "profile": "laptop",
        "baseline": {"adaptor": "ga"},
        "ablate": {"adaptor": ["ga", "ga+csa"], "labeled_images": [20]},
        "tune": {"lr": {"type": "log_uniform", "low": 0.02, "high": 0.08}},
        "search": {"sampler": "random", "trials_per_cell": trials // cells - 1},
        "prune": "none",
        "replicate": {"seeds": [0]},
        "train": {"iterations": iterations, "evaluate_every": iterations // 2},
        "resources": {"cpu": os.cpu_count()},
    }
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    command = [sys.executable, "-m", "ass_tune.run", str(file), "--studies", str(folder), "--no-report"]
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    with (folder / "output.txt").open("wb") as output:
        subprocess.run(command, stdout=output, stderr=output, cwd=PROJECT, env=environment, check=True)
    ledger = open_to_read(folder / STUDY)
    assert ledger is not None
    found = sorted((entry for entries in entries_of(ledger).values() for entry in entries), key=lambda e: e.ended)
    return found[-1].ended - _first_report(folder / STUDY), [dict(entry.config) for entry in found]


def _first_report(folder: Path) -> float:
    with (folder / OUTBOX).open("rb") as file:
        for record in records_in(file, str(folder)):
            if isinstance(record, Metrics):
                return record.time
    raise ValueError(f"no trial of {folder} has reported")


def seconds_of_loop(configs: list[dict[str, Any]]) -> float:
    """Seconds from the first report to the end of the last training of a loop over the same trainings.

    It runs in a process that does nothing else, as a script would; nothing is saved.
    """
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_loop, (configs,))


def _loop(configs: list[dict[str, Any]]) -> float:
    torch.set_num_threads(os.cpu_count() or 1)
    first: float | None = None
    for values in configs:
        config = AssConfig.of(values)
        pair = open_pair(config.domains, cache_folder(), None, {})
        trainer = Trainer(config, pair)
        while trainer.iteration < config.iterations:
            trainer.train_until(trainer.iteration + config.evaluate_every)
            trainer.evaluate(pair.target_select)
            first = first or time.time()
        trainer.evaluate(pair.target_report)
    assert first is not None
    return time.time() - first
