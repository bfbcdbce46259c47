"""The processes that Ray starts for the trials of a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._private.state import actors

from ass_tune.on_ray import release
from tests.support.cluster import SLOTS
from tests.support.studies import Studies
from tests.support.study_files import curves_file


def test_processes_start_together_and_none_is_ended_before_it_is_ready(
    studies: Studies, write_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    known_to_ray: list[int] = []
    """Trials, whenever one begins."""
    processes: set[str] = set()

    class Watched(release.TrialRelease):
        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            known_to_ray.append(len(trials))

        def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
            job = ray.get_runtime_context().get_job_id()
            processes.update(name for name, actor in actors().items() if actor["JobID"] == job)

    monkeypatch.setattr(release, "TrialRelease", Watched)
    # trials that are over long before a second process can be ready
    file = write_file(curves_file(search={"sampler": "random", "trials_per_cell": 24}))
    assert studies.run(file).returncode == 0
    assert known_to_ray[0] == SLOTS
    assert len(known_to_ray) == 25
    assert len(processes) == SLOTS
