"""Ends a study before it is done, at a signal or near its time limit. Trials that train save themselves first.

What runs next follows from the ledger alone; signals and the limit only decide when nothing more is started.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, NoReturn

from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.limit import TimeLimit
from ass_tune.on_ray.hand_back import EVERYWHERE, HandBack
from ass_tune.on_ray.watchdog import Watchdog
from ass_tune.search.director import Director
from ass_tune.wording import format_seconds

GRACE = 20.0
"""Seconds after a signal in which trials may save themselves: Slurm and Kubernetes kill 30 seconds after SIGTERM."""


class EndsEarly(Exception):
    """The study ends here although there is more to train; the message says why."""


class EarlyEnd(Callback):
    """Watches for signals and the limit, and ends Ray Tune's loop when the trials are saved.

    A second signal ends it without waiting for them.

    Args:
        director: whose trials are asked to save themselves.
        hand_back: how they are asked.
        watchdog: knows how long reports take.
        evaluate_every: iterations between two reports.
        limit: when the study has to end, if ever.
    """

    def __init__(
        self,
        director: Director,
        hand_back: HandBack,
        watchdog: Watchdog,
        evaluate_every: int,
        limit: TimeLimit | None = None,
    ) -> None:
        self._director, self._hand_back, self._watchdog = director, hand_back, watchdog
        self._every, self._limit = evaluate_every, limit
        self.why: str | None = None
        """Why the study ends early; None while it does not."""
        self._signals = 0
        self._gives_up = float("inf")
        self._handed_out: dict[str, float] = {}
        self._longest_start = 0.0
        self._training: set[str] = set()
        self._tunes: Any = None
        self._of_usr1 = signal.getsignal(signal.SIGUSR1)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: the ledger is the state."""
        return {}

    def setup(self, **info: Any) -> None:
        """Ray calls this after it has put its own handlers of signals in place, which end its loop at once."""
        if threading.current_thread() is threading.main_thread():
            self._tunes = signal.signal(signal.SIGINT, self._on_signal)
            signal.signal(signal.SIGUSR1, self._of_usr1 if callable(self._of_usr1) else self._on_signal)

    def close(self) -> None:
        """Leave the handlers as Ray would have left them, except that SIGUSR1 means what it meant before."""
        if self._tunes is not None:
            signal.signal(signal.SIGUSR1, self._of_usr1 or signal.SIG_DFL)
            signal.signal(signal.SIGINT, self._tunes)
            self._end_at_once()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals == 2:
            self._end_at_once()

    def _end_at_once(self) -> None:
        """End Ray's loop; a further signal then does what it did before the loop began."""
        if self._tunes is not None and self._signals:
            self._tunes(signal.SIGINT, None)

    @property
    def starts_nothing(self) -> bool:
        """Whether a trial that is started now would not get to the end of its first iteration."""
        if self._limit is None or self.why is not None or self._signals:
            return self.why is not None or self._signals > 0
        per_iteration = (self._watchdog.expected or 0.0) / self._every
        return time.time() + self._longest_start + per_iteration >= self._limit.saves

    def handed_out(self, key: str) -> None:
        """A trial was handed to Ray now."""
        self._handed_out[key] = time.time()

    def on_trial_start(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Its process is ready to train."""
        key, now = trial.config["key"], time.time()
        self._training.add(key)
        self._longest_start = max(self._longest_start, now - self._handed_out.pop(key, now))

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """It has ended, or waits for others."""
        self._training.discard(trial.config["key"])

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """It has handed itself back, or failed."""
        self._training.discard(trial.config["key"])

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second."""
        now = time.time()
        if self.why is None and self._signals:
            self._begin("Interrupted", now + GRACE)
        elif self.why is None and self._limit is not None and now >= self._limit.saves:
            self._begin(f"Ended before its {self._limit}", self._limit.gives_up)
        if self.why is not None and (not self._training or now >= self._gives_up):
            self.end()

    def end(self) -> NoReturn:
        """End the study now. Raises EndsEarly."""
        self.why = self.why or (
            f"Ended before its {self._limit}" if self._limit and not self._signals else "Interrupted"
        )
        self._end_at_once()
        raise EndsEarly(self.why)

    def _begin(self, why: str, gives_up: float) -> None:
        self.why, self._gives_up = why, gives_up
        self._hand_back.ask({EVERYWHERE})
        if self._training:
            seconds = format_seconds(max(0.0, gives_up - time.time()))
            now = "" if self._limit is not None and not self._signals else "; another signal ends the study at once"
            self._director.ends_early(
                f"{why}: trials save themselves after their iterations, which is waited for at most {seconds}{now}"
            )
