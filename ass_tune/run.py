"""`python -m ass_tune.run FILE`: one search-space file in, a finished ablation table out.

This module reads as the story of a study; every part of it has a module of its own.
"""

from __future__ import annotations

import sys

from rich.console import Console

from ass_tune.arguments import Arguments, ExitCode, parse
from ass_tune.cells import cells
from ass_tune.plan import StudyPlan, make_plan
from ass_tune.plan_view import plan_tables
from ass_tune.spec import SpecErrors, StudySpec, load
from trainables.domains.recipe import MissingData
from trainables.mistakes import UserMistake
from trainables.registry import TRAINABLES
from trainables.storage import Storage

WIDTH_OF_FILES = 160
"""Columns of output that goes to a file or a pipe."""


def main(argv: list[str] | None = None) -> ExitCode:
    """Plan or run the study that the command line names; returns the exit code."""
    arguments = parse(argv)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    try:
        spec = load(arguments.file, arguments.overrides)
        plan = make_plan(spec, arguments.data_root, measure=arguments.plan)
        if arguments.json:
            print(plan.model_dump_json(indent=2))
        else:
            console.print(*plan_tables(plan), sep="\n")
        return ExitCode.FINISHED if arguments.plan else run_study(console, spec, plan, arguments)
    except (SpecErrors, MissingData, UserMistake) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print("Interrupted before the first trial: run the same command again to go on.", file=sys.stderr)
        return ExitCode.INTERRUPTED


def run_study(console: Console, spec: StudySpec, plan: StudyPlan, arguments: Arguments) -> ExitCode:
    """Run what the ledger does not have yet, then write the table. Planning does without these imports."""
    from ass_tune.cell_search import CellSearch
    from ass_tune.checkpoints import CheckpointKeeper
    from ass_tune.director import Director
    from ass_tune.execution import ray_cluster, run_trials
    from ass_tune.farewell import farewell
    from ass_tune.ledger import open_storage
    from ass_tune.progress.state import StudyProgress
    from ass_tune.progress.view import shown
    from ass_tune.pruners import make_pruner
    from ass_tune.record import open_tracker
    from ass_tune.samplers import check_sampler
    from ass_tune.table.report import write_tables

    check_sampler(spec.search.sampler)
    folder = Storage(str(arguments.studies / spec.study))
    TRAINABLES[spec.trainable].prepare(spec.domains, arguments.data_root)

    kept, left_out = cells(spec)
    ledger = open_storage(folder)
    searches = [CellSearch(spec, cell, ledger, make_pruner(spec)) for cell in kept]

    progress = StudyProgress(searches, spec.train.iterations)
    with ray_cluster(spec, arguments.address):
        tracker = open_tracker(spec, plan, folder, arguments)
        with shown(console, spec.study, progress) as views:
            director = Director(searches, [tracker, progress, *views, CheckpointKeeper(folder)])
            run_trials(spec, director, folder, arguments.data_root)

    rows, tables = write_tables(spec, searches, left_out, folder)
    return farewell(console, spec, arguments, folder, director, tracker, rows, tables)


if __name__ == "__main__":
    sys.exit(main())
