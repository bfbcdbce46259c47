"""What a domain pair has to provide, so that its sets can be made, named and distinguished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from trainables.domains.classes import ClassSet

SETS = ("source", "target_train", "target_select", "target_report")


class MissingData(Exception):
    """The files of a domain pair are absent or unusable; the message says what is expected where."""


class UnusableImages(MissingData):
    """Images of a set that cannot be used with their labels: one line each, and how many images were read."""

    def __init__(self, problems: Sequence[str], images: int) -> None:
        super().__init__(tuple(problems), images)
        self.problems = tuple(problems)
        self.images = images

    def __str__(self) -> str:
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        return f"{len(self.problems)} of {self.images} images cannot be used:\n{lines}"


@dataclass(frozen=True)
class Content:
    """Part of a set in memory: images (N, H, W, 3) and labels (N, H', W'), both uint8, and N names.

    `ids` (256,) int64 counts the ids in the label maps as they were read, before they became class ids; None without.
    Labels may be larger than images: a set that is only evaluated on is judged at the size of its published labels.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    ids: np.ndarray | None = None


class PairRecipe(Protocol):
    """How the four sets of a pair are made; can be pickled, so that several processes can make parts of a set."""

    @property
    def name(self) -> str:
        """The name in search-space files."""
        ...

    @property
    def classes(self) -> ClassSet:
        """The classes of all four sets."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images by set: as they are there after `at`, else as published; nothing where that is unknown."""
        ...

    @property
    def held_out(self) -> int:
        """How many of the last target_train images are those of target_select; 0 where none is.

        `protocol: split` leaves them out of training, labeled or not, `protocol: paper` does not.
        """
        ...

    @property
    def resample_by(self) -> str:
        """What images of target_report are resampled by, such as `image`: these units are independent of each other."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What the user should know about the files that are there, a line each."""
        ...

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """The unit that each image of target_report is in, given their names in the order of the set."""
        ...

    def image_size(self, set_name: str) -> tuple[int, int]:
        """Width and height of a set's images."""
        ...

    def label_size(self, set_name: str) -> tuple[int, int]:
        """Width and height of a set's labels."""
        ...

    def describe(self, set_name: str) -> dict[str, Any]:
        """Everything that decides the pixels of a set, except the files it is read from, as JSON values.

        Also the code: `trainables.version.code_hash` of the modules that make the set.
        """
        ...

    def check(self, data_root: Path | None) -> None:
        """Raise `MissingData` where folders are absent or incomplete; opens no image."""
        ...

    def at(self, data_root: Path | None) -> Self:
        """The pair with the images that are in a data root; the pair itself if it is generated. Opens no image.

        Raises `MissingData` where there has to be a data root and is none.
        """
        ...

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """All files that decide a set's images, relative to the data root and in their order; none if generated."""
        ...

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Generate or read some images of a set; raises one `UnusableImages` that lists every bad pair in `rows`."""
        ...
