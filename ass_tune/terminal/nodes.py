"""The nodes of a cluster: on the screen of the driver, and in a file of the study folder for `--status`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.wording import count
from ass_tune.nodes import Node, NodeState
from ass_tune.trial import Listener
from ass_tune.wording import format_seconds
from trainables.storage import Storage

FILE = "nodes.json"
WRITE_EVERY = 5.0
"""Seconds: the study folder may be a store far away."""


class NodesSeen(BaseModel):
    """The nodes as a driver last saw them."""

    model_config = ConfigDict(frozen=True)

    time: float
    """In seconds since the epoch."""
    nodes: tuple[Node, ...]


class NodesFile(Listener):
    """Keeps the file while the study runs on more than one machine without a GPU.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Storage) -> None:
        self._folder = folder.impatient
        self._nodes: Sequence[Node] = ()
        self._next = 0.0
        self._delete()

    def nodes_changed(self, nodes: Sequence[Node]) -> None:
        """Write what they do. A full disk stops the study elsewhere, where something would be lost."""
        self._nodes = nodes
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + WRITE_EVERY
        seen = NodesSeen(time=time.time(), nodes=tuple(nodes))
        try:
            self._folder.write_bytes(FILE, seen.model_dump_json(indent=2).encode())
        except OSError:
            return

    def close(self) -> list[str]:
        """No driver sees nodes any more; returns a line for each that was set aside."""
        self._delete()
        return [
            f"set aside in this run: {node.name}: {node.details}"
            for node in self._nodes
            if node.state is NodeState.SET_ASIDE
        ]

    def _delete(self) -> None:
        try:
            if self._folder.exists(FILE):
                self._folder.delete(FILE)
        except OSError:
            return


def nodes_in(folder: Storage) -> NodesSeen | None:
    """What a driver last wrote; a driver that was killed has left it."""
    try:
        return NodesSeen.model_validate_json(folder.impatient.read_bytes(FILE))
    except (OSError, ValidationError):
        return None


def node_lines(nodes: Sequence[Node], ago: float | None = None) -> list[str]:
    """A line about all nodes, and one for each that is there; those that run no trials yet, or never will, come first.

    Args:
        nodes: of the cluster.
        ago: seconds since they were seen; None for now.
    """
    there = [node for node in nodes if node.state is not NodeState.GONE]
    there.sort(key=lambda node: node.state is NodeState.READY)
    return [_summary(nodes, ago), *(f"  {_line(node)}" for node in there)]


def _line(node: Node) -> str:
    if node.state is NodeState.READY:
        gpus = f", {node.gpus_in_use:g} of {node.gpus:g} GPUs in use" if node.gpus else ""
        return f"{node.name}: {count(node.trials, 'trial')}{gpus}"
    return f"{node.name}: " + ": ".join(filter(None, (node.state, node.details)))


def _summary(nodes: Sequence[Node], ago: float | None) -> str:
    states = Counter(node.state for node in nodes)
    parts = ", ".join(f"{states[state]} {state}" for state in NodeState if states[state])
    gpus = sum(node.gpus for node in nodes)
    used = f"; {sum(node.gpus_in_use for node in nodes):g} of {gpus:g} GPUs in use" if gpus else ""
    seen = "" if ago is None else f" ({format_seconds(max(0.0, ago))} ago)"
    return f"nodes    {parts}{used}{seen}"
