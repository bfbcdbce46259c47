"""`python -m ass_tune.run FILE`: one search-space file in, a finished ablation table out.

This module reads as the story of a study; every part of it has a module of its own.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console

from ass_tune.arguments import Arguments, parse
from ass_tune.ledger.safe_paths import check_inside
from ass_tune.plan.study_plan import StudyPlan, check_memory, make_plan, typical_config
from ass_tune.spec import SpecErrors, StudySpec, load
from ass_tune.terminal.plan_view import plan_tables
from ass_tune.terminal.waiting import wait_for
from trainables.domains.recipe import MissingData
from trainables.mistakes import ExitCode, UserMistake
from trainables.registry import TRAINABLES
from trainables.storage import NO_ROOM, Storage

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

WIDTH_OF_FILES = 160
"""Columns of output that goes to a file or a pipe."""


def main(argv: list[str] | None = None) -> ExitCode:
    """Plan or run the study that the command line names; returns the exit code."""
    arguments = parse(argv)
    # names of cells come from files and must not be read as markup
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES, markup=False, emoji=False)
    try:
        spec = load(arguments.file, arguments.overrides)
        if arguments.status:
            return show_status(console, spec, arguments)
        measuring = arguments.plan and arguments.step_time is None
        with wait_for("measuring a few training steps of each kind of trial" if measuring else "planning the study"):
            plan = make_plan(spec, arguments.data_root, measure=arguments.plan, step_time=arguments.step_time)
        if arguments.json:
            print(plan.model_dump_json(indent=2))
        else:
            console.print(*plan_tables(plan, console.width), sep="\n")
        if arguments.address is None:
            check_memory(plan)
        return ExitCode.FINISHED if arguments.plan else run_alone(console, spec, plan, arguments)
    except (SpecErrors, MissingData, UserMistake) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"{error}\nNothing is lost. Make room, then run the same command again to go on.", file=sys.stderr)
        return ExitCode.INCOMPLETE
    except KeyboardInterrupt:
        print("Interrupted before the first trial: run the same command again to go on.", file=sys.stderr)
        return ExitCode.INTERRUPTED


def show_status(console: Console, spec: StudySpec, arguments: Arguments) -> ExitCode:
    """Show where the study stands, without starting or changing anything."""
    from ass_tune.terminal.status import status_tables, study_status

    check_inside(arguments.studies, arguments.studies / spec.study)
    status = study_status(spec, arguments.studies, arguments.ledger)
    if arguments.json:
        print(status.model_dump_json(indent=2))
    else:
        console.print(*status_tables(status, arguments.studies, console.width), sep="\n")
    return ExitCode.FINISHED


def run_alone(console: Console, spec: StudySpec, plan: StudyPlan, arguments: Arguments) -> ExitCode:
    """Run the study as its only driver; with --fresh, first move aside what it has."""
    from ass_tune.ledger.fresh import put_aside
    from ass_tune.ledger.ledger import JOURNAL, open_ledger
    from ass_tune.ledger.lock import study_lock
    from ass_tune.search.samplers import check_sampler, check_trusted

    check_inside(arguments.studies, arguments.studies / spec.study)
    folder = Storage(str(arguments.studies / spec.study))
    check_sampler(spec.search.sampler)
    check_trusted(spec.search.sampler, None if arguments.ledger else folder.local_path(JOURNAL))
    if arguments.fresh:
        with study_lock(folder.local_path()):
            console.print(f"put aside: {put_aside(arguments.studies, spec.study)}", soft_wrap=True)
    with study_lock(folder.local_path()) as died, open_ledger(folder, spec.study, arguments.ledger) as ledger:
        if died is not None:
            console.print(f"taken over from {died}, which is gone", soft_wrap=True)
        return run_study(console, spec, plan, arguments, folder, ledger)


def run_study(
    console: Console, spec: StudySpec, plan: StudyPlan, arguments: Arguments, folder: Storage, ledger: BaseStorage
) -> ExitCode:
    """Run what the ledger does not have yet, then write table and report. Planning does without these imports."""
    from ass_tune.ledger.reuse import FinishedTrials, finished_in
    from ass_tune.ledger.terms import agree
    from ass_tune.on_ray.execution import ray_cluster, run_trials
    from ass_tune.search.cell_search import CellSearch
    from ass_tune.search.director import Director
    from ass_tune.search.kept_checkpoints import CheckpointKeeper
    from ass_tune.search.pruners import make_pruner
    from ass_tune.terminal.end_of_study import end_study
    from ass_tune.terminal.live_view import shown
    from ass_tune.terminal.packing_bars import packing_shown
    from ass_tune.terminal.progress import StudyProgress
    from ass_tune.tracker.opening import open_tracker

    agree(ledger, spec, folder.local_path())
    with packing_shown(transient=True) as watch:
        configs = [typical_config(spec, planned) for planned in plan.cell_plans]
        TRAINABLES[spec.trainable].prepare(configs, arguments.data_root, watch)

    searches = [CellSearch(spec, planned, ledger, make_pruner(spec)) for planned in plan.cell_plans]
    finished = FinishedTrials(folder, lambda: finished_in(arguments.studies, spec.study, ledger))
    checkpoints = CheckpointKeeper(folder, spec.checkpoints.keep_pruned)
    checkpoints.sweep(searches)

    progress = StudyProgress(searches, spec.train.iterations)
    with ExitStack() as cluster:
        with wait_for("starting Ray" if arguments.address is None else "joining the Ray cluster"):
            resources = cluster.enter_context(ray_cluster(spec, arguments.address))
            tracker = open_tracker(spec, plan, folder, arguments, resources)
        with shown(console, spec.study, progress) as view:
            director = Director(searches, tracker, [progress, view, checkpoints], finished, spec.faults.tries)
            stopped = run_trials(spec, director, folder, arguments.data_root, plan.seconds_between_reports)

    return end_study(console, spec, arguments, folder, searches, tracker, stopped)


if __name__ == "__main__":
    sys.exit(main())
