"""Syne Tune's schedulers as peers. It needs an older NumPy than the project, so it has an environment of its own:

python -m venv .syne-tune
.syne-tune/bin/python -m pip install syne-tune==0.13.0
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from ass_tune.replay.curve_set import CurveSet
from ass_tune.trial import End, Listener, Trial
from benchmarks.command_line import PROJECT
from benchmarks.search_peers import Peer, trial_of
from trainables.words import Outcome

PYTHON = PROJECT / ".syne-tune/bin/python"
KINDS = {"Syne Tune ASHA stopping": "stopping", "Syne Tune ASHA promotion": "promotion", "Syne Tune PASHA": "pasha"}


def missing() -> str | None:
    """Why these peers are skipped, or None where they can be asked."""
    if PYTHON.is_file():
        return None
    return "Syne Tune: skipped, since there is no .syne-tune; benchmarks/search_syne_tune.py says how to make it"


class Schedulers:
    """The process that has them."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("syne_tune_schedulers.py")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([PYTHON, program], stdin=pipe, stdout=pipe, text=True)

    def ask(self, *wanted: Any) -> Any:
        """One question, one answer. Raises RuntimeError where the process has ended."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None and answers is not None
        print(json.dumps(wanted), file=asked, flush=True)
        answer = answers.readline()
        if not answer:
            raise RuntimeError("Syne Tune's process has ended; what it said is above")
        return json.loads(answer)


@cache
def schedulers() -> Schedulers:
    """One process for all searches; it ends with this one."""
    return Schedulers()


class SyneTune(Peer):
    """A scheduler for each cell. A slot is given to the cell that has been given the fewest.

    Args:
        kind: of `KINDS`.
    """

    def __init__(self, curves: CurveSet, listener: Listener, kind: str) -> None:
        super().__init__(curves, listener)
        self._given = {cell.cell: 0 for cell in curves.cells}
        self._numbers = {cell.cell: number for number, cell in enumerate(curves.cells)}
        self._reported: dict[tuple[int, int], int] = {}
        places = [len(cell.configurations) for cell in curves.cells]
        schedulers().ask("begin", kind, len(curves.iterations), places)

    def next_trial(self) -> Trial | None:
        """What the first cell suggests that suggests anything: a new trial, or one that is paused."""
        for name in sorted(self._given, key=self._given.__getitem__):
            number = self._numbers[name]
            if (place := schedulers().ask("suggest", number)) is not None:
                self._given[name] += 1
                begins = self._reported.get((number, place), 0)
                return self.start(trial_of(self.curves.cells[number], place, begins))
        return None

    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Ask the scheduler of its cell."""
        number, place = self._numbers[trial.cell], trial.config["place"]
        self._reported[number, place] = iteration
        report = self.curves.iterations.index(iteration) + 1
        goes_on = schedulers().ask("report", number, place, report, value) == "CONTINUE"
        if iteration == self.last:
            schedulers().ask("complete", number, place, report, value)
        return goes_on

    def end(self, key: str, end: End) -> None:
        """Tell the scheduler of trainings that diverged."""
        trial = self._running[key]
        if end.outcome is Outcome.DIVERGED:
            schedulers().ask("fail", self._numbers[trial.cell], trial.config["place"])
        super().end(key, end)
