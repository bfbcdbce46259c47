"""What is missing of IDDA and CamVid, and what is expected, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainables.domains import camvid, idda
from trainables.domains.image_files import LabeledFile

EXPECTED = """\
  idda/train.txt                    {source} image names
  idda/images/*.jpg, labels/*.png   IDDA, 640x360, label ids 0 to 23
  camvid/train/images/*.jpg         {target_train} images, 480x360
  camvid/train/labels/*.png         their label maps, ids 0 to 11
  camvid/val/images/*.jpg           {val} images, 480x360
  camvid/val/labels/*.png           their label maps, ids 0 to 11"""


def expected(sizes: Mapping[str, int]) -> str:
    """All files that the pair is read from, and what they hold, a line each; `val` is the size of CamVid's val set."""
    return EXPECTED.format(**sizes)


def problems(sizes: Mapping[str, int], data_root: Path) -> list[str]:
    """All that is absent below a data root, a line each; opens no image."""
    found: list[str] = []
    if not (data_root / "idda" / "train.txt").is_file():
        found.append("idda/train.txt is missing")
    else:
        found += _compare("idda/train.txt", idda.train_files(data_root / "idda"), sizes["source"])
    camvid_folder = data_root / "camvid"
    found += _compare("camvid/train/images", camvid.train_files(camvid_folder), sizes["target_train"])
    found += _compare("camvid/val/images", camvid.val_files(camvid_folder), sizes["val"])
    return found


def _compare(where: str, files: list[LabeledFile], images: int) -> list[str]:
    return [] if len(files) == images else [f"{where}: {len(files) or 'no'} images, expected {images}"]
