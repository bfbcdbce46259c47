"""A whole study that adds seeds until its comparisons are decided: real Ray, Optuna and MLflow."""

from __future__ import annotations

import json

from tests.support.studies import Studies
from tests.support.study_files import curves_file

STUDY = curves_file(
    baseline={"adaptor": "joint"},
    ablate={"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5]},
    compare={"smallest_difference": 1.5},
    tune=None,
    search=None,
    fixed={"noise": 1.0},
    replicate={"seeds": 3, "at_most": 6, "until": "decided"},
)


def test_a_study_adds_seeds_tells_what_it_saved_and_has_nothing_left_to_do_after_it(
    studies: Studies, write_file
) -> None:
    file = write_file(STUDY)
    done = studies.run(file)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((studies.folder / "curves" / "tables" / "conclusions.json").read_text())
    spent = found["seeds_until_decided"]
    replicates = [trial for name, trials in studies.ledger("curves").items() if "replicate" in name for trial in trials]
    assert (spent["first_look"], spent["at_most"], spent["runs_of_fixed_number"]) == (3, 6, 18)
    assert len(replicates) == spent["runs"] and 9 <= spent["runs"] <= 18
    after = [one["comparison"]["after_seeds"] for one in found["primary"]]
    assert all(3 <= seeds <= 6 for seeds in after) and max(after) > 3, "a seed was added"
    assert f"{spent['runs']} runs of the compared cells" in done.stdout
    assert all(f"after {seeds} seeds" in done.stdout for seeds in after)

    again = studies.run(file)
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads((studies.folder / "curves" / "tables" / "conclusions.json").read_text()) == found
