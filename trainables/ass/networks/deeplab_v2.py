"""DeepLab-v2's backbone (Chen et al., 2018): torchvision's ResNet-101 at output stride 8."""

from __future__ import annotations

from torch import nn
from torchvision.models import ResNet101_Weights, resnet101

from trainables.ass.networks.segmentation_network import Backbone
from trainables.ass.networks.weights import IMAGENET_MEAN, IMAGENET_STD, read_weights

LAYERS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


def deeplab_v2(weights: str) -> Backbone:
    """Output stride 8, 2048 channels; `weights` is `none`, `imagenet` (downloaded once) or a state dict's path."""
    resnet = resnet101(replace_stride_with_dilation=[False, True, True])
    body = nn.Sequential()
    for name in LAYERS:
        body.add_module(name, getattr(resnet, name))
    if weights != "none":
        imagenet = ResNet101_Weights.IMAGENET1K_V1
        loaded = imagenet.get_state_dict(progress=False) if weights == "imagenet" else read_weights(weights)
        body.load_state_dict({name: value for name, value in loaded.items() if not name.startswith("fc.")})
    return Backbone(body, 2048, IMAGENET_MEAN, IMAGENET_STD)
