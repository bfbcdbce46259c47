"""The trainables a search-space file can name: ours and those of installed packages, imported when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.cache import cache_folder
from trainables.config import TrialConfig
from trainables.extensions import Extension, extensions

if TYPE_CHECKING:
    from trainables.domains.data_files import DataFiles
    from trainables.domains.progress import Watcher
    from trainables.trainable import Trainable


@dataclass(frozen=True)
class TrainableEntry:
    """Where a trainable's configuration (free of torch) and its Ray class are found."""

    config_path: str
    ray_path: str
    prepare_path: str | None = None
    memory_path: str | None = None
    data_path: str | None = None

    @property
    def config(self) -> type[TrialConfig]:
        """The pydantic model of one trial's configuration."""
        return _load(self.config_path)

    def is_of(self, config: type[TrialConfig]) -> bool:
        """Whether a configuration is this trainable's own; imports nothing."""
        return f"{config.__module__}:{config.__qualname__}" == self.config_path

    def data_files(self, domains: str, data_root: Path | None, watch: Watcher) -> DataFiles:
        """The files of a domain pair that trials are trained and judged on; none where no file is read.

        Args:
            domains: name of the pair.
            data_root: folder of the real data sets.
            watch: is called with the progress of reading.

        Raises MissingData.
        """
        if self.data_path is None:
            return _load("trainables.domains.data_files:NO_FILES")
        return _load(self.data_path)(domains, cache_folder(), data_root, watch)

    def prepare(
        self,
        configs: Sequence[TrialConfig],
        data_root: Path | None,
        watch: Watcher,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Make on this node what trials share, so that none of them waits; raises MissingData and UserMistake.

        Args:
            configs: one of each kind of trial.
            data_root: folder of the real data sets.
            watch: is called with the progress.
            digests: of the files of each set, as `data_files` has them; None for whatever the data root has.
        """
        if self.prepare_path is not None:
            _load(self.prepare_path)(configs, cache_folder(), data_root, watch, digests)

    def device_bytes(self, config: TrialConfig) -> int | None:
        """An estimate of the device memory for a trial's tensors, if the trainable makes one; may import torch."""
        return None if self.memory_path is None else _load(self.memory_path)(config)

    @property
    def ray_class(self) -> type[Any]:
        """The `ray.tune.Trainable`; importing it may import torch."""
        return _load(self.ray_path)


@dataclass(frozen=True, kw_only=True)
class ExtensionEntry(TrainableEntry):
    """A trainable of an installed package, which is imported when it is first asked for anything."""

    extension: Extension

    @cached_property
    def author_class(self) -> type[Trainable[Any]]:
        """What the author wrote. Raises BrokenExtension."""
        from trainables.trainable import Trainable, mistakes_of

        found = self.extension.load_class(Trainable)
        if mistakes := mistakes_of(found):
            raise self.extension.broken("; ".join(mistakes))
        return found

    @property
    def config(self) -> type[TrialConfig]:
        """The model of the author's settings. Raises BrokenExtension."""
        return self.author_class.Settings

    def is_of(self, config: type[TrialConfig]) -> bool:
        """Whether the settings are the author's; those of a package that nobody has used are not."""
        return "author_class" in self.__dict__ and config is self.author_class.Settings

    def data_files(self, domains: str, data_root: Path | None, watch: Watcher) -> DataFiles:
        """The files that the author's settings name for a pair. Raises MissingData."""
        from trainables.named_files import named_files

        return named_files(self.author_class.Settings.data_files(domains), data_root, cache_folder(), watch)

    def prepare(
        self,
        configs: Sequence[TrialConfig],
        data_root: Path | None,
        watch: Watcher,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Compare the files on this node with the digests. Raises MissingData and OtherData."""
        if digests is None:
            return
        for domains in sorted({config.domains for config in configs}):
            if (found := self.data_files(domains, data_root, watch).digests) != digests:
                raise _load("trainables.domains.pack:OtherData")(
                    f"{data_root} has other files than expected for {domains}: found digests {found}, "
                    f"expected {dict(digests)}. Files must stay as they are, and be the same on all nodes."
                )

    @property
    def ray_class(self) -> type[Any]:
        """Imports Ray and torch."""
        from trainables.run_trainable import ray_class_of

        return ray_class_of(self.author_class)


class Registry(MutableMapping[str, TrainableEntry]):
    """Trainables by name: ours first, then those of installed packages in the order of their names.

    A package cannot take the place of one of ours, so that what is installed never changes what a file means.
    """

    def __init__(self, ours: Mapping[str, TrainableEntry]) -> None:
        self.ours = dict(ours)
        self._added: dict[str, TrainableEntry] = {}

    def __getitem__(self, name: str) -> TrainableEntry:
        if name in self.ours:
            return self.ours[name]
        extension = extensions("ass_tune.trainables")[name]
        return self._added.setdefault(name, ExtensionEntry(extension.path, "", extension=extension))

    def __setitem__(self, name: str, entry: TrainableEntry) -> None:
        self.ours[name] = entry

    def __delitem__(self, name: str) -> None:
        del self.ours[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.ours
        yield from (name for name in extensions("ass_tune.trainables") if name not in self.ours)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def name_of(self, config: type[TrialConfig]) -> str | None:
        """The name of the trainable that a configuration is of; imports no other one."""
        entries = {**self.ours, **self._added}
        return next((name for name, entry in entries.items() if entry.is_of(config)), None)


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


TRAINABLES = Registry(
    {
        "ass": TrainableEntry(
            "trainables.ass.config:AssConfig",
            "trainables.ass_trainable:AssTrainable",
            "trainables.ass_prepare:prepare",
            "trainables.ass_memory:trial_bytes",
            "trainables.domains.pairs:data_files",
        ),
        "curves": TrainableEntry("trainables.curves:CurvesConfig", "trainables.curves_trainable:CurvesTrainable"),
    }
)
