"""A set of images and labels at training size, in one packed file or a folder of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.domains.rows import Rows
from trainables.domains.shard import DamagedPackError, Shard, open_shard


@dataclass(frozen=True)
class PackedSet:
    """Read-only views of mapped files, without a copy.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        labels: (N, H', W') uint8, class ids or 255 for ignored pixels; of a set that is only evaluated on they may
            be larger than the images.
        names: N image names.
        path: the mapped file, or the folder of mapped files; pickling a set pickles this path, not the pixels.
    """

    images: Rows
    labels: Rows
    names: tuple[str, ...]
    path: Path

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_packed, (self.path,)


def open_packed(path: Path, expected_hash: str | None = None) -> PackedSet:
    """Map a packed file or all files in a folder, which is cheap: no image is looked at.

    Raises FileNotFoundError where there is none, or `DamagedPackError` where a file is truncated, of another recipe
    than expected or than the others, or not there.
    """
    files = shard_files(path) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"no packed files in {path}")
    shards = [open_shard(file, expected_hash) for file in files]
    _check_whole(path, shards)
    names = tuple(name for shard in shards for name in shard.names)
    try:
        images, labels = Rows([shard.images for shard in shards]), Rows([shard.labels for shard in shards])
    except ValueError as error:
        raise DamagedPackError(f"{path}: images or labels of several sizes") from error
    return PackedSet(images, labels, names, path)


def shard_files(folder: Path) -> list[Path]:
    """The finished files of a set, in order; empty where there is no such folder."""
    return sorted(folder.glob("*.arrow"))


def _check_whole(path: Path, shards: list[Shard]) -> None:
    expected, total = 0, shards[0].total
    for shard in shards:
        if (shard.first, shard.total) != (expected, total):
            raise DamagedPackError(
                f"{shard.path}: begins at image {shard.first} of {shard.total}, expected {expected} of {total}"
            )
        expected += len(shard)
    if expected != total:
        raise DamagedPackError(f"{path}: holds {expected} of {total} images")
