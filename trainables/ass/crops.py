"""Parts of packed images and labels, copied once: from the mapped file to where the device takes them from."""

from __future__ import annotations

from collections.abc import Iterator
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
        """Images (N, 3, H, width) uint8 on the device, out of (M, H, W, 3)."""
        if device.type == "cpu" and not channels_last:
            return self._planar(images)
        pixels = self._interleaved(images, device).to(device, non_blocking=True).permute(0, 3, 1, 2)
        return pixels if channels_last else pixels.contiguous()

    def labels(self, labels: Rows, device: torch.device) -> Tensor:
        """Labels (N, H, width) int64 on the device, out of (M, H, W) uint8; other devices than this one widen them."""
        dtype = torch.int64 if device.type == "cpu" else torch.uint8
        host = host_tensor((len(self.indices), labels.shape[1], self.width), device, dtype)
        for copy, view in zip(host.numpy(), self._views(labels), strict=True):
            np.copyto(copy, view)
        return host.to(device, non_blocking=True).long()

    def _planar(self, images: Rows) -> Tensor:
        pixels = torch.empty(len(self.indices), 3, images.shape[1], self.width, dtype=torch.uint8)
        for copy, view in zip(pixels.numpy(), self._views(images), strict=True):
            np.copyto(copy, view.transpose(2, 0, 1))
        return pixels

    def _interleaved(self, images: Rows, device: torch.device) -> Tensor:
        pixels = host_tensor((len(self.indices), images.shape[1], self.width, 3), device)
        for place, index in enumerate(self.indices.tolist()):
            image, offset = pixels[place], self.offsets[place]
            np.copyto(image.numpy(), images[index][:, offset : offset + self.width])
            if self.mirrored[place]:
                image.copy_(image.flip(1))  # numpy copies pixels in reverse order 10 times slower
        return pixels

    def _views(self, rows: Rows) -> Iterator[np.ndarray]:
        for index, offset, mirror in zip(self.indices.tolist(), self.offsets, self.mirrored, strict=True):
            view = rows[index][:, offset : offset + self.width]
            yield view[:, ::-1] if mirror else view


def host_tensor(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.uint8) -> Tensor:
    """Memory to fill here from which the device can copy without anyone waiting for it."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")
