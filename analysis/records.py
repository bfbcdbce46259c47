"""The records that tell what happens in a study, and the lines of text in which its folder keeps them.

The driver appends them to the study's outbox, from where they go to MLflow. Whoever reads a study from its folder
reads the same lines.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

OUTBOX = "outbox.jsonl"
"""The file in a study's folder; nothing that is in it is ever rewritten or removed."""
SEGMENTS = "records"
"""Where a study's folder cannot have a file that grows, the folder in it with copies of the parts of its outbox."""
IDENTITY = "identity"
"""The file that holds the study's random identity."""
STUDY_KEY = "study"
"""Key of the study's own run, which is the parent of all others."""
KEY_TAG = "ass_tune.key"
STUDY_TAG = "ass_tune.study"
TABLE_TAG = "in_table"
PARENT_TAG = "mlflow.parentRunId"
NAME_TAG = "mlflow.runName"
TAGS_OF_AN_END = ("error", "pruned_at")
"""A run that begins again loses them."""
_RECORD = b',"record":'


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
    """Of no run; so in `RunsOfTable`."""
    tags: dict[str, str]


@dataclass(frozen=True)
class RunsOfTable:
    """The runs, by their keys, that the table is made of from now on."""

    key: str
    runs: list[str]


Record = RunStarted | Metrics | Tags | Artifact | RunEnded | Views | RunsOfTable
_KINDS: dict[str, type[Record]] = {
    "run_started": RunStarted,
    "metrics": Metrics,
    "tags": Tags,
    "artifact": Artifact,
    "run_ended": RunEnded,
    "views": Views,
    "table": RunsOfTable,
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


@dataclass(frozen=True)
class Line:
    """One line of an outbox."""

    sequence: int
    body: str
    """The record as JSON."""
    end: int
    """Offset in bytes after the line."""


def write_line(sequence: int, body: str) -> bytes:
    """A line with its sequence number and a checksum of both."""
    head = f'{{"sequence":{sequence},"checksum":{checksum(sequence, body)}'
    return head.encode() + _RECORD + body.encode() + b"}\n"


def read_line(line: bytes, end: int) -> Line | None:
    """What `write_line` wrote, or None where line and checksum do not agree; `end` is the offset after it."""
    head, separator, rest = line.partition(_RECORD)
    try:
        stated = json.loads(head + b"}")
        sequence, stated_sum, body = stated["sequence"], stated["checksum"], rest.removesuffix(b"}\n").decode()
    except (ValueError, KeyError, TypeError):
        return None
    sound = separator and rest.endswith(b"}\n") and stated_sum == checksum(sequence, body)
    return Line(sequence, body, end) if sound else None


def segment_name(start: int) -> str:
    """The file with the lines of an outbox from this byte on; names in order are lines in order."""
    return f"{SEGMENTS}/{start:015d}.jsonl"


def segment_start(name: str) -> int | None:
    """The byte at which a segment begins; None for another file."""
    found = re.fullmatch(rf"{SEGMENTS}/(\d{{15,}})\.jsonl", name)
    return None if found is None else int(found[1])


def checksum(sequence: int, body: str) -> int:
    """CRC-32 of a sequence number and a text."""
    return zlib.crc32(f"{sequence}:{body}".encode())
