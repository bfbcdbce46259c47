"""Which file a name means: one here, or one that ships with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.spec import SpecErrors, load
from ass_tune.spec.shipped import located, shipped_files, shipped_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def message(name: str) -> str:
    with pytest.raises(SpecErrors) as raised:
        load(name)
    return str(raised.value)


@pytest.mark.parametrize("name", shipped_files())
def test_a_shipped_file_is_found_by_its_name_from_any_folder(name: str) -> None:
    assert load(name) == load(shipped_folder() / f"{name}.yaml")


def test_a_file_here_comes_before_a_shipped_one(elsewhere: Path) -> None:
    assert located("csa") == shipped_files()["csa"]
    (elsewhere / "csa.yaml").touch()
    assert located("csa") == Path("csa.yaml")
    (elsewhere / "csa").touch()
    assert located("csa") == Path("csa")
    assert located("./csa") == Path("csa")


def test_a_folder_of_the_same_name_is_no_search_space_file(elsewhere: Path) -> None:
    (elsewhere / "csa").mkdir()
    assert load("csa").study == "csa"


def test_a_study_knows_its_file(elsewhere: Path) -> None:
    (elsewhere / "mine.yaml").write_text("extends: " + str(shipped_files()["csa"]) + "\nstudy: mine\n")
    assert load("mine").file == elsewhere.resolve() / "mine.yaml"
    assert load("csa").file == shipped_files()["csa"]


def test_a_wrong_name_is_answered_with_the_nearest_one_of_both_kinds(elsewhere: Path) -> None:
    assert message("fcsaa").startswith(
        "fcsaa: found no file 'fcsaa'; allowed: a search-space file, or the name of a shipped one "
        "(adaptors, beyond_ass, csa,"
    )
    assert message("fcsaa").endswith("; did you mean 'fcsa'?")
    assert message("paper/table1").endswith("; did you mean 'paper/table1_gta5'?")
    assert message("search_spaces/csa.yaml") == (
        "search_spaces/csa.yaml: found no file 'search_spaces/csa.yaml'; allowed: a search-space file; "
        "did you mean 'csa'?"
    )
    (elsewhere / "fcsaas.yaml").touch()
    assert message("fcsaa").endswith("; did you mean 'fcsaas.yaml'?")
