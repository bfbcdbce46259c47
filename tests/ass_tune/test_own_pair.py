"""A study on a pair that a file describes: killed, continued, recorded, and refused where the file means another."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.support.cluster import Cluster
from tests.support.kills import kill_tree
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import method_file
from tests.support.tiny_airsim import PAIR_FILE, write_tiny_airsim
from trainables.confusions import confusions_from_parquet

FILE = method_file(
    study="airsim",
    domains="airsim.yaml",
    ablate={"adaptor": ["joint", "ga+csa"], "labeled_images": [4]},
    tune=None,
    search={"sampler": "grid"},
    fixed={"source_batch": 2, "labeled_batch": 2, "unlabeled_batch": 2, "gd_channels": [4], "sd_hidden": 4},
    train={"iterations": 8, "evaluate_every": 2},
    replicate={"seeds": [0, 1]},
)


@dataclass(frozen=True)
class OnAirsim:
    studies: Studies
    file: Path
    data: tuple[str, ...]

    def ledger(self) -> list[tuple]:
        trials = [trial for trials in self.studies.ledger("airsim").values() for trial in trials]
        return [(trial.user_attrs["key"], trial.state, trial.values) for trial in trials if "key" in trial.user_attrs]


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory, migrated: Path, cluster: Cluster):
    def begun(name: str) -> OnAirsim:
        folder = tmp_path_factory.mktemp(name)
        write_tiny_airsim(folder / "data")
        (folder / "airsim_study.yaml").write_text(FILE)
        studies = begin_studies(folder / "studies", migrated, cluster)
        return OnAirsim(studies, folder / "airsim_study.yaml", ("--data-root", str(folder / "data")))

    return begun


@pytest.fixture(scope="module")
def done(begin) -> OnAirsim:
    study = begin("undisturbed")
    ended = study.studies.run(study.file, *study.data)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return study


@pytest.mark.slow
def test_the_table_is_of_its_classes_and_sequences(done: OnAirsim) -> None:
    folder = done.studies.folder / "airsim"
    table = pd.read_csv(folder / "tables" / "table.csv")
    assert set(table["adaptor"]) == {"joint", "ga+csa"}
    file = next((folder / "results").glob("*/report_confusions.parquet"))
    counts = confusions_from_parquet(file.read_bytes())
    assert list(counts.classes) == ["road", "building", "tree", "sky", "car"]
    assert len(set(counts.units)) == 2


def test_it_can_be_run_again_from_what_mlflow_has(done: OnAirsim, tmp_path: Path) -> None:
    experiment = done.studies.client.get_experiment_by_name("airsim")
    assert experiment is not None
    runs = done.studies.client.search_runs([experiment.experiment_id], "tags.stage = 'study'")
    for name in ("resolved.yaml", "pair.yaml"):
        done.studies.client.download_artifacts(runs[0].info.run_id, name, str(tmp_path))
    again = done.studies.run(tmp_path / "resolved.yaml", *done.data, "--status")
    assert again.returncode == 0, again.stderr
    assert done.studies.run(tmp_path / "resolved.yaml", *done.data).returncode == 0


def test_a_file_that_means_something_else_is_refused_and_one_that_reads_otherwise_is_not(done: OnAirsim) -> None:
    pair = done.file.with_name("airsim.yaml")
    try:
        pair.write_text(PAIR_FILE + "# seen and found good\n")
        assert done.studies.run(done.file, *done.data).returncode == 0
        pair.write_text(PAIR_FILE.replace("top: 20", "top: 18"))
        refused = done.studies.run(done.file, *done.data)
        assert refused.returncode == 2
        assert refused.stderr.count("airsim-photos#") == 2
        assert 'pair.source.ignored_regions: was [{"top": 20}], is [{"top": 18}]' in refused.stderr
    finally:
        pair.write_text(PAIR_FILE)


@pytest.mark.slow
def test_a_killed_study_continues_and_equals_the_undisturbed_one(done: OnAirsim, begin) -> None:
    killed = begin("killed")
    log = killed.studies.folder / "driver.log"
    with log.open("ab") as output:
        driver = subprocess.Popen(
            killed.studies.command(killed.file, *killed.data), stdout=output, stderr=subprocess.STDOUT
        )
    checkpoints = killed.studies.folder / "airsim" / "checkpoints"
    until = time.monotonic() + 300
    while not list(checkpoints.rglob("*")):
        assert driver.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    kill_tree(driver.pid)
    driver.wait()
    ended = killed.studies.run(killed.file, *killed.data)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert killed.ledger() == done.ledger()
