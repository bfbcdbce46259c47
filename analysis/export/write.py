"""A study into the folder of its export: whole, verified, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from analysis import pictures
from analysis.dataset.files import CHECKSUMS, LAYOUTS, STUDY_KEY, DataSet, write_checksums, write_table
from analysis.dataset.tables import Packing
from analysis.export.compare import difference
from analysis.readers.export import EXPERIMENT_TAGS, LEFT_OUT, read_export
from analysis.study import Study
from trainables.mistakes import UserMistake

PANEL, REPORT = "panel.png", "report/"
"""Artifacts that can be made again: a trial's pictures out of its predictions, the study's report out of an export."""
AT_ONCE = 8
"""Artifacts read at the same time."""
Keeps = Callable[[str, str], bool]
"""Whether the artifact of a run at a path enters the export."""


def everything(run: str, path: str) -> bool:
    """Keep every artifact."""
    return True


def only_table(study: Study) -> tuple[Keeps, list[str]]:
    """What the table is made of, and in words what is left out.

    Kept are all trials and reports, the files of the study's own run, the counts of trials that the table is made
    of, and the predictions of the first seed's among them.
    """
    frame = study.frame
    chosen = set(frame["run"][frame["chosen"]])
    shown = set(frame["run"][frame["chosen"] & (frame["seed"] == study.seeds[0])])

    def keeps(run: str, path: str) -> bool:
        if run == study.run:
            return not path.startswith(REPORT)
        return run in (shown if path == pictures.FILE else chosen) and path != PANEL

    return keeps, [
        f"artifacts of {len(frame) - len(chosen)} trials that the table is not made of",
        f"{pictures.FILE} of all seeds but {study.seeds[0]}",
        f"{PANEL} of every trial",
        f"{REPORT} of the study's run",
    ]


def write_export(
    study: Study, tags: Mapping[str, str], folder: Path, keeps: Keeps = everything, left_out: Sequence[str] = ()
) -> None:
    """Write a study's export, read it back, compare, and only then put it in the place of an older one.

    Args:
        study: to export.
        tags: of its experiment in MLflow.
        folder: absolute; created, or replaced where it is an export of the same study.
        keeps: which artifacts enter it.
        left_out: in words what does not.

    Raises UserMistake where the folder is something else, or where what was written is not what was loaded.
    """
    check_replaceable(folder, study.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        unfinished.mkdir()
        packing = _packed(study, keeps)
        metadata = {EXPERIMENT_TAGS: _json(dict(sorted(tags.items()))), LEFT_OUT: _json(list(left_out))}
        tables = {"trials": study.trials.replace_schema_metadata(metadata), "reports": study.reports}
        for name, table in {**tables, **packing.tables()}.items():
            named = {STUDY_KEY: study.name.encode(), **(table.schema.metadata or {})}
            write_table(unfinished, name, table.cast(_schema_of(name, table)), named)
        write_checksums(unfinished)
        if differs := difference(study, read_export(unfinished), packing.digests):
            raise UserMistake(f"{folder} was not written: read back, {differs}. Is its disk in order?")
        _put_in_place(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def check_replaceable(folder: Path, study: str) -> None:
    """Raise UserMistake where a folder has anything in it but an export of this study."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise UserMistake(f"{folder} is a file; --out takes the folder of an export, or one that does not exist")
    data = DataSet(folder)
    if data.study != study:
        raise UserMistake(f"{folder} holds the export of study '{data.study}', not of '{study}': choose another --out")
    known = {CHECKSUMS, *(f"{name}.parquet" for name in LAYOUTS)}
    if others := sorted(path.name for path in folder.iterdir() if path.name not in known):
        raise UserMistake(
            f"{folder} also holds {', '.join(others)}, which would be lost: move it or choose another --out"
        )


def _packed(study: Study, keeps: Keeps) -> Packing:
    artifacts = [(run, path) for run in study.trials["run"].to_pylist() for path in study.files.paths(run)]
    if not {"resolved.yaml", "plan.json"} <= {path for run, path in artifacts if run == study.run}:
        raise UserMistake(
            f"study '{study.name}' has no resolved.yaml and plan.json among the artifacts of its own run {study.run}: "
            "are its artifacts where MLflow expects them?"
        )
    kept = [place for place in artifacts if keeps(*place)]
    packing = Packing()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (run, path), content in zip(kept, pool.map(lambda place: study.files.read(*place), kept), strict=True):
            packing.add(run, path, content)
    return packing


def _schema_of(name: str, table: pa.Table) -> pa.Schema:
    """That of the file, which differs from the table's in that texts are plain."""
    return pa.schema(
        [
            pa.field(column, kind or table.schema.field(column).type, table.schema.field(column).nullable)
            for column, kind in LAYOUTS[name].columns.items()
        ]
    )


def _put_in_place(unfinished: Path, folder: Path) -> None:
    """Rename: in no moment is there a folder of that name with parts of both."""
    if folder.exists():
        replaced = folder.with_name(f"{unfinished.name}.replaced")
        folder.rename(replaced)
        unfinished.rename(folder)
        shutil.rmtree(replaced)
    else:
        unfinished.rename(folder)
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
