"""Augmented batches at the paper's size on one core: from the packed files, and from PNGs in a DataLoader.

An iteration takes a source image of 1280x720 and a labeled and an unlabeled one of 1024x512, half of them mirrored.
As float32, images are handed over normalised and labels as int64, which is what training on a CPU needs. As uint8, both
go to the device as bytes, and are normalised and widened there, which is what training on a GPU does: the time is
that of everything before the copy to the device. The peers are given the files and nothing else to do: no copy to
collate, this project's normalisation (the usual expression takes 20 times as long), no labels of unlabeled images.
Files are read from memory on both sides; on a disk, packed images take one to one and a half times the bytes of PNGs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.command_line import Result, Timing, alternately, data_root, figures_table, ratio, run
from benchmarks.drawn_pair import DrawnPair
from benchmarks.heap import keep_freed_memory
from benchmarks.mapped_memory import mapped_bytes
from benchmarks.png_loaders import MEAN, STD, PilReader, Reader, TorchvisionReader, png_loader
from benchmarks.street_pngs import TRAIN_SIZES, StreetPngs, street_pngs
from trainables.ass.batches import Batches
from trainables.ass.config import AssConfig
from trainables.ass.precision import normalised
from trainables.ass.profiles import PROFILES
from trainables.domains.domain_pair import DomainPair
from trainables.domains.packed import shard_files
from trainables.domains.recipe import Content

PACKED_IMAGES = 64
"""Images per packed set: more than fit into the processor's caches."""
IMAGES = 3
"""Images per iteration."""
AT_ONCE = 40
"""Iterations that ours does in a round; the peers do one."""
TRIALS = 4
READERS: Mapping[str, Reader] = {"PIL": PilReader(), "torchvision.io": TorchvisionReader()}
ELSEWHERE = torch.device("meta")
"""A device that costs no time to copy to."""


@dataclass(frozen=True)
class RepeatedPair(DrawnPair):
    """A few images at training size, repeated."""

    contents: Mapping[str, Content] = field(default_factory=dict)

    def image_size(self, set_name: str) -> tuple[int, int]:
        """The paper's size."""
        return TRAIN_SIZES[set_name]

    def label_size(self, set_name: str) -> tuple[int, int]:
        """The size of the images."""
        return TRAIN_SIZES[set_name]

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Repeat the images."""
        content = self.contents[set_name]
        chosen = np.arange(rows.start, rows.stop) % len(content.names)
        names = tuple(f"{set_name}/{row}" for row in rows)
        return Content(content.images[chosen], content.labels[chosen], names)


def packed_pair(pngs: StreetPngs, folder: Path) -> DomainPair:
    """The PNG files as packed sets."""
    contents = {set_name: pngs.content(set_name) for set_name in TRAIN_SIZES}
    return RepeatedPair(TRAIN_SIZES["target_train"], PACKED_IMAGES, contents=contents).open(folder)


def our_batches(pair: DomainPair, device: torch.device) -> Batches:
    """The batches of a trial of ga+csa in the paper's profile."""
    config: dict[str, Any] = {"domains": "gta5-cityscapes", "profile": "paper", "seed": 0, **PROFILES["paper"]}
    lengths = {"iterations": 1000, "evaluate_every": 1000, "adaptor": "ga+csa", "labeled_images": PACKED_IMAGES // 2}
    return Batches(AssConfig(**config, **lengths), pair, device)


def our_sides(pair: DomainPair) -> dict[str, Callable[[], object]]:
    """Rounds of `AT_ONCE` iterations from the packed files."""
    here, elsewhere = our_batches(pair, torch.device("cpu")), our_batches(pair, ELSEWHERE)
    iterations = iter(range(10**9))

    def as_float() -> None:
        for iteration in _next(iterations):
            batch = here.load(iteration)
            for images in (batch.source, batch.labeled, batch.unlabeled):
                assert images is not None
                normalised(images.pixels, MEAN, STD)

    def as_bytes() -> None:
        for iteration in _next(iterations):
            elsewhere.load(iteration)

    return {"packed, float32": as_float, "packed, uint8": as_bytes}


def peer_sides(pngs: StreetPngs) -> dict[str, Callable[[], object]]:
    """Rounds of one iteration from the PNGs."""
    sides: dict[str, Callable[[], object]] = {}
    for name, reader in READERS.items():
        for form, normalise in (("float32", True), ("uint8", False)):
            loader = iter(png_loader(pngs, reader, normalise))
            sides[f"{name}, {form}"] = lambda loader=loader: next(loader)
    return sides


def measure(quick: bool) -> Result:
    """Measure speed against the peers, and memory."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        pngs = street_pngs(data_root(), folder)
        pair = packed_pair(pngs, folder)
        pair.make("source")
        packed = pair.pack("source").folder
        size = sum(file.stat().st_size for file in shard_files(packed))
        memory = mapped_bytes(packed, TRIALS)  # before this process maps it too
        timings = alternately({**our_sides(pair), **peer_sides(pngs)}, rounds=4 if quick else 25)
    per_image = {
        side: timing.per(IMAGES * (AT_ONCE if side.startswith("packed") else 1)) for side, timing in timings.items()
    }
    figures = {}
    for key, form in (("float_ratio", "float32"), ("uint8_ratio", "uint8")):
        figures[key] = min(ratio(per_image, f"{reader}, {form}", f"packed, {form}") for reader in READERS)
    figures["pss_share"] = sum(pss for _, pss in memory) / size
    figures["float_images_per_second"] = 1 / per_image["packed, float32"].median
    figures["uint8_images_per_second"] = 1 / per_image["packed, uint8"].median
    return Result([_speed_table(pngs, per_image), *_memory_lines(memory, size), *_summary(figures)], figures)


def _next(iterations: Iterator[int]) -> list[int]:
    return [next(iterations) for _ in range(AT_ONCE)]


def _speed_table(pngs: StreetPngs, per_image: Mapping[str, Timing]) -> Any:
    title = f"an image of a batch on one core, {pngs.origin}"
    table = figures_table(title, "from, handed over as", "an image, median (range)", "images/s", "packed is faster by")
    for side, timing in per_image.items():
        form = side.rpartition(", ")[2]
        faster = "" if side.startswith("packed") else f"{ratio(per_image, side, f'packed, {form}'):.1f}x"
        table.add_row(side, str(timing), f"{1 / timing.median:.0f}", faster)
    return table


def _memory_lines(memory: list[tuple[int, int]], size: int) -> list[str]:
    rss, pss = (sum(found) / 1e6 for found in zip(*memory, strict=True))
    return [
        f"{len(memory)} processes that have read a packed file of {size / 1e6:.0f} MB: its pages take {pss:.0f} MB "
        f"(PSS), once for all, where copies would take {rss:.0f} MB (RSS)"
    ]


def _summary(figures: Mapping[str, float]) -> list[str]:
    return [
        f"against the faster peer: {figures['float_ratio']:.1f}x as float32, {figures['uint8_ratio']:.0f}x as uint8; "
        f"memory of {TRIALS} trials: {figures['pss_share']:.2f} of the file's size"
    ]


if __name__ == "__main__":
    sys.exit(run("data_loading", __doc__, measure, threads=1))
