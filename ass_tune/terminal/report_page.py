"""The report page at the end of a study, made from what the study's folder has."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from analysis.report.files import FOLDER
from analysis.statistics.gains import Judged
from ass_tune.tracker.tracker import Tracker
from trainables.credentials import without_credentials
from trainables.storage import Storage


def write_report(judged: Judged, folder: Storage, tracker: Tracker) -> str:
    """Write `report/` into the study's folder, which MLflow then gets too; MLflow is not asked for anything.

    Returns the line that says where the page is, or by which command to try again.

    Args:
        judged: the study with its comparisons.
        folder: the study's storage.
        tracker: of the study, still open.
    """
    from analysis.report.contents import PAGE, report_files

    try:
        files = report_files(judged.study, judged)
    except Exception as error:  # the study is measured and safe, whatever its page meets
        reason = without_credentials(f"{type(error).__name__}: {error}")
        command = shlex.join(["python", "-m", "analysis.report", folder.shown()])
        return f"report: not written ({reason}); try {command}"
    for name, content in files.items():
        path = PurePosixPath(FOLDER, name)
        folder.write_bytes(str(path), content)
        tracker.study_file(str(path), str(path.parent))
    return f"report: {folder.shown(f'{FOLDER}/{PAGE}')}"
