"""A Ctrl-C at a moment that nobody chose."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable


def interrupted(call: Callable[[], None], seconds: float) -> None:
    """Call again and again until, after about `seconds`, a KeyboardInterrupt strikes somewhere inside."""

    def strike(*_: object) -> None:
        raise KeyboardInterrupt

    def send() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGUSR1)

    before, sender = signal.signal(signal.SIGUSR1, strike), threading.Thread(target=send)
    try:
        sender.start()
        while True:
            call()
    except KeyboardInterrupt:
        sender.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
