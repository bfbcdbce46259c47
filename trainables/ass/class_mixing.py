"""ClassMix (Olsson et al., WACV 2021): one image with classes of another pasted onto it, and the labels of both.

Everything has a shape that is known before, so that nothing waits for the device.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainables.domains.sampling import stream


def class_masks(labels: Tensor, classes: int, seed: int, iteration: int) -> Tensor:
    """Pixels (N, H, W) bool of half of the classes, rounded up, that occur in each image (their Algorithm 1).

    Which ones is drawn by seed, iteration and place in the batch; labels are (N, H, W) int64 from 0 to classes - 1.
    """
    flat = labels.flatten(1)
    draws = stream(seed, "classmix", iteration)
    drawn = draws.permuted(np.tile(np.arange(classes), (len(labels), 1)), axis=1)
    order = torch.as_tensor(drawn, device=labels.device)
    occurs = torch.zeros(len(labels), classes, dtype=torch.bool, device=labels.device).scatter(1, flat, True)
    in_order = occurs.gather(1, order)
    first_half = in_order.cumsum(1) <= (in_order.sum(1, keepdim=True) + 1) // 2
    chosen = torch.zeros_like(occurs).scatter(1, order, in_order & first_half)
    return chosen.gather(1, flat).view_as(labels)


def paste(values: Tensor, mask: Tensor) -> Tensor:
    """Values of each image where its mask is set, elsewhere those of the image before it (of the first: the last)."""
    return torch.where(mask, values, values.roll(1, 0))


def trust(sure: Tensor, confidence: float) -> Tensor:
    """Weights (N, H, W), the same for all pixels of an image: the share of them that are surer than a threshold.

    `sure` (N, H, W) is the highest probability of each pixel. The weight of the unlabeled loss in ClassMix and in DACS
    (Tranheden et al., WACV 2021).
    """
    return (sure > confidence).float().mean((1, 2), keepdim=True).expand_as(sure)
