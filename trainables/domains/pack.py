"""The files that a set is packed into, known before any of them is there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from trainables.domains.data_files import find_data_files
from trainables.domains.recipe import PairRecipe
from trainables.domains.shard import FORMAT, recipe_hash, write_shard
from trainables.mistakes import UserMistake

SHARD_BYTES = 256 * 2**20
"""About the size of a packed file: what one process has in memory while it packs, and what damage costs."""
OVERHEAD = 64
"""Upper bound of the bytes of an image's name, checksum and offset."""
FILE_OVERHEAD = 2**14
"""Upper bound of the bytes of a file's schema, recipe and padding."""


class OtherData(UserMistake):
    """The data is not the data that a set was to be made from."""


class NoRoom(UserMistake):
    """A disk that is too small for what is to be packed."""


@dataclass(frozen=True)
class Pack:
    """A set, where its files are to lie, and what makes them; can be pickled.

    Attributes:
        cache: the folder with a folder for each set.
        shard_bytes: about the size of a file; an image is never divided.
        expected: digest that the files have which the set is made from; None for whatever they have.
    """

    recipe: PairRecipe
    set_name: str
    data_root: Path | None
    cache: Path
    shard_bytes: int = SHARD_BYTES
    expected: str | None = None

    @cached_property
    def digest(self) -> str:
        """Digest of the files that the set is made from, which are looked at if it is unknown; empty without files."""
        return self._found_digest() if self.expected is None else self.expected

    @cached_property
    def description(self) -> dict[str, Any]:
        """Everything that decides the packed files' content, as JSON values."""
        return {
            "pair": self.recipe.name,
            "set": self.set_name,
            "format": FORMAT,
            "files": self.digest,
            "images_a_file": self.images_a_file,
            **self.recipe.describe(self.set_name),
        }

    @cached_property
    def hash(self) -> str:
        """Hash of the description, which every file carries."""
        return recipe_hash(self.description)

    @cached_property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.cache / f"{self.recipe.name}-{self.set_name}-{self.hash}"

    @property
    def images_a_file(self) -> int:
        """At least 1."""
        return max(1, self.shard_bytes // image_bytes(self.recipe, self.set_name))

    @property
    def parts(self) -> list[range]:
        """The images of each file."""
        images, size = self.recipe.sizes[self.set_name], self.images_a_file
        return [range(start, min(start + size, images)) for start in range(0, images, size)]

    def file(self, part: range) -> Path:
        """The file of some images; names sort as images do."""
        return self.folder / f"{part.start:06d}.arrow"

    def check_data(self) -> None:
        """Raise `OtherData` where the files that the set is made from are not those whose digest it has."""
        if (found := self._found_digest()) != self.digest:
            raise OtherData(
                f"{self.data_root} has other images or labels than expected for {self.set_name} of {self.recipe.name}: "
                f"found digest {found}, expected {self.digest}. Data must stay as it is while a study runs, and be the "
                "same on all nodes."
            )

    def _found_digest(self) -> str:
        found = find_data_files(self.recipe, self.data_root, self.cache, sets=[self.set_name])
        return found.digests.get(self.set_name, "")

    def build(self, part: range) -> None:
        """Make the file of some images; raises `MissingData`."""
        content = self.recipe.build(self.set_name, self.data_root, part)
        write_shard(self.file(part), content, self.description, part.start, self.recipe.sizes[self.set_name])


def image_bytes(recipe: PairRecipe, set_name: str) -> int:
    """Bytes of a packed image with its labels and all that goes with them."""
    (width, height), (label_width, label_height) = recipe.image_size(set_name), recipe.label_size(set_name)
    return 3 * width * height + label_width * label_height + OVERHEAD


def packed_bytes(recipe: PairRecipe, set_name: str) -> int:
    """Bytes on disk that a packed set takes: an upper bound, by less than a thousandth for images of usual size."""
    whole = recipe.sizes[set_name] * image_bytes(recipe, set_name)
    return whole + FILE_OVERHEAD * (1 + whole // SHARD_BYTES)


def absent_bytes(pack: Pack) -> int:
    """Bytes on disk that the files take which are not there yet."""
    return bytes_of(pack, [part for part in pack.parts if not pack.file(part).exists()])


def bytes_of(pack: Pack, parts: Sequence[range]) -> int:
    """Bytes on disk that the files of some parts take."""
    return sum(len(part) * image_bytes(pack.recipe, pack.set_name) + FILE_OVERHEAD for part in parts)


def check_room(folder: Path, needed: dict[str, int]) -> None:
    """Raise `NoRoom` where the disk of an existing folder has less room than the sum of the bytes needed by name."""
    free, total = shutil.disk_usage(folder).free, sum(needed.values())
    if total > free:
        parts = ", ".join(f"{name} {in_words(size)}" for name, size in needed.items() if size)
        raise NoRoom(
            f"Packing needs {in_words(total)} in {folder} ({parts}), and {in_words(free)} are free. "
            "Make room, or set ASS_CACHE to a folder on a larger disk."
        )


def in_words(size: int) -> str:
    """Bytes as text, such as 98.3 GB."""
    unit, scale = next(((u, s) for u, s in (("GB", 10**9), ("MB", 10**6)) if size >= s), ("kB", 10**3))
    return f"{size / scale:.1f} {unit}"
