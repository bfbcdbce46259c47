"""A Ray cluster of several nodes on this machine: each has processes, a folder and environment variables of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.cluster import OBJECT_STORE_BYTES, STARTS
from tests.support.kills import kill_tree, training
from tests.support.project import PROJECT

SECONDS_TO_START = 90.0


class Nodes:
    """Starts nodes and kills them.

    Args:
        folder: with a folder for each node, in which it is started.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # the paths of Ray's sockets must be short
        self._ray = Path(tempfile.mkdtemp(prefix="ass-nodes-", dir="/tmp"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.address = f"127.0.0.1:{_free_port()}"

    def folder(self, name: str) -> Path:
        """What the node has for itself: `cache` is its cache folder."""
        return self._folder / name

    def folder_of_ray(self, name: str) -> Path:
        """Where the node's Ray has its sockets and logs."""
        return self._ray / name

    def add(
        self,
        name: str,
        *options: str,
        cpus: int = 1,
        gpus: int = 0,
        environment: Mapping[str, str] | None = None,
        hidden: tuple[Path, ...] = (),
    ) -> None:
        """Start a node, the first one as the head. Raises RuntimeError where Ray does not.

        Args:
            name: that people see.
            options: further ones of `ray start`.
            cpus: how many it says that it has.
            gpus: how many it says that it has.
            environment: further variables of its processes.
            hidden: folders that look empty there, made where they are missing; only where `can_hide`.
        """
        place = self.folder(name)
        (place / "empty").mkdir(parents=True, exist_ok=True)
        head = not self._processes
        where = ["--head", f"--port={self.address.rpartition(':')[2]}", "--include-dashboard=false"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address=127.0.0.1"]
        command += where if head else [f"--address={self.address}", "--include-log-monitor=false"]
        command += [f"--node-name={name}", f"--num-cpus={cpus}", f"--num-gpus={gpus}", "--disable-usage-stats"]
        command += [f"--object-store-memory={OBJECT_STORE_BYTES}", f"--temp-dir={self.folder_of_ray(name)}", *options]
        if hidden:
            for folder in hidden:
                folder.mkdir(parents=True, exist_ok=True)
            mounts = "".join(f"mount --bind {place / 'empty'} {folder} && " for folder in hidden)
            command = ["unshare", "-m", "sh", "-c", f'{mounts}exec "$@"', "sh", *command]
        variables = {variable: value for variable, value in os.environ.items() if variable != "PYTHONPATH"}
        variables |= {"ASS_CACHE": str(place / "cache"), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        variables |= {"RAY_gcs_server_port_wait_time_s": "120", **(environment or {})}
        for _ in range(STARTS):
            with (place / "ray.log").open("wb") as log:
                process = subprocess.Popen(
                    command, cwd=place, env=variables, stdout=log, stderr=log, start_new_session=True
                )
            if _has_started(process, place / "ray.log"):
                self._processes[name] = process
                return
            kill_tree(process.pid)
        raise RuntimeError((place / "ray.log").read_text())

    def trains(self, name: str) -> bool:
        """Whether a trial trains on a node at this moment."""
        return bool(training(self._processes[name].pid))

    def kill(self, name: str) -> None:
        """Take a node away with all its processes, without a word."""
        process = self._processes.pop(name)
        kill_tree(process.pid)
        process.wait()

    def stop(self) -> None:
        """Kill all nodes, the head last."""
        for name in [*self._processes][::-1]:
            self.kill(name)
        shutil.rmtree(self._ray, ignore_errors=True)


def can_hide() -> bool:
    """Whether this process may give another one a view of its own of the disk."""
    done = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False)
    return done.returncode == 0


def told_version(folder: Path, library: str, version: str) -> dict[str, str]:
    """Environment of a process in which a library says that it has another version."""
    info = folder / f"{library}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: {version}\n")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}"}


def _has_started(process: subprocess.Popen[bytes], log: Path) -> bool:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        if b"Ray runtime started" in log.read_bytes():
            return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
