"""An array in several pieces, read as one; pieces are copied only when they are read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np


class Rows:
    """Arrays one after another, read as one along their first axis.

    A single row, and a slice that lies within one array, is a view of it; anything else is a copy.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        """Raises ValueError where there is no array, or the arrays differ in more than their length."""
        if len({(part.shape[1:], part.dtype) for part in parts}) != 1:
            raise ValueError("rows need arrays of one shape and type")
        self._parts = tuple(parts)
        self._ends = list(accumulate(len(part) for part in parts))
        self.dtype = parts[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """As if it was one array."""
        return (len(self), *self._parts[0].shape[1:])

    @property
    def nbytes(self) -> int:
        """As if it was one array."""
        return sum(part.nbytes for part in self._parts)

    def __len__(self) -> int:
        return self._ends[-1]

    def __iter__(self) -> Iterator[np.ndarray]:
        for part in self._parts:
            yield from part

    def __getitem__(self, index: Any) -> np.ndarray:
        """The rows at an integer, a slice or an array of integers or booleans; raises IndexError."""
        if isinstance(index, int | np.integer):
            return self._row(range(len(self))[index])
        places = np.arange(len(self))[index]
        if isinstance(index, slice) and (view := self._view(places, index.step)) is not None:
            return view
        rows = np.empty((places.size, *self.shape[1:]), self.dtype)
        for row, place in zip(rows, places.ravel().tolist(), strict=True):
            row[...] = self._row(place)
        return rows.reshape(*places.shape, *self.shape[1:])

    def _row(self, place: int) -> np.ndarray:
        part = bisect_right(self._ends, place)
        return self._parts[part][place - self._ends[part]]

    def _view(self, places: np.ndarray, step: int | None) -> np.ndarray | None:
        if not len(places):
            return self._parts[0][:0]
        if step not in (None, 1):
            return None
        part = bisect_right(self._ends, places[0])
        before = self._ends[part] - len(self._parts[part])
        if places[-1] >= self._ends[part]:
            return None
        return self._parts[part][places[0] - before : places[-1] - before + 1]
