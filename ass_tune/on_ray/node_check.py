"""What a process does on its node before its first trial: the node has what trials need, or no trial runs there.

Data is prepared once a node, by the process that comes first, while the others wait. The node says how far it is, in a
record that the driver reads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from ass_tune.nodes import NodeState
from ass_tune.on_ray.node_records import NodeRecord, read_node, this_node, write_node
from ass_tune.on_ray.versions import CODE, INSTALL, version_differences, versions
from trainables.cache import cache_folder
from trainables.config import TrialConfig
from trainables.contract import TrialTask
from trainables.domains.pairs import make_known
from trainables.domains.progress import Progress
from trainables.domains.recipe import MissingData
from trainables.mistakes import UserMistake
from trainables.registry import TRAINABLES

LOCK = "prepare.lock"
"""In a node's cache folder: held by the process that prepares data there."""
SECONDS_BETWEEN_WORDS = 1.0
LONGEST = 400
"""Characters of a reason."""
CANNOT = (MissingData, UserMistake, OSError)
"""What is wrong with a node, and not with a trial, when it comes up while the node is prepared."""


class NodeUnfit(Exception):
    """The node cannot run trials of this study.

    Args:
        node: Ray's name of it.
        reason: in one line.
    """

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(node, reason)

    def __str__(self) -> str:
        return "node {}: {}".format(*self.args)


class Driver(BaseModel):
    """What the processes of trials have to know of the driver."""

    model_config = ConfigDict(frozen=True)

    node: str
    """Ray's name of the node that it runs on."""
    cache: str
    """Its cache folder, with the data that it has prepared there."""
    versions: dict[str, str]
    configs: tuple[dict[str, Any], ...]
    """One configuration of each kind of trial."""


def driver_here(configs: Sequence[TrialConfig]) -> Driver:
    """This process as the driver, which has prepared its node for trials of these kinds."""
    plain = tuple(config.model_dump(mode="json") for config in configs)
    return Driver(node=this_node(), cache=str(cache_folder()), versions=versions(), configs=plain)


def task_here(driver: Driver, config: dict[str, Any]) -> dict[str, Any]:
    """A trial's task as it reads on this node, which may have its data in a folder of its own."""
    if this_node() == driver.node:
        return config
    return {**config, "data_root": os.environ.get("ASS_DATA_ROOT") or config["data_root"]}


def make_node_ready(driver: Driver, config: dict[str, Any]) -> None:
    """Make sure that trials can run on this node.

    Args:
        driver: of the study.
        config: the task of one of them, as `task_here` returns it.

    Raises NodeUnfit, where the node's record then says why, too.
    """
    task, here = TrialTask.model_validate(config), this_node()
    record = read_node()
    if record is not None and record.state is NodeState.SET_ASIDE:
        raise NodeUnfit(here, record.details)
    try:
        make_known(task.pair)
        _check_versions(driver, task, here)
        if not (record is not None and record.state is NodeState.READY) and not _is_prepared(driver, here):
            _prepare(driver, task)
    except CANNOT as problem:
        reason = " ".join(str(problem).split())[:LONGEST]
        write_node(NodeRecord(state=NodeState.SET_ASIDE, details=reason))
        raise NodeUnfit(here, reason) from problem


def _is_prepared(driver: Driver, here: str) -> bool:
    return here == driver.node and str(cache_folder()) == driver.cache


def _check_versions(driver: Driver, task: TrialTask, here: str) -> None:
    """Raise UserMistake where results of this node could not be compared with those of others."""
    at_home = here == driver.node  # its files are the driver's own, which somebody may edit meanwhile
    differ = [text for text in version_differences(driver.versions, versions()) if not (at_home and CODE in text)]
    if not (differ or at_home) and (key := _key_here(task)) != task.key:
        differ = [f"code of packages that the study uses: a trial has the key {key} here, {task.key} for the driver"]
    if differ:
        differ += [INSTALL] if any(CODE in text for text in differ) else []
        raise UserMistake(f"other versions than the driver's: {'; '.join(differ)}")


def _key_here(task: TrialTask) -> str:
    from ass_tune.search.identity import trial_key

    return trial_key(TRAINABLES[task.trainable].config.of(task.config), task.data)


def _prepare(driver: Driver, task: TrialTask) -> None:
    """Make what all trials of the study share on this node, as its only process that does."""
    entry = TRAINABLES[task.trainable]
    configs = [entry.config.of(config) for config in driver.configs]
    with _sole_process():
        if (record := read_node()) is not None and record.state is NodeState.READY:
            return
        say = _said()
        say("prepares data")
        entry.prepare(configs, Path(task.data_root) if task.data_root else None, lambda at: say(_words(at)), task.data)
        write_node(NodeRecord(state=NodeState.READY))


@contextmanager
def _sole_process() -> Iterator[None]:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK):
        yield


def _said() -> Callable[[str], None]:
    """A function that writes down what a node does, at most once a second."""
    last = -SECONDS_BETWEEN_WORDS

    def say(what: str) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= SECONDS_BETWEEN_WORDS:
            last = now
            write_node(NodeRecord(state=NodeState.PREPARING, details=what))

    return say


def _words(at: Progress) -> str:
    unit = "files" if at.action == "reading" else "images"
    return f"{at.action} {at.set_name}: {at.done} of {at.images} {unit}"
