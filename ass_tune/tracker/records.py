"""What can be said about a run or a study: the records that travel through the outbox to MLflow."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """MLflow's words for how a run ended; pruned is KILLED, as in MLflow's own storage for Optuna."""

    FINISHED = "FINISHED"
    KILLED = "KILLED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class RunStarted:
    """A run begins, or begins again after a crash. Time in seconds since the epoch, as in every record."""

    key: str
    name: str
    time: float
    parent: str | None = None
    """Key of the parent run."""
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metrics:
    """Values measured at one step (iteration) of a run."""

    key: str
    step: int
    time: float
    values: dict[str, float]


@dataclass(frozen=True)
class Tags:
    """Tags that a run gets, over older ones of the same name."""

    key: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Artifact:
    """A file of the study's storage that belongs to a run."""

    key: str
    file: str
    """Name in the study's storage."""
    folder: str = ""
    """Folder among the run's artifacts; empty for the top."""


@dataclass(frozen=True)
class RunEnded:
    """A run is over."""

    key: str
    status: str
    time: float


@dataclass(frozen=True)
class Views:
    """Tags of the experiment that it gets unless it has them: MLflow keeps saved views so, and people change those."""

    key: str
    """Of no run, as in the next record."""
    tags: dict[str, str]


@dataclass(frozen=True)
class Table:
    """The runs, by their keys, that the table is made of from now on."""

    key: str
    runs: list[str]


Record = RunStarted | Metrics | Tags | Artifact | RunEnded | Views | Table
_KINDS: dict[str, type[Record]] = {
    "run_started": RunStarted,
    "metrics": Metrics,
    "tags": Tags,
    "artifact": Artifact,
    "run_ended": RunEnded,
    "views": Views,
    "table": Table,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(record: Record) -> str:
    """One line of JSON; floats in the shortest form that reads back to the same bits. ValueError for NaN and inf."""
    return json.dumps({"kind": _NAMES[type(record)], **vars(record)}, allow_nan=False, separators=(",", ":"))


def decode(text: str) -> Record:
    """The record that `encode` wrote; raises ValueError for anything else."""
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("kind") not in _KINDS:
        raise ValueError("not a record of a known kind")
    kind = _KINDS[content.pop("kind")]
    try:
        return kind(**content)
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
