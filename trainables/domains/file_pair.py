"""A domain pair that a pair file describes: it lists folders, and takes the images that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from trainables.domains.choosing import Listed, choose, chosen_from, overlaps
from trainables.domains.classes import ClassSet
from trainables.domains.expected_files import expected_files
from trainables.domains.image_files import WHOLE, LabeledFile, ReadRule, Resampling, read_all
from trainables.domains.listing import Listing, list_pairs
from trainables.domains.missing import needs_data, none_left, not_complete, other_sizes, some
from trainables.domains.name_list import list_named
from trainables.domains.pair_file import Images, PairFile, Source, Target
from trainables.domains.patterns import Pattern
from trainables.domains.pictures import label_maps
from trainables.domains.readers import READERS
from trainables.domains.recipe import SETS, Content
from trainables.domains.units import BLOCK, IMAGE, blocks
from trainables.version import code_hash

T = TypeVar("T")
DECIDES = (
    __name__,
    "trainables.domains.choosing",
    "trainables.domains.image_files",
    "trainables.domains.patterns",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images, with those that the readers declare."""
UNITS = {"image": IMAGE, "block": BLOCK, "sequence": "sequence"}
"""What images are resampled by, in words, by its name in pair files."""


@dataclass(frozen=True)
class Found:
    """What the folders of a pair have: the images of each set, what has to be mended, and what need not be."""

    sets: Mapping[str, Sequence[Listed]]
    problems: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class FilePair:
    """A pair whose images are files. How many images a set has is what is there; the published number is only noted.

    Attributes:
        definition: what the pair file says.
        subset: at most how many images of the source, and of each list and split of the target, are used, evenly
            spaced; None for all.
        found: the files below a data root; None where nobody has looked.
    """

    definition: PairFile
    subset: int | None = field(default=None, kw_only=True)
    found: Found | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """That of the file, with `@N` where only N images are used."""
        return self.definition.pair if self.subset is None else f"{self.definition.pair}@{self.subset}"

    @property
    def classes(self) -> ClassSet:
        """Names and colours in the order of the file."""
        return ClassSet(tuple(self.definition.classes), tuple(self.definition.classes.values()))

    @property
    def resample_by(self) -> str:
        """What images of the report set are resampled by, in words."""
        return UNITS[self.definition.resample_by]

    @property
    def published(self) -> Mapping[str, int]:
        """How many images the source and each split had when they were published, where the file says so."""
        source = self.definition.source.published
        return {**({"source": source} if source else {}), **self.definition.target.published_groups}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images by set: as they are there, or as published where nobody has looked and that is known."""
        if self.found is not None:
            return {name: len(self.found.sets[name]) for name in SETS}
        return self._published_sizes

    @cached_property
    def _published_sizes(self) -> Mapping[str, int]:
        groups = {
            name: [Listed((f"{name}/{place}", ""), str(place)) for place in self._part(range(images))]
            for name, images in self.published.items()
        }
        source = {name: len(images) for name, images in groups.items() if name == "source"}
        if not self._countable or not groups.keys() >= {*self._groups}:
            return source
        target = choose(self.definition.target, groups)
        return {**source, **{f"target_{name}": len(target[name]) for name in ("train", "select", "report")}}

    @property
    def held_out(self) -> int:
        """How many of the training images choose configurations."""
        return self.sizes.get("target_select", 0) if self.definition.target.select.of else 0

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
        listings = self._listings(data_root)
        groups = {name: self._part(self._listed(name, listing)) for name, listing in listings.items()}
        sets = self._divide(groups)
        problems = [problem for listing in listings.values() for problem in listing.problems]
        problems += [] if problems else [*none_left(sets), *self._overlaps(sets), *_repeated(sets)]
        notices = [notice for listing in listings.values() for notice in listing.notices]
        there = {name: len(listing.files) for name, listing in listings.items()}
        notices += other_sizes(self.name, there, self.published, self.subset)
        notices += self._too_few_units(sets["target_report"])
        return replace(self, found=Found(sets, tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(notices))))

    def check(self, data_root: Path | None) -> None:
        """Raise one `MissingData` with all that is absent below a data root; opens no image."""
        problems = self._found(data_root).problems
        if problems and data_root is not None:
            raise not_complete(self.name, data_root, problems, self.expected())

    def expected(self) -> str:
        """All files that the pair is read from, and what they hold, a line each."""
        return expected_files(self.definition)

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """Each image and its label map, relative to the data root."""
        return [name for image in self._images(set_name, data_root) for name in image.files]

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """The image, its sequence, or a block of consecutive images of its sequence."""
        if self.definition.resample_by == "image":
            return names
        report = self.found.sets["target_report"] if self.found else ()
        sequences = {image.name: image.sequence or "images" for image in report}
        if self.definition.resample_by == "sequence":
            return [sequences.get(name, name) for name in names]
        return blocks(names, lambda name: sequences.get(name, name))

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Read some images of a set; raises `UnusableImages` that lists every unusable pair of files."""
        images = self._images(set_name, data_root)
        assert data_root is not None
        other_size = self._domain(set_name).other_label_size
        return read_all(
            [
                LabeledFile(
                    data_root / images[row].files[0],
                    data_root / images[row].files[1],
                    sizes_differ=any(fnmatchcase(images[row].name, names) for names in other_size),
                    name=images[row].name,
                )
                for row in rows
            ],
            self.rule(set_name),
        )

    def image_size(self, set_name: str) -> tuple[int, int]:
        """Width and height at which the file says that images are read."""
        return self._domain(set_name).size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """That of the images, unless the set is only evaluated on and judged at another size."""
        judged = self.definition.target.judged_size if set_name in ("target_select", "target_report") else None
        return judged or self.image_size(set_name)

    def rule(self, set_name: str) -> ReadRule:
        """How the files of a set are read."""
        domain = self._domain(set_name)
        reader = READERS[domain.reader]
        ids, open_label = label_maps(domain, reader, self.classes.names)
        return ReadRule(
            ids=ids,
            size=domain.size,
            crop=domain.crop or WHOLE,
            ignored_regions=domain.ignored_regions,
            label_size=self.label_size(set_name),
            published_size=domain.image_size,
            resampling=Resampling[domain.resize.upper()],
            open_label=open_label,
            open_image=reader.image,
        )

    def describe(self, set_name: str) -> dict[str, Any]:
        """What the file says of the set's domain, and the code that lists and reads the files.

        Where the files lie in the data root is said by the digests of the data.
        """
        of_domain = "source" if set_name == "source" else "target"
        reader = READERS[self._domain(set_name).reader]
        return {
            "set": set_name,
            "domain": self.definition.meaning()[of_domain],
            "pixels": self.rule(set_name).describe(),
            "resample_by": self.resample_by,
            "subset": self.subset,
            "code": code_hash({*DECIDES, *reader.decides}),
        }

    @property
    def _groups(self) -> Sequence[str]:
        """The lists and splits of the target that its sets are chosen from."""
        sets = self.definition.target.sets
        chosen_apart = [rule for name, rule in sets.items() if not (name == "select" and getattr(rule, "of", None))]
        return list(dict.fromkeys(rule.group for rule in chosen_apart))

    @property
    def _countable(self) -> bool:
        """Whether the sizes of sets follow from those of splits, whatever the images are named."""
        target = self.definition.target
        return not any(rule.names or rule.sequences or rule.share for rule in target.sets.values())

    def _listings(self, data_root: Path) -> Mapping[str, Listing]:
        """What the data root has of the source, and of each list and split of the target."""
        source, target = self.definition.source, self.definition.target
        listings = {"source": _list(data_root, source, None, source.list)}
        for rule in target.sets.values():
            if rule.group in self._groups:
                listings[rule.group] = _list(data_root, target, rule.split, rule.list)
        return listings

    def _listed(self, group: str, listing: Listing) -> Sequence[Listed]:
        domain = self.definition.source if group == "source" else self.definition.target
        splits = {rule.group: rule.split for rule in self.definition.target.sets.values()}
        pattern = _pattern(domain, "images", None if group == "source" else splits[group])
        return [
            Listed(files, pattern.name(files[0]), key.sequence if (key := pattern.key(files[0])) else "")
            for files in listing.files
        ]

    def _divide(self, groups: Mapping[str, Sequence[Listed]]) -> Mapping[str, Sequence[Listed]]:
        target = choose(self.definition.target, groups)
        source = chosen_from(groups["source"], self.definition.source)
        return {"source": source, **{f"target_{name}": target[name] for name in ("train", "select", "report")}}

    def _overlaps(self, sets: Mapping[str, Sequence[Listed]]) -> list[str]:
        return overlaps(self.definition.target, {name: sets[f"target_{name}"] for name in self.definition.target.sets})

    def _too_few_units(self, report: Sequence[Listed]) -> list[str]:
        sequences = sorted({image.sequence for image in report})
        if self.definition.resample_by != "sequence" or len(sequences) != 1:
            return []
        return [f"{self.name}: all images of target_report are of {sequences[0]}; intervals need several sequences"]

    def _domain(self, set_name: str) -> Source | Target:
        return self.definition.source if set_name == "source" else self.definition.target

    def _images(self, set_name: str, data_root: Path | None) -> Sequence[Listed]:
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


def _list(data_root: Path, domain: Images, split: str | None, list_file: str | None) -> Listing:
    images, labels = (_pattern(domain, kind, split) for kind in ("images", "labels"))
    return list_named(data_root, list_file, images, labels) if list_file else list_pairs(data_root, images, labels)


def _pattern(domain: Images, kind: str, split: str | None) -> Pattern:
    reader = READERS[domain.reader]
    text, endings = (domain.images, reader.image_endings) if kind == "images" else (domain.labels, reader.label_endings)
    return Pattern(text, endings).at(split)


def _repeated(sets: Mapping[str, Sequence[Listed]]) -> list[str]:
    """Images of one set that have the same name, a line a set."""
    lines = []
    for name, images in sets.items():
        seen: set[str] = set()
        twice = [image.name for image in images if image.name in seen or seen.add(image.name)]
        lines += [f"{name}: {len(twice)} names are there more than once: {some(twice)}"] if twice else []
    return lines
