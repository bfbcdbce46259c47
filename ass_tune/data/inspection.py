"""What the images of a set and their labels contain, found by reading them as training does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trainables.domains.classes import IGNORE
from trainables.domains.processes import processes
from trainables.domains.recipe import Content, MissingData, PairRecipe, UnusableImages
from trainables.mistakes import UserMistake

AT_ONCE = 32
"""Images that a process looks at between two steps of the progress bar."""
SHOWN = 4
"""Images of each set that are drawn."""

_Part = tuple[PairRecipe, str, Path | None, Sequence[int], set[int]]
"""The arguments of `inspect`."""


@dataclass(frozen=True)
class Inspected:
    """Some images of a set.

    Attributes:
        set_name: which set.
        rows: which of its images.
        pixels: pixels of each class 0 to 255, over all usable ones: (256,) int64.
        ids: pixels of each id in their files, as `pixels`; all 0 for generated images.
        problems: of each unusable one, by row.
        shown: those to draw, by row, one image each.
    """

    set_name: str
    rows: Sequence[int]
    pixels: np.ndarray
    ids: np.ndarray
    problems: Mapping[int, str]
    shown: Mapping[int, Content]


@dataclass
class Findings:
    """What is known of a set so far, as `Inspected`: `rows` are the images to look at."""

    rows: Sequence[int]
    looked_at: int = 0
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    ids: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    problems: dict[int, str] = field(default_factory=dict)
    shown: dict[int, Content] = field(default_factory=dict)

    def add(self, part: Inspected) -> None:
        """Add what was found in a part of the set."""
        self.looked_at += len(part.rows)
        self.pixels += part.pixels
        self.ids += part.ids
        self.problems.update(part.problems)
        self.shown.update(part.shown)

    def shares(self, classes: int) -> np.ndarray | None:
        """Shares (classes,) of the labeled pixels; None where there are none."""
        labeled = self.pixels[:classes].sum()
        return self.pixels[:classes] / labeled if labeled else None

    @property
    def usable(self) -> int:
        """How many images were looked at and can be used."""
        return self.looked_at - len(self.problems)

    @property
    def ignored(self) -> float | None:
        """Share of ignored pixels in all; None where there are none."""
        return float(self.pixels[IGNORE] / self.pixels.sum()) if self.pixels.any() else None


def start(recipe: PairRecipe, sample: int | None) -> dict[str, Findings]:
    """Findings of each set before any image was looked at: all that are there, or `sample` evenly spaced ones."""
    return {name: Findings(_evenly_spaced(images, sample or images)) for name, images in recipe.sizes.items()}


def look(
    recipe: PairRecipe, data_root: Path | None, findings: Mapping[str, Findings], workers: int, drawn: int = SHOWN
) -> Iterator[tuple[str, int]]:
    """Look at all rows in several processes, and keep `drawn` images of each set.

    Yields the set and the number of images of each part that is done.
    """
    for part in _inspected(list(_parts(recipe, data_root, findings, drawn)), workers):
        findings[part.set_name].add(part)
        yield part.set_name, len(part.rows)


def inspect(
    recipe: PairRecipe, set_name: str, data_root: Path | None, rows: Sequence[int], shown: set[int]
) -> Inspected:
    """Read images one by one, so that an unusable one does not hide the next."""
    pixels, ids = np.zeros(256, np.int64), np.zeros(256, np.int64)
    problems: dict[int, str] = {}
    kept: dict[int, Content] = {}
    for row in rows:
        try:
            content = recipe.build(set_name, data_root, range(row, row + 1))
        except UnusableImages as unusable:
            problems[row] = unusable.problems[0]
        except MissingData as missing:
            problems[row] = str(missing)
        else:
            pixels += np.bincount(content.labels.reshape(-1), minlength=256)
            if content.ids is not None:
                ids += content.ids
            if row in shown:
                kept[row] = content
    return Inspected(set_name, rows, pixels, ids, problems, kept)


def _inspected(parts: Sequence[_Part], workers: int) -> Iterator[Inspected]:
    if workers == 1:
        yield from (inspect(*part) for part in parts)
        return
    try:
        with processes(workers) as pool:
            for part in as_completed([pool.submit(inspect, *part) for part in parts]):
                yield part.result()
    except BrokenProcessPool as error:
        raise UserMistake(
            "A process that reads images was killed, perhaps because memory ran out: run it again with fewer --workers."
        ) from error


def _parts(recipe: PairRecipe, data_root: Path | None, findings: Mapping[str, Findings], drawn: int) -> Iterator[_Part]:
    for name, finding in findings.items():
        shown = {finding.rows[place] for place in _evenly_spaced(len(finding.rows), drawn)}
        for first in range(0, len(finding.rows), AT_ONCE):
            rows = finding.rows[first : first + AT_ONCE]
            yield recipe, name, data_root, rows, shown.intersection(rows)


def _evenly_spaced(count: int, wanted: int) -> list[int]:
    return np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist()
