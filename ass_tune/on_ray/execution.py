"""Runs trials with Ray Tune, with reused actors and without Ray's own records."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage

from ass_tune.ledger.journal import LedgerDamaged
from ass_tune.limit import TimeLimit
from ass_tune.on_ray.resources import asked_of_ray, free_places, parallel_trials
from ass_tune.search.director import Director
from ass_tune.search.faults import StudyPaused
from ass_tune.spec import StudySpec
from ass_tune.trial import Trial
from trainables.config import TrialConfig
from trainables.contract import TrialTask
from trainables.credentials import without_credentials
from trainables.domains.pairs import definition
from trainables.mistakes import CannotRecord
from trainables.storage import Storage

STOPS = (StudyPaused, CannotRecord, LedgerDamaged, StorageInternalError)
"""A pause, a disk or database that refuses writes, or a ledger that somebody changed: nothing more is trained, and the
same command continues once that is mended."""


@dataclass(frozen=True)
class Stop:
    """Why a study stops before its end."""

    why: str
    to_mend: bool = False
    """Whether something has to be mended before the same command can go on."""


def run_trials(
    spec: StudySpec,
    director: Director,
    ledger: BaseStorage,
    folder: Storage,
    data_root: Path | None,
    data: Mapping[str, str],
    seconds_per_report: float | None,
    configs: Sequence[TrialConfig],
    limit: TimeLimit | None = None,
) -> Stop | None:
    """Run until the director has no trial left, until a signal, the limit, or something that stops the study.

    Trials that have not ended then count as running in the ledger, and the next driver takes them over.

    Args:
        spec: the study.
        director: decides what runs.
        ledger: of the study.
        folder: the study's folder, where trials keep their checkpoints and results.
        data_root: folder of the real data sets.
        data: digest, by set, of the files that trials are trained and judged on.
        seconds_per_report: expected time between two reports, if known.
        configs: one of each kind of trial; nodes are prepared for all of them.
        limit: when the study has to end, if ever.

    Returns:
        Why the study stops before its end, or None.
    """
    from ray import tune

    from ass_tune.on_ray.early_end import EarlyEnd, EndsEarly
    from ass_tune.on_ray.hand_back import DrainWatcher, HandBack
    from ass_tune.on_ray.node_check import driver_here
    from ass_tune.on_ray.node_records import forget_nodes
    from ass_tune.on_ray.node_watch import NodeWatcher
    from ass_tune.on_ray.placement import Placement
    from ass_tune.on_ray.release import SilentProgress, TrialRelease
    from ass_tune.on_ray.scheduler import DirectorScheduler, FaultReporter
    from ass_tune.on_ray.searcher import DirectorSearcher
    from ass_tune.on_ray.settling import LedgerSettling
    from ass_tune.on_ray.trial_actor import actor_class
    from ass_tune.on_ray.waits import WaitWatcher
    from ass_tune.on_ray.watchdog import Watchdog

    def task(trial: Trial) -> TrialTask:
        return TrialTask(
            trainable=spec.trainable,
            key=trial.key,
            config=dict(trial.config),
            storage=folder.uri,
            data_root=str(data_root) if data_root else None,
            data=dict(data),
            pair=definition(spec.domains),
            threads=max(1, int(spec.resources.cpu)),
            gpus=spec.resources.gpu,
        )

    def slots() -> int:
        """As many as fit. Where others use the cluster too, one waits for its place, and no later one is chosen yet."""
        without = placement.set_aside
        return min(parallel_trials(spec, without), release.places_held + free_places(placement.asked, without) + 1)

    watchdog = Watchdog(seconds_per_report, spec.faults.hung_after, spec.faults.hung_after_seconds)
    placement = Placement(asked_of_ray(spec))
    hand_back = HandBack()
    early_end = EarlyEnd(director, hand_back, watchdog, spec.train.evaluate_every, limit)
    reporter = FaultReporter(director, watchdog, folder, placement)
    release = TrialRelease()
    waits = WaitWatcher(director, watchdog, placement)
    nodes = NodeWatcher(director, placement)
    trainable = tune.with_resources(actor_class(driver_here(configs)), asked_of_ray(spec))
    with tempfile.TemporaryDirectory(prefix="ass_tune-") as scratch:
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=DirectorSearcher(director, task, slots, early_end),
                scheduler=DirectorScheduler(director, release, placement),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=lambda trial: f"{spec.trainable}_{trial.trial_id}",
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=scratch,
                callbacks=[
                    *(watchdog, reporter, waits, nodes, DrainWatcher(hand_back), early_end),
                    *(release, SilentProgress(), LedgerSettling(ledger)),
                ],
                # trials save their checkpoints into the study folder themselves
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        stop: Stop | None = None
        try:
            tuner.fit()
        except Exception as error:
            why = _stop_behind(error, (*STOPS, EndsEarly))
            if why is None:
                raise
            stop = Stop(without_credentials(str(why)), to_mend=not isinstance(why, EndsEarly))
        finally:
            early_end.close()
            hand_back.close()
    director.waits([])
    if stop is not None:
        return stop
    forget_nodes()
    return None if early_end.why is None else Stop(early_end.why)


def _stop_behind(error: BaseException | None, stops: tuple[type[Exception], ...]) -> BaseException | None:
    """The exception with which the director stopped the study; Ray wraps it in its own."""
    while error is not None and not isinstance(error, stops):
        error = error.__cause__ or error.__context__
    return error
