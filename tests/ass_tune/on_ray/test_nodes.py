"""Nodes of a cluster: what each prepares, which are set aside, and where trials are placed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.nodes import Nodes, can_hide, told_version
from tests.support.preempted_studies import Run
from tests.support.project import PROJECT
from tests.support.studies import Done, Studies, begin_studies
from tests.support.study_files import method_file
from tests.support.tiny_idda_camvid import image_file, write_tiny
from trainables.domains.packing import LOCK

FILE = method_file(
    study="spread",
    domains="idda-camvid",
    ablate={"adaptor": ["joint", "ga"], "labeled_images": [2]},
    tune=None,
    search={"sampler": "grid"},
    fixed={"source_batch": 1, "labeled_batch": 1, "unlabeled_batch": 1, "gd_channels": [4], "sd_hidden": 4},
    train={"iterations": 4, "evaluate_every": 2},
    replicate={"seeds": [0, 1]},
)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    started = Nodes(tmp_path / "nodes")
    yield started
    started.stop()


@pytest.fixture
def study(tmp_path: Path, migrated: Path, nodes: Nodes) -> Iterator[Study]:
    yield Study(tmp_path, migrated, nodes)


class Study:
    """The study on a cluster whose driver's node is its head."""

    def __init__(self, folder: Path, migrated: Path, nodes: Nodes) -> None:
        self.nodes, self.root = nodes, write_tiny(folder / "data")
        self.studies: Studies = begin_studies(folder / "studies", migrated, None)  # pyright: ignore[reportArgumentType]
        self.file = folder / "spread.yaml"
        self.file.write_text(FILE)

    def run(self, *arguments: str) -> Done:
        command, environment = self._command(*arguments)
        return subprocess.run(
            command, capture_output=True, text=True, timeout=1100, cwd=PROJECT, env=environment, check=False
        )

    def begin(self) -> Run:
        """A driver whose lines can be read while it runs."""
        command, environment = self._command()
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=PROJECT, env=environment
        )
        return Run(process).read()

    def _command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        where = ("--address", self.nodes.address, "--data-root", str(self.root))
        return self.studies.command(self.file, *where, *arguments), {**os.environ, "ASS_CACHE": str(self.cache("head"))}

    def cache(self, node: str) -> Path:
        """The folder of a node's packed data."""
        return self.nodes.folder(node) / "cache"

    def packed(self, node: str) -> list[str]:
        """Names of the sets that a node has packed."""
        return sorted(folder.name for folder in self.cache(node).glob("idda-camvid-*-*"))

    def outcomes(self) -> set[str]:
        """States of all trials in the ledger."""
        return {trial.state.name for trials in self.studies.ledger("spread").values() for trial in trials}

    def data_elsewhere(self, name: str) -> Path:
        """A copy of the data that one node has."""
        return Path(shutil.copytree(self.root, self.nodes.folder(name) / "data"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nodes_that_cannot_run_trials_are_set_aside_and_others_pack_their_own_data(
    study: Study, tmp_path: Path
) -> None:
    nodes = study.nodes
    nodes.add("head", cpus=0)
    other = study.data_elsewhere("other-data")
    (other / "camvid/val/images/0016E5_08101.jpg").write_bytes(image_file(160))
    nodes.add("other-data", environment={"ASS_DATA_ROOT": str(other)})
    nodes.add("no-data", environment={"ASS_DATA_ROOT": str(tmp_path / "nowhere")})
    nodes.add("other-torch", environment=told_version(tmp_path / "fake", "torch", "0.1"))
    paused = study.run()
    said = paused.stdout + paused.stderr
    assert paused.returncode == 1 and "Traceback" not in said, said
    [why] = [line for line in paused.stdout.splitlines() if line.startswith("Paused: no node is left")]
    assert "(other-torch): other versions than the driver's: torch: found 0.1, the driver has" in why
    assert "has other images or labels than expected for target_report of idda-camvid" in why
    assert re.search(r"\(no-data\): .* is not complete in", why), why
    assert study.outcomes() == {"RUNNING"}, "none of that was a try of a trial"

    nodes.add("own-data", cpus=2, environment={"ASS_DATA_ROOT": str(study.data_elsewhere("own-data"))})
    held = study.cache("own-data") / study.packed("head")[0]
    held.mkdir(parents=True)
    with FileLock(held / LOCK):  # the node prepares its data for as long as it takes to see that
        run = study.begin()
        run.wait_for(r"node .*\(own-data\): preparing: prepares data$")
    assert run.end() == 0, run.text
    assert "\nnodes    5 ready" in run.text, run.text
    assert len(study.packed("own-data")) == 4 and study.packed("own-data") == study.packed("head")
    assert study.outcomes() == {"COMPLETE"}
    assert not (study.studies.folder / "spread" / "nodes.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not can_hide(), reason="a process may not get a view of its own of the disk here")
def test_a_node_without_the_code_is_set_aside_until_the_driver_ships_it(study: Study) -> None:
    nodes = study.nodes
    nodes.add("head", cpus=0)
    nodes.add("bare", hidden=tuple(PROJECT / package for package in ("ass_tune", "analysis", "trainables")))
    refused = study.run()
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert re.search(r"Paused: no node is left that can run trials: [0-9.]+ \(bare\): ", refused.stdout), refused.stdout
    assert "--ship-code" in refused.stdout

    done = study.run("--ship-code")
    assert done.returncode == 0, done.stdout + done.stderr
    assert study.outcomes() == {"COMPLETE"}


PLACED = """
import json, sys, time
import ray
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
from ass_tune.on_ray.placement import Placement

ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")


@ray.remote
class Trial:
    def where(self):
        return ray.get_runtime_context().get_node_id(), ray.get_gpu_ids()


def placed(asked, trials, without=()):
    placement, groups, actors = Placement(asked), [], []
    placement.set_aside = {names[name]: "a reason" for name in without}
    for _ in range(trials):
        groups.append(placement.request().to_placement_group())
        if not groups[-1].wait(5):
            break
        resources = dict(asked)
        strategy = PlacementGroupSchedulingStrategy(groups[-1], placement_group_bundle_index=0)
        actor = Trial.options(num_cpus=resources.pop("CPU"), num_gpus=resources.pop("GPU"), resources=resources,
                              scheduling_strategy=strategy).remote()
        actors.append(actor)
    found = [(nodes[node], gpus) for node, gpus in ray.get([actor.where.remote() for actor in actors])]
    for actor in actors:
        ray.kill(actor)
    for group in groups:
        ray.util.remove_placement_group(group)
    return found


nodes = {node["NodeID"]: node["NodeName"] for node in ray.nodes()}
names = {name: node for node, name in nodes.items()}
for line in sys.stdin:
    while any(ray.available_resources().get(name) != ray.cluster_resources()[name] for name in ("CPU", "GPU")):
        time.sleep(0.1)  # what the line before it asked for is not given back yet
    print(json.dumps(placed(**json.loads(line))), flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_parts_of_gpus_are_spread_over_nodes_and_no_gpu_gets_more_than_it_has(nodes: Nodes) -> None:
    nodes.add("head", cpus=0)
    for name in ("a", "b"):
        nodes.add(name, '--resources={"accelerator_type:H100": 1}' if name == "b" else "--resources={}", cpus=9, gpus=2)
    h100 = {"CPU": 1, "GPU": 0.5, "accelerator_type:H100": 0.001}
    asked = [
        {"asked": {"CPU": 1, "GPU": 0.4}, "trials": 9},
        {"asked": {"CPU": 1, "GPU": 0.5}, "trials": 2},
        {"asked": {"CPU": 1, "GPU": 1}, "trials": 3, "without": ["a"]},
        {"asked": h100, "trials": 5},
    ]
    done = subprocess.run(
        [sys.executable, "-c", PLACED, nodes.address],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts, two, one_node, of_type = [
        [(node, *gpus) for node, gpus in json.loads(line)] for line in done.stdout.splitlines()
    ]
    # the ninth waits: what is left of each GPU is no place for it
    assert sorted(parts) == sorted(2 * [(node, gpu) for node in ("a", "b") for gpu in (0, 1)])
    assert sorted(node for node, _ in two) == ["a", "b"]
    assert sorted(one_node) == [("b", 0), ("b", 1)]
    assert sorted(of_type) == [("b", 0), ("b", 0), ("b", 1), ("b", 1)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_node_that_is_about_to_be_taken_away_is_no_place_for_further_trials(nodes: Nodes, tmp_path: Path) -> None:
    for name in ("head", "kept", "taken"):
        nodes.add(name, cpus=0 if name == "head" else 2)
    file = tmp_path / "spread.yaml"
    file.write_text(FILE)
    command = [sys.executable, "-c", DRAINED, nodes.address, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
    before, after, (_, free) = json.loads(done.stdout)
    assert (before, after) == (4, 2)
    assert free.count("has 2 of 2 CPU") == 1 and free.endswith("; 1 about to be taken away"), free


DRAINED = """
import json, sys, time
from pathlib import Path
import ray
from ray._raylet import GcsClient
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from ass_tune.on_ray.cluster import ray_cluster
from ass_tune.on_ray.resources import asked_of_ray, draining_nodes, parallel_trials, why_unplaced
from ass_tune.spec import load

PREEMPTION = 2


@ray.remote
class Busy:
    def ready(self):
        return True


spec = load(Path(sys.argv[2]))
with ray_cluster(spec, sys.argv[1]):
    before = parallel_trials(spec)
    taken = next(node["NodeID"] for node in ray.nodes() if node["NodeName"] == "taken")
    # a node with nothing to do would be gone at once
    actor = Busy.options(num_cpus=1, scheduling_strategy=NodeAffinitySchedulingStrategy(taken, soft=False)).remote()
    ray.get(actor.ready.remote())
    deadline = int((time.time() + 60) * 1000)
    accepted, why = GcsClient(address=sys.argv[1]).drain_node(taken, PREEMPTION, "a test", deadline)
    assert accepted, why
    while taken not in draining_nodes():
        time.sleep(0.1)
    assert any(node["NodeID"] == taken and node["Alive"] for node in ray.nodes())
    print(json.dumps([before, parallel_trials(spec), why_unplaced(asked_of_ray(spec))]))
"""
