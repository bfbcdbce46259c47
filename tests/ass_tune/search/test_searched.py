"""What the entries of a cell say of its configurations."""

from __future__ import annotations

from ass_tune.ledger.ledger import Entry
from ass_tune.search.searched import best_searched
from trainables.words import Outcome


def entry(
    number: int, select: float, outcome: Outcome | None = Outcome.FINISHED, lr: float | None = None, seed: int = 1000
) -> Entry:
    config = {"lr": number if lr is None else lr, "seed": seed}
    return Entry(number, f"key{number}", seed, {}, config, outcome, {100: select}, {}, (), None, None, 0.0)


def test_the_best_entry_is_the_earlier_of_equals_and_never_pruned_failed_or_running() -> None:
    entries = [
        entry(0, 60.0, Outcome.PRUNED),
        entry(1, 61.0, Outcome.FAILED),
        entry(2, 62.0, None),
        entry(3, 50.0),
        entry(4, 51.0),
        entry(5, 51.0),
    ]
    assert best_searched(entries, (1000,)) == (entries[4], 51.0)
    assert best_searched(entries[:3], (1000,)) is None
    assert best_searched([], (1000,)) is None


def test_with_several_seeds_the_mean_decides_among_what_finished_under_all_of_them() -> None:
    under = [(0.1, 1000, 50.0), (0.1, 1001, 40.0), (0.2, 1000, 48.0), (0.2, 1001, 44.0), (0.3, 1000, 60.0)]
    entries = [entry(number, select, lr=lr, seed=seed) for number, (lr, seed, select) in enumerate(under)]
    assert best_searched(entries, (1000, 1001)) == (entries[2], 46.0)
    assert best_searched(entries, (1000,)) == (entries[4], 60.0)
    assert best_searched([*entries, entry(5, 61.0, Outcome.FAILED, 0.3, 1001)], (1000, 1001)) == (entries[2], 46.0)
