"""`data check`, `pack` and `panels` with a pair file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.tiny_airsim import PAIR_FILE, write_tiny_airsim
from trainables.mistakes import ExitCode

Command = Callable[..., ExitCode]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return write_tiny_airsim(tmp_path / "data").name


def test_a_pair_file_is_checked_and_packed(file: str, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("check", file, "--data-root", "data") == ExitCode.FINISHED
    assert "airsim-photos: all 33 images looked at can be used" in capsys.readouterr().out
    assert (Path("data_check") / "airsim-photos" / "source.png").is_file()
    assert command("pack", file, "--data-root", "data") == ExitCode.FINISHED
    assert "airsim-photos: all 33 images are packed" in capsys.readouterr().out
    assert command("pack", f"{file}@4", "--data-root", "data") == ExitCode.FINISHED
    assert "airsim-photos@4: all 8 images are packed" in capsys.readouterr().out


def test_panels_show_what_training_sees(file: str, command: Command) -> None:
    assert command("panels", file, "--data-root", "data", "--images", 2, "--out", "drawn") == ExitCode.FINISHED
    assert sorted(path.name for path in Path("drawn").iterdir()) == [
        *("source.png", "target_report.png", "target_select.png", "target_train.png")
    ]
    picture = np.asarray(Image.open("drawn/source.png"))
    scale = 256 // 32
    assert picture.shape == (2 * (16 * scale + 4), 2 * (256 + 4), 3)
    bonnet = picture[15 * scale : 16 * scale, 260:516]
    assert (bonnet == 0).all()


def test_what_cannot_be_drawn_is_told(file: str, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for label in Path("data").glob("airsim/*/segmentation/*.png"):
        label.write_bytes(b"")
    assert command("panels", file, "--data-root", "data", "--out", "drawn") == ExitCode.USER_MISTAKE
    assert "seg_2.png: cannot identify image file" in capsys.readouterr().err
    assert not Path("drawn/source.png").exists() and Path("drawn/target_train.png").exists()


def test_labels_of_which_nothing_counts_are_refused(
    file: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(PAIR_FILE.replace("{road: 3, building: 1, tree: 5, sky: 0, car: [8, 9]}", ALL_OTHERS))
    assert command("check", file, "--data-root", "data") == ExitCode.USER_MISTAKE
    assert "target_train, target_select, target_report: 100% of all pixels are ignored" in capsys.readouterr().err


ALL_OTHERS = "{road: 103, building: 101, tree: 105, sky: 100, car: [108, 109]}"


@pytest.mark.parametrize("action", ["check", "pack", "panels"])
def test_mistakes_of_a_pair_file_are_told_with_their_lines(
    action: str, file: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(PAIR_FILE.replace("tree: 5", "tre: 5").replace("{share: 0.5}", "{shares: 0.5}"))
    assert command(action, file, "--data-root", "data") == ExitCode.USER_MISTAKE
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["airsim.yaml:17", "airsim.yaml:17", "airsim.yaml:20"]
    assert lines[-1].endswith("did you mean 'share'?")
