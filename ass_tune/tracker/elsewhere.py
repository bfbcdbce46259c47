"""A study whose folder is not on this machine: what stays here, and that it belongs to the study at the URL."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.arguments import Arguments
from ass_tune.places import check_reachable
from ass_tune.tracker.destination import study_identity
from ass_tune.tracker.here import belongs_to
from ass_tune.tracker.store import default_uri, mlflow_store
from trainables.mistakes import UserMistake


def what_stays_here(study: str, arguments: Arguments) -> Iterator[str]:
    """Sentences on what this machine's disk keeps, and on what it had of another study of this name.

    Raises UserMistake where the URL cannot be reached, and for --fresh.
    """
    if arguments.fresh:
        raise UserMistake(
            "--fresh moves a study's folder away, for which an object store would copy all of it: choose another name, "
            "--set study=NAME"
        )
    studies = arguments.studies
    check_reachable(studies)
    folder, disk = studies.files_of(study), studies.disk_of(study)
    store = mlflow_store(studies.folder, arguments.tracking_uri)
    mlflow = ", MLflow's database" if store.uri == default_uri(studies.folder) else ""
    stay = f"lock, outbox{'' if arguments.ledger else ', ledger'}{mlflow}"
    yield f"study folder: {folder.shown()}; on this machine: {stay}, in {disk}"
    if (aside := belongs_to(studies.folder, study, study_identity(folder))) is not None:
        yield f"put aside: {aside}, of another study with this name"
