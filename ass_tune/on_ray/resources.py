"""What a trial asks of Ray, what the nodes have, and how many trials fit on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ass_tune.spec import StudySpec
from trainables.mistakes import UserMistake

NODES_NAMED = 6
TYPE = "accelerator_type:"
"""How Ray names the resource that nodes with GPUs of one type have, before the type."""
OF_A_TYPE = 0.001
"""How much of it Ray itself asks for where only the type is meant."""
_PARTS = 10_000
"""Ray counts in ten-thousandths."""


def asked_of_ray(spec: StudySpec) -> dict[str, float]:
    """Ray's names of what one trial asks for, and how much."""
    resources = spec.resources
    asked = {"CPU": float(resources.cpu), "GPU": float(resources.gpu), **resources.custom}
    if resources.accelerator_type is not None:
        asked[f"{TYPE}{resources.accelerator_type}"] = OF_A_TYPE
    return {name: amount for name, amount in asked.items() if amount > 0}


def check_resources(spec: StudySpec) -> None:
    """Raise `UserMistake` where no trial would ever start, because a local Ray gets no further nodes."""
    import ray

    asked, there = asked_of_ray(spec), ray.cluster_resources()
    missing = [name for name, amount in asked.items() if there.get(name, 0) < amount]
    if missing:
        lacks = ", ".join(f"{_amount(name, asked[name])} (there is {_there(name, there)})" for name in missing)
        raise UserMistake(f"a trial asks for {lacks}; lower `resources:` or join a cluster with --address")


def parallel_trials(spec: StudySpec, without: Collection[str] = ()) -> int:
    """How many trials fit on the CPUs, GPUs and custom resources of the nodes that Ray has and keeps; at least one.

    Args:
        spec: the study.
        without: nodes that run no trial.
    """
    return max(1, places(asked_of_ray(spec), {*without, *draining_nodes()}))


def draining_nodes() -> set[str]:
    """Nodes that Ray drains, since they are about to be taken away: it places nothing more there."""
    from ray._private.state import state

    return set(state.get_draining_nodes())


def places(asked: Mapping[str, float], without: Collection[str] = ()) -> int:
    """How many trials fit on the nodes that Ray has now, if nothing else runs there.

    Args:
        asked: by one trial.
        without: nodes that run none.
    """
    return sum(fits(asked, node["Resources"]) for node in live_nodes(without))


def free_places(asked: Mapping[str, float], without: Collection[str] = ()) -> int:
    """How many trials fit on what Ray has told lately that nobody uses.

    Args:
        asked: by one trial.
        without: nodes that run none.
    """
    from ray._private.state import available_resources_per_node

    free = available_resources_per_node()
    return sum(fits(asked, free.get(node["NodeID"], {})) for node in live_nodes(without))


def fits(asked: Mapping[str, float], has: Mapping[str, float]) -> int:
    """How many trials fit on a node that has so much."""
    return min(_times(name, amount, has.get(name, 0.0)) for name, amount in asked.items())


def why_unplaced(asked: Mapping[str, float], without: Collection[str] = ()) -> tuple[str, str]:
    """Why Ray places no trial now, and what the nodes have: none is large enough, or all that are have other work.

    Args:
        asked: by one trial.
        without: nodes that run none.
    """
    from ray._private.state import available_resources_per_node

    draining = draining_nodes()
    nodes = list(live_nodes({*without, *draining}))
    aside = f"; {len(without)} set aside" if without else ""
    aside += f"; {len(draining)} about to be taken away" if draining else ""
    if not any(fits(asked, node["Resources"]) for node in nodes):
        lacking = (
            f"no node has what it asks for, {_amounts(asked)}, and it starts only when one that has joins the cluster"
        )
        texts = [f"{node['NodeManagerAddress']} has {_has(node['Resources'], asked)}" for node in nodes]
        return lacking, f"{_some(texts)}{aside}; otherwise stop with Ctrl-C and lower `resources:`"
    free = available_resources_per_node()
    counted = [name for name in asked if not name.startswith(TYPE)]
    texts = [
        f"{node['NodeManagerAddress']} has "
        + _listed(
            f"{_g(free.get(node['NodeID'], {}).get(name, 0))} of {_g(node['Resources'].get(name, 0))} {name}"
            for name in counted
        )
        for node in nodes
    ]
    return f"waits for resources; it asks for {_amounts(asked)}", f"free now: {_some(texts)}{aside}"


def live_nodes(without: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """The nodes of the cluster as Ray describes them, but for some."""
    import ray

    return (node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in without)


def _times(name: str, amount: float, has: float) -> int:
    """How often an amount is there. A part of a GPU is a part of one GPU: of each one, what is left over is lost."""
    wanted, there = round(amount * _PARTS), round(has * _PARTS)
    if name == "GPU" and wanted < _PARTS:
        return (there // _PARTS) * (_PARTS // wanted)
    return there // wanted


def _has(has: Mapping[str, float], asked: Mapping[str, float]) -> str:
    return _listed(
        f"GPUs of type {_there(name, has)}" if name.startswith(TYPE) else f"{name} {_g(has.get(name, 0.0))}"
        for name in asked
    )


def _there(name: str, has: Mapping[str, float]) -> str:
    """The amount, or which types of GPUs there are where one is asked for."""
    if not name.startswith(TYPE):
        return _g(has.get(name, 0))
    return ", ".join(sorted(other.removeprefix(TYPE) for other in has if other.startswith(TYPE))) or "none"


def _amounts(amounts: Mapping[str, float]) -> str:
    return _listed(_amount(name, amount) for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    return f"GPU type {name.removeprefix(TYPE)}" if name.startswith(TYPE) else f"{name} {_g(amount)}"


def _listed(items: Iterator[str]) -> str:
    return ", ".join(items)


def _some(texts: list[str]) -> str:
    more = len(texts) - NODES_NAMED
    named = "; ".join(texts[:NODES_NAMED]) or "the cluster has no node"
    return f"{named}; and {more} more nodes" if more > 0 else named


def _g(amount: float) -> str:
    return f"{amount:g}"
