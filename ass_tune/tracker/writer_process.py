"""The writer in a process of its own, which takes none of the driver's time: MLflow needs more of it than all else.

It reads the outbox as it grows. The driver tells it where MLflow is, and later to come to an end, through a pipe; if
the driver dies, the pipe breaks, and it ends at once. What it has not confirmed is delivered by the next one.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from analysis.experiments import prepare_mlflow
from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore, artifact_place
from ass_tune.tracker.writer import Patience, Writer
from trainables.credentials import without_credentials
from trainables.storage import Storage

logger = logging.getLogger(__name__)
LOCK = "outbox.writer"
"""File that the delivering process has locked: it may outlive its driver by a moment, in which the next one starts."""
SECONDS_BETWEEN_LOOKS = 0.2
_CLOSE = "close\n"
# the same places for imports as the driver has; `-P` keeps the current folder from being one of them
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import {0}; {0}.main()"


class WriterProcess:
    """What `Writer` is, but with the delivery elsewhere; a process that dies is started again.

    Args:
        outbox: what is to be delivered; this process appends.
        store: where MLflow keeps the study.
        study: name of the experiment.
        instance: identity of the study.
        files: the study's storage, where artifacts come from.
        patience: pauses and tries.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: MlflowStore,
        study: str,
        instance: str,
        files: Storage,
        patience: Patience | None = None,
    ) -> None:
        self._outbox, self._patience = outbox, patience or Patience()
        root = None if store.artifact_root is None else str(store.artifact_root)
        about = {"folder": str(outbox.path.parent), "uri": store.uri, "artifact_root": root, "study": study}
        self._task = json.dumps({**about, "instance": instance, "files": files.uri, "patience": asdict(self._patience)})
        self.trouble: str | None = None
        """Why nothing is delivered at present, without credentials; None while all is well."""
        self.experiment = ""
        """Id of the study's experiment; empty as long as MLflow has not been reached."""
        self._closing = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._pipe = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mlflow-writer", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Nothing: the process looks for itself."""

    def close(self, timeout: float) -> int:
        """Deliver what is left; returns how many records still wait in the outbox.

        Ends early where MLflow does not answer. What waits is delivered by the next writer on the same outbox.

        Args:
            timeout: seconds to wait at most.
        """
        with self._pipe:
            self._closing.set()
            self._say(_CLOSE)
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.trouble = self.trouble or f"not done within {timeout:g} s"
            process, self._process = self._process, None
            if process is not None:
                process.kill()
            self._thread.join(1.0)
        self._outbox.look_again()
        return self._outbox.waiting

    def _run(self) -> None:
        """Keep a process until one has ended because it was told to."""
        for attempt in itertools.count():
            was_closing = self._closing.is_set()
            if self._try() or was_closing:
                return
            self._closing.wait(self._patience.pause(attempt))

    def _try(self) -> bool:
        """Whether a process did what it was to do; if not, `trouble` has the reason."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            try:
                with self._started(errors) as process:
                    assert process.stdout is not None
                    for line in process.stdout:
                        self._hear(json.loads(line))
                reason = f"exit code {process.returncode}"
            except OSError as error:
                reason = str(error)
            else:
                if process.returncode == 0 or self._process is None:  # it was killed where its time was over
                    return True
            errors.seek(0)
            last = next((line for line in reversed(errors.read().splitlines()) if line.strip()), "")
        self.trouble = without_credentials(f"the process that writes to MLflow has ended ({reason}) {last}".strip())
        logger.warning("%s; records wait in %s", self.trouble, self._outbox.path)
        return False

    @contextmanager
    def _started(self, errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-P", "-c", _START.format(__name__), json.dumps(sys.path)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        # in a session of its own, so that Ctrl-C, which ends it before it can ignore that, does not reach it
        with subprocess.Popen(command, text=True, encoding="utf-8", start_new_session=True, **pipes) as process:
            with self._pipe:
                self._process = process
                self._say(f"{self._task}\n")
                if self._closing.is_set():
                    self._say(_CLOSE)
            yield process

    def _say(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError:  # it has died, which is seen where it is heard
            return

    def _hear(self, news: dict[str, Any]) -> None:
        if "warning" in news:
            logger.warning("%s", news["warning"])
            return
        if self._process is not None:  # else nobody waits for it any more, and the outbox may be closed
            self.trouble, self.experiment = news["trouble"], news["experiment"]
            self._outbox.look_again()


def main() -> None:
    """The process: deliver until told to come to an end, and tell the driver what it should know."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the driver gets them too, and decides
        signal.signal(number, signal.SIG_IGN)
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print is no news
    task = json.loads(sys.stdin.readline())
    told = Told(channel)
    logging.getLogger("ass_tune").addHandler(told)
    logging.getLogger("ass_tune").propagate = False
    closing = threading.Event()
    threading.Thread(target=_obey, args=(closing,), daemon=True).start()
    with only_writer(Path(task["folder"])):
        prepare_mlflow(retries=0, logging_level="CRITICAL")
        outbox = Outbox(Path(task["folder"]), appends=False)
        store = MlflowStore(task["uri"], task["artifact_root"] and artifact_place(task["artifact_root"]))
        recorder = Recorder(store, task["study"], task["instance"], Storage(task["files"]))
        writer = Writer(outbox, recorder, Patience(**task["patience"]))
        while not closing.wait(SECONDS_BETWEEN_LOOKS):
            writer.notify()
            told.state(writer, outbox)
        end = threading.Thread(target=writer.close, args=(threading.TIMEOUT_MAX,))
        end.start()
        while end.is_alive():
            told.state(writer, outbox)
            end.join(SECONDS_BETWEEN_LOOKS)
        told.state(writer, outbox)


def _obey(closing: threading.Event) -> None:
    """Wait for the driver's word. At the end of the pipe there is no driver any more."""
    for line in sys.stdin:
        if line == _CLOSE:
            closing.set()
    os._exit(1)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only process that delivers the outbox of a study; waits for another one to end."""
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


class Told(logging.Handler):
    """Passes on to the driver what it should know: each warning, and the writer's state whenever that is another."""

    def __init__(self, channel: IO[str]) -> None:
        super().__init__(logging.WARNING)
        self._channel, self._writing = channel, threading.Lock()
        self._last: tuple[str | None, str, int] = ("", "", 0)

    def state(self, writer: Writer, outbox: Outbox) -> None:
        """Pass on trouble and experiment, and that more has been confirmed."""
        if (now := (writer.trouble, writer.experiment, outbox.confirmed)) != self._last:
            self._last = now
            self._write({"trouble": writer.trouble, "experiment": writer.experiment})

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on a warning."""
        self._write({"warning": record.getMessage()})

    def _write(self, news: dict[str, Any]) -> None:
        with self._writing:
            self._channel.write(f"{json.dumps(news)}\n")
            self._channel.flush()
