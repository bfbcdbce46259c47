"""How a command of the project runs as a process: its output is best effort, and signals end it like Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Callable

from trainables.mistakes import ExitCode
from trainables.output import best_effort_streams
from trainables.signals import ending_signals


def as_process(main: Callable[[], int]) -> int:
    """Call a command's `main` and return the exit code of the process.

    That is what `main` returns, except that one that a signal interrupted ends with 128 + its number, as shells expect,
    and that INCOMPLETE takes the place of FINISHED where a disk took no more of standard output. That nobody reads a
    pipe or a terminal any more changes nothing.
    """
    out, err = best_effort_streams()
    with ending_signals() as ended:
        try:
            code = int(main())
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            code = int(ExitCode.INTERRUPTED)
        finally:
            out.finish()
            if out.disk_took_no_more:
                print(f"Not all of standard output could be written: {out.error}", file=sys.stderr)
            err.finish()
    if ended.number is not None and code == ExitCode.INTERRUPTED:
        return 128 + ended.number
    return ExitCode.INCOMPLETE if code == ExitCode.FINISHED and out.disk_took_no_more else code
