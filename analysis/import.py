"""`python -m analysis.import EXPORT`: the way back of an export; all of it is in `analysis.export.bring_back`."""  # noqa: N999

from __future__ import annotations

import sys

from analysis.export.bring_back import main
from trainables.command_line import as_process

if __name__ == "__main__":
    sys.exit(as_process(main))
