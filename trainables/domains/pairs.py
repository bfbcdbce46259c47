"""The domain pairs by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainables.domains.cityscapes_pairs import CITYSCAPES_PAIRS
from trainables.domains.data_files import DataFiles, find_data_files
from trainables.domains.domain_pair import DomainPair
from trainables.domains.idda_camvid import IddaCamvid
from trainables.domains.progress import Watcher, unwatched
from trainables.domains.recipe import SETS, PairRecipe
from trainables.domains.sampling import training_pool
from trainables.domains.shard import recipe_hash
from trainables.domains.streets.recipe import Streets

PAIRS: Mapping[str, PairRecipe] = {recipe.name: recipe for recipe in (Streets(), IddaCamvid(), *CITYSCAPES_PAIRS)}


def open_pair(
    name: str, cache: Path, data_root: Path | None = None, digests: Mapping[str, str] | None = None
) -> DomainPair:
    """A pair whose packed files lie in the folder `cache`; real pairs are read from folders in `data_root`.

    `digests` has, by set, the digest that its files must have, as `data_files` gives them.
    Safe in any number of processes at once. Raises ValueError for an unknown name, and `MissingData`, at once or
    when a set is first used, where files are absent or unreadable.
    """
    recipe = _recipe(name)
    recipe.check(data_root)
    return DomainPair(recipe, cache, data_root, digests=digests)


def data_files(name: str, cache: Path, data_root: Path | None, watch: Watcher = unwatched) -> DataFiles:
    """The files of a pair and what is in them; only those are read that were written since the last time.

    Raises ValueError for an unknown name, and `MissingData` where files are absent or are being written.
    """
    recipe = _recipe(name)
    recipe.check(data_root)
    return find_data_files(recipe, data_root, cache, watch)


def recipe_version(name: str) -> str:
    """Hash of all that decides the images of a pair, except the files they are read from; part of a trial's key."""
    recipe = _recipe(name)
    sets = {set_name: recipe.describe(set_name) for set_name in SETS}
    return recipe_hash({"classes": recipe.classes.names, "held_out": recipe.held_out, "sets": sets})


def labeled_pool(name: str, protocol: str = "split") -> int:
    """Number of target images that may get labels under a protocol, without opening a file."""
    recipe = _recipe(name)
    return training_pool(recipe.sizes["target_train"], recipe.held_out, protocol)


def _recipe(name: str) -> PairRecipe:
    if name not in PAIRS:
        raise ValueError(f"unknown domain pair {name!r}, known are {', '.join(PAIRS)}")
    return PAIRS[name]
