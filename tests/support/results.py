"""What a cell's row in the table is made of, as the ledger alone has it."""

from __future__ import annotations

from ass_tune.ledger.ledger import Entry
from ass_tune.search.cell_search import CellSearch
from trainables.words import Outcome


def results_of(search: CellSearch) -> dict[int, Entry]:
    """Per seed of the table, the finished trial of the cell's chosen configuration."""
    chosen = search.chosen()
    entries = [entry for entry in search.replicate_entries() if entry.outcome is Outcome.FINISHED]
    return {entry.seed: entry for entry in entries if entry.hyperparameters == chosen}
