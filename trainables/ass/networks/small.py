"""A residual network of DeepLab's form, small enough to train from scratch on one CPU core."""

from __future__ import annotations

from torch import Tensor, nn

from trainables.ass.networks.segmentation_network import Backbone
from trainables.ass.networks.weights import IMAGENET_MEAN, IMAGENET_STD, load_weights, read_weights


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def small(weights: str) -> Backbone:
    """Output stride 8, 64 channels; `weights` is `none` or the path of a state dict."""
    body = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 16, 3, 2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)),
        ResidualBlock(16, 32, stride=2),
        ResidualBlock(32, 48, stride=2),
        ResidualBlock(48, 64, dilation=2),
        ResidualBlock(64, 64, dilation=4),
    )
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if weights != "none":
        load_weights(body, read_weights(weights), "small", weights)
    return Backbone(body, 64, IMAGENET_MEAN, IMAGENET_STD)
