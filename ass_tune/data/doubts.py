"""Whether label maps mean what they should: every file can be read, and yet the classes are not those of streets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ass_tune.data.encodings import distance_between, likely_encoding
from ass_tune.data.inspection import Findings
from ass_tune.data.palettes import contradiction
from ass_tune.data.published_shares import published_shares
from trainables.domains.file_pair import FilePair
from trainables.domains.pairs import PAIRS
from trainables.domains.recipe import PairRecipe

ROAD = "road"
ALL_IGNORED = 0.98
"""Share of ignored pixels from which on nothing is learnt."""
NO_ROAD = 0.01
"""Share of road below which images are none of streets; single images of all real samples have over 0.03."""
ENOUGH_IMAGES = 4
"""Images without a road that are no chance."""
UNLIKE = 0.6
"""Distance from the published shares that no real data set has: single images of CamVid and IDDA are below 0.5."""
FREQUENT, MANY_IMAGES = 0.05, 20
"""The published share of a class that has to occur in so many images."""


@dataclass(frozen=True)
class Doubt:
    """Why labels may not mean what they should, and whether training on them would be meaningless."""

    text: str
    meaningless: bool = False


def find_doubts(recipe: PairRecipe, data_root: Path | None, findings: Mapping[str, Findings]) -> list[Doubt]:
    """At most one doubt about the label maps of each set; those that several sets have in common are said once.

    Generated labels are what they are. Labels of pairs that the package does not know need not be those of streets.
    """
    if not isinstance(recipe, FilePair):
        return []
    sets: dict[Doubt, list[str]] = {}
    for name, finding in findings.items():
        for doubt in _of_set(recipe, data_root, name, finding):
            sets.setdefault(doubt, []).append(name)
    return [Doubt(f"{', '.join(names)}: {doubt.text}", doubt.meaningless) for doubt, names in sets.items()]


def _of_set(recipe: FilePair, data_root: Path | None, set_name: str, finding: Findings) -> Iterator[Doubt]:
    names = recipe.classes.names
    shares, ignored = finding.shares(len(names)), finding.ignored
    published = published_shares(names) if recipe.definition.pair in PAIRS else None
    if ignored is None:
        return
    if published is None:
        if shares is None or ignored >= ALL_IGNORED:
            yield Doubt(f"{100 * ignored:.4g}% of all pixels are ignored", meaningless=True)
        return
    distance = 1.0 if shares is None else distance_between(shares, published)
    encoding = likely_encoding(finding.ids, names, published, distance)
    hint = f"; the ids look like {encoding}" if encoding else ""
    if shares is None or ignored >= ALL_IGNORED:
        ids = ", ".join(map(str, np.flatnonzero(finding.ids)[:10]))
        yield Doubt(f"{100 * ignored:.4g}% of all pixels are ignored, the ids found are {ids}{hint}", meaningless=True)
    elif ROAD in names and (road := shares[names.index(ROAD)]) < NO_ROAD:
        certain = encoding is not None or finding.usable >= ENOUGH_IMAGES
        yield Doubt(f"{100 * road:.2g}% of the labeled pixels are {ROAD}{hint}", meaningless=certain)
    elif distance > UNLIKE or encoding:
        far = int(np.abs(shares - published).argmax())
        found, usual = (f"{100 * of_class[far]:.3g}%" for of_class in (shares, published))
        text = f"{found} of the labeled pixels are {names[far]}, published are {usual}{hint}"
        yield Doubt(text, meaningless=distance > UNLIKE and encoding is not None)
    elif finding.usable >= MANY_IMAGES and (absent := names_of_absent(names, shares, published)):
        yield Doubt(f"no pixel of {', '.join(absent)} in {finding.usable} images")
    elif data_root is not None and (text := contradiction(recipe, data_root, set_name, sorted(finding.shown))):
        yield Doubt(text)


def names_of_absent(names: tuple[str, ...], shares: np.ndarray, published: np.ndarray) -> list[str]:
    """The frequent classes that have no pixel."""
    return [names[index] for index in np.flatnonzero((published >= FREQUENT) & (shares == 0))]
