"""What each iteration measured, kept on the device until it is averaged, so that no step waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.contract import Diverged


class Records:
    """Scalars of the iterations since they were last averaged; not all iterations need to measure the same ones."""

    def __init__(self) -> None:
        self.spans: list[tuple[tuple[str, ...], list[Tensor]]] = []
        """Iterations in a row that measured the same scalars: their names, and a row for each iteration."""

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Scalar tensors of one iteration, by name."""
        names = tuple(values)
        if not self.spans or self.spans[-1][0] != names:
            self.spans.append((names, []))
        self.spans[-1][1].append(torch.stack([value.detach().float() for value in values.values()]))

    @property
    def newest(self) -> dict[str, Tensor]:
        """Scalars () of the newest iteration, by name; raises IndexError right after they were averaged."""
        names, rows = self.spans[-1]
        return dict(zip(names, rows[-1].unbind(), strict=True))

    def average(self, iteration: int) -> dict[str, float]:
        """Mean of each scalar over the iterations before `iteration` that measured it, which are then forgotten.

        Raises `Diverged` where a value is not finite.
        """
        spans, self.spans = self.spans, []
        at = iteration - sum(len(rows) for _, rows in spans)
        columns: dict[str, list[Tensor]] = defaultdict(list)
        for names, rows in spans:
            table = torch.stack(rows).double().cpu()
            if bad := (~table.isfinite()).nonzero().numpy().tolist():
                row, column = bad[0]
                raise Diverged(f"{names[column]} is {table[row, column].item()} at iteration {at + row}")
            at += len(rows)
            for name, column in zip(names, table.unbind(1), strict=True):
                columns[name].append(column)
        return {name: torch.cat(parts).mean().item() for name, parts in columns.items()}

    def state_dict(self) -> dict[str, Any]:
        """For each span its names, and its rows (iterations, names)."""
        return {"spans": [{"names": list(names), "rows": torch.stack(rows)} for names, rows in self.spans]}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from `state_dict()`, on a device."""
        self.spans = [(tuple(span["names"]), list(span["rows"].to(device).unbind())) for span in state["spans"]]
