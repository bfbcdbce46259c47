"""What a cell's row in the table is made of, as the ledger alone has it."""

from __future__ import annotations

from ass_tune.ledger.ledger import Entry
from ass_tune.search.cell_search import CellSearch, best_entry
from trainables.words import Outcome


def results_of(search: CellSearch) -> dict[int, Entry]:
    """Per seed, the finished trial of the cell's best configuration."""
    if (best := best_entry(search.tuning_entries())) is None:
        return {}
    entries = [entry for _, entry in search.trials() if entry.outcome is Outcome.FINISHED]
    return {entry.seed: entry for entry in entries if _settings(entry) == _settings(best)}


def _settings(entry: Entry) -> dict:
    return {name: value for name, value in entry.config.items() if name != "seed"}
