"""Rules about the length of training."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError


def evaluations_end_with_training(draft: Draft) -> Iterator[SpecError]:
    """The last evaluation is at the last iteration."""
    train = draft.spec.train
    if train.iterations % train.evaluate_every:
        problem = "is above" if train.evaluate_every > train.iterations else "does not divide"
        text = (
            f"found {train.evaluate_every}, which {problem} iterations ({train.iterations}); allowed: a divisor of it"
        )
        yield draft.error(("train", "evaluate_every"), text)


RULES = (evaluations_end_with_training,)
