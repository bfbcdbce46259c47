"""`python -m ass_tune.data`."""

from __future__ import annotations

import sys

from ass_tune.data.command import main
from trainables.command_line import as_process

if __name__ == "__main__":
    sys.exit(as_process(main))
