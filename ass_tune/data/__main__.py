"""`python -m ass_tune.data`."""

from __future__ import annotations

import sys

from ass_tune.data.command import main

if __name__ == "__main__":
    sys.exit(main())
