"""A whole study on nodes that share no path, one of which is lost, as is the driver: it ends as on a single node."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

import analysis
from ass_tune.ledger.ledger import entries_of, open_to_read
from tests.support.kills import kill_tree
from tests.support.mlflow_server import wait_until
from tests.support.nodes import Nodes, can_hide
from tests.support.object_store import ObjectStore
from tests.support.postgres import postgres, programs
from tests.support.preempted_studies import Run
from tests.support.studies import Studies
from tests.support.study_files import method_file
from tests.support.team import Team, assert_same_results, begin_team, curves
from trainables.words import Outcome

pytestmark = [
    pytest.mark.skipif(programs() is None, reason="Debian's package postgresql is not installed"),
    pytest.mark.slow,
    pytest.mark.timeout(2400),
]
STUDY = "cluster"
ADAPTORS, CONFIGURATIONS, SEEDS = ["ga", "ga+fcsa", "ga+csa"], 16, 4
TRIALS = len(ADAPTORS) * (CONFIGURATIONS + SEEDS)
EVERY, ITERATIONS = 9, 72
SAVED = range(EVERY, ITERATIONS, EVERY)
"""Iterations of the checkpoints of a trial that is trained once; the last report has none."""
FILE = method_file(
    study=STUDY,
    baseline={"adaptor": "ga"},
    ablate={"adaptor": ADAPTORS, "labeled_images": [5]},
    tune={"lr": {"type": "log_uniform", "low": 0.001, "high": 0.1}},
    search={"sampler": "random", "trials_per_cell": CONFIGURATIONS},
    replicate={"seeds": SEEDS},
    train={"iterations": ITERATIONS, "evaluate_every": EVERY},
)
AT_FIRST, LATER = ("head", "second", "third"), "fourth"
DRIVERS = ("one", "two")


@pytest.fixture
def team(object_store: ObjectStore, bucket: str) -> Iterator[Team]:
    with postgres() as database, begin_team(database, object_store, bucket) as begun:
        # keeps what is overwritten and deleted: every checkpoint that was ever written can be counted
        object_store.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield begun


@pytest.fixture
def nodes(tmp_path: Path, team: Team) -> Iterator[Nodes]:
    started = Nodes(tmp_path / "nodes")
    yield started
    started.stop()


class ClusterStudy:
    """The study's drivers, its nodes, and what can be seen of them from outside."""

    def __init__(self, folder: Path, team: Team, nodes: Nodes, store: ObjectStore, file: Path) -> None:
        self.folder, self.team, self.nodes, self.file = folder, team, nodes, file
        self._s3 = store.client

    def add_node(self, name: str) -> None:
        """A node with place for one trial, to which the folders of all others and of the drivers are empty."""
        others = [other for other in (*AT_FIRST, LATER) if other != name]
        hidden = [where(other) for where in (self.nodes.folder, self.nodes.folder_of_ray) for other in others]
        hidden += [self.folder / own for own in (*DRIVERS, "studies")]
        self.nodes.add(name, environment=self.team.variables, hidden=tuple(hidden) if can_hide() else ())

    def drive(self, name: str) -> Run:
        """A driver in a folder of its own."""
        folder = self.folder / name
        options = ["--address", self.nodes.address, "--no-report"]
        return Run(
            self.team.start(folder, self.file, *options, environment={"ASS_CACHE": str(folder / "cache")})
        ).read()

    def wait_for_a_loss(self, driver: Run, ended: int, of: str) -> dict[str, int]:
        """Until so many trials have ended, a node trains one, and all that run have a checkpoint and more to do.

        Returns the iterations of the checkpoints, by key.
        """

        def ripe() -> bool:
            assert driver.process.poll() is None, driver.text[-3000:]
            if driver.text.count("\nfinished ") < ended or not self.nodes.trains(of):
                return False
            reached = trials_that_run(driver.text)
            return bool(reached) and all(EVERY <= at <= ITERATIONS - 2 * EVERY for at in reached.values())

        wait_until(ripe, 1200)
        return self.checkpoints()

    def checkpoints(self) -> dict[str, int]:
        """The iteration of the newest checkpoint of each trial that has one now."""
        files = self.team.files(STUDY)
        names = {folder: files.list(folder) for folder in files.folders("checkpoints")}
        return {folder.rpartition("/")[2]: iteration_of(max(found)) for folder, found in names.items() if found}

    def ever_saved(self) -> dict[str, Counter[int]]:
        """How many checkpoints each trial has ever written, by the iteration that they are of."""
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self.team.bucket, Prefix=f"lab/{STUDY}/checkpoints/"
        )
        # a request that was repeated wrote the same content, under the same name
        names = {found["Key"] for page in pages for found in page.get("Versions", []) if found["Key"].endswith(".pt")}
        saved: dict[str, Counter[int]] = {}
        for name in names:
            saved.setdefault(name.split("/")[-2], Counter())[iteration_of(name)] += 1
        return saved


def iteration_of(checkpoint: str) -> int:
    return int(checkpoint.rpartition("/")[2].partition("-")[0])


def trials_that_run(said: str) -> dict[str, int]:
    """The trials that run, each with the iteration of its last report, from the lines of a driver."""
    reached: dict[str, int] = {}
    running: set[str] = set()
    for line in said.splitlines():
        if (found := re.match(r"start +(.+) \(seed ", line)) is not None:
            running.add(found[1])
        elif (found := re.match(r"report +(.+): .* at iteration (\d+)", line)) is not None:
            reached[found[1]] = int(found[2])
        elif (found := re.match(r"(?:finished|failed|diverged|notice) +(.+?)(?: at iteration|: )", line)) is not None:
            running.discard(found[1])
    return {trial: reached.get(trial, 0) for trial in running}


def test_a_study_on_nodes_that_share_no_path_loses_a_node_and_its_driver_and_nothing_else(
    team: Team,
    nodes: Nodes,
    object_store: ObjectStore,
    studies: Studies,
    write_file: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = ClusterStudy(tmp_path, team, nodes, object_store, write_file(FILE))
    for name in AT_FIRST:
        study.add_node(name)

    first = study.drive("one")
    try:
        with_node = study.wait_for_a_loss(first, TRIALS // 5, of="third")
        nodes.kill("third")
        first.wait_for(r"notice .*: node lost, goes on from iteration [1-9]")
        study.add_node(LATER)
        with_driver = study.wait_for_a_loss(first, TRIALS // 2, of=LATER)
    finally:
        kill_tree(first.process.pid)
        first.end()
    (tmp_path / "one").rename(tmp_path / "lost")

    second = study.drive("two")
    try:
        assert second.end(1200) == 0, second.text[-3000:]
    finally:
        kill_tree(second.process.pid)
    for driver in (first, second):
        assert not re.search(r"^(failed|diverged) ", driver.text, re.MULTILINE), driver.text

    undisturbed = studies.run(study.file)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    assert_same_results(team, studies, STUDY)
    assert_ledger_and_mlflow_agree(team)
    assert_trained_once(study.ever_saved(), with_node, with_driver)
    assert_results_are_in_the_object_store_alone(study)
    with capsys.disabled():
        print(f"\ncheckpoints when a node was lost: {with_node}, and when the driver was: {with_driver}")


def assert_ledger_and_mlflow_agree(team: Team) -> None:
    """Both have all trials, finished, with the same values, and MLflow has no value twice."""
    ledger = open_to_read(Path(), team.ledger)
    assert ledger is not None
    entries = [entry for found in entries_of(ledger).values() for entry in found]
    assert Counter(entry.outcome for entry in entries) == {Outcome.FINISHED: TRIALS}
    client = MlflowClient(team.tracking)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=5000)
    assert {run.info.status for run in runs} == {"FINISHED"}
    by_key = {run.data.tags["key"]: run for run in runs if run.data.tags["stage"] != "study"}
    assert by_key.keys() == {entry.key for entry in entries} and len(by_key) == len(runs) - 1 == TRIALS
    for entry in entries:
        run = by_key[entry.key]
        history = client.get_metric_history(run.info.run_id, "select/miou")
        assert [(point.step, point.value) for point in history] == sorted(entry.curve.items())
        assert run.data.metrics["report/miou"] == entry.result["report/miou"]
    in_mlflow = analysis.load(STUDY, team.tracking)
    assert {len(values) for values in curves(in_mlflow, "select/miou").values()} == {ITERATIONS // EVERY}


def assert_trained_once(
    saved: Mapping[str, Counter[int]], with_node: Mapping[str, int], with_driver: Mapping[str, int]
) -> None:
    """Each trial has written one checkpoint of each iteration: what went on began after its newest one."""
    assert len(saved) == TRIALS
    for lost, at_loss in (("a node", with_node), ("the driver", with_driver)):
        again = {key: saved[key] for key, at in at_loss.items() if any(saved[key][i] > 1 for i in SAVED if i <= at)}
        assert not again, f"trained again, although there were the checkpoints {at_loss} when {lost} was lost: {again}"
    # between two reports there is one more where a process was asked to end
    odd = {key: found for key, found in saved.items() if [found[i] for i in SAVED] != [1] * len(SAVED)}
    assert not odd, f"not one checkpoint of each of the iterations {[*SAVED]}: {odd}"


def assert_results_are_in_the_object_store_alone(study: ClusterStudy) -> None:
    for name in (*AT_FIRST, LATER):
        kept = {path.name for path in study.nodes.folder(name).iterdir()}
        assert kept == {"cache", "empty", "ray.log"}, f"node {name} keeps {kept}"
    for folder in (study.folder / "lost", study.folder / "two"):
        kept = {path.name for path in folder.iterdir()} | {path.name for path in (folder / "studies").iterdir()}
        assert kept == {"cache", "studies", ".driver"}, f"a driver keeps {kept}"
    names = {name.rpartition("/")[2] for name in study.team.files(STUDY).list_all("results")}
    assert "report_confusions.parquet" in names
