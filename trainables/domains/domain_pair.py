"""The four sets of a domain pair as training reads them, each packed the first time that it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from trainables.domains.classes import ClassSet
from trainables.domains.pack import SHARD_BYTES, Pack
from trainables.domains.packed import PackedSet, open_packed
from trainables.domains.packing import make
from trainables.domains.progress import Watcher, unwatched
from trainables.domains.recipe import SETS, PairRecipe
from trainables.domains.sampling import training_pool
from trainables.domains.shard import DamagedPackError
from trainables.domains.verified import is_verified


class DomainPair:
    """The four sets of a pair; a set is made and mapped when first used, so `oracle` never touches the source.

    Packed files lie in folders of the folder `cache`. `digests` has, by set, the digest that its files must have; a
    set that is not in it is made from whatever the data root has.
    """

    def __init__(
        self,
        recipe: PairRecipe,
        cache: Path,
        data_root: Path | None,
        shard_bytes: int = SHARD_BYTES,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        self.cache = cache
        self._recipe = recipe = recipe.at(data_root)
        expected = digests or {}
        self._packs = {name: Pack(recipe, name, data_root, cache, shard_bytes, expected.get(name)) for name in SETS}
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

    @property
    def resample_by(self) -> str:
        """What images of the report split are resampled by, such as `image`."""
        return self._recipe.resample_by

    @property
    def report_units(self) -> tuple[str, ...]:
        """The unit that each image of the report split is in."""
        return tuple(self._recipe.units(self.target_report.names))

    def pool(self, protocol: str) -> int:
        """How many of `target_train`, from the first on, a protocol trains on; it is all that its labels come from."""
        held_out = len(self.target_select) if self._recipe.held_out and protocol != "paper" else 0
        return training_pool(len(self.target_train), held_out, protocol)

    def take_notices(self) -> list[str]:
        """Messages for the user about files opened since the last call that were damaged, and made again."""
        notices, self._notices = self._notices, []
        return notices

    def pack(self, set_name: str) -> Pack:
        """The files of a set, which may not be there yet."""
        return self._packs[set_name]

    def make(self, set_name: str, workers: int | None = None, watch: Watcher = unwatched, trust: bool = True) -> None:
        """Make the files of a set where missing or damaged, as `packing.make`; what was damaged becomes a notice."""
        self._notices += make(self.pack(set_name), workers, watch, trust)

    def _open(self, set_name: str) -> PackedSet:
        pack = self.pack(set_name)
        if is_verified(pack.folder):
            with suppress(FileNotFoundError, DamagedPackError):
                return open_packed(pack.folder, pack.hash)
        self.make(set_name)
        return open_packed(pack.folder, pack.hash)
