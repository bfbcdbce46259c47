"""`python -m ass_tune.data check`: what it says of complete, short and broken data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ass_tune.data.conftest import CAR, SMALL, ids
from tests.support.packing_process import Noise
from tests.support.published_formats import write_cityscapes, write_gta5
from trainables.domains import pairs
from trainables.mistakes import ExitCode

Command = Callable[..., ExitCode]


def _row(output: str, name: str) -> list[str]:
    """The cells of the table row that begins with a name."""
    (line,) = (line for line in output.splitlines() if re.match(rf"│ +{name} ", line))
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.mark.usefixtures("small")
def test_complete_data_is_shown_class_by_class(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command("check", SMALL.name, "--data-root", root, "--out", out) == ExitCode.FINISHED
    printed = capsys.readouterr().out
    assert _row(printed, "source") == ["source", "12", "12", "12", "0"]
    assert _row(printed, "target_select") == ["target_select", "2", "2", "2", "0"]
    assert _row(printed, "road") == ["road", "50.00", "50.00", "50.00", "50.00"]
    assert _row(printed, "bus") == ["bus", "50.00", "absent", "absent", "absent"]
    assert _row(printed, "car") == ["car", "absent", "50.00", "50.00", "absent"]
    assert _row(printed, "sky") == ["sky", "absent", "absent", "absent", "50.00"]
    assert _row(printed, "train") == ["train", *["absent"] * 4]
    assert _row(printed, "ignored, % of all")[1:] == ["0.00"] * 4
    assert "small-cityscapes: complete, and all 23 images looked at can be used" in printed
    assert sorted(file.name for file in out.iterdir()) == sorted(f"{name}.png" for name in SMALL.sizes)


@pytest.mark.usefixtures("small")
def test_panels_show_images_beside_coloured_labels(root: Path, tmp_path: Path, command: Command) -> None:
    command("check", SMALL.name, "--data-root", root, "--out", tmp_path / "out")
    picture = np.asarray(Image.open(tmp_path / "out" / "target_report.png"))
    scale = 256 // 16
    assert picture.shape == (3 * (8 * scale + 4), 2 * (256 + 4), 3)
    assert (picture[: 8 * scale, :256] == 100).all()
    assert (picture[: 4 * scale, 260:516] == SMALL.classes.colors[SMALL.classes.names.index("sky")]).all()
    assert (picture[4 * scale : 8 * scale, 260:516] == SMALL.classes.colors[SMALL.classes.names.index("road")]).all()


@pytest.mark.usefixtures("small")
def test_all_problems_are_told_at_once_and_what_is_there_is_shown(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    labels = root / "gta5" / "labels"
    (labels / "00003.png").unlink()
    (labels / "00005.png").write_bytes(b"no image")
    write_gta5(root, 7, ids(40))
    write_gta5(root, 8, ids(CAR)[:-1], image=np.zeros((16, 32, 3), np.uint8))
    write_cityscapes(root, "val", "munster", 1, ids(CAR)[::2, ::2])
    (root / "cityscapes" / "gtFine" / "train" / "aachen" / "aachen_000000_000019_gtFine_labelIds.png").unlink()
    assert command("check", SMALL.name, "--data-root", root, "--out", out) == ExitCode.USER_MISTAKE
    printed = capsys.readouterr()
    assert _row(printed.out, "source") == ["source", "12", "11", "11", "3"]
    assert _row(printed.out, "target_train") == ["target_train", "6", "5", "5", "0"]
    assert _row(printed.out, "target_report") == ["target_report", "3", "3", "3", "1"]
    assert _row(printed.out, "road")[1:] == ["50.00"] * 4
    problems = (out / "problems.txt").read_text()
    for expected in (
        "gta5/labels: 1 of 12 label maps are missing: 00003",
        "cityscapes/gtFine/train: 1 of 6 label maps are missing: aachen/aachen_000000_000019_gtFine_labelIds",
        "00005.png with 00005.png: cannot identify image file",
        "00007.png with 00007.png: the label map holds the unknown ids 40",
        "00008.png with 00008.png: the image has size (32, 16), the label map (32, 15)",
        "munster_000001_000019_gtFine_labelIds.png: the image has size (16, 8), expected (32, 16)",
    ):
        assert expected in printed.err
        assert expected in problems
    assert "4 images cannot be used:" in printed.err
    assert len(list(out.glob("*.png"))) == 4


@pytest.mark.usefixtures("small")
def test_many_unusable_images_are_counted_and_listed_in_a_file(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ass_tune.data.check_view.MAX_SHOWN", 5)
    for label in (root / "gta5" / "labels").iterdir():
        label.write_bytes(b"")
    command("check", SMALL.name, "--data-root", root, "--out", tmp_path / "out")
    printed = capsys.readouterr()
    assert printed.err.count("cannot identify") == 5
    assert f"  and 7 more, all of them in {tmp_path / 'out' / 'problems.txt'}" in printed.err
    assert (tmp_path / "out" / "problems.txt").read_text().count("cannot identify") == 12
    assert _row(printed.out, "road")[1:] == ["?", *["50.00"] * 3]


@pytest.mark.usefixtures("small")
def test_a_sample_is_spread_over_each_set(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 6, 12):
        (root / "gta5" / "labels" / f"{number:05d}.png").write_bytes(b"")
    command("check", SMALL.name, "--data-root", root, "--sample", 3, "--out", tmp_path / "out")
    printed = capsys.readouterr()
    assert _row(printed.out, "source") == ["source", "12", "12", "3", "2"]
    assert "00001.png" in printed.err
    assert "00012.png" in printed.err
    assert _row(printed.out, "target_select") == ["target_select", "2", "2", "2", "0"]


@pytest.mark.usefixtures("small")
def test_several_processes_find_the_same(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "gta5" / "labels" / "00002.png").write_bytes(b"")
    printed = []
    for workers in (1, 2):
        command("check", SMALL.name, "--data-root", root, "--out", tmp_path / "out", workers=workers)
        printed.append(capsys.readouterr())
    assert printed[0] == printed[1]


def test_a_process_that_is_killed_is_told(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "PAIRS", {"noise": Noise(deadly=(3,))})
    assert command("check", "noise", "--out", tmp_path / "out", workers=2) == ExitCode.USER_MISTAKE
    assert "run it again with fewer --workers" in capsys.readouterr().err


def test_generated_pairs_need_no_data(tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("check", "streets", "--sample", 2, "--out", tmp_path / "out") == ExitCode.FINISHED
    assert "streets: complete, and all 8 images looked at can be used" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["check", "pack"])
def test_an_unknown_pair_is_told_with_the_nearest_name(
    action: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(action, "gta-cityscape") == ExitCode.USER_MISTAKE
    error = capsys.readouterr().err
    assert error.startswith("domains: found 'gta-cityscape'; allowed: streets, idda-camvid, gta5-cityscapes, ")
    assert error.endswith("did you mean 'gta5-cityscapes'?\n")


@pytest.mark.parametrize("action", ["check", "pack"])
def test_without_a_data_root_the_message_says_how_to_give_one(
    action: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(action, "synthia-cityscapes") == ExitCode.USER_MISTAKE
    assert "give --data-root DIR or set ASS_DATA_ROOT. Expected in DIR:\n  synthia/RGB" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_counts_are_whole_numbers_from_one(value: str, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command("check", "streets", f"--sample={value}")
    assert ended.value.code == 2
    assert f"--sample: found {value}; allowed: a whole number from 1" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    assert command("check", "streets", "--sample", 1, "--out", out) == ExitCode.USER_MISTAKE
    assert str(out) in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_where_nothing_is_there_all_that_is_expected_is_told(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("check", SMALL.name, "--data-root", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert command(*arguments) == ExitCode.USER_MISTAKE
    printed = capsys.readouterr()
    assert _row(printed.out, "source") == ["source", "12", "0", "0", "0"]
    assert _row(printed.out, "road")[1:] == ["?"] * 4
    for folder in ("gta5/images: no such folder", "cityscapes/leftImg8bit/val: no such folder"):
        assert folder in printed.err
