"""Further records of a study, kept by installed packages: they are told what happens, and can stop nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ass_tune.trial import Listener, StudyListener
from trainables.extensions import Extension, extensions
from trainables.mistakes import UserMistake, nearest

GROUP = "ass_tune.trackers"
logger = logging.getLogger(__name__)


class Guarded(Listener):
    """Tells a package's tracker what happens until that fails; then it is told nothing more, and people are once."""

    def __init__(self, extension: Extension, tracker: StudyListener) -> None:
        self._extension, self._tracker, self._failed = extension, tracker, False
        for name in _EVENTS:
            setattr(self, name, self._guard(getattr(tracker, name)))

    def close(self) -> None:
        """The study has ended, for now or for good."""
        self._guard(self._tracker.close)()

    def _guard(self, tell: Callable[..., None]) -> Callable[..., None]:
        def told(*what: Any) -> None:
            if self._failed:
                return
            try:
                tell(*what)
            except Exception as error:
                self._failed = True
                reason = f"{type(error).__name__}: {error}"
                logger.warning("%s It is told nothing more; the study goes on.", self._extension.broken(reason))

        return told


_EVENTS = tuple(name for name in vars(Listener) if name.startswith(("trial", "study")))


def check_trackers(names: Sequence[str]) -> None:
    """Import the trackers that a study names. Raises BrokenExtension, or UserMistake for an unknown name."""
    for name in names:
        _class_of(name)


@contextmanager
def further_trackers(names: Sequence[str], study: str, folder: Path) -> Iterator[list[Guarded]]:
    """The trackers that a study names, closed at the end. A study's `folder` has one of its own for each."""
    begun: list[Guarded] = []
    try:
        for name in names:
            own = folder / "trackers" / name
            own.mkdir(parents=True, exist_ok=True)
            begun.append(Guarded(extensions(GROUP)[name], _class_of(name)(study, own)))
        yield begun
    finally:
        for tracker in begun:
            tracker.close()


def _class_of(name: str) -> type[StudyListener]:
    known = extensions(GROUP)
    if name not in known:
        allowed = ", ".join(known) or "none, since no installed package has one"
        raise UserMistake(f"trackers: found '{name}'; allowed: {allowed}{nearest(name, known)}")
    return known[name].load_class(StudyListener)
