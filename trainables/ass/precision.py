"""Numbers as networks expect them: the types they run in, and pixels. Losses are computed in float32 all the same."""

from __future__ import annotations

import torch
from torch import Tensor

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def autocast(dtype: str, device: torch.device) -> torch.autocast:
    """The context in which networks run in a type that a configuration names."""
    return torch.autocast(device.type, dtype=DTYPES[dtype], enabled=DTYPES[dtype] is not torch.float32)


def at_least_float32(x: Tensor) -> Tensor:
    """The tensor in float32, or in the wider type that it has."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; without them a CPU takes several times as long as in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


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
