"""One Ray cluster that the studies of a test session join, since each start of Ray costs seconds.

As a program: holds a local Ray, says its address on standard output, and ends with its standard input.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import tempfile

from tests.support.project import PROJECT

SLOTS = 2
"""CPUs that the cluster has, whatever the machine has."""
OBJECT_STORE_BYTES = 100 * 2**20
STARTS = 3
"""How often a start of Ray is tried: on a busy machine a node is given up after half a minute."""


def agree_on_a_token() -> None:
    """Let this process and those below it join each other's clusters; Ray reads both when it is first used."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


class Cluster:
    """A local Ray with two slots, started when its address is first asked for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """What `--address` takes. Raises RuntimeError where Ray does not start."""
        for _ in range(STARTS):
            if self._process is not None:
                break
            self._process = self._started()
        if self._process is None:
            raise RuntimeError(f"Ray did not start, {STARTS} times")
        return self._address

    @property
    def pid(self) -> int:
        """Of the process above all of Ray's."""
        assert self._process is not None
        return self._process.pid

    def _started(self) -> subprocess.Popen[str] | None:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        environment |= {"RAY_USAGE_STATS_ENABLED": "0"}
        command = [sys.executable, "-m", "tests.support.cluster"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        assert process.stdout is not None
        self._address = process.stdout.readline().strip()
        if self._address:
            return process
        process.communicate()
        return None

    def stop(self) -> None:
        """End it, where it was started."""
        if self._process is not None:
            self._process.communicate(timeout=120)


def main() -> None:
    """Hold a local Ray until nobody needs it."""
    import ray

    # the paths of Ray's sockets must be short
    with tempfile.TemporaryDirectory(prefix="ass-ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ray.init(
            address="local",
            num_cpus=SLOTS,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
        )
        print(ray.get_runtime_context().gcs_address, flush=True)
        sys.stdin.read()
        ray.shutdown()


if __name__ == "__main__":
    main()
