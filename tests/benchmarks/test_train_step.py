from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import train_step
from benchmarks.train_step import Found, compare


def check(found: Found, dtypes: tuple[str, ...]) -> None:
    assert 0 <= found.difference[0] <= 1e-5
    assert all(found.ratio(dtype) > 0 and found.limit_share(dtype) > 0 for dtype in dtypes)
    assert [part.name for part in found.parts][:4] == [
        "data",
        "source: forward and backward",
        "labeled: forward and backward",
        "unlabeled: forward",
    ]
    assert all(part.timing.median > 0 for part in found.parts)
    assert all(part.peak > 0 for part in found.parts if part.name != "optimizers")


def test_our_step_has_the_losses_of_adaptsegnets_loop(tmp_path: Path) -> None:
    dtypes = ("float32", "bfloat16")
    found = compare("laptop network", (64, 32), dtypes, 5, tmp_path)
    check(found, dtypes)
    console = Console(record=True, width=120)
    console.print(*train_step._shown(found))
    assert "AdaptSegNet's loop, float32" in console.export_text()


@pytest.mark.slow
def test_so_it_has_with_the_network_of_the_paper(tmp_path: Path) -> None:
    check(compare("ResNet-101", (64, 32), ("float32",), 5, tmp_path), ("float32",))
