"""Which gain a study will be able to show, as its plan says it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from analysis.statistics.power import upper_sd
from ass_tune.places import Studies
from ass_tune.plan.study_plan import StudyPlan, make_plan, with_earlier
from ass_tune.spec import load
from ass_tune.terminal.plan_view import plan_tables
from tests.support.study_files import curves_file


def plan(tmp_path: Path, seeds: int = 5, studies: Path | None = None) -> StudyPlan:
    file = tmp_path / "planned.yaml"
    file.write_text(curves_file(study="planned", baseline={"adaptor": "ga"}, replicate={"seeds": list(range(seeds))},
        ablate={"adaptor": ["ga", "ga+csa"], "labeled_images": [5, 20]}))  # fmt: skip
    spec = load(file)
    place = Studies.at(studies or tmp_path / "studies")
    return with_earlier(make_plan(spec, None, measure=False, step_time=0.01), spec, place)


def earlier(studies: Path, name: str, sd: float, **other) -> None:
    folder = studies / name / "tables"
    folder.mkdir(parents=True)
    about = {"study": name, "trainable": "curves", "domains": "synthetic", "run_sd": sd, "run_sd_df": 8}
    (folder / "conclusions.json").write_text(json.dumps(about | other))


def test_without_an_earlier_study_it_is_in_standard_deviations(tmp_path: Path) -> None:
    found = plan(tmp_path).power
    assert found is not None and found.sd is None and found.studies == ()
    assert 1 < found.gain < found.margin < 4
    fewer = plan(tmp_path, seeds=3).power
    assert fewer is not None and fewer.gain > 1.4 * found.gain


def test_earlier_studies_of_the_same_trainable_and_domains_say_what_it_is_in_miou(tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    earlier(studies, "one", 0.5)
    earlier(studies, "two", 0.7)
    earlier(studies, "elsewhere", 9.0, domains="idda-camvid")
    (studies / "broken" / "tables").mkdir(parents=True)
    (studies / "broken" / "tables" / "conclusions.json").write_text("{")
    unit, found = plan(tmp_path, studies=tmp_path).power, plan(tmp_path, studies=studies).power
    assert unit is not None and found is not None and found.sd is not None
    assert found.studies == ("one", "two")
    assert found.sd == pytest.approx(upper_sd((2 * (0.5**2 + 0.7**2) / 2) ** 0.5, 16))
    assert found.gain == pytest.approx(unit.gain * found.sd)


def test_the_plan_says_it(tmp_path: Path) -> None:
    earlier(tmp_path / "studies", "one", 0.5)
    console = Console(file=io.StringIO(), width=160)
    console.print(*plan_tables(plan(tmp_path), 160))
    assert isinstance(console.file, io.StringIO)
    assert "with 80% power a gain of " in console.file.getvalue()


def test_one_seed_and_nothing_to_compare_promise_nothing(tmp_path: Path) -> None:
    assert plan(tmp_path, seeds=1).power is None
