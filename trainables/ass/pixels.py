"""Pixels as the networks expect them."""

from __future__ import annotations

import torch
from torch import Tensor


def normalised(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """(images - mean) / std of images (N, 3, H, W) uint8, in their memory format and the type of mean (1, 3, 1, 1).

    The same bits as that expression, which takes 20 times as long on a CPU: torch computes it pixel by pixel where
    types are mixed, or where what is broadcast differs from one number in memory to the next.
    """
    values = images.to(mean.dtype)
    if values.is_contiguous() or not values.is_contiguous(memory_format=torch.channels_last):
        return values.sub_(mean).div_(std)
    rows = values.permute(0, 2, 3, 1).flatten(2)  # a view: rows of pixels, in which the statistics recur
    rows.sub_(mean.flatten().repeat(images.shape[3])).div_(std.flatten().repeat(images.shape[3]))
    return values
