"""What a process does before its trial can train, readable by the driver although Ray says nothing of it until then.

A process writes into Ray's own key-value store where it runs, and takes that back when it is ready. What is still there
when it has died shows where its log is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict

from ass_tune.on_ray.key_value import NAMESPACE, place


class Preparation(BaseModel):
    """Where the process of a trial prepares it."""

    model_config = ConfigDict(frozen=True)

    node: str
    """Address of its node."""
    node_id: str = ""
    """Ray's name of it."""
    pid: int
    logs: str
    """Folder of Ray's logs on that node."""

    @property
    def process(self) -> str:
        """What people read."""
        return f"{self.pid} on {self.node}"


@contextmanager
def preparing(key: str) -> Iterator[None]:
    """Say where a trial is prepared while the block runs. Outside of Ray nothing is said."""
    import ray
    from ray._private.worker import _global_node
    from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_put

    if _global_node is None:
        yield
        return
    node, logs = _global_node.node_ip_address, _global_node.get_logs_dir_path()
    here = Preparation(node=node, node_id=ray.get_runtime_context().get_node_id(), pid=os.getpid(), logs=logs)
    _internal_kv_put(place("preparing", key), here.model_dump_json().encode(), overwrite=True, namespace=NAMESPACE)
    try:
        yield
    finally:
        _internal_kv_del(place("preparing", key), namespace=NAMESPACE)


def preparation_of(key: str) -> Preparation | None:
    """Where a trial is prepared, or was when its process died; None for one that is ready, or has no process yet."""
    from ray.experimental.internal_kv import _internal_kv_get

    found = _internal_kv_get(place("preparing", key), namespace=NAMESPACE)
    return None if found is None else Preparation.model_validate_json(found)


def forget_preparation(key: str) -> None:
    """Take back what a process that died has left."""
    from ray.experimental.internal_kv import _internal_kv_del

    _internal_kv_del(place("preparing", key), namespace=NAMESPACE)
