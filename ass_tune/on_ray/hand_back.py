"""How the driver asks trials on any node to hand themselves back: by a word in Ray's key-value store.

Their processes look there every second. Ray runs no second task beside the training of an actor, and starts no
process on a node that is about to be taken away.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.on_ray.key_value import NAMESPACE, place
from ass_tune.on_ray.resources import draining_nodes
from trainables.preemption import ask_to_hand_back, asked_to_hand_back

LOOK_EVERY = 1.0
DRAINING_EVERY = 2.0
EVERYWHERE = "everywhere"


class HandBack:
    """Asks the trials of this driver to hand themselves back, on some nodes or everywhere."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    def ask(self, places: set[str]) -> None:
        """Ask there; once asked, all trials that come to such a place are asked, too.

        Args:
            places: ids of nodes, or `EVERYWHERE`.
        """
        from ray.experimental.internal_kv import _internal_kv_put

        if places <= self._asked:
            return
        self._asked |= places
        _internal_kv_put(
            place("hand back"), json.dumps(sorted(self._asked)).encode(), overwrite=True, namespace=NAMESPACE
        )

    def close(self) -> None:
        """Take it back: no trial of this driver is left."""
        from ray.experimental.internal_kv import _internal_kv_del

        if self._asked:
            with suppress(Exception):  # Ray may be gone
                _internal_kv_del(place("hand back"), namespace=NAMESPACE)


class DrainWatcher(Callback):
    """Asks for the trials of nodes that Ray drains: Kubernetes, a spot machine or `ray drain-node` takes them away."""

    def __init__(self, hand_back: HandBack) -> None:
        self._hand_back, self._next = hand_back, 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: the ledger is the state."""
        return {}

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second."""
        if (now := time.monotonic()) >= self._next:
            self._next = now + DRAINING_EVERY
            self._hand_back.ask(draining_nodes())


@cache
def listen() -> None:
    """In a trial's process: look for the driver's word from now on. Outside of Ray nothing happens."""
    import ray
    from ray._private.worker import _global_node

    if _global_node is None:
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # between two trials it would end the process
    here = {EVERYWHERE, ray.get_runtime_context().get_node_id()}
    threading.Thread(target=_look, args=(place("hand back"), here), name="hand-back", daemon=True).start()


def _look(word: bytes, here: set[str]) -> None:
    from ray.experimental.internal_kv import _internal_kv_get

    while not asked_to_hand_back():
        time.sleep(LOOK_EVERY)
        with suppress(Exception):  # Ray's head may be away for a moment
            found = _internal_kv_get(word, namespace=NAMESPACE)
            if found is not None and here & set(json.loads(found)):
                ask_to_hand_back()
