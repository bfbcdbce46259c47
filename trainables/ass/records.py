"""What each iteration measured, kept on the device until it is averaged, so that no step waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.contract import Diverged


class Records:
    """Scalars of the iterations since they were last averaged; all iterations measure the same ones."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.rows: list[Tensor] = []

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Scalar tensors of one iteration, by name."""
        self.names = tuple(values)
        self.rows.append(torch.stack([value.detach().float() for value in values.values()]))

    def average(self, iteration: int) -> dict[str, float]:
        """Means over the rows of the iterations before `iteration`, which are then forgotten; raises `Diverged`."""
        if not self.rows:
            return {}
        table = torch.stack(self.rows).double().cpu()
        self.rows = []
        if bad := (~table.isfinite()).nonzero().numpy().tolist():
            row, column = bad[0]
            when = iteration - len(table) + row
            raise Diverged(f"{self.names[column]} is {table[row, column].item()} at iteration {when}")
        return dict(zip(self.names, table.mean(0).numpy().tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Names, and rows (iterations, names)."""
        return {"names": list(self.names), "rows": torch.stack(self.rows) if self.rows else None}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from `state_dict()`, on a device."""
        self.names = tuple(state["names"])
        self.rows = [] if state["rows"] is None else list(state["rows"].to(device).unbind())
