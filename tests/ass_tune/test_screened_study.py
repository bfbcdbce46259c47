"""A whole study whose configurations are screened: real Ray, and the method itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import method_file

STUDY = {
    "ablate": {"adaptor": ["ga"], "labeled_images": [5]},
    "tune": {"lr": {"type": "grid", "values": [0.01, 0.02, 0.04]}},
    "train": {"iterations": 6, "evaluate_every": 2},
}


@pytest.fixture
def plain(tmp_path: Path, migrated: Path, cluster: Cluster) -> Studies:
    return begin_studies(tmp_path / "plain", migrated, cluster)


def reports(studies: Studies) -> list[tuple[str, int, float]]:
    """Every report as it came: run, iteration and when it was measured."""
    lines = (studies.folder / "curves" / "outbox.jsonl").read_text().splitlines()
    records = [json.loads(line)["record"] for line in lines]
    found = [one for one in records if one["kind"] == "metrics" and "select/miou" in one["values"]]
    return [(one["key"], one["step"], one["time"]) for one in found]


@pytest.mark.slow
def test_a_trial_that_waits_goes_on_from_its_checkpoint_and_ends_as_one_that_never_waited(
    studies: Studies, plain: Studies, write_file: Callable[[str], Path]
) -> None:
    for where, search in ((plain, {}), (studies, {"screen": 2})):
        done = where.run(write_file(method_file(**STUDY, search={"sampler": "grid", **search})))
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nwaits ") == 3
    ours, theirs = (
        {trial.user_attrs["key"]: trial for trials in where.ledger("curves").values() for trial in trials}
        for where in (studies, plain)
    )
    assert ours.keys() == theirs.keys() and len(ours) == 4
    for key, trial in ours.items():
        assert trial.state.name == "COMPLETE"
        assert trial.intermediate_values == theirs[key].intermediate_values
        assert trial.user_attrs["result"] == theirs[key].user_attrs["result"]
        for name in ("report_confusions.parquet", "network.pt"):
            file = f"curves/results/{key}/{name}"
            assert (studies.folder / file).read_bytes() == (plain.folder / file).read_bytes()
    # the report that a trial waits at comes again from the checkpoint: it was measured once, as all others were
    assert len({*reports(studies)}) == len({*reports(plain)}) == 4 * 3
    assert len(reports(studies)) == 4 * 3 + 3
    assert not list((studies.folder / "curves" / "checkpoints").rglob("*.pt"))
