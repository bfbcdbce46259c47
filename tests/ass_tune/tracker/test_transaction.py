"""Records of many runs reach a database in one transaction, and mean what they mean one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy import event
from sqlalchemy.engine import Engine

from analysis.records import Metrics, Record, RunEnded, RunStarted, Tags
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.transaction import NotTogether
from trainables.storage import Storage

Make = Callable[..., Any]


@pytest.fixture
def recorder(store: MlflowStore, folder: Path) -> Recorder:
    found = Recorder(store, "demo", "demo", Storage(str(folder)))
    found.connect()
    return found


@contextmanager
def commits() -> Iterator[list[int]]:
    """Grows with each commit of whatever database."""
    found: list[int] = []

    def note(connection: object) -> None:
        found.append(1)

    event.listen(Engine, "commit", note)
    try:
        yield found
    finally:
        event.remove(Engine, "commit", note)


def run(key: str, *more: Record) -> list[Record]:
    about = RunStarted(key, key, 1_700_000_000.0, parameters={"lr": "0.1"}, tags={"key": key, "outcome": "running"})
    reports = [Metrics(key, step, 1_700_000_000.0 + step, {"x": step / 3, "y": step / 7}) for step in range(1, 4)]
    return [about, *reports, *more]


def test_many_runs_are_one_commit(recorder: Recorder, archive: Make) -> None:
    ended = [run(key, Tags(key, {"outcome": "finished"}), RunEnded(key, "FINISHED", 1_700_000_009.0)) for key in "abc"]
    with commits() as found:
        recorder.apply_together(ended)
    assert len(found) == 1
    for key in "abc":
        assert archive().points(key, "x") == [(step, step / 3) for step in range(1, 4)]
        seen = archive().run(key)
        assert (seen.info.status, seen.data.params, seen.data.tags["outcome"]) == (
            "FINISHED",
            {"lr": "0.1"},
            "finished",
        )


def test_a_run_that_fails_and_begins_again_in_one_transaction_is_what_it_would_be_in_several(
    recorder: Recorder, archive: Make
) -> None:
    error = Tags("a", {"error": "lost", "outcome": "failed"})
    recorder.apply_together([run("b"), run("a", error, RunEnded("a", "FAILED", 1_700_000_009.0)), run("a")])
    seen = archive().run("a")
    assert seen.info.status == "RUNNING"
    assert "error" not in seen.data.tags
    assert seen.data.tags["outcome"] == "running"
    assert archive().points("a", "x") == [(step, step / 3) for step in range(1, 4)]


def test_what_is_refused_takes_the_others_back_and_leaves_the_store_as_it_was(
    recorder: Recorder, archive: Make
) -> None:
    refused = Metrics("b", 9, 1_700_000_009.0, {"not permitted!": 1.0})
    with pytest.raises(Exception, match="not permitted!"):
        recorder.apply_together([run("a"), run("b", refused)])
    assert archive().runs() == []
    recorder.forget()
    recorder.apply(run("a"))
    recorder.apply_together([run("b"), run("c")])
    assert sorted(found.data.tags["key"] for found in archive().runs()) == ["a", "b", "c"]


def test_metrics_that_go_on_have_their_last_value_as_the_latest(recorder: Recorder, archive: Make) -> None:
    recorder.apply_together([run("a"), run("b")])
    later = [Metrics(key, 4, 1_700_000_004.0, {"x": 4 / 3, "new": 5e-324}) for key in "ab"]
    recorder.apply_together([[record] for record in later])
    for key in "ab":
        assert archive().run(key).data.metrics == {"x": 4 / 3, "y": 3 / 7, "new": 5e-324}
        assert archive().points(key, "x") == [(step, step / 3) for step in range(1, 5)]
    recorder.forget()
    recorder.apply_together([run("a"), run("b")])
    assert archive().run("a").data.metrics == {"x": 4 / 3, "y": 3 / 7, "new": 5e-324}


def test_a_run_that_somebody_deleted_gets_nothing_unnoticed(recorder: Recorder, archive: Make) -> None:
    recorder.apply_together([run("a"), run("b")])
    archive().client.delete_run(archive().run("a").info.run_id)
    with pytest.raises(MlflowException) as refused:
        recorder.apply_together([[Metrics(key, 4, 1_700_000_004.0, {"x": 1.0})] for key in "ab"])
    assert isinstance(refused.value.__cause__, NotTogether)
    assert len(archive().points("b", "x")) == 3


def test_a_value_that_somebody_else_has_written_meanwhile_does_no_harm(recorder: Recorder, archive: Make) -> None:
    """MLflow rolls back what it finds to be there already, which would take the other runs with it."""
    recorder.apply(run("a"))
    run_id = archive().run("a").info.run_id
    archive().client.log_metric(run_id, "x", 4 / 3, 1_700_000_004_000, 4)
    again = Metrics("a", 4, 1_700_000_004.0, {"x": 4 / 3})
    with pytest.raises(Exception):  # noqa: B017
        recorder.apply_together([[again], run("b")])
    recorder.forget()
    for records in ([again], run("b")):
        recorder.apply(records)
    assert archive().points("a", "x")[-1] == (4, 4 / 3)
    assert len(archive().points("b", "x")) == 3
