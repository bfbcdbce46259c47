"""What a trial asks of Ray, what the nodes have, and how many trials fit on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ass_tune.spec import StudySpec
from trainables.mistakes import UserMistake

NODES_NAMED = 6


def asked_of_ray(spec: StudySpec) -> dict[str, float]:
    """Ray's names of what one trial asks for, and how much."""
    asked = {"CPU": float(spec.resources.cpu), "GPU": float(spec.resources.gpu), **spec.resources.custom}
    return {name: amount for name, amount in asked.items() if amount > 0}


def check_resources(spec: StudySpec) -> None:
    """Raise `UserMistake` where no trial would ever start, because a local Ray gets no further nodes."""
    import ray

    asked, there = asked_of_ray(spec), ray.cluster_resources()
    missing = [name for name, amount in asked.items() if there.get(name, 0) < amount]
    if missing:
        lacks = ", ".join(f"{name} {asked[name]:g} (there is {there.get(name, 0):g})" for name in missing)
        raise UserMistake(f"a trial asks for {lacks}; lower `resources:` or join a cluster with --address")


def parallel_trials(spec: StudySpec) -> int:
    """How many trials fit on the CPUs, GPUs and custom resources of the nodes that Ray has now; at least one."""
    return max(1, _fit(asked_of_ray(spec), _live_nodes()))


def why_unplaced(asked: Mapping[str, float]) -> tuple[str, str]:
    """Why Ray places no trial now, and what the nodes have: none is large enough, or all that are have other work.

    Args:
        asked: by one trial.
    """
    from ray._private.state import available_resources_per_node

    nodes = list(_live_nodes())
    if not _fit(asked, nodes):
        lacking = (
            f"no node has what it asks for, {_amounts(asked)}, and it starts only when one that has joins the cluster"
        )
        there = [{name: _has(node, name) for name in asked} for node in nodes]
        texts = [f"{node['NodeManagerAddress']} has {_amounts(has)}" for node, has in zip(nodes, there, strict=True)]
        return lacking, f"{_some(texts)}; otherwise stop with Ctrl-C and lower `resources:`"
    free = available_resources_per_node()
    texts = [
        f"{node['NodeManagerAddress']} has "
        + _listed(f"{_g(free.get(node['NodeID'], {}).get(name, 0))} of {_g(_has(node, name))} {name}" for name in asked)
        for node in nodes
    ]
    return f"waits for resources; it asks for {_amounts(asked)}", f"free now: {_some(texts)}"


def _live_nodes() -> Iterator[dict[str, Any]]:
    import ray

    return (node for node in ray.nodes() if node["Alive"])


def _fit(asked: Mapping[str, float], nodes: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> int:
    return sum(min(int(_has(node, name) / amount) for name, amount in asked.items()) for node in nodes)


def _has(node: dict[str, Any], name: str) -> float:
    return node["Resources"].get(name, 0.0)


def _amounts(amounts: Mapping[str, float]) -> str:
    return _listed(f"{name} {_g(amount)}" for name, amount in amounts.items())


def _listed(items: Iterator[str]) -> str:
    return ", ".join(items)


def _some(texts: list[str]) -> str:
    more = len(texts) - NODES_NAMED
    named = "; ".join(texts[:NODES_NAMED]) or "the cluster has no node"
    return f"{named}; and {more} more nodes" if more > 0 else named


def _g(amount: float) -> str:
    return f"{amount:g}"
