"""Syne Tune's schedulers, run by a Python that has them; `search_syne_tune` asks this program line by line.

A line is a list of JSON: what is wanted and its arguments. The answer is one line of JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from typing import Any

with redirect_stdout(StringIO()):  # it prints which of its extras are missing
    from syne_tune.backend.trial_status import Trial  # pyright: ignore[reportMissingImports]
    from syne_tune.config_space import randint  # pyright: ignore[reportMissingImports]
    from syne_tune.optimizer.schedulers.hyperband import HyperbandScheduler  # pyright: ignore[reportMissingImports]

logging.getLogger("syne_tune").setLevel(logging.ERROR)  # else a line for each suggestion once all places are begun
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OfCell:
    """The scheduler of one cell and its trials, of which each tries the configuration at the place that it is named by.

    Args:
        kind: `stopping`, `promotion` or `pasha`.
        places: number of configurations, which are tried in their order.
        reports: that a training has.
    """

    def __init__(self, kind: str, places: int, reports: int) -> None:
        order = [{"place": place} for place in range(places)]
        self._scheduler = HyperbandScheduler(
            # two values at least, and a constant: a space of one configuration has nothing to search
            {"place": randint(0, max(places - 1, 1))},
            searcher="random",
            type=kind,
            metric="value",
            mode="max",
            resource_attr="report",
            grace_period=1,
            max_t=reports,
            points_to_evaluate=order,
            random_seed=0,
        )
        self._places, self._begun = places, 0
        self._trials: dict[int, Any] = {}

    def suggest(self) -> int | None:
        """The place to start, or to go on with if it was begun before; None while there is nothing to do."""
        suggestion = self._scheduler.suggest(self._begun)
        if suggestion is None:
            return None
        if not suggestion.spawn_new_trial_id:
            return int(suggestion.checkpoint_trial_id)
        if self._begun == self._places:
            return None
        place = self._begun
        assert suggestion.config["place"] == place
        self._begun += 1
        self._trials[place] = Trial(place, suggestion.config, EPOCH)
        self._scheduler.on_trial_add(self._trials[place])
        return place

    def report(self, place: int, report: int, value: float) -> str:
        """CONTINUE, PAUSE or STOP."""
        return str(self._scheduler.on_trial_result(self._trials[place], {"report": report, "value": value}))

    def complete(self, place: int, report: int, value: float) -> None:
        """A training has come to its end."""
        self._scheduler.on_trial_complete(self._trials[place], {"report": report, "value": value})

    def fail(self, place: int) -> None:
        """A training has diverged."""
        self._scheduler.on_trial_error(self._trials[place])


def main() -> None:
    """Answer until standard input ends."""
    cells: list[OfCell] = []
    for line in sys.stdin:
        wanted, *arguments = json.loads(line)
        answer = None
        if wanted == "begin":
            kind, reports, places = arguments
            cells = [OfCell(kind, number, reports) for number in places]
        else:
            cell, *rest = arguments
            answer = getattr(cells[cell], wanted)(*rest)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
