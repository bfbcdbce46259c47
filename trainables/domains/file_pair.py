"""What pairs that are read from files have in common: they list folders, and take the images that are there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from trainables.domains.classes import ClassSet
from trainables.domains.image_files import LabeledFile, ReadRule, read_all
from trainables.domains.listing import FileNames, Listing
from trainables.domains.missing import needs_data, none_left, not_complete, other_sizes
from trainables.domains.recipe import SETS, Content

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What the folders of a pair have: the files of each set, what has to be mended, and what need not be."""

    sets: Mapping[str, Sequence[FileNames]]
    problems: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class FilePair(ABC):
    """A pair whose images are files. How many images a set has is what is there; the published number is only noted.

    Attributes:
        name: in search-space files.
        classes: of all sets.
        subset: at most how many images of each published split to use, evenly spaced; None for all.
        found: the files below a data root; None where nobody has looked.
    """

    name: str
    classes: ClassSet
    subset: int | None = field(default=None, kw_only=True)
    found: Found | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def published(self) -> Mapping[str, int]:
        """Number of images of `source`, `train` and `val` as they were published."""

    @abstractmethod
    def list_splits(self, data_root: Path) -> Mapping[str, Listing]:
        """The files of each split."""

    @abstractmethod
    def divide(self, splits: Mapping[str, Sequence[T]]) -> Mapping[str, Sequence[T]]:
        """The images of each set, out of the splits; empty where there are too few."""

    @abstractmethod
    def expected(self) -> str:
        """All files that the pair is read from, and what they hold, a line each."""

    @abstractmethod
    def rule(self, set_name: str) -> ReadRule:
        """How the files of a set are read."""

    def sizes_differ(self, set_name: str, image: str) -> bool:
        """Whether an image, named relative to the data root, is known to have a label map of another size."""
        return False

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images by set: as they are there, or as published where nobody has looked."""
        if self.found is not None:
            return {name: len(self.found.sets[name]) for name in SETS}
        published = {name: self._part(range(images)) for name, images in self.published.items()}
        return {name: len(images) for name, images in self.divide(published).items()}

    @property
    def notices(self) -> Sequence[str]:
        """What the user should know about the files that are there, a line each."""
        return self.found.notices if self.found else ()

    def at(self, data_root: Path | None) -> Self:
        """The pair with the images that are there; lists folders and opens no image.

        Raises `MissingData` without a data root.
        """
        if data_root is None:
            raise needs_data(self.name, self.expected())
        listings = self.list_splits(data_root)
        sets = self.divide({name: self._part(listing.files) for name, listing in listings.items()})
        problems = [problem for listing in listings.values() for problem in listing.problems]
        problems += [] if problems else none_left(sets)
        notices = [notice for listing in listings.values() for notice in listing.notices]
        there = {name: len(listing.files) for name, listing in listings.items()}
        notices += other_sizes(self.name, there, self.published, self.subset)
        return replace(self, found=Found(sets, tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(notices))))

    def check(self, data_root: Path | None) -> None:
        """Raise one `MissingData` with all that is absent below a data root; opens no image."""
        problems = self._found(data_root).problems
        if problems and data_root is not None:
            raise not_complete(self.name, data_root, problems, self.expected())

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """Each image and its label map, relative to the data root."""
        return [name for names in self._files(set_name, data_root) for name in names]

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Read some images of a set; raises `UnusableImages` that lists every unusable pair of files."""
        files = self._files(set_name, data_root)
        assert data_root is not None
        return read_all(
            [
                LabeledFile(data_root / image, data_root / label, self.sizes_differ(set_name, image))
                for image, label in (files[row] for row in rows)
            ],
            self.rule(set_name),
        )

    def image_size(self, set_name: str) -> tuple[int, int]:
        """That of the reading rule."""
        return self.rule(set_name).size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """That of the images, unless the reading rule has another one."""
        rule = self.rule(set_name)
        return rule.label_size or rule.size

    def describe_files(self, set_name: str) -> dict[str, Any]:
        """The reading rule, and how much of the splits is used."""
        return {**self.rule(set_name).describe(), "published": dict(self.published), "subset": self.subset}

    def _files(self, set_name: str, data_root: Path | None) -> Sequence[FileNames]:
        return self._found(data_root).sets[set_name]

    def _found(self, data_root: Path | None) -> Found:
        found = self.found or self.at(data_root).found
        assert found is not None
        return found

    def _part(self, images: Sequence[T]) -> Sequence[T]:
        """As many images as the subset has, evenly spaced; all where there are no more."""
        if self.subset is None or self.subset >= len(images):
            return images
        return [images[place * len(images) // self.subset] for place in range(self.subset)]
