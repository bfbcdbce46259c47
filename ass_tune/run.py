"""`python -m ass_tune.run FILE`: one search-space file in, a finished ablation table out.

This module reads as the story of a study; every part of it has a module of its own. `ass_tune.run(space)` does the same
from Python.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ass_tune.arguments import PROGRAM, Arguments, Instead, data_folder, ledger_url, parse, time_limit
from ass_tune.ledger.safe_paths import check_inside
from ass_tune.places import Studies, check_reachable
from ass_tune.plan.study_plan import StudyPlan, check_memory, make_plan, typical_config, with_earlier
from ass_tune.spec import SpecErrors, StudySpec, load
from ass_tune.terminal.plan_view import plan_tables
from ass_tune.terminal.waiting import wait_for
from ass_tune.wording import WIDTH_OF_FILES
from trainables.callable_module import make_callable
from trainables.command_line import as_process
from trainables.domains.recipe import MissingData
from trainables.mistakes import CannotRecord, ExitCode, UserMistake
from trainables.patience import telling
from trainables.registry import TRAINABLES
from trainables.storage import NO_ROOM, Storage

if TYPE_CHECKING:
    import pandas as pd
    from optuna.storages import BaseStorage

    from ass_tune.terminal.status import StudyStatus


def main(argv: list[str] | None = None, program: str = PROGRAM, instead: Instead | None = None) -> ExitCode:
    """Plan or run the study that the command line names; returns the exit code."""
    arguments = parse(argv, program, instead)
    # names of cells come from files and must not be read as markup
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES, markup=False, emoji=False)
    try:
        space = load(arguments.file, arguments.overrides)
        if arguments.status:
            return show_status(console, space, arguments)
        if arguments.plan:
            check_reachable(arguments.studies)
        measuring = arguments.plan and arguments.step_time is None
        with wait_for("measuring a few training steps of each kind of trial" if measuring else "planning the study"):
            plan = make_plan(space, arguments.data_root, measure=arguments.plan, step_time=arguments.step_time)
            plan = with_earlier(plan, space, arguments.studies) if arguments.plan else plan
        if arguments.json:
            print(plan.model_dump_json(indent=2))
        else:
            console.print(*plan_tables(plan, console.width), sep="\n")
        if arguments.address is None:
            check_memory(plan)
        return ExitCode.FINISHED if arguments.plan else run_alone(console, space, plan, arguments)
    except (SpecErrors, MissingData, UserMistake) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except OSError as error:
        if error.errno not in NO_ROOM and not isinstance(error, CannotRecord):
            raise
        remedy = "Make room" if error.errno in NO_ROOM else "Mend that"
        print(f"{error}\nNothing is lost. {remedy}, then run the same command again to go on.", file=sys.stderr)
        return ExitCode.INCOMPLETE
    except KeyboardInterrupt:
        print("Interrupted: nothing is lost. Run the same command again to go on.", file=sys.stderr)
        return ExitCode.INTERRUPTED


def show_status(console: Console, space: StudySpec, arguments: Arguments) -> ExitCode:
    """Show where the study stands, without starting or changing anything."""
    from ass_tune.terminal.status import status_tables

    found = status(space, studies=arguments.studies.uri, ledger=arguments.ledger)
    if arguments.json:
        print(found.model_dump_json(indent=2))
    else:
        console.print(*status_tables(found, arguments.studies, console.width), sep="\n")
    return ExitCode.FINISHED


def run_alone(console: Console, spec: StudySpec, plan: StudyPlan, arguments: Arguments) -> ExitCode:
    """Run the study as its only driver; with --fresh, first move aside what it has."""
    from ass_tune.ledger.fresh import put_aside
    from ass_tune.ledger.ledger import JOURNAL, open_ledger
    from ass_tune.ledger.lock import study_lock
    from ass_tune.ledger.owner import claim_ledger_place
    from ass_tune.search.samplers import check_sampler, check_trusted
    from ass_tune.terminal.waits import StorageWaits
    from ass_tune.tracker.elsewhere import what_stays_here
    from ass_tune.tracker.further import check_trackers
    from ass_tune.tracker.records_copy import records_kept
    from ass_tune.tracker.store import usable_store

    studies, say = arguments.studies, partial(console.print, soft_wrap=True)
    folder, disk = studies.files_of(spec.study), studies.disk_of(spec.study)
    usable_store(studies.folder, arguments.tracking_uri, arguments.ledger)
    check_inside(studies.folder, disk)
    check_sampler(spec.search.sampler)
    check_trackers(spec.trackers)
    check_trusted(spec.search.sampler, None if arguments.ledger else disk / JOURNAL)
    ends = arguments.limit.ends if arguments.limit else None
    with ExitStack() as held:
        held.enter_context(telling(waits := StorageWaits(console)))
        if not studies.is_local:
            for line in what_stays_here(spec.study, arguments):
                say(line)
        if arguments.fresh:
            with study_lock(disk):
                say(f"put aside: {put_aside(studies.folder, spec.study)}")
        died = held.enter_context(study_lock(disk, ends))
        ledger = held.enter_context(open_ledger(Storage(str(disk)), spec.study, arguments.ledger, say))
        claim_ledger_place(folder, disk, arguments.ledger is not None)
        if died is not None:
            say(f"taken over from {died}, which is gone")
        incomplete = held.enter_context(records_kept(folder, disk, waits))
        return run_study(console, spec, plan, arguments, folder, ledger, incomplete)


def run_study(
    console: Console,
    spec: StudySpec,
    plan: StudyPlan,
    arguments: Arguments,
    folder: Storage,
    ledger: BaseStorage,
    incomplete: bool,
) -> ExitCode:
    """Run what the ledger does not have yet, then write table and report. Planning does without these imports.

    `incomplete` says whether the study's records may lack what the ledger has, since another disk had the last of them.
    """
    from ass_tune.ledger.reuse import FinishedTrials, finished_in
    from ass_tune.ledger.terms import agree
    from ass_tune.on_ray.cluster import ray_cluster
    from ass_tune.on_ray.execution import run_trials
    from ass_tune.search.cell_search import CellSearch
    from ass_tune.search.director import Director
    from ass_tune.search.kept_checkpoints import CheckpointKeeper
    from ass_tune.search.pruners import make_pruner
    from ass_tune.terminal.end_of_study import end_study
    from ass_tune.terminal.live_view import shown
    from ass_tune.terminal.nodes import NodesFile
    from ass_tune.terminal.packing_bars import packing_shown
    from ass_tune.terminal.progress import StudyProgress
    from ass_tune.terminal.waits import WaitsFile
    from ass_tune.tracker.further import further_trackers
    from ass_tune.tracker.opening import open_tracker
    from ass_tune.tracker.refill import refill
    from ass_tune.tracker.seeds_wanted import seeds_wanted

    with packing_shown(transient=True) as watch:
        data = TRAINABLES[spec.trainable].data_files(spec.domains, arguments.data_root, watch)
        agree(ledger, spec, folder.shown(), data)
        configs = [typical_config(spec, planned) for planned in plan.cell_plans]
        TRAINABLES[spec.trainable].prepare(configs, arguments.data_root, watch, data.digests)
    for notice in data.notices:
        console.print(notice, soft_wrap=True)

    plans, digests, disk = plan.cell_plans, data.digests, arguments.studies.disk_of(spec.study)
    searches = [CellSearch(spec, planned, ledger, make_pruner(spec), digests) for planned in plans]
    finished = FinishedTrials(folder, lambda: finished_in(arguments.studies, spec.study, ledger, spec.objective))
    checkpoints = CheckpointKeeper(folder, spec.checkpoints.keep_pruned)
    checkpoints.sweep(searches)

    progress, nodes = StudyProgress(searches, spec.train.iterations, arguments.limit), NodesFile(folder)
    with ExitStack() as cluster:
        with wait_for("starting Ray" if arguments.address is None else "joining the Ray cluster") as say:
            resources = cluster.enter_context(ray_cluster(spec, arguments.address, say, arguments.ship_code))
            tracker = open_tracker(spec, plan, folder, arguments, resources, data)
            if incomplete:
                refill(tracker, disk, (found for search in searches for found in search.trials()), spec.objective)
        with shown(console, spec.study, progress) as view:
            further = cluster.enter_context(further_trackers(spec.trackers, spec.study, disk))
            listeners = [progress, view, checkpoints, WaitsFile(folder), nodes, *further]
            looks = partial(seeds_wanted, searches, disk, folder) if spec.replicate.until else dict
            director = Director(searches, tracker, listeners, finished, spec.faults.tries, looks)
            between = plan.seconds_between_reports
            stop = run_trials(
                spec, director, ledger, folder, arguments.data_root, data.digests, between, configs, arguments.limit
            )
    if stop is not None and not stop.to_mend and progress.done and not spec.replicate.until:
        stop = None  # the last trials ended while they were asked to save themselves

    for line in nodes.close():
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    return end_study(console, spec, arguments, folder, searches, tracker, stop)


@dataclass(frozen=True)
class StudyRun:
    """How a study that was run from Python ended, and where its results are."""

    study: str
    files: Storage
    """Of the study: checkpoints, results, `tables/` and `report/`, and where that is a local folder all else."""
    ended: ExitCode
    """FINISHED; INCOMPLETE where trials failed, nothing was measured or the study paused; INTERRUPTED by a signal or by
    the limit."""

    @property
    def table(self) -> pd.DataFrame:
        """The final table: a row per cell, every figure in full precision."""
        import pandas as pd

        return pd.read_csv(BytesIO(self.files.read_bytes("tables/table.csv")))

    @property
    def folder(self) -> Path:
        """The study's folder; raises ValueError where that is not on this machine's disk."""
        return self.files.local_path()


def run(
    space: StudySpec,
    *,
    studies: str | Path = "studies",
    data_root: str | Path | None = None,
    ledger: str | None = None,
    tracking_uri: str | None = None,
    address: str | None = None,
    ship_code: bool = False,
    fresh: bool = False,
    report: bool = True,
    limit: str | None = None,
    console: Console | None = None,
) -> StudyRun:
    """Run a study, or what is left of it, in this process; the same call again is the resume.

    Args:
        space: what `ass_tune.load_space` returned.
        studies: folder of all studies, or its URL, e.g. `s3://bucket/studies`.
        data_root: folder of the real data sets; else `$ASS_DATA_ROOT`.
        ledger: URL of a database for the ledger; else `$ASS_LEDGER`, else a file of the study.
        tracking_uri: of MLflow; else `$MLFLOW_TRACKING_URI`, else `mlflow.db` among the studies.
        address: of a Ray cluster to join; else a local Ray is started, and stopped at the end.
        ship_code: send the code of ass_tune to the cluster's nodes, which then need no installation of it.
        fresh: put aside what the study has, and begin anew.
        report: write the report page at the end.
        limit: how long this call may take, e.g. `7h45m`; the study then ends before that, with everything saved.
        console: where to show progress and the final table; None for nowhere.

    Raises MissingData, UserMistake, OSError where the disk is full, and KeyboardInterrupt before the first trial.
    """
    arguments = Arguments(
        studies=Studies.at(studies),
        ledger=ledger_url(ledger),
        data_root=data_folder(data_root),
        tracking_uri=tracking_uri,
        address=address,
        ship_code=ship_code,
        fresh=fresh,
        report=report,
        limit=time_limit(limit),
    )
    if fresh and arguments.ledger:
        raise UserMistake("fresh=True puts the study's folder aside; in a database give the study another name")
    plan = make_plan(space, arguments.data_root, measure=False)
    if address is None:
        check_memory(plan)
    ended = run_alone(console or Console(quiet=True), space, plan, arguments)
    return StudyRun(space.study, arguments.studies.files_of(space.study), ended)


def status(space: StudySpec, *, studies: str | Path = "studies", ledger: str | None = None) -> StudyStatus:
    """Where a study stands; nothing is started or changed, and Ray is not imported.

    Args:
        space: what `ass_tune.load_space` returned.
        studies: folder of all studies, or its URL.
        ledger: URL of the database that has the ledger; else `$ASS_LEDGER`, else the file of the study.

    Raises UserMistake where the ledger is damaged.
    """
    from ass_tune.terminal.status import study_status

    place = Studies.at(studies)
    check_inside(place.folder, place.disk_of(space.study))
    check_reachable(place)
    return study_status(space, place, ledger_url(ledger))


if __name__ == "__main__":
    sys.exit(as_process(main))
make_callable(__name__, run)
