"""`python -m analysis.report STUDY`."""

import sys

from analysis.report.command import main

sys.exit(main())
