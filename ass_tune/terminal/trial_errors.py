"""Trials that failed or diverged, as the end of a study says it: a line for each error, not for each trial."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.wording import count
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.faults import Fault, FaultKind
from trainables.credentials import without_credentials
from trainables.words import Outcome

NAMED = 3
"""Trials that are named for one error; more are counted."""
LONGEST = 500
"""Characters of an error's last line."""


def error_lines(searches: Sequence[CellSearch], outcome: Outcome) -> list[str]:
    """E.g. `2 trials failed: ValueError: no such class (adaptor=ga tuning 0, adaptor=ga tuning 1)`.

    Args:
        searches: the cells, as the ledger has them.
        outcome: FAILED, or DIVERGED, whose error is the reason that the trainable gave.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for search in searches:
        for trial, entry in search.trials():
            if entry.outcome is outcome:
                fault = Fault(FaultKind.BUG, entry.error or "no error was recorded")
                groups.setdefault(fault.fingerprint, []).append((trial.name, fault.summary[:LONGEST]))
    return [_line(outcome, found) for found in groups.values()]


def _line(outcome: Outcome, found: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return without_credentials(f"{count(len(found), 'trial')} {outcome}: {found[0][1]} ({names}{more})")
