"""Crops of packed images and labels, copied once: from the mapped file to the memory that the device reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.domains.rows import Rows


@dataclass(frozen=True)
class Crops:
    """What a batch shows of which images.

    Attributes:
        indices: images of a set (N,).
        offsets: first column of each (N,).
        width: number of columns.
        mirrored: whether left and right are exchanged (N,) bool.
    """

    indices: np.ndarray
    offsets: np.ndarray
    width: int
    mirrored: np.ndarray

    def pixels(self, images: Rows, device: torch.device, channels_last: bool) -> Tensor:
        """Images (N, 3, H, width) uint8 on the device, out of (M, H, W, 3); a GPU permutes the axes itself."""
        if device.type == "cpu" and not channels_last:
            return self._copied(images, (2, 0, 1), device)
        pixels = self._copied(images, (0, 1, 2), device).to(device, non_blocking=True).permute(0, 3, 1, 2)
        return pixels if channels_last else pixels.contiguous()

    def labels(self, labels: Rows, device: torch.device) -> Tensor:
        """Labels (N, H, width) int64 on the device, out of (M, H, W) uint8; the device converts them to int64."""
        return self._copied(labels, (0, 1), device).to(device, non_blocking=True).long()

    def _copied(self, rows: Rows, axes: tuple[int, ...], device: torch.device) -> Tensor:
        """Crops (N, ...) of the rows with their axes in another order; columns are axis 1 of a row."""
        crop_shape = rows.shape[1], self.width, *rows.shape[3:]
        copies = host_tensor((len(self.indices), *(crop_shape[axis] for axis in axes)), device)
        for copy, index, offset, mirror in zip(copies, self.indices, self.offsets, self.mirrored, strict=True):
            crop = rows[index][:, offset : offset + self.width]
            np.copyto(copy.numpy(), crop.transpose(axes))
            if mirror:
                copy.copy_(copy.flip(axes.index(1)))  # numpy copies pixels in reverse order 10 times slower
        return copies


def host_tensor(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Host memory for bytes, to be filled here; pinned for a GPU, which then copies without blocking."""
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
