"""The usual study: Ray Tune with OptunaSearch, ASHA, MLflowLoggerCallback and reused actors, on the same empty trials.

`python -m benchmarks.driver_peer TRACKING_URI FOLDER TRIALS REPORTS BUDGETS`
"""

from __future__ import annotations

import sys
from typing import Any

from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.driver_studies import FIRST_METRIC, LEVELS, METRICS, OF_CURVES
from trainables.contract import TrialTask
from trainables.curves_trainable import CurvesTrainable


class Empty(tune.Trainable):
    """Our curves with their metrics where Ray Tune and its loggers expect them."""

    def setup(self, config: dict[str, Any]) -> None:
        """Begin a trial."""
        lengths = {"iterations": config["reports"], "evaluate_every": 1, "further_metrics": METRICS - OF_CURVES}
        drawn = {name: config[name] for name in ("lr", "adaptor", "labeled_images")}
        values = {"domains": "synthetic", "profile": "synthetic", "seed": 0, **lengths, **drawn}
        self._trial: Any = object.__new__(CurvesTrainable)
        self._trial.setup(TrialTask(trainable="curves", key="0", config=values, storage=config["folder"]).model_dump())

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """One report."""
        result = self._trial.step()
        return {**result["metrics"], "done": result["final"]}


def main(uri: str, folder: str, trials: int, reports: int, budgets: int) -> None:
    """Run the study. ASHA is asked at every report, and its grace period is the whole trial: none is cut short."""
    space = {
        "lr": tune.loguniform(0.01, 0.1),
        "adaptor": tune.choice(list(LEVELS)),
        "labeled_images": tune.choice([5 * number for number in range(1, budgets + 1)]),
        "reports": reports,
        "folder": folder,
    }
    tune.Tuner(
        tune.with_resources(Empty, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric=FIRST_METRIC,
            mode="max",
            num_samples=trials,
            search_alg=OptunaSearch(),
            scheduler=ASHAScheduler(max_t=reports, grace_period=reports),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=folder,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # as there is nothing to save
            callbacks=[MLflowLoggerCallback(tracking_uri=uri, experiment_name="usual")],
            verbose=0,
        ),
    ).fit()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
