"""Section 3.1: the segmentation loss, and the cross-entropy that the semantic-level losses share with it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.domains.classes import IGNORE


def segmentation_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """L_seg (Eq 1) of score maps (N, c, h, w) against labels (N, H, W), at the labels' size.

    The paper sums over pixels; this is the mean over the batch's valid pixels, as in AdaptSegNet's code, on whose
    scale the lambdas of the papers are: each loss is about log c at the start, whatever the image size. Under sums
    lambda_sadv = 1 would weigh (H W) / (h w) times less against L_seg for CSA, and (H W) / c times less for FCSA.
    """
    return mean_cross_entropy(upsample(scores, labels.shape[-2:]), labels)


def upsample(scores: Tensor, size: tuple[int, ...]) -> Tensor:
    """Bilinear interpolation (N, c, h, w) to (N, c, *size)."""
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)


def mean_cross_entropy(scores: Tensor, classes: Tensor) -> Tensor:
    """Mean of -log softmax(scores) at the true class, over what is not ignored; 0 where everything is ignored.

    Scores are (N, channels, ...), classes (N, ...) int64 with 255 for what is ignored.
    """
    valid = (classes != IGNORE).sum().clamp(min=1)
    return F.cross_entropy(scores, classes, ignore_index=IGNORE, reduction="sum") / valid


def downsample_labels(labels: Tensor, size: tuple[int, ...]) -> Tensor:
    """Labels y of F's size: of each cell of (N, H, W) divided into `size` cells, the pixel at its centre.

    Centres, as in the bilinear interpolation of Eq 1, so that a feature vector and the label it is paired with
    here belong to the same place. Returns (N, *size).
    """
    (height, width), (rows, columns) = labels.shape[-2:], size
    of_rows, of_columns = _centres(height, rows, labels.device), _centres(width, columns, labels.device)
    return labels[:, of_rows][:, :, of_columns]


def _centres(length: int, cells: int, device: torch.device) -> Tensor:
    """Made on the device: it would be waited for to copy them there."""
    return (2 * torch.arange(cells, device=device) + 1) * length // (2 * cells)
