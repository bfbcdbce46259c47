"""The segmentation network that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable

from trainables.ass.config import AssConfig
from trainables.ass.networks.deeplab_v2 import deeplab_v2
from trainables.ass.networks.efficientnet_lite0 import efficientnet_lite0
from trainables.ass.networks.segmentation_network import Backbone, SegmentationNetwork
from trainables.ass.networks.small import small
from trainables.ass.networks.weights import drawn_weights

BACKBONES: dict[str, Callable[[str], Backbone]] = {
    "small": small,
    "deeplab_v2": deeplab_v2,
    "efficientnet_lite0": efficientnet_lite0,
}


def build_network(config: AssConfig, classes: int) -> SegmentationNetwork:
    """G and CH in training mode, with the same first weights for the same seed, whatever the adaptor."""
    with drawn_weights(config.seed, "segmentation"):
        backbone = BACKBONES[config.network](config.backbone_weights)
        return SegmentationNetwork(backbone, classes, config.aspp_rates, config.normalisation, config.train_affine)
