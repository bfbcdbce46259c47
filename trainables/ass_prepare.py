"""Makes and checks what the trials of a study share before they start: data, and pre-trained weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from trainables.ass.config import AssConfig
from trainables.domains.pairs import find_pair, labeled_pool
from trainables.domains.prepare import prepare_pair
from trainables.domains.progress import Watcher
from trainables.domains.recipe import MissingData

logger = logging.getLogger(__name__)
DRAWN = ("small", "none")
"""The network and weights that need no package and no file."""


def prepare(
    configs: Sequence[AssConfig],
    cache: Path,
    data_root: Path | None,
    watch: Watcher,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Make and check data and weights on this node.

    Args:
        configs: one of each kind of trial that the study has.
        cache: folder of packed files.
        data_root: folder of the real data sets.
        watch: is called with the progress of packing.
        digests: of the files of each set, as `data_files` gives them; None for whatever the data root has.

    Raises MissingWeights before any data is packed, MissingData also where too few images are there, and OtherData.
    """
    _check_backbones({(config.network, config.backbone_weights) for config in configs} - {DRAWN})
    pairs = sorted({config.domains for config in configs})
    for domains in pairs:
        find_pair(domains).at(data_root).check(data_root)
    _check_labels(configs, data_root)
    for domains in pairs:
        prepare_pair(domains, cache, data_root, watch, digests)
    _warn_of_bfloat16({config.device for config in configs if config.dtype == "bfloat16"})


def _check_backbones(backbones: Set[tuple[str, str]]) -> None:
    if backbones:
        from trainables.ass.networks.build import BACKBONES  # with torch, seconds that most studies' drivers do without

        for network, weights in sorted(backbones):
            BACKBONES[network](weights)


def _check_labels(configs: Sequence[AssConfig], data_root: Path | None) -> None:
    """Raise `MissingData` where more labeled images are asked for than are there, of which plans know nothing."""
    for pair in sorted({(config.domains, config.protocol) for config in configs}):
        domains, protocol = pair
        pool = labeled_pool(domains, protocol, data_root)
        asked = {config.labeled_images for config in configs if (config.domains, config.protocol) == pair}
        if pool is not None and (too_many := sorted(images for images in asked if images > pool)):
            raise MissingData(
                f"labeled_images: found {', '.join(map(str, too_many))}; allowed: at most {pool}, the images of "
                f"{domains} in {data_root} that may be trained on (protocol: {protocol})"
            )


def _warn_of_bfloat16(devices: Set[str]) -> None:
    if devices:
        from trainables.ass.precision import computes_in_bfloat16
        from trainables.ass.trainer import choose_device

        if not all(computes_in_bfloat16(choose_device(device)) for device in devices):
            logger.warning(
                "dtype: bfloat16 on a CPU without instructions for it takes several times as long as float32: "
                "fixed: {dtype: float32}"
            )
