"""What a well-formed file must still fulfil. A rule takes the draft and yields a record for every mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError
from ass_tune.spec.rules import combinations, conditions, names, optuna, ranges, training, values

Rule = Callable[[Draft], Iterator[SpecError]]

RULES: tuple[Rule, ...] = (
    *names.RULES,
    *values.RULES,
    *ranges.RULES,
    *conditions.RULES,
    *optuna.RULES,
    *training.RULES,
)
COMBINATION_RULES: tuple[Rule, ...] = combinations.RULES
"""Rules that evaluate cells; they need names, values and conditions to be right."""

_CELL_SECTIONS = {"trainable", "domains", "profile", "ablate", "tune", "fixed", "train", "protocol"}


def mistakes(draft: Draft, form: list[SpecError]) -> list[SpecError]:
    """All mistakes of a draft: those of form, those of content and, where these leave sense, those of cells."""
    known = {(error.file, error.line, error.field) for error in form}
    content = [error for rule in RULES for error in rule(draft)]
    errors = [*form, *(error for error in content if (error.file, error.line, error.field) not in known)]
    sections = {error.field.split(".")[0].split("[")[0] for error in errors}
    if not sections & _CELL_SECTIONS:
        errors += [error for rule in COMBINATION_RULES for error in rule(draft)]
    return errors
