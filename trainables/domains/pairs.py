"""The domain pairs by name, each set packed the first time that it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from trainables.domains.cityscapes_pairs import CITYSCAPES_PAIRS
from trainables.domains.classes import ClassSet
from trainables.domains.idda_camvid import IddaCamvid
from trainables.domains.pack import SHARD_BYTES, Pack
from trainables.domains.packed import PackedSet, open_packed
from trainables.domains.packing import Watcher, make, unwatched
from trainables.domains.recipe import SETS, MissingData, PairRecipe
from trainables.domains.shard import DamagedPackError, recipe_hash
from trainables.domains.streets.recipe import Streets
from trainables.domains.verified import is_verified

__all__ = ["PAIRS", "DomainPair", "MissingData", "labeled_pool", "open_pair", "recipe_version"]

PAIRS: Mapping[str, PairRecipe] = {recipe.name: recipe for recipe in (Streets(), IddaCamvid(), *CITYSCAPES_PAIRS)}


class DomainPair:
    """The four sets of a pair; a set is made and mapped when first used, so `oracle` never touches the source.

    Packed files lie in folders of the folder `cache`.
    """

    def __init__(self, recipe: PairRecipe, cache: Path, data_root: Path | None, shard_bytes: int = SHARD_BYTES) -> None:
        self.cache = cache
        self._recipe = recipe
        self._packs = {name: Pack(recipe, name, data_root, cache, shard_bytes) for name in SETS}
        self._notices: list[str] = []

    @property
    def name(self) -> str:
        """The name in search-space files."""
        return self._recipe.name

    @property
    def classes(self) -> ClassSet:
        """The classes that source and target share."""
        return self._recipe.classes

    @cached_property
    def source(self) -> PackedSet:
        """Labeled images of the source domain; may be larger than target images, then training crops them."""
        return self._open("source")

    @cached_property
    def target_train(self) -> PackedSet:
        """The target's training images: the first `pool` serve as unlabeled ones, and some of them carry labels."""
        return self._open("target_train")

    @cached_property
    def target_select(self) -> PackedSet:
        """The target images that choose configurations and prune."""
        return self._open("target_select")

    @cached_property
    def target_report(self) -> PackedSet:
        """The target images whose mIoU goes into the table."""
        return self._open("target_report")

    def pool(self, protocol: str) -> int:
        """How many of `target_train`, from the first on, a protocol trains on; it is all that its labels come from."""
        return _training_images(self._recipe, protocol)

    def take_notices(self) -> list[str]:
        """What people should know of the files opened since the last call: those that were damaged, and made again."""
        notices, self._notices = self._notices, []
        return notices

    def pack(self, set_name: str) -> Pack:
        """The files of a set, which may not be there yet."""
        return self._packs[set_name]

    def make(self, set_name: str, workers: int | None = None, watch: Watcher = unwatched, trust: bool = True) -> None:
        """Have the files of a set there and intact, as `packing.make`; what was damaged becomes a notice."""
        self._notices += make(self.pack(set_name), workers, watch, trust)

    def _open(self, set_name: str) -> PackedSet:
        pack = self.pack(set_name)
        if is_verified(pack.folder):
            with suppress(FileNotFoundError, DamagedPackError):
                return open_packed(pack.folder, pack.hash)
        self.make(set_name)
        return open_packed(pack.folder, pack.hash)


def open_pair(name: str, cache: Path, data_root: Path | None = None) -> DomainPair:
    """A pair whose packed files lie in the folder `cache`; real pairs are read from folders in `data_root`.

    Safe in any number of processes at once. Raises ValueError for an unknown name, and `MissingData`, at once or
    when a set is first used, where files are absent or unreadable.
    """
    recipe = _recipe(name)
    recipe.check(data_root)
    return DomainPair(recipe, cache, data_root)


def recipe_version(name: str) -> str:
    """Hash of everything in the code that decides the pixels of a pair; part of a trial's key."""
    return recipe_hash({set_name: _recipe(name).describe(set_name) for set_name in SETS})


def labeled_pool(name: str, protocol: str = "split") -> int:
    """Number of target images that may get labels under a protocol, without opening a file."""
    return _training_images(_recipe(name), protocol)


def _recipe(name: str) -> PairRecipe:
    if name not in PAIRS:
        raise ValueError(f"unknown domain pair {name!r}, known are {', '.join(PAIRS)}")
    return PAIRS[name]


def _training_images(recipe: PairRecipe, protocol: str) -> int:
    return recipe.sizes["target_train"] - (0 if protocol == "paper" else recipe.held_out)
