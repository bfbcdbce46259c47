"""Where a study stands, without starting or touching anything."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from ass_tune.ledger.ledger import open_journal
from ass_tune.ledger.lock import study_lock
from ass_tune.places import Studies
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import StudySpec, load
from ass_tune.terminal.status import status_tables, study_status
from ass_tune.tracker.outbox import Outbox
from ass_tune.trial import Trial
from trainables.storage import Storage
from trainables.words import Outcome

Spec = Callable[..., StudySpec]


def snapshot(folder: Path) -> dict[str, Any]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_study_that_was_never_begun_has_nothing_yet(spec: Spec, tmp_path: Path) -> None:
    status = study_status(spec(), Studies.at(tmp_path), None)
    assert (status.trials_ended, status.trials_wanted, status.driver) == (0, 48, None)
    assert {cell.running for cell in status.cells} == {0}
    assert list(tmp_path.iterdir()) == []


def test_a_driver_with_a_time_limit_says_what_is_left_of_it(spec: Spec, tmp_path: Path) -> None:
    with study_lock(tmp_path / "driven", ends=time.time() + 3 * 3600 + 100):
        status = study_status(spec(), Studies.at(tmp_path), None)
    console = Console(width=200, file=io.StringIO())
    console.print(*status_tables(status, Studies.at(tmp_path), 200))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "its time limit: 3 h " in text
    assert status.ends is not None
    assert f" left, until {status.ends:%Y-%m-%d %H:%M:%S} UTC" in text
    assert study_status(spec(), Studies.at(tmp_path), None).ends is None, "no driver runs it now"


def test_the_counts_are_those_of_the_ledger_and_nothing_is_touched(
    spec: Spec, driven: Callable, tmp_path: Path
) -> None:
    def fails(trial: Trial) -> int | None:
        return 30 if trial.number == 1 else None

    wanted = spec(prune={"pruner": "median", "start": 0.3, "startup_trials": 2})
    study = driven(wanted, open_journal(Storage(str(tmp_path / "driven"))), fails=fails).run(slots=3, reports=250)
    outbox = Outbox(tmp_path / "driven")
    for number in range(5):
        outbox.append(f'{{"number":{number}}}')
    outbox.confirm(outbox.read(2)[-1])
    outbox.close()
    before = snapshot(tmp_path)
    with study_lock(tmp_path / "driven"):
        status = study_status(wanted, Studies.at(tmp_path), None)
        assert status.driver is not None and status.driver.startswith("process ")
    status = study_status(wanted, Studies.at(tmp_path), None)
    assert status.driver is None
    assert {k: v for k, v in snapshot(tmp_path).items() if k in before} == before

    ends = [end.outcome for end in study.ends().values()]
    assert sum(cell.running for cell in status.cells) == 3
    assert sum(cell.finished for cell in status.cells) == ends.count(Outcome.FINISHED)
    assert sum(cell.pruned for cell in status.cells) == ends.count(Outcome.PRUNED) > 0
    assert sum(cell.failed for cell in status.cells) == ends.count(Outcome.FAILED) == len(status.errors) > 0
    assert status.trials_ended == len(ends)
    assert status.waiting_for_mlflow == 3
    assert all(error.startswith("asked to fail") for error in status.errors.values())

    console = Console(width=200, file=io.StringIO())
    console.print(*status_tables(status, Studies.at(tmp_path), 200))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{len(ends)}/48 trials ended" in text
    assert "no driver runs it" in text
    assert "3 records wait for MLflow: python -m ass_tune.sync driven --studies" in text


def test_the_command_imports_neither_ray_nor_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from ass_tune.run import main; code = main(sys.argv[1:]); "
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "search_spaces/smoke.yaml", "--status", "--json", "--studies", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    plan = make_plan(load(Path("search_spaces/smoke.yaml")), None, measure=False)
    assert json.loads(done.stdout)["trials_wanted"] == plan.tuning_trials + plan.replicates > 0
    assert not {"ray", "torch", "mlflow"} & set(done.stderr.split())
    assert list(tmp_path.iterdir()) == []
