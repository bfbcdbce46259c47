"""`domains: pairs/x.yaml` in a study: which file is meant, what of it counts, and whose mistakes are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.search.cells import cells
from ass_tune.search.identity import build_config, trial_key
from ass_tune.spec import SpecErrors, load
from ass_tune.spec.pair_loading import load_pair
from tests.support.project import PROJECT
from tests.support.study_files import curves_file, method_file
from tests.support.tiny_airsim import PAIR_FILE
from trainables.domains.pairs import definition, find_pair, make_known

STUDY = method_file(
    domains="pairs/airsim.yaml",
    ablate={"adaptor": ["joint"], "labeled_images": [2]},
    tune=None,
    search={"sampler": "grid"},
)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a study into `here/`, its pair file into `here/pairs/`, and returns the study's path from above."""
    monkeypatch.chdir(tmp_path)

    def written(pair: str = PAIR_FILE, study: str = STUDY) -> Path:
        (tmp_path / "here" / "pairs").mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / "pairs" / "airsim.yaml").write_text(pair)
        (tmp_path / "here" / "study.yaml").write_text(study)
        return Path("here/study.yaml")

    return written


def key_of(file: Path, *overrides: str) -> str:
    spec = load(file, overrides)
    return trial_key(build_config(spec, cells(spec)[0][0].cell, {}, 0))


def mistakes_of(file: Path, *overrides: str) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        load(file, overrides)
    return [str(error) for error in caught.value.errors]


def test_a_pair_file_is_looked_for_beside_the_file_that_names_it(write: Callable[..., Path]) -> None:
    file = write()
    name = load(file).domains
    assert name.startswith("airsim-photos#")
    assert find_pair(name).name == "airsim-photos"
    Path("elsewhere").mkdir()
    Path("elsewhere/over.yaml").write_text("extends: ../here/study.yaml\nstudy: over\n")
    assert load("elsewhere/over.yaml").domains == name
    assert load("elsewhere/over.yaml", ["domains=here/pairs/airsim.yaml"]).domains == name


def test_a_part_of_its_images_is_another_pair(write: Callable[..., Path]) -> None:
    file = write(study=STUDY.replace("airsim.yaml", "airsim.yaml@5"))
    assert find_pair(load(file).domains).name == "airsim-photos@5"
    assert key_of(file) != key_of(write())


SAME = {
    "a comment": (PAIR_FILE + "# a remark\n"),
    "the order of keys": "resample_by: sequence\n" + PAIR_FILE.replace("resample_by: sequence\n", ""),
    "another spelling of a colour": PAIR_FILE.replace("'#404040'", "[64, 64, 64]"),
    "what is the default anyway": PAIR_FILE.replace("target:\n", "target:\n  ignored: rest\n  resize: bilinear\n"),
    "colours of pictures": PAIR_FILE.replace(
        "[road, building, tree, sky, car]",
        "{road: '#000001', building: '#000002', tree: '#000003', sky: '#000004', car: '#000005'}",
    ),
    "a published number": PAIR_FILE.replace("target:\n", "target:\n  published: 24\n"),
}
OTHER = {
    "a colour": PAIR_FILE.replace("'#404040'", "'#404041'"),
    "an id": PAIR_FILE.replace("sky: 0", "sky: 2"),
    "the order of classes": PAIR_FILE.replace("[road, building,", "[building, road,"),
    "a size": PAIR_FILE.replace("size: [32, 16]", "size: [48, 16]"),
    "the bonnet": PAIR_FILE.replace("top: 20", "top: 21"),
    "a share": PAIR_FILE.replace("train: {share: 0.5}", "train: {share: 0.4}"),
    "the unit of resampling": PAIR_FILE.replace("resample_by: sequence", "resample_by: image"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_a_file_means_is_in_the_key_and_nothing_else(text: str, write: Callable[..., Path]) -> None:
    before = key_of(write())
    assert text != PAIR_FILE
    assert key_of(write(text)) == before


def test_where_a_file_lies_is_not_in_the_key(write: Callable[..., Path]) -> None:
    before = key_of(write())
    Path("moved.yaml").write_text(PAIR_FILE)
    assert key_of(Path("here/study.yaml"), "domains=moved.yaml") == before


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_another_meaning_is_another_key(text: str, write: Callable[..., Path]) -> None:
    before = key_of(write())
    assert text != PAIR_FILE
    assert key_of(write(text)) != before


def test_another_process_knows_the_pair_by_what_it_is_told(write: Callable[..., Path]) -> None:
    name = load(write()).domains
    told = definition(f"{name}@7")
    assert definition("streets") is None
    make_known(None)
    make_known(told)
    assert told is not None and find_pair(name) == find_pair(name.partition("@")[0])


def test_mistakes_of_the_study_and_of_its_pair_file_are_told_at_once(write: Callable[..., Path]) -> None:
    file = write(PAIR_FILE.replace("tree: 5", "tre: 5"), STUDY.replace("laptop", "laptp"))
    assert mistakes_of(file) == [
        "here/pairs/airsim.yaml:17: target.ids: missing tree; allowed: ids of every class",
        "here/pairs/airsim.yaml:17: target.ids.tre: unknown class; allowed: road, building, tree, sky, car; "
        "did you mean 'tree'?",
        "here/study.yaml:4: profile: found 'laptp'; allowed: laptop, laptop-real, laptop-real-small, paper, "
        "paper-fast; did you mean 'laptop'?",
    ]


def test_a_pair_file_that_is_not_there_is_a_mistake_of_the_study(write: Callable[..., Path]) -> None:
    file = write(study=STUDY.replace("airsim.yaml", "airsm.yaml"))
    assert mistakes_of(file) == [
        "here/study.yaml:3: domains: found no file 'here/pairs/airsm.yaml'; allowed: a pair file; "
        "did you mean 'airsim.yaml'?"
    ]
    assert mistakes_of(write(), "domains=x.yaml")[0].startswith(
        "--set domains: found no file 'x.yaml'; allowed: a pair"
    )


def test_a_trainable_without_images_takes_no_pair_file(write: Callable[..., Path]) -> None:
    (line,) = mistakes_of(write(study=curves_file(domains="pairs/airsim.yaml")))
    assert line == "here/study.yaml:3: domains: found 'pairs/airsim.yaml'; allowed: synthetic"


def test_more_labels_than_were_published_are_undefined_and_unknown_numbers_are_not(write: Callable[..., Path]) -> None:
    many = STUDY.replace("- 2\n", "- 2000\n")
    assert many != STUDY
    load(write(study=many))
    by_part = PAIR_FILE.replace("train: {share: 0.5}", "published: 24\n  train: {}").replace(
        "{share: 0.25}", "{part: X}"
    )
    for part in ("first 1 of 4", "last 1 of 4"):
        by_part = by_part.replace("X", part, 1)
    told = "\n".join(mistakes_of(write(by_part, many)))
    assert "labeled_images is 2000, and the target of airsim-photos#" in told


def test_the_files_of_the_guide_are_sound(tmp_path: Path) -> None:
    guide = (PROJECT / "docs" / "domain_pairs.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block)
        assert load_pair(file).target.size in ((240, 180), (256, 128))
