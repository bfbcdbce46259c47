from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainables.domains.rows import Rows

WHOLE = np.arange(10 * 2 * 3).reshape(10, 2, 3).astype(np.uint8)
PARTS = [WHOLE[:4], WHOLE[4:5], WHOLE[5:]]


@pytest.mark.parametrize(
    "index",
    [
        *[0, 4, 9, -1, -10, np.int64(5)],
        *[slice(None), slice(1, 3), slice(3, 7), slice(6, 6), slice(9, 30), slice(0, 10, 3), slice(None, None, -1)],
        *[[], [3, 9, 3], np.array([8, 0, 4]), np.array([[0, 9], [5, -1]]), WHOLE[:, 0, 0] % 4 == 0],
    ],
    ids=str,
)
def test_rows_are_read_as_those_of_one_array(index: Any) -> None:
    np.testing.assert_array_equal(Rows(PARTS)[index], WHOLE[index])


@pytest.mark.parametrize("index", [10, -11, [3, 10]])
def test_what_is_not_there_is_an_error(index: Any) -> None:
    with pytest.raises(IndexError):
        Rows(PARTS)[index]


def test_rows_look_like_one_array() -> None:
    rows = Rows(PARTS)
    assert (rows.shape, rows.dtype, rows.nbytes, len(rows)) == (WHOLE.shape, WHOLE.dtype, WHOLE.nbytes, 10)
    np.testing.assert_array_equal(list(rows), WHOLE)


@pytest.mark.parametrize("index", [3, slice(5, 9), slice(0, 4)])
def test_what_lies_in_one_array_is_a_view(index: Any) -> None:
    assert np.shares_memory(Rows(PARTS)[index], WHOLE)


@pytest.mark.parametrize("parts", [[], [WHOLE, WHOLE[:, :1]], [WHOLE, WHOLE.astype(int)]])
def test_arrays_of_several_shapes_or_types_are_refused(parts: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="arrays of one shape and type"):
        Rows(parts)
