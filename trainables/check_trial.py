"""One process of `ass-tune check-trainable`: `python -m trainables.check_trial` runs the trials that a request names.

A request on standard input is one line, a JSON list of tasks, the fields of a `TrialTask` each. The first trial is
built, every further one takes its place in the same process by `reset_config`. Each result is a line of JSON on
standard output, after which the process waits for a line of standard input: it can be killed between two given reports.
With an argument, a number, the process is asked to end at that look of a trainable whether it was asked.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from trainables.contract import BrokenContract, StepChecker, TrialTask
from trainables.domains.pairs import make_known
from trainables.preemption import HandedBack, ask_at_look
from trainables.registry import TRAINABLES


def results(tasks: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every checked result of trials that follow each other in one process, with the number of the trial."""
    entry, trial = TRAINABLES[tasks[0]["trainable"]], None
    for number, fields in enumerate(tasks):
        task = TrialTask.model_validate(fields)
        make_known(task.pair)
        checker = StepChecker(task, entry.config.objective)
        if trial is None:
            trial = entry.ray_class(config=task.model_dump())
        elif not trial.reset_config(task.model_dump()):
            trial.cleanup()
            trial = entry.ray_class(config=task.model_dump())
        while True:
            result = checker.check(trial.step())
            yield {"trial": number, **result.model_dump(mode="json")}
            if result.final or result.diverged is not None:
                break


def main() -> int:
    """Print the results; an error that the author has to mend is a line of its own, and exit code 1."""
    tasks = json.loads(sys.stdin.readline())
    if look := sys.argv[1:]:
        ask_at_look(int(look[0]))
    logging.getLogger("ray").setLevel(logging.WARNING)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the author's code prints is no result
    try:
        for result in results(tasks):
            print(json.dumps(result), file=answers)
            sys.stdin.readline()
    except HandedBack:
        return 0
    except BrokenContract as broken:
        print(json.dumps({"error": str(broken)}), file=answers)
        return 1
    except Exception as error:
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        at = f" ({where[-1].filename}, line {where[-1].lineno})" if where else ""
        print(json.dumps({"error": f"{type(error).__name__}: {error}{at}"}), file=answers)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
