"""Two studies are the same in all that was measured, or trained something twice."""

from __future__ import annotations

import json
from typing import Any

from tests.support.studies import Studies

TIMES = "speed/"
"""Metrics that measure the machine and not the method."""


def assert_equal_studies(ours: Studies, undisturbed: Studies, study: str) -> None:
    assert ledger_of(ours, study) == ledger_of(undisturbed, study)
    metrics = metrics_of(ours, study)
    assert metrics == metrics_of(undisturbed, study)
    for by_name in metrics.values():
        for points in by_name.values():
            assert len({step for step, _ in points}) == len(points)
    assert {run.info.status for run in ours.runs(study)} == {"FINISHED"}
    for name in ("tables/table.md", "tables/table.csv"):
        assert (ours.folder / study / name).read_bytes() == (undisturbed.folder / study / name).read_bytes()
    for path in (undisturbed.folder / study / "results").rglob("*.parquet"):
        twin = ours.folder / path.relative_to(undisturbed.folder)
        assert twin.read_bytes() == path.read_bytes()
    assert not list((ours.folder / study / "checkpoints").rglob("*.pt"))


def ledger_of(studies: Studies, study: str) -> dict[str, list[tuple]]:
    """Every trial that was begun, by key, with all but its times; a number may have gone to one that never was.

    Which of two trials that train side by side ends first, so that its configuration gets its next seed first, depends
    on the machine.
    """
    return {
        name: sorted(
            ((t.state, t.params, t.values, t.intermediate_values, t.user_attrs) for t in trials if t.user_attrs),
            key=lambda trial: trial[-1]["key"],
        )
        for name, trials in studies.ledger(study).items()
    }


def metrics_of(studies: Studies, study: str) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Every point of every metric in MLflow, but of those that measure the machine."""
    found = {}
    for run in studies.runs(study):
        names = [name for name in run.data.metrics if not name.startswith(TIMES)]
        history = {name: studies.client.get_metric_history(run.info.run_id, name) for name in names}
        found[run.data.tags["ass_tune.key"]] = {
            name: [(point.step, point.value) for point in points] for name, points in history.items()
        }
    return found


def outbox(studies: Studies, study: str) -> list[dict[str, Any]]:
    path = studies.folder / study / "outbox.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line)["record"] for line in lines if line.endswith(b"\n")]


def reports_trained_again(studies: Studies, study: str) -> int:
    """Reports that were measured twice: told a second time with another time."""
    times: dict[tuple[str, int], set[float]] = {}
    for record in outbox(studies, study):
        if record["kind"] == "metrics" and "select/miou" in record["values"]:
            times.setdefault((record["key"], record["step"]), set()).add(record["time"])
    return sum(len(found) - 1 for found in times.values())
