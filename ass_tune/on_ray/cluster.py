"""Joins a Ray cluster or starts a local Ray. Whatever keeps it from that is one error that says what to do."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psutil

from ass_tune.on_ray.cluster_token import give_token
from ass_tune.on_ray.resources import check_resources
from ass_tune.on_ray.socket_folder import socket_folder
from ass_tune.on_ray.start_faults import cannot_start, check_answers, took_too_long
from ass_tune.spec import StudySpec
from trainables.mistakes import UserMistake
from trainables.signals import handlers_kept
from trainables.storage import NO_ROOM

STARTS = 3
"""How often a local Ray is started: on a busy machine Ray gives its own node up after half a minute."""

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
    # a history of every call, and metrics, for a dashboard that is not started
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
}
_TOGETHER = {"TUNE_MAX_PENDING_TRIALS_PG": "100000"}
"""Without it Tune starts one process after the other. The searcher knows how many trials may run at once."""
_PATIENT = {
    # Ray gives its own head process 30 seconds, which a busy machine may need alone for starting it
    "RAY_gcs_server_port_wait_time_s": "120",
    # and a second to find out why an actor is gone; that its node is gone Ray knows after some 20 seconds, or a minute
    "RAY_timeout_ms_task_wait_for_death_info": "120000",
}


@contextmanager
def ray_cluster(
    spec: StudySpec, address: str | None, say: Callable[[str], None] = lambda text: None, ship_code: bool = False
) -> Iterator[Mapping[str, float]]:
    """Join the cluster at `address`, or start a local Ray that ends with the study; yields the cluster's resources.

    Args:
        spec: the study.
        address: `HOST:PORT` or `auto`; None for a local Ray.
        say: is called with what is waited for, where a start has to be repeated.
        ship_code: send our packages to the nodes of the cluster, which then need only what these depend on.

    Raises UserMistake where that is impossible, and OSError where the disk is full.
    """
    os.environ.update(_QUIET | _TOGETHER)
    for name, value in _PATIENT.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        raise UserMistake("Ray already runs in this process, and a study starts its own: call ray.shutdown() first")
    _keep_environment()
    _keep_credentials_out_of_logs()
    with nullcontext() if address else socket_folder() as folder:
        try:
            if address:
                _join(address, ship_code)
            else:
                _start(folder, say)
                check_resources(spec)
            yield ray.cluster_resources()
        finally:
            _leave()


def _leave() -> None:
    """End Ray. Its own shutdown takes the handlers of signals away, and only then waits for Ray's processes to end.

    Ray ends the process at once where its core worker is asked for something after its end, as it is by whatever
    reference to Ray's objects another thread then happens to collect. Such a thread must not find it any more.
    """
    import ray
    from ray._private.worker import disconnect, global_worker

    with handlers_kept():
        if ray.is_initialized():
            worker: Any = global_worker
            disconnect()
            core_worker = worker.core_worker
            del worker.core_worker
            core_worker.shutdown_driver()
    ray.shutdown()


def _start(folder: str | None, say: Callable[[str], None]) -> None:
    options = {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "_temp_dir": folder}
    for start in range(1, STARTS + 1):
        before = set(psutil.Process().children())
        try:
            return _init("local", **options)
        except Exception as error:
            _end_processes_since(before)
            if getattr(error, "errno", None) in NO_ROOM:
                raise
            if start == STARTS or not took_too_long(error):
                raise cannot_start(error, None) from error
            say(f"Ray's processes did not start in time: is the machine busy? Trying again, {start + 1} of {STARTS}")


def _join(address: str, ship_code: bool) -> None:
    try:
        give_token(check_answers(address))
        with _our_code() if ship_code else nullcontext({}) as options:
            _init(address, **options)
    except UserMistake:
        raise
    except Exception as error:
        raise cannot_start(error, address) from error


@contextmanager
def _our_code() -> Iterator[dict[str, Any]]:
    """What Ray is given to send our packages to the nodes, in one folder, from which processes of trials start."""
    with tempfile.TemporaryDirectory(prefix="ass_tune-") as folder:
        for package in ("ass_tune", "analysis", "trainables"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_PACKAGES / package, Path(folder) / package, ignore=ignored)
        yield {"runtime_env": {"working_dir": folder}}


def _init(address: str, **options: Any) -> None:
    import ray

    # Ray puts the current folder first on its workers' path, where packages of the user's could hide ours
    with chdir(_PACKAGES), handlers_kept():
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


def _end_processes_since(before: set[psutil.Process]) -> None:
    """End what a start that failed has left: a second one would run beside it until the driver ends."""
    import ray

    ray.shutdown()
    left = [child for child in psutil.Process().children() if child not in before]
    for process in [grandchild for child in left for grandchild in child.children(recursive=True)] + left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=10)


def _keep_environment() -> None:
    """Under `uv run` Ray would give its workers an environment of their own, in which none may start.

    They share the driver's. Ray reads the variable when it is imported, which may have been before.
    """
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    from ray._private import ray_constants

    ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = False


def _keep_credentials_out_of_logs() -> None:
    """Keep Tune from passing AWS's keys to trials, because they would end up in log files that everybody can read.

    Trials inherit the keys from the driver, and on other nodes from their node.
    """
    from ray.tune.execution import class_cache

    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}
    )
