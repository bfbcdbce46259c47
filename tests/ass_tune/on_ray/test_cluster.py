"""Joining and leaving a Ray cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.cluster import Cluster
from tests.support.project import PROJECT
from tests.support.study_files import curves_file

LEAVES = """
import sys

import ray
from ray._private.worker import global_worker

from ass_tune.on_ray.cluster import ray_cluster
from ass_tune.spec import load


class CoreWorker:
    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    def shutdown_driver(self):
        self.real.shutdown_driver()
        references.clear()  # as a thread does whose turn it is to collect garbage


with ray_cluster(load(sys.argv[1]), sys.argv[2]):
    references = [ray.put(1)]
    global_worker.core_worker = CoreWorker(global_worker.core_worker)
print("left")
"""


def test_a_reference_that_another_thread_collects_while_ray_ends_does_not_end_the_driver(
    cluster: Cluster, write_file: Callable[[str], Path]
) -> None:
    command = [sys.executable, "-c", LEAVES, str(write_file(curves_file())), cluster.address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=PROJECT, check=False)
    assert (done.returncode, done.stdout) == (0, "left\n"), done.stderr
