"""Where Ray may place the trials of a study: on the nodes that are not set aside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ass_tune.on_ray.resources import live_nodes, places
from ass_tune.on_ray.versions import INSTALL
from ass_tune.search.faults import Fault, FaultKind, StudyPaused

if TYPE_CHECKING:
    from ray.tune import PlacementGroupFactory

NODE_LABEL = "ray.io/node-id"
"""Ray's own label of every node."""
_UNFIT = re.compile(r"NodeUnfit: node (?P<node>[0-9a-f]+): (?P<reason>.*)")
_NO_CODE = re.compile(r"failed to import on the worker|(ModuleNotFound|Import)Error: .*'(ass_tune|trainables)\b")
_GPU = re.compile(r"GpuTooSmall: (?P<reason>.*)")
_ACTOR = re.compile(r"actor_id[=:] ?([0-9a-f]{16,})")


class Placement:
    """Places trials, and sets nodes aside that cannot run any.

    Args:
        asked: resources of one trial.
    """

    def __init__(self, asked: Mapping[str, float]) -> None:
        self.asked = asked
        self.set_aside: dict[str, str] = {}
        """Why, by Ray's name of the node."""
        self._names: dict[str, str] = {}
        self._request: tuple[str, PlacementGroupFactory] | None = None

    def request(self) -> PlacementGroupFactory:
        """What Ray is asked for to place a trial now: one object for all trials until another node is set aside."""
        from ray.tune import PlacementGroupFactory

        without = ",".join(sorted(self.set_aside))
        if self._request is None or self._request[0] != without:
            where = [{NODE_LABEL: f"!in({without})"}] if without else None
            self._request = without, PlacementGroupFactory([dict(self.asked)], bundle_label_selector=where)
        return self._request[1]

    def fault(self, text: str) -> Fault | None:
        """The fault where an error of Ray shows that a node cannot run the trial, which then is set aside.

        Raises StudyPaused where no node is left. A trial that is too large for every GPU is at fault itself.
        """
        if (unfit := _UNFIT.search(text)) is not None:
            node, reason, of_trial = unfit["node"], unfit["reason"].strip(), False
        elif (small := _GPU.search(text)) is not None:
            node, reason, of_trial = _node_of(text), small["reason"].strip(), True
        elif _NO_CODE.search(text) is not None:
            *_, last = filter(None, map(str.strip, text.splitlines()))
            node, reason, of_trial = _node_of(text), f"{last}; {INSTALL}", False
        else:
            return None
        if node is None or (of_trial and not places(self.asked, {*self.set_aside, node})):
            return None
        self.set_aside.setdefault(node, reason)
        if not places(self.asked, self.set_aside):
            raise StudyPaused(f"no node is left that can run trials: {'; '.join(self.reasons())}")
        return Fault(FaultKind.UNFIT_NODE, f"node {self.name(node)} is set aside: {reason}")

    def reasons(self) -> list[str]:
        """Each node that is set aside, and why."""
        return [f"{self.name(node)}: {reason}" for node, reason in self.set_aside.items()]

    def name(self, node: str) -> str:
        """What people call a node: its address, and its host's name where that says more."""
        if node not in self._names:
            self._names |= {found["NodeID"]: node_name(found) for found in live_nodes()}
        return self._names.get(node, node[:8])


def node_name(node: Mapping[str, str]) -> str:
    """The name of a node as Ray describes it."""
    address, host = node["NodeManagerAddress"], node["NodeManagerHostname"]
    named = node.get("NodeName") or address
    label = host if named == address else named
    return address if label in ("", address) else f"{address} ({label})"


def _node_of(text: str) -> str | None:
    """The node of the process that an error is of."""
    from ray._private.state import actors

    if (actor := _ACTOR.search(text)) is None:
        return None
    return actors(actor[1]).get("Address", {}).get("NodeID") or None
