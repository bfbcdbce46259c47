from __future__ import annotations

import pytest
import torch

from trainables.ass.precision import normalised

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 3, 16, 32), (3, 3, 1, 1)])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last, "strided"])
def test_pixels_are_normalised_to_the_bit_in_every_memory_format(
    shape: tuple[int, ...], form: torch.memory_format | str, dtype: torch.dtype
) -> None:
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    if isinstance(form, torch.memory_format):
        images = images.contiguous(memory_format=form)
    else:
        images = images.repeat_interleave(2, 3)[..., ::2]
    before = images.clone()
    mean, std = MEAN.to(dtype), STD.to(dtype)
    found, expected = normalised(images, mean, std), (images - mean) / std
    assert found.dtype == dtype
    assert torch.equal(found, expected)
    assert found.stride() == expected.stride()
    assert torch.equal(images, before)
