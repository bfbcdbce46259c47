from __future__ import annotations

import re
from pathlib import Path

import pytest

from ass_tune.ledger.safe_paths import LONGEST_NAME, check_inside, file_name
from trainables.mistakes import UserMistake


def test_a_folder_of_the_studies_is_inside_also_before_it_is_there(tmp_path: Path) -> None:
    check_inside(tmp_path, tmp_path / "csa")
    (tmp_path / "csa").mkdir()
    check_inside(tmp_path, tmp_path / "csa")


def test_the_folder_of_all_studies_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "studies").symlink_to("disk")
    check_inside(tmp_path / "studies", tmp_path / "studies" / "csa")


@pytest.mark.parametrize("target", ["/tmp", "other", "nowhere", "csa"])
def test_a_study_that_is_a_link_is_refused_wherever_it_leads(target: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "csa").symlink_to(target)
    with pytest.raises(UserMistake, match=re.escape(f"{tmp_path}/csa: found a link to {target}; allowed: a folder in")):
        check_inside(tmp_path, tmp_path / "csa")


@pytest.mark.parametrize("name", ["..", "../csa", "a/b", "/tmp"])
def test_a_folder_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    with pytest.raises(UserMistake, match="found a folder outside"):
        check_inside(tmp_path / "studies", tmp_path / "studies" / name)


@pytest.mark.parametrize("name", ["a?b", "a%41"])
def test_studies_where_no_database_of_mlflow_can_be_are_refused(name: str, tmp_path: Path) -> None:
    studies = tmp_path / name
    with pytest.raises(UserMistake, match=f"{re.escape(str(studies))}: found [?%] in the folder of all studies"):
        check_inside(studies, studies / "csa")


def test_a_file_in_the_place_of_a_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "csa").write_text("")
    with pytest.raises(UserMistake, match="csa: found a file; allowed: the folder of a study"):
        check_inside(tmp_path, tmp_path / "csa")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("csa.yaml", "csa.yaml"),
        ("real_csa-2.yml", "real_csa-2.yml"),
        ("a b#?%41&.yaml", "a_b___41_.yaml"),
        ("\udcff\u202e\n.yaml", "___.yaml"),
        ("..", "_"),
        (".hidden", "hidden"),
        ("a/../b\\c", "a_.._b_c"),
        ("", "_"),
        ("é" * 300 + ".yaml", "_" * (LONGEST_NAME - 5) + ".yaml"),
        ("." + "x" * 300, "x" * LONGEST_NAME),
    ],
)
def test_a_file_name_is_one_that_everything_takes(name: str, safe: str) -> None:
    assert file_name(name) == safe
