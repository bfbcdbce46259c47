"""What trials cost on this machine: measured once per machine and kind of trial, then remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from trainables.cache import cache_folder
from trainables.config import TrialConfig
from trainables.domains.pairs import definition
from trainables.mistakes import UserMistake
from trainables.storage import Storage

logger = logging.getLogger(__name__)

FILE = "step_times.json"
WITHOUT_INFLUENCE = {"seed", "subset_seed", "iterations", "evaluate_every", "protocol", "warmup", "labeled_images"}
"""Fields that do not affect the cost of a step; floating-point numbers (weights, rates) do not either."""


class MeasurementFailed(UserMistake):
    """No step could be measured; the message says why."""


Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class StepTime(BaseModel):
    """Cost of one trial's parts on this machine."""

    seconds_per_iteration: Cost
    seconds_per_report: Cost
    seconds_to_start: Cost
    running_bytes: Cost
    """Checkpoint of a running trial."""
    finished_bytes: Cost
    """Network, confusion matrices and panel of a finished trial."""
    device_bytes: Cost | None = None
    """Tensors of a trial on its device at most, an estimate; None where the trainable makes none."""

    @classmethod
    def of_training(cls, seconds_per_iteration: float) -> StepTime:
        """Training alone, as if evaluating, starting and saving cost nothing."""
        return cls(
            seconds_per_iteration=seconds_per_iteration,
            seconds_per_report=0,
            seconds_to_start=0,
            running_bytes=0,
            finished_bytes=0,
        )

    def seconds_between_reports(self, evaluate_every: int) -> float:
        """Time from one report to the next."""
        return evaluate_every * self.seconds_per_iteration + self.seconds_per_report

    def seconds(self, iterations: int, reports: int) -> float:
        """Time of one trial."""
        return self.seconds_to_start + iterations * self.seconds_per_iteration + reports * self.seconds_per_report


def remembered(trainable: str, configs: Sequence[TrialConfig], threads: int) -> list[StepTime | None]:
    """For each configuration what was measured before, if anything."""
    known = _known()
    return [known.get(_kind(trainable, config, threads)) for config in configs]


def measured(trainable: str, configs: Sequence[TrialConfig], threads: int, data_root: Path | None) -> list[StepTime]:
    """For each configuration what was measured before or, in a process of its own, is measured now.

    Raises MeasurementFailed.
    """
    wanted = {_kind(trainable, config, threads): config for config in configs}
    known = _known()
    missing = {kind: config for kind, config in wanted.items() if kind not in known}
    if missing:
        requests = [
            {
                "trainable": trainable,
                "config": config.model_dump(mode="json"),
                "threads": threads,
                "data_root": str(data_root) if data_root else None,
                "pair": definition(config.domains),
            }
            for config in missing.values()
        ]
        known = _remember(dict(zip(missing, _measure(requests, threads), strict=True)))
    return [known[_kind(trainable, config, threads)] for config in configs]


def _measure(requests: list[dict[str, Any]], threads: int) -> list[StepTime]:
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
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if "mistake" in answer:
        raise MeasurementFailed(answer["mistake"])
    return [StepTime(**costs) for costs in answer["costs"]]


def _kind(trainable: str, config: TrialConfig, threads: int) -> str:
    content = {name: value for name, value in config.canonical().items() if name not in WITHOUT_INFLUENCE}
    content = {name: value for name, value in content.items() if not isinstance(value, float)}
    content |= {
        "trainable": trainable,
        "machine": platform.node(),
        "threads": threads,
        "code": config.code_version(config.domains),
    }
    content["labels"] = bool(config.model_dump().get("labeled_images", 0))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _known() -> dict[str, StepTime]:
    """What the cache holds; a damaged file is put aside, and what was in it is measured again."""
    try:
        return _read()
    except ValidationError:
        with _lock():
            return _read_or_put_aside()


def _read() -> dict[str, StepTime]:
    folder = Storage(str(cache_folder()))
    return _FILE.validate_json(folder.read_bytes(FILE)) if folder.exists(FILE) else {}


def _read_or_put_aside() -> dict[str, StepTime]:
    try:
        return _read()  # whoever had the lock before may have put it aside
    except ValidationError:
        path = cache_folder() / FILE
        aside = next(name for number in count(1) if not (name := path.with_suffix(f".damaged-{number}")).exists())
        path.rename(aside)
        logger.warning("%s is damaged and now %s: steps are measured again", path, aside.name)
        return {}


def _remember(new: Mapping[str, StepTime]) -> dict[str, StepTime]:
    """Add to what is known, and return all of it; what another process measured first stays, so that plans agree."""
    folder = Storage(str(cache_folder()))
    with _lock():
        known = {**new, **_read_or_put_aside()}
        folder.write_bytes(FILE, _FILE.dump_json(known, indent=1))
    return known


def _lock() -> FileLock:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{FILE}.lock")


_FILE = TypeAdapter(dict[str, StepTime])
