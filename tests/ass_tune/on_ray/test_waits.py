"""Why trials have not started or reported, as the driver finds it out while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.tune.experiment import Trial as RayTrial

from ass_tune.on_ray import waits
from ass_tune.on_ray.cluster import ray_cluster
from ass_tune.on_ray.placement import Placement
from ass_tune.on_ray.preparation import Preparation, forget_preparation, preparation_of, preparing
from ass_tune.on_ray.scheduler import FaultReporter
from ass_tune.on_ray.storage_waits import storage_waits, told_to_driver
from ass_tune.on_ray.waits import WaitWatcher
from ass_tune.on_ray.watchdog import Watchdog
from ass_tune.on_ray.worker_logs import last_lines, log_of
from ass_tune.spec import StudySpec, load
from ass_tune.trial import Listener, Trial, Wait
from tests.support.cluster import SLOTS, Cluster
from tests.support.study_files import curves_file
from trainables.storage import Storage

Spec = Callable[..., StudySpec]


class Told(Listener):
    """What people are told of waits and notices."""

    def __init__(self) -> None:
        self.waits: Sequence[Wait] = ()
        self.notices: list[str] = []

    def trials_wait(self, waits: Sequence[Wait]) -> None:
        self.waits = waits

    def trial_noticed(self, trial: Trial, notice: str) -> None:
        self.notices.append(notice)


@pytest.fixture
def joined(cluster: Cluster, write_file: Callable[[str], Path]) -> Iterator[None]:
    with ray_cluster(load(write_file(curves_file())), cluster.address):
        yield


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trial is late, and looked at each time."""
    for name in ("CHECK_EVERY", "LATE", "LATE_AT_FIRST"):
        monkeypatch.setattr(waits, name, -1.0)


def of_ray(trial: Trial, error_file: Path | None = None) -> RayTrial:
    return cast(RayTrial, SimpleNamespace(trial_id="t", config={"key": trial.key}, error_file=error_file))


def watched(
    spec: Spec, driven: Callable, seconds: float | None = None, **asked: float
) -> tuple[Any, Told, WaitWatcher, Trial]:
    told = Told()
    study = driven(spec(), listeners=lambda searches: [told], tries=3)
    watcher = WaitWatcher(study.director, Watchdog(seconds, 20.0, 300.0), Placement(asked))
    return study, told, watcher, study.director.next_trial()


def test_a_trial_that_trains_in_silence_is_told_until_it_reports(spec: Spec, driven: Callable, at_once: None) -> None:
    _, told, watcher, trial = watched(spec, driven, CPU=1)
    watcher.on_trial_start(0, [], of_ray(trial))
    watcher.on_step_end(0, [])
    assert [(wait.trial, wait.reason) for wait in told.waits] == [
        (trial.name, "trains and has not reported yet; how long a report takes is not known")
    ]
    watcher.on_trial_complete(0, [], of_ray(trial))
    watcher._director.end(trial.key, _end())
    watcher.on_step_end(0, [])
    assert list(told.waits) == []


def test_silence_beyond_what_reports_take_says_when_the_process_is_ended(
    spec: Spec, driven: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told, watcher, trial = watched(spec, driven, seconds=10.0, CPU=1)
    monkeypatch.setattr(waits, "CHECK_EVERY", -1.0)
    watcher.on_trial_start(0, [], of_ray(trial))
    watcher.on_step_end(0, [])
    assert list(told.waits) == []
    watcher._since[trial.key] -= 31.0
    watcher.on_step_end(0, [])
    [wait] = told.waits
    assert wait.reason.startswith("silent for longer than reports take; after 5 min of silence its process is ended")


def test_resources_that_no_node_has_are_named_with_what_the_nodes_have(
    joined: None, spec: Spec, driven: Callable, at_once: None
) -> None:
    _, told, watcher, trial = watched(spec, driven, CPU=1, GPU=1)
    watcher.on_step_end(0, [])
    [wait] = told.waits
    assert wait.trial == trial.name
    assert "no node has what it asks for, CPU 1, GPU 1" in wait.reason
    assert f"has CPU {SLOTS}, GPU 0" in wait.details


def test_resources_that_are_in_use_are_waited_for(joined: None, spec: Spec, driven: Callable, at_once: None) -> None:
    _, told, watcher, _ = watched(spec, driven, CPU=SLOTS)
    watcher.on_step_end(0, [])
    [wait] = told.waits
    assert wait.reason == f"waits for resources; it asks for CPU {SLOTS}"
    assert f" of {SLOTS} CPU" in wait.details


def test_a_process_says_where_it_prepares_a_trial_and_what_it_leaves_when_it_dies_is_found(
    joined: None, spec: Spec, driven: Callable, at_once: None, tmp_path: Path
) -> None:
    study, told, watcher, trial = watched(spec, driven, CPU=1)
    with preparing(trial.key):
        here = preparation_of(trial.key)
        assert here is not None
        watcher.on_step_end(0, [])
        assert [wait.reason for wait in told.waits] == [
            f"its process {here.process} imports code and builds data and network"
        ]
    assert preparation_of(trial.key) is None

    died = preparing(trial.key)
    died.__enter__()  # a process that dies leaves nothing
    folder, placement = Storage(str(tmp_path)), Placement({"CPU": 1})
    reporter = FaultReporter(study.director, Watchdog(None, 20.0, 300.0), folder, placement)
    reporter.on_trial_error(0, [], of_ray(trial))
    assert preparation_of(trial.key) is None
    [notice] = told.notices
    assert notice.startswith(f"process lost, try 1 of 3 without a new report: its process {here.process} died before")
    forget_preparation(trial.key)


def test_the_log_of_a_process_that_died_ends_as_it_wrote_it(tmp_path: Path) -> None:
    preparation = Preparation(node="10.0.0.1", pid=17, logs=str(tmp_path))
    assert log_of(preparation) == [f"its log is {tmp_path}/worker-*-17.err on 10.0.0.1"]
    written = [f"line {number}" for number in range(9)]
    (tmp_path / "worker-ab12-01000000-17.err").write_text("\n\n".join(written) + "\n")
    (tmp_path / "worker-ab12-01000000-18.err").write_text("another\n")
    assert log_of(preparation) == written[-5:]
    assert last_lines(tmp_path / "missing") == []


def _end() -> Any:
    from ass_tune.trial import End
    from trainables.words import Outcome

    return End(Outcome.FAILED, 0, 0.0, error="it is gone")


def test_a_trial_that_waits_for_its_storage_says_so_and_is_not_ended_for_it(
    joined: None, spec: Spec, driven: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told, watcher, trial = watched(spec, driven, seconds=0.001, CPU=1)
    monkeypatch.setattr(waits, "CHECK_EVERY", -1.0)
    watcher.on_trial_start(0, [], of_ray(trial))
    dog, ray_trial = Watchdog(0.001, 1.0, 0.0), of_ray(trial)
    dog.on_trial_start(0, [], ray_trial)
    dog._heard["t"] -= 60.0
    tell = told_to_driver(lambda: trial.key)
    tell("s3://bucket/csa does not answer: could not connect")
    tell("s3://bucket/csa does not answer: could not connect, again")
    watcher.on_step_end(0, [])
    [wait] = told.waits
    assert wait.trial == trial.name
    assert wait.reason == "waits for its storage, and goes on when that answers"
    assert wait.details.endswith("could not connect, again")
    dog.on_step_end(0, [ray_trial])  # would end a process that the trial does not have here
    assert not dog.killed(ray_trial)
    tell(None)
    watcher.on_step_end(0, [])
    assert list(told.waits) == []


def test_what_a_process_that_died_waited_for_is_forgotten(joined: None, spec: Spec, driven: Callable) -> None:
    _, _, watcher, trial = watched(spec, driven, CPU=1)
    told_to_driver(lambda: trial.key)("its storage is away")
    assert storage_waits().keys() == {trial.key}
    watcher.on_trial_error(0, [], of_ray(trial))
    assert storage_waits() == {}


def test_the_silence_of_trials_counts_anew_after_the_driver_itself_had_to_wait() -> None:
    dog, ray_trial = Watchdog(1.0, 1.0, 0.0), cast(RayTrial, SimpleNamespace(trial_id="t", config={"key": "k"}))
    dog.on_trial_start(0, [], ray_trial)
    dog._heard["t"] -= 600.0
    dog._last_step -= 600.0
    dog.on_step_end(0, [ray_trial])
    assert not dog.killed(ray_trial)
