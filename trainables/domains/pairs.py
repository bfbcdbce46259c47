"""The domain pairs by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from trainables.domains.added_pairs import added_pair
from trainables.domains.cityscapes_pairs import CITYSCAPES_PAIRS
from trainables.domains.data_files import DataFiles, find_data_files
from trainables.domains.domain_pair import DomainPair
from trainables.domains.file_pair import FilePair
from trainables.domains.idda_camvid import IddaCamvid
from trainables.domains.progress import Watcher, unwatched
from trainables.domains.recipe import SETS, PairRecipe
from trainables.domains.sampling import training_pool
from trainables.domains.shard import recipe_hash
from trainables.domains.streets.recipe import Streets

PART = "@"
"""In the name of a pair, comes before the number of images that each split is cut to: `gta5-cityscapes@200`."""
SMALLEST = 2
"""Of one image no set for choosing and none for the table can be made."""
PARTS = f", and NAME{PART}N for at most N ({SMALLEST} or more) images of each split of real data"
"""Which other names `find_pair` knows."""
PAIRS: Mapping[str, PairRecipe] = {recipe.name: recipe for recipe in (Streets(), IddaCamvid(), *CITYSCAPES_PAIRS)}


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


def labeled_pool(name: str, protocol: str = "split", data_root: Path | None = None) -> int:
    """Number of target images that may get labels under a protocol: of those in a data root, else of the published."""
    recipe = find_pair(name) if data_root is None else find_pair(name).at(data_root)
    return training_pool(recipe.sizes["target_train"], recipe.held_out, protocol)


def find_pair(name: str) -> PairRecipe:
    """A pair by its name; `NAME@N` is the pair that uses at most N images of each published split of real data.

    Raises ValueError for an unknown name.
    """
    if name in PAIRS:
        return PAIRS[name]
    if (added := added_pair(name)) is not None:
        return added
    whole, _, images = name.rpartition(PART)
    recipe = PAIRS.get(whole)
    if isinstance(recipe, FilePair) and images.isdecimal() and images == str(int(images)) and int(images) >= SMALLEST:
        return replace(recipe, name=name, subset=int(images))
    raise ValueError(f"unknown domain pair {name!r}, known are {', '.join(PAIRS)}")


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
