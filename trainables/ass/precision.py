"""Losses are computed in float32 even where networks run in bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """The tensor in float32, or in the wider type that it has."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
