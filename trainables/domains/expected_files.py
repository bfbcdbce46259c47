"""The files that each pair is read from, as they were published, in words."""

from __future__ import annotations

from collections.abc import Mapping

RENDERED = {
    "gta5": (
        ("images/00001.png", "to 24966: images"),
        ("labels/00001.png", "to 24966: palette PNG, label ids of Cityscapes"),
    ),
    "synthia": (
        ("RGB/0000000.png", "to 9399: images, 1280x760"),
        ("GT/LABELS/0000000.png", "to 9399: 16-bit PNG, first channel class ids 0 to 22"),
    ),
}
"""The first image and label map of the rendered data sets, by folder, and what they hold."""
IDDA_CAMVID = """\
  idda/train.txt                    {source} image names
  idda/images/*.jpg, labels/*.png   IDDA, 640x360, label ids 0 to 23
  camvid/train/images/*.jpg         {train} images, 480x360
  camvid/train/labels/*.png         their label maps, ids 0 to 11
  camvid/val/images/*.jpg           {val} images, 480x360
  camvid/val/labels/*.png           their label maps, ids 0 to 11"""


def of_idda_camvid(images: Mapping[str, int]) -> str:
    """Those of IDDA and CamVid, a line each, given the number of images by split."""
    return IDDA_CAMVID.format(**images)


def of_cityscapes(source: str, images: Mapping[str, int], size: tuple[int, int]) -> str:
    """Those of Cityscapes and of a rendered data set, a line each; `size` is that of Cityscapes' images."""
    lines = (
        *((f"{source}/{name}", what) for name, what in RENDERED[source]),
        ("cityscapes/leftImg8bit/train/*/*_leftImg8bit.png", f"{images['train']} images, {size[0]}x{size[1]}"),
        ("cityscapes/leftImg8bit/val/*/*_leftImg8bit.png", f"{images['val']} images, {size[0]}x{size[1]}"),
        ("cityscapes/gtFine/{train,val}/*/*_gtFine_labelIds.png", "their label maps, ids 0 to 33"),
    )
    return "\n".join(f"  {where:<56}{what}" for where, what in lines)
