"""How a study meets Ray: what it asks for and what there is."""

from __future__ import annotations

import pytest

from ass_tune.on_ray.execution import check_resources, parallel_trials, ray_cluster
from ass_tune.spec import StudySpec, load
from tests.support.cluster import SLOTS, Cluster
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
