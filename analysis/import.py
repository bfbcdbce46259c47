"""`python -m analysis.import EXPORT`: the way back of an export; all of it is in `analysis.export.bring_back`."""  # noqa: N999

from __future__ import annotations

import sys

from analysis.export.bring_back import main

if __name__ == "__main__":
    sys.exit(main())
