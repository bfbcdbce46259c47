"""How a study meets Ray: what it asks for and what there is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from uv import find_uv_bin

from ass_tune.on_ray.cluster import ray_cluster
from ass_tune.on_ray.resources import check_resources, free_places, parallel_trials, places
from ass_tune.spec import StudySpec, load
from tests.support.cluster import SLOTS, Cluster
from tests.support.mlflow_server import wait_until
from tests.support.project import PROJECT
from tests.support.study_files import curves_file
from trainables.mistakes import UserMistake


@pytest.fixture
def joined(cluster: Cluster, write_file):
    spec = load(write_file(curves_file()))
    with ray_cluster(spec, cluster.address):
        yield


def asking_for(write_file, **resources: object) -> StudySpec:
    return load(write_file(curves_file(resources=resources)))


def test_resources_that_ray_lacks_are_one_clear_error(joined, write_file) -> None:
    spec = asking_for(write_file, cpu=3, custom={"trainer": 1})
    with pytest.raises(UserMistake, match=r"asks for CPU 3 \(there is 2\), trainer 1 \(there is 0\)"):
        check_resources(spec)


def test_as_many_trials_run_at_once_as_the_scarcest_resource_allows(joined, write_file) -> None:
    assert parallel_trials(asking_for(write_file, cpu=1)) == SLOTS
    assert parallel_trials(asking_for(write_file, cpu=2)) == 1


def test_what_others_use_is_no_free_place(joined) -> None:
    import ray

    def comes_to(expected: int) -> None:
        wait_until(lambda: free_places({"CPU": 1.0}) == expected, 60)

    class Busy:
        pass

    comes_to(SLOTS)
    busy: Any = ray.remote(Busy).options(num_cpus=1).remote()
    comes_to(SLOTS - 1)
    assert places({"CPU": 1.0}) == SLOTS, "who waits gets them one day"
    ray.kill(busy)
    comes_to(SLOTS)


@pytest.mark.slow
def test_under_uv_run_trials_keep_the_environment_of_the_driver(studies, write_file) -> None:
    arguments = studies.command(write_file(curves_file()), "--set", "ablate.adaptor=[joint]")[1:]
    done = subprocess.run(
        [find_uv_bin(), "run", "--no-sync", "--offline", "python", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=PROJECT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": sys.prefix},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_cluster_that_asks_for_a_token_gets_it_unasked(
    studies, write_file, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE")
    done = studies.run_alone(write_file(curves_file()), "--address", cluster.address, "--set", "ablate.adaptor=[joint]")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unauthenticated" not in done.stderr


def test_a_cluster_that_refuses_the_token_is_one_clear_error(
    studies, write_file, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    done = studies.run_alone(write_file(curves_file()), "--address", cluster.address)
    assert done.returncode == 2
    assert "asks for another token than this machine gives: set RAY_AUTH_MODE=token, and" in done.stderr
    assert "Unauthenticated" not in done.stderr and "Traceback" not in done.stderr


def test_an_address_where_nothing_listens_ends_a_study_at_once_with_one_error(studies, write_file) -> None:
    done = studies.run_alone(write_file(curves_file()), "--address", "127.0.0.1:1")
    assert done.returncode == 2
    assert "no Ray cluster answers at 127.0.0.1:1: Connection refused; is it running" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
