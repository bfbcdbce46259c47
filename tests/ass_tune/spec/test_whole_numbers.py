"""A whole number that is written otherwise is an integer wherever a file or an override wants one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.search.cells import cells
from ass_tune.search.identity import build_config, trial_key
from ass_tune.spec import StudySpec, load

FILE = """\
study: whole
trainable: curves
domains: synthetic
profile: synthetic
baseline: {{labeled_images: {five}}}
ablate: {{labeled_images: [{five}, 1000], adaptor: [ga+csa, tuned]}}
tune:
  adaptor: {{type: choice, values: [ga, joint]}}
  lr: {{type: uniform, low: 0.01, high: 1}}
  unlucky_tries: {{type: int, low: {one}, high: {five}, step: {one}, when: {{labeled_images: [{five}]}}}}
search:
  {{sampler: tpe, trials_per_cell: {five}, train_seeds: [{thousand}], arguments: {{n_startup_trials: {five}}}}}
prune:
  pruner: patient
  arguments: {{patience: {one}}}
  around: {{pruner: successive_halving, arguments: {{min_resource: {five}, reduction_factor: {five}}}}}
replicate: {{seeds: [{one}, {five}]}}
compare: {{pairs: [{{ours: {{labeled_images: 1000}}, theirs: {{labeled_images: {five}}}}}]}}
fixed: {{hang_at: {thousand}, noise: 1.0}}
train: {{iterations: {thousand}, evaluate_every: {five}}}
faults: {{tries: {five}}}
"""


def study(write_file: Callable[[str], Path], **written: str) -> StudySpec:
    return load(write_file(FILE.format(**{"one": "1", "five": "5", "thousand": "1000", **written})))


@pytest.mark.parametrize(
    "written",
    [
        {"one": "1.0", "five": "5.0", "thousand": "1e3"},
        {"one": "1.", "five": "0.5e1", "thousand": "1_000"},
        {"one": "+1.0", "five": "50e-1", "thousand": "1.000E+3"},
    ],
    ids=str,
)
def test_every_spelling_of_whole_numbers_is_the_same_study(
    write_file: Callable[[str], Path], written: dict[str, str]
) -> None:
    plain, other = study(write_file), study(write_file, **written)
    assert other.model_dump_json() == plain.model_dump_json()
    assert isinstance(other.fixed["noise"], float)
    names = [[plan.cell.name for plan in cells(each)[0]] for each in (plain, other)]
    assert names[0] == names[1] and "labeled_images=5,adaptor=ga+csa" in names[1]
    keys = [trial_key(build_config(each, cells(each)[0][0].cell, {"lr": 0.1}, 0)) for each in (plain, other)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("text", ["1e3", "1000.0", "1_000"])
@pytest.mark.parametrize("field", ["train.iterations", "fixed.hang_at", "search.trials_per_cell", "faults.starts"])
def test_an_override_may_be_written_so_too(write_file: Callable[[str], Path], field: str, text: str) -> None:
    section, name = field.split(".")
    file = write_file(FILE.format(one="1", five="5", thousand="1000"))
    found = load(file, [f"{field}={text}"]).model_dump()[section][name]
    assert (found, type(found)) == (1000, int)


@pytest.mark.parametrize("text", ["5.5", "1e-3", "1e300", "'5'", "1__000", "5 000", "true"])
@pytest.mark.parametrize("field", ["train.iterations", "fixed.hang_at", "ablate.labeled_images", "replicate.seeds"])
def test_anything_else_is_no_integer(mistakes_of: Callable[..., list[str]], field: str, text: str) -> None:
    value = f"[{text}]" if field in ("ablate.labeled_images", "replicate.seeds") else text
    lines = mistakes_of(FILE.format(one="1", five="5", thousand="1000"), (f"{field}={value}",))
    assert any(line.startswith(f"--set {field}") and "; allowed: an integer" in line for line in lines), lines
