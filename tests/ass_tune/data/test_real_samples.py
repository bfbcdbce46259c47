"""Both commands on real files of GTA5 and Cityscapes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.real_samples import link_samples, sample_pair
from trainables.domains import pairs
from trainables.domains.pairs import open_pair
from trainables.domains.recipe import SETS
from trainables.mistakes import ExitCode

pytestmark = pytest.mark.costly

Command = Callable[..., ExitCode]
PAIR = sample_pair("sample-cityscapes", (320, 180), (256, 128))


@pytest.fixture
def root(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pairs, "PAIRS", {**pairs.PAIRS, PAIR.name: PAIR})
    return link_samples(data_root, tmp_path / "data")


def test_real_files_are_complete_and_drawn(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("check", PAIR.name, "--data-root", root, "--out", tmp_path / "out") == ExitCode.FINISHED
    assert "sample-cityscapes: complete, and all 12 images looked at can be used" in capsys.readouterr().out
    for name in SETS:
        picture = Image.open(tmp_path / "out" / f"{name}.png")
        assert picture.width == 2 * ((320 if name == "source" else 256) + 4)
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 1000


def test_real_files_are_packed(root: Path, tmp_path: Path, command: Command) -> None:
    assert command("pack", PAIR.name, "--data-root", root) == ExitCode.FINISHED
    pair = open_pair(PAIR.name, tmp_path / "cache", root)
    road, sky = PAIR.classes.names.index("road"), PAIR.classes.names.index("sky")
    shapes = {
        "source": (2, 180, 320),
        "target_train": (5, 128, 256),
        "target_select": (2, 1024, 2048),
        "target_report": (3, 1024, 2048),
    }
    for name, shape in shapes.items():
        packed = getattr(pair, name)
        assert packed.labels.shape == shape
        labels = packed.labels[:]
        assert {road, sky} <= set(np.unique(labels)) <= {*range(19), 255}
        assert 0 < (labels == 255).mean() < 0.15
        upper, lower = labels[:, : shape[1] // 2], labels[:, shape[1] // 2 :]
        assert (upper == sky).sum() > (lower == sky).sum()
        assert (upper == road).sum() < (lower == road).sum()
    np.testing.assert_array_equal(pair.target_select.images[:], pair.target_train.images[3:])
