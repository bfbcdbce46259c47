from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from ass_tune.on_ray import release
from ass_tune.on_ray.release import TrialRelease
from tests.support.cluster import SLOTS
from tests.support.studies import Studies
from tests.support.study_files import curves_file


def test_ray_forgets_trials_that_have_ended(
    studies: Studies, write_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "AT_ONCE", 3)
    kept: list[int] = []
    controllers: list[Any] = []
    begun: WeakSet[Any] = WeakSet()
    alive: list[int] = []

    class Watched(TrialRelease):
        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            begun.add(trial)

        def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
            gc.collect()
            alive.append(len(begun))

        def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
            super().on_step_end(iteration, trials, **info)
            kept.append(len(trials))
            controllers.append(self.controller)

    monkeypatch.setattr(release, "TrialRelease", Watched)
    file = write_file(curves_file(search={"sampler": "random", "trials_per_cell": 16}))
    assert studies.run(file).returncode == 0
    trials = [trial for trials in studies.ledger("curves").values() for trial in trials]
    assert len(trials) == 17
    assert max(kept) <= 2 * SLOTS + 3
    tune = controllers[-1]
    lists = (tune._trials, tune._stopped_trials, tune._live_trials, tune._trials_to_cache, tune._trial_metadata)
    assert max(map(len, lists)) <= 2 * SLOTS + 3
    assert alive[-1] <= 2 * SLOTS + 3, "something else keeps trials"
