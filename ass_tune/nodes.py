"""The nodes of a cluster as a study sees them; these types know no Ray."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class NodeState(StrEnum):
    """What a node is to a study."""

    READY = "ready"
    """Trials can start at once, as far as is known: a node is prepared when its first trial comes."""
    PREPARING = "preparing"
    """It makes what its trials share, such as packed data."""
    SET_ASIDE = "set aside"
    """Trials cannot run there, and no more are placed there in this run of the study."""
    GONE = "gone"
    """It has left the cluster."""


class Node(BaseModel):
    """A node with what runs there now."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Ray's."""
    name: str
    """Its address, and its host's name where that says more."""
    state: NodeState = NodeState.READY
    details: str = ""
    """How far its preparation is, or why it was set aside."""
    trials: int = 0
    """Trials of the study that have a process there."""
    gpus: float = 0.0
    gpus_in_use: float = 0.0
    """By this study and everything else that runs on the cluster."""


def worth_showing(nodes: tuple[Node, ...]) -> bool:
    """Whether there is more to see than one machine without a GPU."""
    return len(nodes) > 1 or any(node.gpus or node.state is NodeState.SET_ASIDE for node in nodes)
