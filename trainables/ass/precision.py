"""Losses are computed in float32 even where networks run in bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """The tensor in float32, or in the wider type that it has."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; without them a CPU takes several times as long as in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
