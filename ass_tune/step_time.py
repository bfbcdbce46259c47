"""What trials cost on this machine: measured once per machine and kind of trial, then remembered."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel

from trainables.cache import cache_folder
from trainables.config import TrialConfig
from trainables.mistakes import UserMistake
from trainables.storage import Storage

FILE = "step_times.json"
WITHOUT_INFLUENCE = {"seed", "subset_seed", "iterations", "evaluate_every", "protocol", "warmup", "labeled_images"}
"""Fields that change no step's cost; neither does any weight, rate or other floating-point number."""


class MeasurementFailed(UserMistake):
    """The process that measures a step ended with an error; the message is its last line."""


class StepTime(BaseModel):
    """Cost of one trial's parts on this machine."""

    seconds_per_iteration: float
    seconds_per_report: float
    seconds_to_start: float
    running_bytes: float
    """Checkpoint of a running trial."""
    finished_bytes: float
    """Network, confusion matrices and panel of a finished trial."""

    def seconds_between_reports(self, evaluate_every: int) -> float:
        """Time from one report to the next."""
        return evaluate_every * self.seconds_per_iteration + self.seconds_per_report

    def seconds(self, iterations: int, reports: int) -> float:
        """Time of one trial."""
        return self.seconds_to_start + iterations * self.seconds_per_iteration + reports * self.seconds_per_report


def remembered(trainable: str, configs: Sequence[TrialConfig], threads: int) -> list[StepTime | None]:
    """For each configuration what was measured before, if anything."""
    known = _known()
    kinds = [_kind(trainable, config, threads) for config in configs]
    return [StepTime(**known[kind]) if kind in known else None for kind in kinds]


def measured(trainable: str, configs: Sequence[TrialConfig], threads: int, data_root: Path | None) -> list[StepTime]:
    """For each configuration what was measured before or, in a process of its own, is measured now.

    Raises MeasurementFailed.
    """
    wanted = {_kind(trainable, config, threads): config for config in configs}
    missing = {kind: config for kind, config in wanted.items() if kind not in _known()}
    if missing:
        requests = [
            {
                "trainable": trainable,
                "config": config.model_dump(mode="json"),
                "threads": threads,
                "data_root": str(data_root) if data_root else None,
            }
            for config in missing.values()
        ]
        _remember(dict(zip(missing, _measure(requests, threads), strict=True)))
    known = _known()
    return [StepTime(**known[_kind(trainable, config, threads)]) for config in configs]


def _measure(requests: list[dict[str, Any]], threads: int) -> list[dict[str, float]]:
    done = subprocess.run(
        [sys.executable, "-m", "trainables.step_time"],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise MeasurementFailed(lines[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def _kind(trainable: str, config: TrialConfig, threads: int) -> str:
    content = {name: value for name, value in config.canonical().items() if name not in WITHOUT_INFLUENCE}
    content = {name: value for name, value in content.items() if not isinstance(value, float)}
    content |= {"trainable": trainable, "machine": platform.node(), "threads": threads, "code": config.code_version()}
    content["labels"] = bool(config.model_dump().get("labeled_images", 0))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _known() -> dict[str, Any]:
    folder = Storage(str(cache_folder()))
    return json.loads(folder.read_bytes(FILE)) if folder.exists(FILE) else {}


def _remember(new: Mapping[str, Any]) -> None:
    """Add to what is known; a lock keeps what another process adds meanwhile."""
    folder = Storage(str(cache_folder()))
    folder.local_path().mkdir(parents=True, exist_ok=True)
    with FileLock(folder.local_path(f"{FILE}.lock")):
        folder.write_bytes(FILE, json.dumps({**_known(), **new}, indent=1).encode())
