"""The trainables a search-space file can name, imported only when they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.cache import cache_folder
from trainables.config import TrialConfig

if TYPE_CHECKING:
    from trainables.domains.data_files import DataFiles
    from trainables.domains.progress import Watcher


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


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


TRAINABLES = {
    "ass": TrainableEntry(
        "trainables.ass.config:AssConfig",
        "trainables.ass_trainable:AssTrainable",
        "trainables.ass_prepare:prepare",
        "trainables.ass_memory:trial_bytes",
        "trainables.domains.pairs:data_files",
    ),
    "curves": TrainableEntry("trainables.curves:CurvesConfig", "trainables.curves_trainable:CurvesTrainable"),
}
