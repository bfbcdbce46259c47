"""What many replays of a search have in common: iterations saved, and what was lost by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from ass_tune.replay.curve_set import CurveSet
from ass_tune.replay.replay import Replayed, ReplayedCell


@dataclass(frozen=True)
class Summary:
    """Means over replays, of one cell or of all.

    Attributes:
        cell: its name; `all` for all cells together.
        trials: started in a replay.
        pruned: of these.
        cut_short: of these, trials that ended only because their record does.
        spent: iterations.
        full: iterations if none is pruned.
        kept: share of searches that choose what they choose if none is pruned.
        regret: how far the choice is below the best configuration, in the unit of the curves; of all cells None, since
            cells may have different units.
        at_random: the regret of the median configuration.
    """

    cell: str
    trials: float
    pruned: float
    cut_short: float
    spent: float
    full: float
    kept: float
    regret: float | None
    at_random: float | None

    @property
    def saved(self) -> float:
        """Share of the iterations that pruning saved."""
        return 1 - self.spent / self.full if self.full else 0.0


def summaries(curves: CurveSet, replays: Sequence[Replayed]) -> list[Summary]:
    """One for each cell, and one for all of them."""
    found = [
        _summary(cell.cell.name, list(of_cell), cell.at_random)
        for cell, of_cell in zip(curves.cells, zip(*(one.cells for one in replays), strict=True), strict=True)
    ]
    sums = {
        name: sum(getattr(one, name) for one in found) for name in ("trials", "pruned", "cut_short", "spent", "full")
    }
    kept = float(np.mean([one.kept for one in found]))
    return [*found, Summary("all", **sums, kept=kept, regret=None, at_random=None)]


def _summary(name: str, cells: Sequence[ReplayedCell], at_random: float) -> Summary:
    means = {
        which: float(np.mean([getattr(cell, which) for cell in cells]))
        for which in ("trials", "pruned", "cut_short", "spent", "full", "kept", "regret")
    }
    return Summary(name, **means, at_random=at_random)


def summary_table(title: str, found: Sequence[Summary]) -> Table:
    """The summaries as people read them."""
    table = Table(title=title, title_justify="left")
    table.add_column("cell", overflow="fold")
    for column in ("trials", "pruned", "iterations", "of", "saved", "winner kept", "regret", "median's"):
        table.add_column(column, justify="right")
    for one in found:
        if one is found[-1]:
            table.add_section()
        regrets = ["" if regret is None else f"{regret:.3g}" for regret in (one.regret, one.at_random)]
        counts = [f"{one.trials:.4g}", f"{one.pruned:.4g}", f"{one.spent:.0f}", f"{one.full:.0f}"]
        table.add_row(one.cell, *counts, f"{one.saved:.1%}", f"{one.kept:.1%}", *regrets)
    return table


def said_of(found: Sequence[Summary], complete: bool) -> list[str]:
    """Sentences on what the columns mean, and on what the record cannot tell."""
    cut = found[-1].cut_short
    notes = [
        "winner kept: the configuration chosen is the one that is chosen if nothing is pruned. regret: how far it is "
        "below the best one on all recorded seeds, in the unit of the curves; median's: that of the median one."
    ]
    if cut:
        notes.append(
            f"{cut:.4g} trials ended where their record ends, although this pruner would have continued them: what "
            "they would have cost and reached is not known, so savings look larger and losses smaller than they are."
        )
    elif not complete:
        notes.append("A configuration of which the record has no finished trial counts neither as best nor as chosen.")
    return notes
