"""Trials whose machines are taken away hand themselves back, and the study ends as if nothing had happened."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster as RayNodes

from tests.support.cluster import Cluster
from tests.support.equal_studies import assert_equal_studies, reports_trained_again
from tests.support.preempted_studies import begin, preempt
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import LR, curves_file, method_file

Write = Callable[[str], Path]
ONE_TRIAL: dict[str, Any] = {
    "study": "preempted",
    "tune": None,
    "search": None,
    "replicate": {"seeds": [0]},
    "train": {"iterations": 40, "evaluate_every": 20},
}
SLOWLY = {"fixed": {"seconds_per_report": 4.0}}
PREEMPTION = 2
"""DRAIN_NODE_REASON_PREEMPTION of Ray's protocol."""


@pytest.fixture
def undisturbed(tmp_path: Path, migrated: Path, cluster: Cluster) -> Studies:
    return begin_studies(tmp_path / "undisturbed", migrated, cluster)


def saved(studies: Studies) -> list[int]:
    """Iterations of the trials' checkpoints."""
    found = (studies.folder / "preempted/checkpoints").rglob("*.json")
    return [json.loads(path.read_text())["iteration"] for path in found]


@pytest.mark.slow
def test_a_trial_whose_process_is_asked_to_end_goes_on_in_another_one(
    studies: Studies, undisturbed: Studies, write_file: Write
) -> None:
    file = write_file(curves_file(**ONE_TRIAL, **SLOWLY))
    run = begin(studies, file, "--set", "faults.tries=1")
    preempt(studies, run, 1)
    assert run.end() == 0, run.text
    assert "handed back, goes on from iteration " in run.text
    assert "failed" not in run.text
    assert undisturbed.run(file).returncode == 0
    assert_equal_studies(studies, undisturbed, "preempted")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGUSR1, 138, marks=pytest.mark.slow)]
)
def test_a_signal_to_the_driver_loses_no_iteration(
    studies: Studies, write_file: Write, number: signal.Signals, code: int
) -> None:
    file = write_file(curves_file(**ONE_TRIAL, **SLOWLY))
    run = begin(studies, file)
    run.wait_for("report ")
    time.sleep(0.5)
    run.process.send_signal(number)
    assert run.end() == code, run.text
    assert "Interrupted: trials save themselves after their iterations, which is waited for at most 20 s" in run.text
    assert "\nInterrupted: nothing is lost. Run the same command again to go on." in run.text
    (iteration,) = saved(studies)
    assert 20 < iteration < 40
    again = begin(studies, file)
    assert again.end() == 0, again.text
    assert reports_trained_again(studies, "preempted") == 0


@pytest.mark.slow
def test_a_study_ends_before_its_limit_and_the_same_command_goes_on(studies: Studies, write_file: Write) -> None:
    many = {"tune": LR, "search": {"sampler": "random", "trials_per_cell": 8}}
    slowly = {"fixed": {"seconds_per_report": 22.0}}  # the second trials train when the limit comes
    file = write_file(curves_file(**{**ONE_TRIAL, **many, **slowly}))
    run = begin(studies, file, "--limit", "2m")
    run.wait_for("report ")
    status = json.loads(studies.run(file, "--status", "--json").stdout)
    assert run.end() == 130, run.text
    assert datetime.now(UTC) < datetime.fromisoformat(status["ends"])
    assert "\nEnded before its limit of 2 min: nothing is lost. Run the same command again to go on." in run.text
    assert any(iteration % 20 for iteration in saved(studies)), "between two reports"
    again = begin(studies, file)
    again.wait_for("finished ")
    again.process.terminate()
    assert again.end() == 143, again.text
    assert reports_trained_again(studies, "preempted") == 0


@pytest.fixture
def nodes() -> Iterator[RayNodes]:
    """A cluster whose head has no place for trials, and a node that has one."""
    found = RayNodes(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield found
    found.shutdown()


@pytest.mark.slow
def test_the_trials_of_a_node_that_ray_drains_go_on_on_another_one(
    studies: Studies, write_file: Write, nodes: RayNodes
) -> None:
    from ray._raylet import GcsClient  # pyright: ignore[reportAttributeAccessIssue]  # compiled

    taken = nodes.add_node(num_cpus=1)
    slowly = {"fixed": {"seconds_per_report": 30.0}}
    run = begin(studies, write_file(curves_file(**ONE_TRIAL, **slowly)), address=nodes.address)
    run.wait_for("report ")
    nodes.add_node(num_cpus=1)
    deadline = int((time.time() + 60) * 1000)
    accepted, why = GcsClient(address=nodes.address).drain_node(taken.node_id, PREEMPTION, "a test", deadline)
    assert accepted, why
    assert run.end() == 0, run.text
    assert "handed back, goes on from iteration " in run.text


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("of_method", [False, True], ids=["curves", "method"])
def test_a_trial_that_was_preempted_twenty_times_is_finished_and_the_same(
    studies: Studies,
    undisturbed: Studies,
    write_file: Write,
    capsys: pytest.CaptureFixture[str],
    *,
    of_method: bool,
) -> None:
    slowly = {"fixed": {"seconds_per_report": 10.0}}
    longer = {**ONE_TRIAL, "train": {"iterations": 120, "evaluate_every": 40}}
    method = method_file(**{**longer, "ablate": {"adaptor": ["ga+csa"], "labeled_images": [5]}})
    file = write_file(method if of_method else curves_file(**{**longer, **slowly}))
    run = begin(studies, file, "--set", "faults.tries=1")
    preempt(studies, run, 20)
    assert run.end() == 0, run.text
    assert run.text.count("handed back, goes on from iteration ") == 20
    assert "failed" not in run.text
    assert undisturbed.run(file).returncode == 0
    assert_equal_studies(studies, undisturbed, "preempted")
    again = reports_trained_again(studies, "preempted")
    reached = [
        int(line.partition("goes on from iteration ")[2].split(":")[0]) for line in run.lines if "goes on" in line
    ]
    assert reached == sorted(reached)
    assert again == 0
    with capsys.disabled():
        print(f"\n20 preemptions, handed back at iterations {reached}; reports trained again: {again}")
