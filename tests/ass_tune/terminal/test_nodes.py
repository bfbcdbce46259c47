"""What people see of the nodes of a cluster."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ass_tune.nodes import Node, NodeState, worth_showing
from ass_tune.places import Studies
from ass_tune.terminal.live_view import LinesView, LiveView
from ass_tune.terminal.nodes import NodesFile, node_lines, nodes_in
from ass_tune.terminal.progress import StudyProgress
from ass_tune.terminal.status import status_tables, study_status
from trainables.storage import Storage

TORCH = "torch: found 2.1, the driver has 2.9. " * 3
NODES = (
    Node(id="a", name="10.0.0.1 (gpu-a)", trials=2, gpus=4, gpus_in_use=1.5),
    Node(id="b", name="10.0.0.2 (gpu-b)", gpus=4, state=NodeState.PREPARING, details="packing source: 7 of 90 images"),
    Node(id="c", name="10.0.0.3 (gpu-c)", state=NodeState.SET_ASIDE, details=TORCH),
    Node(id="d", name="10.0.0.4", state=NodeState.GONE),
)


@pytest.fixture
def progress(spec: Callable, driven: Callable) -> StudyProgress:
    return StudyProgress(driven(spec()).searches, 100)


def test_nodes_that_run_no_trials_come_first() -> None:
    assert node_lines(NODES[:2]) == [
        "nodes    1 ready, 1 preparing; 1.5 of 8 GPUs in use",
        "  10.0.0.2 (gpu-b): preparing: packing source: 7 of 90 images",
        "  10.0.0.1 (gpu-a): 2 trials, 1.5 of 4 GPUs in use",
    ]
    assert node_lines(NODES, ago=75)[0] == (
        "nodes    1 ready, 1 preparing, 1 set aside, 1 gone; 1.5 of 8 GPUs in use (75 s ago)"
    )


def test_one_machine_without_a_gpu_is_not_worth_a_line() -> None:
    assert not worth_showing((Node(id="a", name="10.0.0.1"),))
    assert worth_showing((Node(id="a", name="10.0.0.1", gpus=1),))
    assert worth_showing((Node(id="a", name="10.0.0.1"), Node(id="b", name="10.0.0.2")))


@pytest.mark.parametrize("height", [12, 60])
def test_the_live_view_shows_nodes_in_80_columns_and_no_more_lines_than_there_are(
    progress: StudyProgress, height: int
) -> None:
    console = Console(file=io.StringIO(), width=80, height=height, force_terminal=True, color_system=None)
    view = LiveView(console, "csa", progress)
    before = [*console.render_lines(view)]
    view.nodes_changed([NODES[0], *(Node(id=str(n), name=f"10.0.1.{n}") for n in range(70)), *NODES[1:]])
    lines = ["".join(segment.text for segment in line).rstrip() for line in console.render_lines(view)]
    assert len(lines) < height and max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "nodes    71 ready, 1 preparing, 1 set aside, 1 gone; 1.5 of 8 GPUs in use" in text
    assert "packing source: 7 of 90 images" in text and "more nodes" in text
    assert len(before) < height


def test_lines_say_what_changes(progress: StudyProgress) -> None:
    console = Console(file=io.StringIO(), width=80)
    view = LinesView(console, progress)
    view.nodes_changed(NODES[:2])
    view.nodes_changed([NODES[0], NODES[1].model_copy(update={"details": "packing source: 8 of 90 images"})])
    view.nodes_changed([NODES[0], NODES[1].model_copy(update={"state": NodeState.READY, "details": ""}), NODES[3]])
    view.nodes_changed([NODES[0], Node(id="e", name="10.0.0.5")])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "nodes    1 ready, 1 preparing; 1.5 of 8 GPUs in use",
        "node     10.0.0.2 (gpu-b): preparing: packing source: 7 of 90 images",
        "node     10.0.0.2 (gpu-b): ready",
        "node     10.0.0.4: gone",
        "node     10.0.0.5: joined the cluster",
    ]


def test_the_status_says_what_the_driver_last_saw_and_when(tmp_path: Path, spec: Callable) -> None:
    studies, folder = Studies.at(tmp_path), Storage(str(tmp_path / "driven"))
    file = NodesFile(folder)
    assert nodes_in(folder) is None
    file.nodes_changed(NODES)
    status = study_status(spec(), studies, None)
    assert status.nodes is not None and status.nodes.nodes == NODES
    text = str(status_tables(status, studies, 80)[-1])
    assert "nodes    1 ready, 1 preparing, 1 set aside, 1 gone; 1.5 of 8 GPUs in use (0 s ago)" in text
    assert "  10.0.0.1 (gpu-a): 2 trials, 1.5 of 4 GPUs in use" in text

    [line] = file.close()
    assert line.startswith("set aside in this run: 10.0.0.3 (gpu-c): torch: found 2.1")
    assert nodes_in(folder) is None
