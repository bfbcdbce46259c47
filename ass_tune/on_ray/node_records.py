"""What a node's processes write down about it, where the driver reads it: in Ray's own key-value store."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from ass_tune.nodes import NodeState
from ass_tune.on_ray.key_value import NAMESPACE, place


class NodeRecord(BaseModel):
    """How far a node is with what its trials share."""

    model_config = ConfigDict(frozen=True)

    state: NodeState
    details: str = ""


def this_node() -> str:
    """Ray's name of the node that this process runs on."""
    import ray

    return ray.get_runtime_context().get_node_id()


def write_node(record: NodeRecord) -> None:
    """Say how far this node is."""
    from ray.experimental.internal_kv import _internal_kv_put

    _internal_kv_put(
        place("nodes", this_node()), record.model_dump_json().encode(), overwrite=True, namespace=NAMESPACE
    )


def read_nodes(nodes: Iterable[str]) -> dict[str, NodeRecord]:
    """What was written about nodes, by node; nothing of those where no trial was yet."""
    from ray.experimental.internal_kv import _internal_kv_get

    found = {node: _internal_kv_get(place("nodes", node), namespace=NAMESPACE) for node in nodes}
    return {node: NodeRecord.model_validate_json(record) for node, record in found.items() if record is not None}


def read_node() -> NodeRecord | None:
    """What was written about this node."""
    return read_nodes([here := this_node()]).get(here)


def forget_nodes() -> None:
    """Take back what was written for this driver."""
    from ray.experimental.internal_kv import _internal_kv_del

    _internal_kv_del(place("nodes"), del_by_prefix=True, namespace=NAMESPACE)
