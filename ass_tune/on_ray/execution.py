"""Runs trials with Ray Tune: on a local Ray or an existing cluster, with reused actors, without Ray's own records."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError

from ass_tune.ledger.journal import LedgerDamaged
from ass_tune.search.director import Director
from ass_tune.search.faults import StudyPaused
from ass_tune.spec import StudySpec
from ass_tune.trial import Trial
from trainables.contract import TrialTask
from trainables.credentials import without_credentials
from trainables.mistakes import CannotRecord, UserMistake
from trainables.signals import handlers_kept
from trainables.storage import Storage

STOPS = (StudyPaused, CannotRecord, LedgerDamaged, StorageInternalError)
"""A pause, a disk or database that refuses writes, or a ledger that somebody changed: nothing more is trained, and the
same command continues once that is mended."""

_PACKAGES = Path(__file__).parents[2]
"""The folder of `ass_tune`, `analysis` and `trainables`."""
# keeps Ray from writing and printing what the ledger, MLflow and our own view already have
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}


@contextmanager
def ray_cluster(spec: StudySpec, address: str | None) -> Iterator[Mapping[str, float]]:
    """Join the cluster at `address`, or start a local Ray that ends with the study; yields the cluster's resources."""
    os.environ.update(_QUIET)
    import ray

    if ray.is_initialized():
        raise UserMistake("Ray already runs in this process, and a study starts its own: call ray.shutdown() first")
    _keep_credentials_out_of_logs()
    options: dict[str, Any] = {} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    # Ray puts the current folder first on its workers' path, where packages of the user's could hide ours
    with chdir(_PACKAGES), handlers_kept():
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **options)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    try:
        if address is None:
            check_resources(spec)
        yield ray.cluster_resources()
    finally:
        ray.shutdown()


def _keep_credentials_out_of_logs() -> None:
    """Keep Tune from passing AWS's keys to trials, because they would end up in log files that everybody can read.

    Trials inherit the keys from the driver, and on other nodes from their node.
    """
    from ray.tune.execution import class_cache

    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}
    )


def check_resources(spec: StudySpec) -> None:
    """Raise `UserMistake` where no trial would ever start, because a local Ray gets no further nodes."""
    import ray

    there = ray.cluster_resources()
    missing = [name for name, amount in _resources(spec).items() if there.get(name, 0) < amount]
    if missing:
        asked = ", ".join(f"{name} {_resources(spec)[name]:g} (there is {there.get(name, 0):g})" for name in missing)
        raise UserMistake(f"a trial asks for {asked}; lower `resources:` or join a cluster with --address")


def parallel_trials(spec: StudySpec) -> int:
    """How many trials fit on the CPUs, GPUs and custom resources that Ray has now; at least one."""
    import ray

    there = ray.cluster_resources()
    return max(1, min(int(there.get(name, 0) / amount) for name, amount in _resources(spec).items()))


def run_trials(
    spec: StudySpec,
    director: Director,
    folder: Storage,
    data_root: Path | None,
    data: Mapping[str, str],
    seconds_per_report: float | None,
) -> str | None:
    """Run until the director has no trial left, until Ctrl-C, or until something stops the study.

    Trials that have not ended then count as running in the ledger, and the next driver takes them over.

    Args:
        spec: the study.
        director: decides what runs.
        folder: the study's folder, where trials keep their checkpoints and results.
        data_root: folder of the real data sets.
        data: digest, by set, of the files that trials are trained and judged on.
        seconds_per_report: expected time between two reports, if known.

    Returns:
        Why the study stops here, or None.
    """
    from ray import tune

    from ass_tune.on_ray.scheduler import DirectorScheduler, FaultReporter
    from ass_tune.on_ray.searcher import DirectorSearcher
    from ass_tune.on_ray.trial_actor import TrialActor
    from ass_tune.on_ray.watchdog import Watchdog

    def task(trial: Trial) -> TrialTask:
        return TrialTask(
            trainable=spec.trainable,
            key=trial.key,
            config=dict(trial.config),
            storage=folder.uri,
            data_root=str(data_root) if data_root else None,
            data=dict(data),
            threads=max(1, int(spec.resources.cpu)),
            gpus=spec.resources.gpu,
        )

    watchdog = Watchdog(seconds_per_report, spec.faults.hung_after, spec.faults.hung_after_seconds)
    trainable = tune.with_resources(TrialActor, _resources(spec))
    with tempfile.TemporaryDirectory(prefix="ass_tune-") as scratch:
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=DirectorSearcher(director, task, lambda: parallel_trials(spec)),
                scheduler=DirectorScheduler(director),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=lambda trial: f"{spec.trainable}_{trial.trial_id}",
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=scratch,
                callbacks=[watchdog, FaultReporter(director, watchdog)],
                # trials save their checkpoints into the study folder themselves
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        except Exception as error:
            if (stop := _stop_behind(error)) is None:
                raise
            return without_credentials(str(stop))
    return None


def _stop_behind(error: BaseException | None) -> Exception | None:
    """The exception with which the director stopped the study; Ray wraps it in its own."""
    while error is not None and not isinstance(error, STOPS):
        error = error.__cause__ or error.__context__
    return error


def _resources(spec: StudySpec) -> dict[str, float]:
    asked = {"CPU": float(spec.resources.cpu), "GPU": float(spec.resources.gpu), **spec.resources.custom}
    return {name: amount for name, amount in asked.items() if amount > 0}
