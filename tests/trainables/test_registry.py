"""Trainables by name, and what is imported when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ray.tune import Trainable

from trainables.cache import cache_folder
from trainables.config import TrialConfig
from trainables.domains.data_files import NO_FILES
from trainables.domains.progress import unwatched
from trainables.registry import TRAINABLES


@pytest.mark.parametrize("name", TRAINABLES)
def test_every_name_leads_to_a_configuration_and_a_ray_class(name: str) -> None:
    entry = TRAINABLES[name]
    assert issubclass(entry.config, TrialConfig)
    assert issubclass(entry.ray_class, Trainable)


def test_planning_imports_no_torch_no_ray_and_no_optuna() -> None:
    code = (
        "import sys, ass_tune.run\n"
        "from trainables.registry import TRAINABLES\n"
        "for entry in TRAINABLES.values(): entry.config.profiles(), entry.config.code_version('streets')\n"
        "print(sorted({'torch', 'ray', 'optuna', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_trainable_that_shares_nothing_has_nothing_to_prepare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASS_CACHE", str(tmp_path))
    TRAINABLES["curves"].prepare([], None, unwatched)
    assert TRAINABLES["curves"].data_files("synthetic", None, unwatched) == NO_FILES
    assert list(tmp_path.iterdir()) == []


def test_the_cache_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ASS_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("ASS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "ass_tune"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "ass_tune"
