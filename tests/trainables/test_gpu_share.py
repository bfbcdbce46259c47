"""Whether a trial fits into its share of a GPU."""

from __future__ import annotations

import pytest

from trainables.gpu_share import CONTEXT, check_share
from trainables.mistakes import UserMistake


def test_a_trial_that_fits_is_let_through() -> None:
    check_share(12e9 - CONTEXT, 0.5, 24e9)
    check_share(24e9 - CONTEXT, 1, 24e9)


def test_a_trial_that_does_not_fit_is_told_what_would() -> None:
    with pytest.raises(UserMistake) as caught:
        check_share(17e9 - CONTEXT, 0.5, 24e9)
    assert str(caught.value) == (
        "a trial needs about 17.0 GB of a GPU's memory, and resources.gpu: 0.5 of 24.0 GB is 12.0 GB; "
        "allowed: resources.gpu of at least 0.71, or a GPU of at least 17.0 GB, smaller batches, or dtype bfloat16"
    )


@pytest.mark.parametrize("gpus", [1, 4])
def test_more_gpus_do_not_help_a_trial_that_one_cannot_hold(gpus: float) -> None:
    with pytest.raises(UserMistake) as caught:
        check_share(30e9 - CONTEXT, gpus, 24e9)
    assert "is 24.0 GB; allowed: a GPU of at least 30.0 GB, smaller batches, or dtype bfloat16" in str(caught.value)
