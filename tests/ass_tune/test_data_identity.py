"""Studies on real files: begun with some images, and refused, continued or reused by what is in those of later runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.support.cluster import Cluster
from tests.support.studies import Done, Studies, begin_studies
from tests.support.study_files import method_file
from tests.support.tiny_idda_camvid import image_file, write_tiny
from trainables.confusions import confusions_from_parquet

FILE = method_file(
    study="first",
    domains="idda-camvid",
    ablate={"adaptor": ["joint"], "labeled_images": [2]},
    tune=None,
    search={"sampler": "grid"},
    fixed={"source_batch": 1, "labeled_batch": 1, "gd_channels": [4], "sd_hidden": 4},
    train={"iterations": 2, "evaluate_every": 2},
)
REPORT_IMAGE = "camvid/val/images/0016E5_08101.jpg"
SELECT_LABELS = ("camvid/val/labels/0016E5_07971.png", "camvid/val/labels/0016E5_07973.png")


@dataclass(frozen=True)
class Begun:
    """A study that has run to its end on the files below `root`."""

    studies: Studies
    file: Path
    root: Path
    done: Done

    def again(self, root: Path, *arguments: str) -> Done:
        return self.studies.run(self.file, "--data-root", str(root), *arguments)

    def keys(self, study: str) -> list[str]:
        trials = [trial for trials in self.studies.ledger(study).values() for trial in trials]
        return [trial.user_attrs["key"] for trial in trials]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, migrated: Path, cluster: Cluster) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    studies, root = begin_studies(folder / "studies", migrated, cluster), write_tiny(folder / "data")
    file = folder / "first.yaml"
    file.write_text(FILE)
    done = studies.run(file, "--data-root", str(root))
    assert done.returncode == 0, done.stdout + done.stderr
    return Begun(studies, file, root, done)


@pytest.fixture
def copy(begun: Begun, tmp_path: Path) -> Path:
    """The same data at another place, whose files may be replaced."""
    return Path(shutil.copytree(begun.root, tmp_path / "elsewhere", copy_function=os.link))


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_a_study_with_one_image_exchanged_is_refused_and_the_image_named(begun: Begun, copy: Path) -> None:
    replace(copy / REPORT_IMAGE, image_file(160))
    ledger = begun.studies.folder / "first" / "ledger.journal"
    before = ledger.read_bytes()
    refused = begun.again(copy)
    assert refused.returncode == 2
    assert f"\n  target_report: {REPORT_IMAGE} is changed (1 changed in this set)\n" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert ledger.read_bytes() == before
    assert begun.again(copy, "--set", "replicate.seeds=[0, 1]").returncode == 2


def test_two_label_maps_of_equal_size_that_were_swapped_are_noticed(begun: Begun, copy: Path) -> None:
    first, second = (copy / name for name in SELECT_LABELS)
    content, other = first.read_bytes(), second.read_bytes()
    assert len(content) == len(other)
    replace(first, other)
    replace(second, content)
    refused = begun.again(copy)
    assert refused.returncode == 2
    assert f"\n  target_select: {SELECT_LABELS[0]} is changed (2 changed in this set)\n" in refused.stderr


def test_a_study_goes_on_where_the_same_data_lies_elsewhere(begun: Begun, copy: Path) -> None:
    before = begun.keys("first")
    again = begun.again(copy)
    assert again.returncode == 0, again.stdout + again.stderr
    assert begun.keys("first") == before
    assert len(before) == 1


def test_a_finished_trial_is_reused_on_the_same_data_and_on_no_other(begun: Begun, copy: Path) -> None:
    same = begun.again(copy, "--set", "study=same")
    assert same.returncode == 0, same.stdout + same.stderr
    assert begun.keys("same") == begun.keys("first")
    (run,) = begun.studies.runs("same")
    assert run.data.tags["reused_from"].startswith("first/")
    replace(copy / REPORT_IMAGE, image_file(160))
    other = begun.again(copy, "--set", "study=other")
    assert other.returncode == 0, other.stdout + other.stderr
    assert set(begun.keys("other")).isdisjoint(begun.keys("first"))
    (run,) = begun.studies.runs("other")
    assert "reused_from" not in run.data.tags


def test_mlflow_has_the_digest_and_the_list_of_the_files(begun: Begun) -> None:
    client = begun.studies.client
    experiment = client.get_experiment_by_name("first")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.stage = 'study'")
    assert len(run.data.params["data"]) == 16
    path = client.download_artifacts(run.info.run_id, "data_files.parquet")
    files = pd.read_parquet(path)
    assert files.groupby("set", sort=False).size().to_dict() == {
        "source": 1200,
        "target_train": 734,
        "target_select": 90,
        "target_report": 102,
    }
    assert REPORT_IMAGE in set(files["file"])


def test_the_counts_of_a_trial_name_the_block_of_each_frame(begun: Begun) -> None:
    (key,) = begun.keys("first")
    file = begun.studies.folder / "first" / "results" / key / "report_confusions.parquet"
    found = confusions_from_parquet(file.read_bytes())
    assert found.resample_by == "block of 10 consecutive images"
    assert list(dict.fromkeys(found.units)) == [f"0016E5/{number}" for number in range(1, 6)]
    assert found.images[0] == "0016E5_08059"
