"""Two whole drivers on one study; tests/ass_tune/ledger/test_lock.py has the lock alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from optuna.trial import TrialState

from ass_tune.ledger.lock import study_lock
from tests.support.cluster import Cluster
from tests.support.kills import descendants
from tests.support.project import PROJECT
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import curves_file

STUDY = curves_file(study="contested", baseline={"adaptor": "joint"})
SLOW = curves_file(study="contested", baseline={"adaptor": "joint"}, fixed={"seconds_per_report": 2})
TRIALS = 2 + 1


def start(studies: Studies, file: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(studies.command(file), stdout=pipe, stderr=pipe, text=True, cwd=PROJECT)


def first_to_end(pair: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    while True:
        for process in pair:
            if process.poll() is not None:
                return process
        time.sleep(0.02)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 20])
def test_of_two_drivers_started_at_once_one_runs_the_study_whole_and_the_other_names_it(
    tmp_path: Path, migrated: Path, cluster: Cluster, write_file: Callable[[str], Path], times: int
):
    file, waits = write_file(STUDY), []
    for attempt in range(times):
        studies = begin_studies(tmp_path / f"studies-{attempt}", migrated, cluster)
        begun = time.monotonic()
        pair = [start(studies, file), start(studies, file)]
        loser = first_to_end(pair)
        (winner,) = (process for process in pair if process is not loser)
        waits.append(time.monotonic() - begun)
        assert winner.poll() is None  # The other one is told while the study runs, and the study goes on.
        (_, told), (out, err) = loser.communicate(), winner.communicate()
        assert (winner.returncode, loser.returncode) == (0, 2), out + err + told
        assert told.startswith(f"study contested is being run by process {winner.pid} on ")
        assert "Traceback" not in told

        trials = [trial for trials in studies.ledger("contested").values() for trial in trials]
        assert [trial.state for trial in trials] == [TrialState.COMPLETE] * TRIALS
        keys = {trial.user_attrs["key"] for trial in trials}
        runs = studies.runs("contested")
        assert len(runs) == TRIALS
        assert {run.data.tags["key"] for run in runs} == keys
        assert (studies.folder / "contested/tables/table.csv").is_file()
    print(f"the second driver ended after {max(waits):.1f} s at most")


@pytest.mark.chaos
@pytest.mark.slow
def test_what_ray_leaves_of_a_killed_driver_does_not_hold_the_study(studies, write_file):
    folder = studies.folder / "contested"
    with start(studies, write_file(SLOW)) as driver:
        assert driver.stdout is not None
        while not driver.stdout.readline().startswith("report"):
            assert driver.poll() is None
        children = descendants(driver.pid)
        assert children
        driver.kill()
        try:
            while driver.poll() is None:
                time.sleep(0.001)
            with study_lock(folder) as left:
                survivors = [pid for pid in children if Path(f"/proc/{pid}").exists()]
            assert survivors
            assert left is not None
            assert left.pid == driver.pid
        finally:
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
