from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """`table(cells, configurations, seeds, steps)`: a table in which the last configuration ends best.

    Each curve rises to 10 times its configuration; seeds shift it.
    """

    def write(cells: int = 2, configurations: int = 4, seeds: int = 2, steps: int = 20, **columns: object) -> Path:
        rows = [
            (f"cell {cell}", which, seed, step, 10 * which * (1 - np.exp(-4 * step / steps)) + cell + 0.1 * seed)
            for cell in range(cells)
            for which in range(1, configurations + 1)
            for seed in range(seeds)
            for step in range(1, steps + 1)
        ]
        frame = pd.DataFrame(rows, columns=["cell", "configuration", "seed", "step", "value"]).assign(**columns)
        path = tmp_path / "recorded.parquet"
        frame.to_parquet(path)
        return path

    return write


@pytest.fixture
def changed() -> Callable[[Path, Callable[[pd.DataFrame], pd.DataFrame]], Path]:
    """Change a table in its file."""

    def change(path: Path, how: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        how(pd.read_parquet(path)).to_parquet(path)
        return path

    return change
