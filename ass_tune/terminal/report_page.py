"""The report page at the end of a study, made from what MLflow has of it."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from rich.console import Console

from analysis.report.files import FOLDER
from ass_tune.arguments import Arguments
from ass_tune.tracker.destination import study_identity
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from trainables.credentials import without_credentials
from trainables.storage import Storage


def write_report(
    console: Console, study: str, arguments: Arguments, folder: Storage, tracker: Tracker, patience: float
) -> None:
    """Write `report/` in the study's folder and tell MLflow of it; say which command does so later, where it cannot.

    Args:
        console: where to say so.
        study: name of the study.
        arguments: of the command line; they say where MLflow is.
        folder: the study's storage.
        tracker: of the study, still open.
        patience: seconds that MLflow may take for what is still under way to it.
    """
    if not arguments.report:
        return
    store = mlflow_store(arguments.studies, arguments.tracking_uri)
    shown = ["--tracking-uri", store.uri] if store.display == store.uri else []  # a password is the environment's
    command = shlex.join(["python", "-m", "analysis.report", study, *shown])
    if not tracker.delivered(patience):
        console.print(f"report: once MLflow has everything, by {command}", soft_wrap=True)
        return
    from analysis.load import study_in_mlflow
    from analysis.report.contents import PAGE, report_files

    try:
        files = report_files(study_in_mlflow(study, store.uri, study_identity(folder)))
    except Exception as error:  # the study is measured and safe, whatever its page meets
        reason = without_credentials(f"{type(error).__name__}: {error}")
        console.print(f"report: not written ({reason}); try {command}", soft_wrap=True)
        return
    for name, content in files.items():
        path = PurePosixPath(FOLDER, name)
        folder.write_bytes(str(path), content)
        tracker.study_file(str(path), str(path.parent))
    console.print(f"report: {folder.local_path(f'{FOLDER}/{PAGE}')} (also in MLflow)", soft_wrap=True)
