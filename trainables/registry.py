"""The trainables a search-space file can name, imported only when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.cache import cache_folder
from trainables.config import TrialConfig

if TYPE_CHECKING:
    from trainables.domains.packing import Watcher


@dataclass(frozen=True)
class TrainableEntry:
    """Where a trainable's configuration (free of torch) and its Ray class are found."""

    config_path: str
    ray_path: str
    prepare_path: str | None = None
    memory_path: str | None = None

    @property
    def config(self) -> type[TrialConfig]:
        """The pydantic model of one trial's configuration."""
        return _load(self.config_path)

    def prepare(self, configs: Sequence[TrialConfig], data_root: Path | None, watch: Watcher) -> None:
        """Make on this node what trials share, so that none of them waits; raises MissingData and UserMistake.

        Args:
            configs: one of each kind of trial.
            data_root: folder of the real data sets.
            watch: is called with the progress.
        """
        if self.prepare_path is not None:
            _load(self.prepare_path)(configs, cache_folder(), data_root, watch)

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
    ),
    "curves": TrainableEntry("trainables.curves:CurvesConfig", "trainables.curves_trainable:CurvesTrainable"),
}
