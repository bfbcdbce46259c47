"""Which errors of Ray set a node aside, and what is asked of Ray then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ass_tune.on_ray import placement, resources
from ass_tune.on_ray.node_check import NodeUnfit
from ass_tune.on_ray.placement import Placement, node_name
from ass_tune.search.faults import Fault, FaultKind, StudyPaused, trial_error
from trainables.gpu_share import GpuTooSmall

A, B = "a" * 56, "b" * 56


@pytest.fixture
def placing(monkeypatch: pytest.MonkeyPatch) -> Placement:
    """On two nodes that have one CPU each; every process runs on the second."""

    def live_nodes(without: Any = ()) -> list[dict[str, Any]]:
        return [node for node in (_node(A, "10.0.0.1"), _node(B, "10.0.0.2")) if node["NodeID"] not in without]

    for module in (placement, resources):
        monkeypatch.setattr(module, "live_nodes", live_nodes)
    monkeypatch.setattr("ray._private.state.actors", lambda actor: {"Address": {"NodeID": B}})
    return Placement({"CPU": 1.0})


def _node(name: str, address: str) -> dict[str, Any]:
    host = {"NodeManagerAddress": address, "NodeManagerHostname": "", "NodeName": address}
    return {"NodeID": name, **host, "Resources": {"CPU": 1.0}}


def of_ray(error: Exception) -> str:
    """The text of an error in the creation of an actor, as Ray writes it."""
    where = "ray::TrialActor.__init__() (pid=7, ip=10.0.0.2, actor_id=0123456789abcdef01000000, repr=<Trial>)"
    return f"The actor died because of an error raised in its creation task, {where}\n{_line(error)}\n"


def _line(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}: {error}"


def test_a_node_that_refuses_itself_is_set_aside_and_gets_no_more_trials(placing: Placement) -> None:
    assert placing.request().bundles == [{"CPU": 1.0}]
    assert placing.request() == Placement({"CPU": 1.0}).request(), "processes are used again"
    fault = placing.fault(of_ray(NodeUnfit(B, "no room")))
    assert fault == Fault(FaultKind.UNFIT_NODE, "node 10.0.0.2 is set aside: no room")
    assert placing.set_aside == {B: "no room"}
    selector = placing.request()._kwargs["bundle_label_selector"]
    assert selector == [{"ray.io/node-id": f"!in({B})"}]


def test_a_node_without_our_code_is_found_by_the_process_that_could_not_start(placing: Placement) -> None:
    missing = RuntimeError(
        "The actor with name CheckedTrialActor failed to import on the worker. This may be because needed library "
        "dependencies are not installed in the worker environment:\n\nModuleNotFoundError: No module named 'ass_tune'"
    )
    fault = placing.fault(of_ray(missing))
    assert fault is not None
    assert "set aside: ModuleNotFoundError: No module named 'ass_tune'; install there what the driver" in fault.error
    assert placing.set_aside.keys() == {B}


def test_a_gpu_that_is_too_small_is_its_nodes_fault_while_others_are_left(placing: Placement) -> None:
    text = of_ray(GpuTooSmall("a trial needs about 30 GB"))
    assert placing.fault(text) == Fault(FaultKind.UNFIT_NODE, "node 10.0.0.2 is set aside: a trial needs about 30 GB")
    placing.set_aside = {A: "another reason"}
    assert placing.fault(text) is None, "then it is the trial's"


def test_the_study_pauses_with_all_reasons_when_no_node_is_left(placing: Placement) -> None:
    placing.fault(of_ray(NodeUnfit(A, "no data")))
    with pytest.raises(StudyPaused, match=r"no node is left.*10\.0\.0\.1: no data; 10\.0\.0\.2: no room"):
        placing.fault(of_ray(NodeUnfit(B, "no room")))


def test_other_errors_are_of_trials(placing: Placement) -> None:
    assert placing.fault(of_ray(ValueError("no such class"))) is None
    assert placing.fault("The actor died unexpectedly") is None
    assert not placing.set_aside


@pytest.mark.parametrize(
    ("host", "named", "name"),
    [
        ("gpu-a", "10.0.0.1", "10.0.0.1 (gpu-a)"),
        ("gpu-a", "left", "10.0.0.1 (left)"),
        ("10.0.0.1", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_nodes_are_named_by_address_and_host(host: str, named: str, name: str) -> None:
    assert node_name({"NodeManagerAddress": "10.0.0.1", "NodeManagerHostname": host, "NodeName": named}) == name


def test_a_node_that_is_set_aside_is_no_try_of_the_trial(spec: Callable, driven: Callable) -> None:
    study = driven(spec(), tries=1)
    trial = study.director.next_trial()
    for _ in range(5):
        study.director.fault(trial.key, Fault(FaultKind.UNFIT_NODE, "node 10.0.0.2 is set aside: no room"), 0.0)
        assert study.director.running == []
        assert study.director.next_trial().key == trial.key
    study.director.fault(trial.key, trial_error("The actor died unexpectedly"), 0.0)
    assert study.ends()[trial.key].outcome == "failed", "that was its only try"
