"""Measure what a trial costs on this machine, by a few real steps: `python -m trainables.step_time` reads requests.

It runs as a process of its own, so that the one that plans a study never imports torch.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.contract import TrialTask
from trainables.domains.pairs import make_known
from trainables.domains.recipe import MissingData
from trainables.mistakes import UserMistake
from trainables.registry import TRAINABLES

SHORT, LONG = 4, 12
"""Iterations between two reports in the two runs that tell training from evaluation."""


def measure(
    trainable: str,
    config: Mapping[str, Any],
    threads: int,
    data_root: str | None,
    pair: Mapping[str, Any] | None = None,
) -> dict[str, float | None]:
    """Cost of one trial's parts. `pair` is what a pair file says, where one defines the domain pair.

    Returns:
        seconds_per_iteration, seconds_per_report (evaluation and checkpoint), seconds_to_start, the bytes on disk of
        one checkpoint, of which a running trial has two at most (running_bytes), and of a finished trial
        (finished_bytes), and an estimate of the device memory for a trial's tensors (device_bytes), or None.
    """
    make_known(pair)
    entry = TRAINABLES[trainable]
    start, short, running, finished = _timed(trainable, config, SHORT, threads, data_root, to_the_end=True)
    _, long, _, _ = _timed(trainable, config, LONG, threads, data_root, to_the_end=False)
    per_iteration = max(0.0, (long - short) / (LONG - SHORT))
    return {
        "seconds_per_iteration": per_iteration,
        "seconds_per_report": max(0.0, short - SHORT * per_iteration),
        "seconds_to_start": start,
        "running_bytes": running,
        "finished_bytes": finished,
        "device_bytes": entry.device_bytes(entry.config.of(config)),
    }


def _timed(
    trainable: str, config: Mapping[str, Any], every: int, threads: int, data_root: str | None, *, to_the_end: bool
) -> tuple[float, float, int, int]:
    """Seconds to start, seconds of the second report, bytes of a checkpoint, bytes of results if run to the end."""
    ray_class = TRAINABLES[trainable].ray_class  # its imports are paid once per process, not per trial
    with tempfile.TemporaryDirectory(prefix="ass_tune-step-") as folder:
        task = TrialTask(
            trainable=trainable,
            key="step",
            config={**config, "iterations": 3 * every, "evaluate_every": every},
            storage=folder,
            data_root=data_root,
            threads=threads,
        )
        begun = time.perf_counter()
        trial = ray_class(config=task.model_dump())
        started = time.perf_counter()
        trial.train()
        again = time.perf_counter()
        trial.train()
        seconds, checkpoint = time.perf_counter() - again, max(_sizes(Path(folder, "checkpoints")), default=0)
        if to_the_end:
            trial.train()
        return started - begun, seconds, checkpoint, sum(_sizes(Path(folder, "results")))


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def main() -> None:
    """Answer the JSON list of requests on standard input on the last line of standard output.

    It has the list of `costs`, or the `mistake` for which there are none.
    """
    requests = json.load(sys.stdin)
    try:
        answer = {"costs": [measure(**request) for request in requests]}
    except (UserMistake, MissingData) as mistake:
        answer = {"mistake": str(mistake)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
