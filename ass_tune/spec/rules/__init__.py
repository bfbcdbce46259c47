"""Rules for a well-formed file. A rule takes the draft and yields a record for every mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError
from ass_tune.spec.rules import amounts, arguments, combinations, comparisons, conditions, names, optuna, seeds, values

Rule = Callable[[Draft], Iterator[SpecError]]

RULES: tuple[Rule, ...] = (
    *names.RULES,
    *values.RULES,
    *seeds.RULES,
    *comparisons.RULES,
    *amounts.RULES,
    *conditions.RULES,
    *optuna.RULES,
    *arguments.RULES,
)
COMBINATION_RULES: tuple[Rule, ...] = combinations.RULES
"""Rules that evaluate cells; they need names, values and conditions to be right."""

_CELL_SECTIONS = {"trainable", "domains", "profile", "ablate", "tune", "fixed", "train", "protocol"}


def mistakes(draft: Draft) -> list[SpecError]:
    """The mistakes of content and, where names and values are right, those of cells."""
    errors = [error for rule in RULES for error in rule(draft)]
    sections = {error.field.split(".")[0].split("[")[0] for error in errors}
    if not (sections | {str(path[0]) for path in draft.broken}) & _CELL_SECTIONS:
        errors += [error for rule in COMBINATION_RULES for error in rule(draft)]
    return errors
