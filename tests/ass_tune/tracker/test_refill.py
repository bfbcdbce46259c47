"""A driver whose disk was lost: another one goes on with the study's folder and its ledger, to the same table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.storages import InMemoryStorage

from analysis.readers.folder import read_folder
from analysis.records import OUTBOX
from analysis.statistics.gains import Judged
from analysis.table import table_rows
from ass_tune.arguments import parse
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import StudySpec
from ass_tune.tracker.opening import open_tracker
from ass_tune.tracker.read_back import read_back
from ass_tune.tracker.records_copy import RecordsCopy, fetch_records
from ass_tune.tracker.refill import NOTICE, refill
from trainables.storage import Storage

MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}


@pytest.fixture
def machine(driven: Callable, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`machine(name, spec, **how)`: a driven study whose outbox is on a disk of its own; no MLflow answers."""
    trackers = []

    def make(name: str, spec: StudySpec, storage: InMemoryStorage, fetch: Storage | None = None, **how: Any) -> Any:
        file, disk = tmp_path / "driven.yaml", tmp_path / name / "driven"
        file.write_text("study: driven\n")
        if fetch is not None:
            assert fetch_records(fetch, disk)
        arguments = parse([str(file), "--studies", str(disk.parent), "--tracking-uri", "http://127.0.0.1:9"])
        plan = make_plan(spec, None, measure=False, step_time=0.01)
        tracker = open_tracker(spec, plan, Storage(str(disk)), arguments, {})
        trackers.append(tracker)
        study = driven(spec, storage, record=tracker, **how)
        study.disk, study.tracker = disk, tracker
        return study

    yield make
    for tracker in trackers:
        tracker.close(0)


def trials_of(study: Any) -> list[Any]:
    return [found for search in study.searches for found in search.trials()]


def shown(study: Any) -> list[str]:
    """The rows of the table, without what differs between two runs of one study."""
    rows = table_rows(Judged(read_back(study.searches, study.disk)))
    return [repr((row.cell, row.select, row.report, row.hyperparameters, row.outcomes, row.gain)) for row in rows]


def times_of(disk: Path) -> dict[str, np.ndarray]:
    """When each run reported the objective, in the order of iterations, in seconds since the epoch."""
    reports = read_folder(disk).reports.to_pandas().query("metric == 'select/miou'").sort_values("iteration")
    seconds = reports["time"].astype("datetime64[ms, UTC]").astype(np.int64) / 1000
    return {run: times.to_numpy() for run, times in seconds.groupby(reports["run"].astype(str))}


@pytest.mark.parametrize("copied", [0, 3, 60, 10_000])
def test_a_driver_elsewhere_ends_with_the_table_of_one_that_kept_its_disk(
    spec: Callable[..., StudySpec], machine: Callable, tmp_path: Path, copied: int
) -> None:
    """Of the first driver's records so many were copied before its disk was lost."""
    wanted = spec(baseline={"adaptor": "joint"}, prune=MEDIAN)
    machine("kept", wanted, of_kept := InMemoryStorage(), fails=fails).run(3, reports=250)
    kept = machine("kept", wanted, of_kept, fails=fails).run(3)
    ledger, bucket = InMemoryStorage(), Storage(str(tmp_path / "bucket" / "driven"))
    first = machine("one", wanted, ledger, fails=fails).run(3, reports=250)
    lines = (first.disk / OUTBOX).read_bytes().splitlines(keepends=True)
    (partly := tmp_path / "partly" / OUTBOX).parent.mkdir()
    partly.write_bytes(b"".join(lines[: copied or 1]))
    RecordsCopy(partly, bucket).bring()

    second = machine("two", wanted, ledger, fetch=bucket, fails=fails)
    filled = refill(second.tracker, second.disk, trials_of(second), wanted.objective)
    assert (filled > 0) is (copied < len(lines))
    assert refill(second.tracker, second.disk, trials_of(second), wanted.objective) == 0
    copies = [json.loads(line)["record"] for line in lines[: copied or 1]]
    last = {record["key"]: record["time"] for record in copies if record["kind"] == "metrics"}
    for run, times in times_of(second.disk).items():
        assert run not in last or times[-1] == times.max() == last[run], "what it reports next may be older than now"
    second.run(3)
    assert shown(second) == shown(kept)
    tags = [dict(found or ()) for found in read_folder(second.disk).trials["tags"].to_pylist()]
    assert any(found.get("notice") == NOTICE for found in tags) is (copied < len(lines))


def fails(trial: Any) -> int | None:
    return 20 if trial.number == 1 else None
