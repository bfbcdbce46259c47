"""The domain pairs by name: those of the package, and those that files of users define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from trainables.domains.added_pairs import added_pair
from trainables.domains.data_files import DataFiles, find_data_files
from trainables.domains.domain_pair import DomainPair
from trainables.domains.file_pair import FilePair
from trainables.domains.pair_file import PairFile
from trainables.domains.progress import Watcher, unwatched
from trainables.domains.recipe import SETS, PairRecipe
from trainables.domains.sampling import training_pool
from trainables.domains.shard import recipe_hash
from trainables.domains.shipped import NAMES, shipped_pair
from trainables.domains.streets.recipe import Streets

PART = "@"
"""In the name of a pair, comes before the number of images that each split is cut to: `gta5-cityscapes@200`."""
CONTENT = "#"
"""In the name of a pair that a file defines, comes before the digest of what the file means."""
SMALLEST = 2
"""Of one image no set for choosing and none for the table can be made."""
PARTS = f", NAME{PART}N for at most N ({SMALLEST} or more) images of each split of real data, or a pair file (.yaml)"
"""Which other names `domains:` may have."""


class _Registered(Mapping[str, PairRecipe]):
    """The pairs of the package; a file is read when its pair is first asked for."""

    def __getitem__(self, name: str) -> PairRecipe:
        if name == "streets":
            return Streets()
        if name not in NAMES:
            raise KeyError(name)
        return _shipped(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("streets", *NAMES))

    def __len__(self) -> int:
        return 1 + len(NAMES)


@cache
def _shipped(name: str) -> FilePair:
    return FilePair(shipped_pair(name))


PAIRS: Mapping[str, PairRecipe] = _Registered()
_defined: dict[str, FilePair] = {}
"""Pairs of files by name and digest. A digest stands for one meaning, so nothing depends on when one was added."""


def define(pair: PairFile, images: int | None = None) -> str:
    """Make a pair known to this process; returns its name for `find_pair`, which stands for what the file means.

    With `images`, the name of the pair that uses at most so many of each split.
    """
    name = f"{pair.pair}{CONTENT}{pair.digest()}"
    _defined[name] = FilePair(pair)
    return name if images is None else f"{name}{PART}{images}"


def definition(name: str) -> dict[str, Any] | None:
    """What `define` was given for a name, as JSON values, for another process; None for pairs of the package."""
    pair = _defined.get(name.partition(PART)[0])
    return pair.definition.model_dump(mode="json", exclude_defaults=True) if pair else None


def pair_meaning(name: str) -> dict[str, Any] | None:
    """All in a pair's file that decides an outcome, as JSON values; None for pairs of the package."""
    pair = _defined.get(name.partition(PART)[0])
    return pair.definition.meaning() if pair else None


def make_known(pair: Mapping[str, Any] | None) -> None:
    """Make a pair known to this process that another one got from `definition`; nothing for None."""
    if pair is not None:
        define(PairFile.model_validate(pair))


def open_pair(
    name: str, cache: Path, data_root: Path | None = None, digests: Mapping[str, str] | None = None
) -> DomainPair:
    """A pair whose packed files lie in the folder `cache`; real pairs are read from folders in `data_root`.

    `digests` has, by set, the digest that its files must have, as `data_files` gives them.
    Safe in any number of processes at once. Raises ValueError for an unknown name, and `MissingData`, at once or
    when a set is first used, where files are absent or unreadable.
    """
    return DomainPair(_checked(name, data_root), cache, data_root, digests=digests)


def data_files(name: str, cache: Path, data_root: Path | None, watch: Watcher = unwatched) -> DataFiles:
    """The files of a pair and what is in them; only those are read that were written since the last time.

    Raises ValueError for an unknown name, and `MissingData` where files are absent or are being written.
    """
    return find_data_files(_checked(name, data_root), data_root, cache, watch)


def recipe_version(name: str) -> str:
    """Hash of all that decides the images of a pair, except the files they are read from; part of a trial's key."""
    recipe = find_pair(name)
    sets = {set_name: recipe.describe(set_name) for set_name in SETS}
    return recipe_hash({"classes": recipe.classes.names, "held_out": recipe.held_out, "sets": sets})


def labeled_pool(name: str, protocol: str = "split", data_root: Path | None = None) -> int | None:
    """Number of target images that may get labels under a protocol: of those in a data root, else of the published.

    None where nobody knows how many were published.
    """
    recipe = find_pair(name) if data_root is None else find_pair(name).at(data_root)
    images = recipe.sizes.get("target_train")
    return None if images is None else training_pool(images, recipe.held_out, protocol)


def find_pair(name: str) -> PairRecipe:
    """A pair by its name; `NAME@N` is the pair that uses at most N images of each published split of real data.

    Raises ValueError for an unknown name.
    """
    whole, part, images = name.partition(PART)
    recipe = _defined.get(whole) or PAIRS.get(whole) or added_pair(whole)
    if recipe is not None and not part:
        return recipe
    if isinstance(recipe, FilePair) and is_count(images):
        return FilePair(recipe.definition, subset=int(images))
    raise ValueError(f"unknown domain pair {name!r}, known are {', '.join(PAIRS)}")


def is_count(text: str) -> bool:
    """Whether a text says how many images of each split a pair may use."""
    return text.isdecimal() and text == str(int(text)) and int(text) >= SMALLEST


def is_known(name: str) -> bool:
    """Whether there is a pair of this name."""
    try:
        find_pair(name)
    except ValueError:
        return False
    return True


def _checked(name: str, data_root: Path | None) -> PairRecipe:
    recipe = find_pair(name).at(data_root)
    recipe.check(data_root)
    return recipe
