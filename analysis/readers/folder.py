"""A study out of its own folder: the same as out of MLflow, without MLflow and before MLflow has everything.

The records of the study's outbox are applied here as `ass_tune.tracker.recorder` applies them to MLflow. Runs have
their keys as names.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from analysis.readers.sql import points, reports_table
from analysis.records import (
    IDENTITY,
    KEY_TAG,
    NAME_TAG,
    OUTBOX,
    PARENT_TAG,
    SEGMENTS,
    STUDY_KEY,
    STUDY_TAG,
    TABLE_TAG,
    TAGS_OF_AN_END,
    Artifact,
    Metrics,
    Record,
    RunEnded,
    RunsOfTable,
    RunStarted,
    Tags,
    Views,
    decode,
    read_line,
    segment_start,
)
from analysis.study import Study
from analysis.trials_table import trials_table
from trainables.mistakes import UserMistake
from trainables.storage import Storage

logger = logging.getLogger(__name__)


def is_study_folder(folder: Path | Storage) -> bool:
    """Whether a folder is that of a study which was begun."""
    return (folder / OUTBOX).is_file() if isinstance(folder, Path) else bool(segments(folder))


def segments(files: Storage) -> list[str]:
    """The parts of a study's records that its folder on an object store has, in their order."""
    return [name for name in files.list(SEGMENTS) if segment_start(name) is not None]


def read_folder(folder: Path | Storage, files: Storage | None = None) -> Study:
    """The study as its records have it now; its driver may still run. Raises UserMistake where it has none.

    Args:
        folder: has the study's outbox; one on an object store has copies of its parts.
        files: where the files of the study are, if not in there.
    """
    files = files or (Storage(str(folder)) if isinstance(folder, Path) else folder)
    found = _replayed(folder, files)
    if STUDY_KEY not in found.runs:
        where = folder / OUTBOX if isinstance(folder, Path) else folder.shown(SEGMENTS)
        raise UserMistake(f"{where}: holds no study, since none of its records begins one")
    runs = {key: found.runs[key] for key in (STUDY_KEY, *found.runs)}
    trials = trials_table([run.row(key) for key, run in runs.items()])
    reported = [points(runs[key].points) for key in trials["run"].to_pylist()]
    artifacts = FolderFiles(files, {key: run.artifacts for key, run in runs.items()})
    return Study(runs[STUDY_KEY].name, trials, reports_table(trials["run"].to_pylist(), reported), artifacts)


def experiment_tags_of_folder(folder: Path | Storage) -> dict[str, str]:
    """Tags that the study's experiment gets in MLflow."""
    files = Storage(str(folder)) if isinstance(folder, Path) else folder
    return _replayed(folder, files).experiment_tags


@dataclass(frozen=True)
class FolderFiles:
    """The artifacts of the runs, in the folder of their study.

    Attributes:
        files: the folder of the study.
        artifacts: by run and by name of the artifact, the file's name in the folder.
    """

    files: Storage
    artifacts: Mapping[str, Mapping[str, str]]

    def paths(self, run: str) -> Sequence[str]:
        """Names of a run's artifacts, in order."""
        return tuple(sorted(path for path, file in self.artifacts.get(run, {}).items() if file in self._there))

    def read(self, run: str, path: str) -> bytes:
        """The content of one artifact; raises FileNotFoundError."""
        if path not in self.paths(run):
            raise FileNotFoundError(f"run {run} has no artifact {path}")
        return self.files.read_bytes(self.artifacts[run][path])

    @cached_property
    def _there(self) -> frozenset[str]:
        """All that the folder has: one answer of an object store names a thousand files."""
        folders = {PurePosixPath(file).parent for files in self.artifacts.values() for file in files.values()}
        tops = {folder.parts[0] if folder.parts else "" for folder in folders}
        return frozenset(name for top in sorted(tops) for name in self._listed(top))

    def _listed(self, top: str) -> list[str]:
        return self.files.list_all(top) if top else self.files.list("")


@dataclass
class _Run:
    """One run as its records leave it; times in milliseconds since the epoch."""

    name: str
    start: int
    params: dict[str, str]
    tags: dict[str, str]
    status: str = "RUNNING"
    end: int | None = None
    points: list[tuple[str, int, int, float]] = field(default_factory=list)
    """Metric, iteration, time, value."""
    last_steps: dict[str, int] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)

    def row(self, key: str) -> dict[str, Any]:
        """As `trials_table` takes it."""
        times = {"start": self.start, "end": self.end}
        return {"run": key, "name": self.name, "status": self.status, **times, "params": self.params, "tags": self.tags}


class _Replayed:
    """All runs of a study, by their keys in the order in which they began."""

    def __init__(self, identity: str) -> None:
        self.runs: dict[str, _Run] = {}
        self.experiment_tags: dict[str, str] = {}
        self._identity = identity

    def apply(self, record: Record) -> None:
        """What was applied before changes nothing when it is applied again."""
        match record:
            case RunStarted():
                self._start(record)
            case Metrics():
                self._measure(self._run(record.key), record)
            case Tags():
                self._run(record.key).tags |= record.tags
            case Artifact():
                path = PurePosixPath(record.folder, PurePosixPath(record.file).name)
                self._run(record.key).artifacts[str(path)] = record.file
            case RunEnded():
                run = self._run(record.key)
                run.status, run.end = record.status, _milliseconds(record.time)
            case Views():
                self.experiment_tags = {**record.tags, **self.experiment_tags}
            case RunsOfTable():
                self._mark(record.runs)

    def _start(self, record: RunStarted) -> None:
        if (run := self.runs.get(record.key)) is None:
            tags = {**record.tags, KEY_TAG: record.key, STUDY_TAG: self._identity, NAME_TAG: record.name}
            tags |= {} if record.parent is None else {PARENT_TAG: record.parent}
            self.runs[record.key] = _Run(record.name, _milliseconds(record.time), dict(record.parameters), tags)
            return
        run.status = "RUNNING"
        run.params = {**record.parameters, **run.params}
        run.tags = {name: value for name, value in run.tags.items() if name not in TAGS_OF_AN_END} | record.tags

    def _run(self, key: str) -> _Run:
        """The run of a key; a bare one where the record of its beginning is damaged."""
        if key not in self.runs:
            self._start(RunStarted(key, key, time=0.0))
        return self.runs[key]

    @staticmethod
    def _measure(run: _Run, record: Metrics) -> None:
        """A training that is repeated after a crash reports the same steps again: the first report of each counts."""
        for metric, value in record.values.items():
            if record.step > run.last_steps.get(metric, -1):
                # like MLflow's databases, without a negative zero
                run.points.append((metric, record.step, _milliseconds(record.time), value + 0.0))
                run.last_steps[metric] = record.step

    def _mark(self, keys: Sequence[str]) -> None:
        for run in self.runs.values():
            run.tags.pop(TABLE_TAG, None)
        for key in keys:
            self._run(key).tags[TABLE_TAG] = "yes"


def _replayed(folder: Path | Storage, files: Storage) -> _Replayed:
    found = _Replayed(files.read_bytes(IDENTITY).decode() if files.exists(IDENTITY) else files.name)
    where = str(folder / OUTBOX) if isinstance(folder, Path) else folder.shown(SEGMENTS)
    for record in records_in(_lines(folder), where):
        found.apply(record)
    return found


def _lines(folder: Path | Storage) -> Iterator[bytes]:
    if isinstance(folder, Path):
        with (folder / OUTBOX).open("rb") as file:
            yield from file
    else:
        for name in segments(folder):
            yield from folder.read_bytes(name).splitlines(keepends=True)


def records_in(lines: Iterable[bytes], where: str) -> Iterator[Record]:
    """Every sound record; a damaged line is left out with a warning, a last line that is being written without."""
    end = 0
    for line in lines:
        end += len(line)
        if not line.endswith(b"\n"):
            return
        try:
            if (found := read_line(line, end)) is None:
                raise ValueError("line and checksum do not agree")
            yield decode(found.body)
        except ValueError as error:
            logger.warning("%s: a damaged line before byte %d is left out (%s)", where, end, error)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
