"""The last lines of what Ray's processes have written, as far as they are on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ass_tune.on_ray.preparation import Preparation
from trainables.credentials import without_credentials

LINES = 5
_BYTES = 4096


def log_of(preparation: Preparation) -> list[str]:
    """The last lines that a process has written before it died, or where they are."""
    name = f"worker-*-{preparation.pid}.err"
    _, lines = _newest(Path(preparation.logs).glob(name))
    return lines or [f"its log is {preparation.logs}/{name} on {preparation.node}"]


def log_of_the_newest_process() -> str:
    """How the newest log ends in which a process of this machine's node wrote an error, or where logs are.

    Ray gives a process a log of its own only once it has started; until then it writes into that of its node.
    """
    from ray._private.worker import _global_node

    if _global_node is None:
        return ""
    logs = Path(_global_node.get_logs_dir_path())
    file, lines = _newest([*logs.glob("worker-*.err"), *logs.glob("runtime_env_setup-*.log"), logs / "raylet.err"])
    return f"{file} ends: {' | '.join(lines)}" if lines else f"its log should be in {logs}"


def _newest(files: Iterable[Path]) -> tuple[Path, list[str]]:
    """The newest of the files that have any lines, and its last ones."""
    for file in sorted(filter(Path.is_file, files), key=lambda file: file.stat().st_mtime, reverse=True):
        if lines := last_lines(file):
            return file, lines
    return Path(), []


def last_lines(file: Path, number: int = LINES) -> list[str]:
    """The last lines that are not empty; none where the file cannot be read."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    lines = [without_credentials(line.strip()) for line in text.splitlines() if line.strip()]
    return lines[-number:]
