"""Rules about the length of training."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError


def evaluations_end_with_training(draft: Draft) -> Iterator[SpecError]:
    """The last evaluation is at the last iteration."""
    train = draft.spec.train
    path = ("train", "evaluate_every")
    if train.evaluate_every > train.iterations:
        text = f"found {train.evaluate_every}, which is above iterations ({train.iterations}); allowed: a divisor of it"
        yield draft.error(path, text)
    elif train.iterations % train.evaluate_every:
        text = (
            f"found {train.evaluate_every}, which does not divide iterations ({train.iterations}); allowed: a divisor"
        )
        yield draft.error(path, text)


RULES = (evaluations_end_with_training,)
