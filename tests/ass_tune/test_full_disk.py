"""A study on a disk that fills up stops with a clear error, and goes on once there is room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.small_disk import small_disk
from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, LR, curves_file, method_file

CURVES = curves_file(
    study="full",
    ablate={"adaptor": ["joint", "ga"]},
    tune=LAMBDA_SADV | LR,
    search={"sampler": "random", "trials_per_cell": 20},
    prune=None,
    replicate={"seeds": [0, 1]},
    train={"iterations": 100, "evaluate_every": 10},
)
METHOD = method_file(
    study="full",
    ablate={"adaptor": ["ga+fcsa"], "labeled_images": [20]},
    tune={"lambda_sadv": {"type": "grid", "values": [0.1, 1, 3]}},
    search={"sampler": "grid"},
    prune=None,
    train={"iterations": 20, "evaluate_every": 5},
)


def interrupted_for_room(studies: Studies, file: Path, mlflow: Path) -> str:
    done = studies.run_alone(file, "--tracking-uri", f"sqlite:///{mlflow}")
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert "Traceback" not in output
    assert "Nothing is lost" in output
    return output


def assert_whole(studies: Studies, trials_wanted: int) -> None:
    trials = [t for ts in studies.ledger("full").values() for t in ts if "key" in t.user_attrs]
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert len({trial.user_attrs["key"] for trial in trials}) == len(trials) == trials_wanted


@pytest.mark.slow
@pytest.mark.chaos
def test_a_full_disk_under_outbox_and_ledger(
    tmp_path: Path, migrated: Path, cluster: Cluster, write_file: Callable[[str], Path]
) -> None:
    file = write_file(CURVES)
    with small_disk(tmp_path / "studies", "92k") as disk:
        studies = Studies(disk.folder, cluster)
        output = interrupted_for_room(studies, file, migrated)
        assert "No space left on device" in output
        ended = [t for ts in studies.ledger("full").values() for t in ts if t.state.name == "COMPLETE"]
        assert ended
        disk.enlarge("30m")
        done = studies.run(file, "--tracking-uri", f"sqlite:///{migrated}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert_whole(studies, 2 * (20 + 2))
        ledger = {t.user_attrs["key"]: t for ts in studies.ledger("full").values() for t in ts if t.user_attrs}
        for trial in ended:
            assert ledger[trial.user_attrs["key"]].datetime_complete == trial.datetime_complete


@pytest.mark.slow
@pytest.mark.chaos
def test_a_full_disk_under_checkpoints(
    tmp_path: Path, migrated: Path, cluster: Cluster, write_file: Callable[[str], Path]
) -> None:
    file = write_file(METHOD)
    with small_disk(tmp_path / "studies", "6m") as disk:
        studies = Studies(disk.folder, cluster)
        output = interrupted_for_room(studies, file, migrated)
        assert "No space left on device" in output
        assert "checkpoints/" in output or "results/" in output
        assert not list(disk.folder.rglob("*.tmp"))
        disk.enlarge("100m")
        done = studies.run(file, "--tracking-uri", f"sqlite:///{migrated}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert_whole(studies, 3 + 1)
