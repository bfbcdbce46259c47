"""One self-contained page of everything that a study shows, and its tables and figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainables.callable_module import make_callable

if TYPE_CHECKING:
    from analysis.study import Study


def report(study: Study, out: str | Path) -> Path:
    """Write the report of a study, with its tables and figures as files, into the folder `out`; returns its page."""
    from analysis.report.contents import PAGE, report_files
    from analysis.report.files import write_files

    write_files(Path(out), report_files(study))
    return Path(out) / PAGE


make_callable(__name__, report)
