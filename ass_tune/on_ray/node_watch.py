"""Looks at the nodes of the cluster every few seconds, for people."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.nodes import Node, NodeState, worth_showing
from ass_tune.on_ray.node_records import NodeRecord, read_nodes
from ass_tune.on_ray.placement import Placement, node_name
from ass_tune.on_ray.resources import live_nodes
from ass_tune.search.director import Director

LOOK_EVERY = 5.0


class NodeWatcher(Callback):
    """Informs the director's listeners of the nodes, where there is more than one machine without a GPU.

    Args:
        director: whose listeners are informed.
        placement: has set nodes aside.
    """

    def __init__(self, director: Director, placement: Placement) -> None:
        self._director, self._placement = director, placement
        self._actors: dict[str, str] = {}
        """Ray's name of the process of each trial that has one."""
        self._node_of: dict[str, str] = {}
        """The node of each process that was ever seen."""
        self._names: dict[str, str] = {}
        """Of nodes that were ever seen."""
        self._ready: set[str] = set()
        """Nodes whose records change no more."""
        self._next = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """It has a process."""
        if (actor := trial.temporary_state.ray_actor) is not None:
            self._actors[trial.trial_id] = actor._actor_id.hex()

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Its process is free."""
        self._actors.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Its process is free, or gone, or its node was set aside."""
        self._actors.pop(trial.trial_id, None)
        self._next = 0.0

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second."""
        if (now := time.monotonic()) >= self._next:
            self._next = now + LOOK_EVERY
            self.look()

    def look(self) -> None:
        """Inform of what is there now."""
        nodes = tuple(self._nodes())
        if worth_showing(nodes):
            self._director.nodes(nodes)

    def _nodes(self) -> Iterator[Node]:
        from ray._private.state import available_resources_per_node

        alive, free = list(live_nodes()), available_resources_per_node()
        records = self._records([node["NodeID"] for node in alive])
        trials = Counter(self._node(actor) for actor in self._actors.values())
        for node in alive:
            name, gpus = node["NodeID"], node["Resources"].get("GPU", 0.0)
            self._names[name] = node_name(node)
            yield Node(
                id=name,
                name=self._names[name],
                trials=trials[name],
                gpus=gpus,
                gpus_in_use=max(0.0, gpus - free.get(name, {}).get("GPU", 0.0)),
                **self._state(name, records),
            )
        for name in sorted(self._names.keys() - {node["NodeID"] for node in alive}):
            yield Node(id=name, name=self._names[name], state=NodeState.GONE)

    def _state(self, node: str, records: dict[str, NodeRecord]) -> dict[str, Any]:
        if (reason := self._placement.set_aside.get(node)) is not None:
            return {"state": NodeState.SET_ASIDE, "details": reason}
        return records[node].model_dump() if node in records else {}

    def _records(self, nodes: list[str]) -> dict[str, NodeRecord]:
        """Of those nodes that may have something new to say."""
        found = read_nodes(node for node in nodes if node not in self._ready)
        self._ready |= {node for node, record in found.items() if record.state is NodeState.READY}
        return found

    def _node(self, actor: str) -> str:
        """Where a process runs. It never moves, and trials share it one after the other."""
        from ray._private.state import actors

        if actor not in self._node_of:
            self._node_of[actor] = actors(actor).get("Address", {}).get("NodeID", "")
        return self._node_of[actor]
