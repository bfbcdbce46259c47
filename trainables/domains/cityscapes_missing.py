"""What is missing of a rendered data set and of Cityscapes, and what is expected, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainables.domains import cityscapes
from trainables.domains.cityscapes import FOLDER
from trainables.domains.missing import some

if TYPE_CHECKING:
    from trainables.domains.to_cityscapes import ToCityscapes

LABEL_FORMATS = {
    "gta5": "palette PNG, label ids of Cityscapes",
    "synthia": "16-bit PNG, first channel class ids 0 to 22",
}
"""What the label maps of the rendered data sets are, by folder."""


def problems(pair: ToCityscapes, data_root: Path) -> list[str]:
    """All that is absent below a data root, a line each; opens no image."""
    return [*_source_problems(pair, data_root), *_target_problems(pair, data_root)]


def expected(pair: ToCityscapes) -> str:
    """All files that a pair is read from, and what they hold, a line each."""
    width, height = pair.published_size
    size = f", {pair.source.size[0]}x{pair.source.size[1]}" if pair.source.size else ""
    first, last = pair.source.numbers[0], pair.source.numbers[-1]
    images, labels = (f"{pair.source.folder}/{pattern}" for pattern in (pair.source.images, pair.source.labels))
    return "\n".join(
        f"  {where:<56}{what}"
        for where, what in (
            (images.format(first), f"to {last}: images{size}"),
            (labels.format(first), f"to {last}: {LABEL_FORMATS[pair.source.folder]}"),
            (f"{FOLDER}/leftImg8bit/train/*/*_leftImg8bit.png", f"{pair.train_images} images, {width}x{height}"),
            (f"{FOLDER}/leftImg8bit/val/*/*_leftImg8bit.png", f"{pair.val_images} images, {width}x{height}"),
            (f"{FOLDER}/gtFine/{{train,val}}/*/*_gtFine_labelIds.png", "their label maps, ids 0 to 33"),
        )
    )


def _source_problems(pair: ToCityscapes, data_root: Path) -> list[str]:
    expected_files = len(pair.source.numbers)
    return [
        f"{folder}: no files, expected {expected_files}"
        if len(names) == expected_files
        else f"{folder}: {len(names)} of {expected_files} files are missing: {some(names)}"
        for folder, names in pair.source.absent(data_root).items()
        if names
    ]


def _target_problems(pair: ToCityscapes, data_root: Path) -> list[str]:
    found: list[str] = []
    for split, images in (("train", pair.train_images), ("val", pair.val_images)):
        files = cityscapes.files(data_root / FOLDER, split)
        if len(files) != images:
            found.append(f"{FOLDER}/leftImg8bit/{split}: {len(files) or 'no'} images, expected {images}")
        if absent := [file.label.name for file in files if not file.label.is_file()]:
            found.append(f"{FOLDER}/gtFine/{split}: {len(absent)} label maps are missing: {some(absent)}")
    return found
