"""DeepLab-v2's backbone (Chen et al., 2018): torchvision's ResNet-101 at output stride 8."""

from __future__ import annotations

from torch import nn
from torchvision.models import ResNet101_Weights, resnet101  # pyright: ignore[reportMissingTypeStubs]

from trainables.ass.networks.segmentation_network import Backbone
from trainables.ass.networks.weights import IMAGENET_MEAN, IMAGENET_STD, imagenet_weights, load_weights, read_weights

NETWORK = "ResNet-101"
LAYERS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


def deeplab_v2(weights: str) -> Backbone:
    """Output stride 8, 2048 channels; `weights` is `none`, `imagenet` (downloaded once) or a state dict's path.

    Raises MissingWeights.
    """
    resnet = resnet101(replace_stride_with_dilation=[False, True, True])
    body = nn.Sequential()
    for name in LAYERS:
        body.add_module(name, getattr(resnet, name))
    if weights != "none":
        imagenet = weights == "imagenet"
        loaded = imagenet_weights(NETWORK, ResNet101_Weights.IMAGENET1K_V1) if imagenet else read_weights(weights)
        without_head = {name: value for name, value in loaded.items() if not name.startswith("fc.")}
        load_weights(body, without_head, NETWORK, weights)
    return Backbone(body, 2048, IMAGENET_MEAN, IMAGENET_STD)
