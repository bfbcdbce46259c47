"""PNGs of GTA5 and Cityscapes for benchmarks: real ones if available, else generated ones that decode as slowly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.label_maps import CITYSCAPES, PAIR, cityscapes_sample, drawn_truths
from trainables.domains.classes import IGNORE
from trainables.domains.image_files import LabeledFile, ReadRule, Resampling, read_all
from trainables.domains.recipe import Content

Size = tuple[int, int]
SOURCE_SIZE: Size = (1914, 1052)
"""Width and height of most images of GTA5."""
TRAIN_SIZES: dict[str, Size] = {"source": (1280, 720), "target_train": (1024, 512)}
"""Width and height at which the paper trains."""
NOISE = 3
"""Amplitude of the noise in drawn images, in steps of a byte: their PNGs have about a byte a pixel, as real ones do."""


@dataclass(frozen=True)
class StreetPngs:
    """Images and label maps of the sets `source` and `target_train`, and where they come from."""

    files: dict[str, list[LabeledFile]]
    origin: str

    def content(self, set_name: str) -> Content:
        """All images at training size, as they are packed."""
        rule = ReadRule(PAIR.rule("source").ids, TRAIN_SIZES[set_name], resampling=Resampling.BICUBIC)
        return read_all(self.files[set_name], rule)


def street_pngs(data_root: Path | None, folder: Path) -> StreetPngs:
    """The real samples below a data root, or generated images in a folder."""
    if data_root is not None:
        sample = data_root / "gta5_sample"
        images = sorted((sample / "images").glob("*.png"))
        source = [LabeledFile(image, sample / "labels" / image.name) for image in images]
        target = cityscapes_sample(data_root)
        if source and target:
            return StreetPngs({"source": source, "target_train": target}, "real files of GTA5 and Cityscapes")
    drawn = [_draw(folder, number, truth) for number, truth in enumerate(drawn_truths(3))]
    source = [_cut(folder, drawn[0])]
    return StreetPngs({"source": source, "target_train": drawn[1:]}, "drawn files in the likeness of real ones")


def _draw(folder: Path, number: int, truth: np.ndarray) -> LabeledFile:
    rng = np.random.default_rng(number)
    smooth = Image.fromarray(CITYSCAPES.colorize(truth)).filter(ImageFilter.GaussianBlur(3))
    noisy = np.asarray(smooth).astype(np.int16) + rng.integers(-NOISE, NOISE, (*truth.shape, 1), endpoint=True)
    ids = np.zeros(256, np.uint8)
    for label, index in PAIR.rule("target_train").ids.items():
        ids[index] = label
    ids[IGNORE] = 0
    file = LabeledFile(folder / f"{number}.png", folder / f"{number}_labels.png")
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file.image)
    Image.fromarray(ids[truth]).save(file.label)
    return file


def _cut(folder: Path, file: LabeledFile) -> LabeledFile:
    """An image of GTA5's size and its label map with a palette."""
    cut = LabeledFile(folder / "source.png", folder / "source_labels.png")
    for path, other in ((file.image, cut.image), (file.label, cut.label)):
        with Image.open(path) as opened:
            picture = opened.crop((0, 0, *SOURCE_SIZE))
        if picture.mode == "L":
            picture.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
        picture.save(other)
    return cut
